//! Formats results for people and programs: one file per format, each a pure function to text.
//!
//! Invariant: results in, text out. Nothing here writes to a file or a terminal, and no format knows
//! another.

pub mod api;
pub mod candidates;
mod cell;
mod columns;
pub mod days;
pub mod doctor;
mod document;
pub mod evaluate;
pub mod explain;
pub mod export;
pub mod fields;
pub mod json;
pub mod page;
pub mod prune;
pub mod redetect;
pub mod report;
pub mod reviews;
pub mod scores;
pub mod settings;
pub mod site;
pub mod sources;
pub mod status;
pub mod summary;
pub mod table;
pub mod verify;

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::{Counts, NotAudio, Replaced, Run, Unresolved};
use crate::text::pluralize;

/// What the formats show of a run.
pub struct View<'a> {
    pub run: &'a Run,
    /// As the database holds them.
    pub counts: &'a Counts,
    /// Damaged recordings in the window of the run, found by this or an earlier run.
    pub unresolved: Unresolved,
    /// Where the rows are stored, with the password masked. None if nothing was stored.
    pub database: Option<String>,
    /// Files in the scanned folders that are not audio.
    pub not_audio: &'a NotAudio,
    /// Results of earlier runs that it replaced.
    pub replaced: &'a Replaced,
}

/// The instant plus the offset, saturating at the last representable instant.
fn after(at: Timestamp, offset: Duration) -> Timestamp {
    at.saturating_add(offset).unwrap_or(Timestamp::MAX)
}
