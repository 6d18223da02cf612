//! What the reviews say of the detections: a table, a JSON document, a plot.

mod json;
mod plot;
mod text;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::Window;
use crate::evaluate::Evaluation;

pub use self::json::document;
pub(super) use self::json::{CURVE, DECISION, DOCUMENT, PROPORTION};
pub use self::plot::plot;
pub use self::text::text;

/// What these formats show.
pub struct EvaluationView<'a> {
    pub asked: Timestamp,
    pub zone: &'a TimeZone,
    /// None: all sources.
    pub source: Option<&'a str>,
    pub window: Window,
    /// The threshold in use, a score.
    pub threshold: f32,
    pub evaluation: &'a Evaluation,
}

/// The measures by their names in the table; those of `evaluate::CRITERIA`, then average precision.
const NAMES: [&str; 6] = ["F1, collar", "F1, IoU 0.3", "F1, IoU 0.5", "F1, PSDS 1", "F1, PSDS 2", "average precision"];

#[cfg(test)]
mod tests;
