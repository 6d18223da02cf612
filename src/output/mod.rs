//! What a run looks like to people and programs: one file a format, each a pure function to text.
//!
//! Invariant: results in, text out. Nothing here writes to a file or a terminal, and no format knows
//! another.

pub mod cell;
pub mod doctor;
mod document;
pub mod export;
pub mod json;
pub mod notes;
pub mod page;
pub mod prune;
pub mod report;
pub mod scores;
pub mod status;
pub mod summary;
pub mod table;
pub mod verify;

use std::time::Duration;

use jiff::Timestamp;

use crate::record::{Counts, NotAudio, Run, Unresolved, several};

/// All that a format may show.
pub struct View<'a> {
    pub run: &'a Run,
    /// As the database holds them.
    pub counts: &'a Counts,
    /// Damaged recordings of its window, whichever run found them.
    pub unresolved: Unresolved,
    /// Where the rows are, its password masked. None: nothing was stored.
    pub database: Option<String>,
    /// Files of the folders that were left alone.
    pub not_audio: &'a NotAudio,
}

/// An offset after an instant; the last instant there is, if time ends before.
fn after(at: Timestamp, offset: Duration) -> Timestamp {
    at.saturating_add(offset).unwrap_or(Timestamp::MAX)
}
