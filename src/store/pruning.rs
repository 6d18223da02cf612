//! What `prune` removes from a database, and the report of what it removed.
//!
//! A row that names a clip is never removed: `prune` removes the clip files first and then clears `clip` of detections and
//! candidates. An interruption in between leaves rows whose clips are missing, never clips without a row. Rows are removed in batches
//! of [`RECORDINGS`] recordings, each in one transaction: after an interruption, the next prune removes the rest.

use jiff::Timestamp;

use super::columns::{Cells, Cursor};

/// Recordings per transaction.
pub const RECORDINGS: i64 = 500;

/// What to remove: recordings with their detections, and runs that no row refers to any more.
#[derive(Debug, Clone)]
pub struct Pruning {
    /// None: the rows of all sources.
    pub source: Option<String>,
    /// Only what ended before this instant.
    pub before: Timestamp,
    /// For a dry run, which removes no clips: all old clips count as removed, except these. None: no clip does.
    pub stuck: Option<Vec<String>>,
    /// Perform everything, then roll back.
    pub dry_run: bool,
}

/// What was removed from one batch of recordings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PruneReport {
    /// Source and name of each removed recording, sorted.
    pub recordings: Vec<(String, String)>,
    /// Detections that were removed with them.
    pub detections: u64,
    /// Recordings that are old enough but stay, because one of their detections or candidates still names a clip.
    pub kept: u64,
    /// Id after which the next batch starts; None: there are no more recordings.
    pub next: Option<i64>,
}

/// A recording that is old enough.
pub struct Old {
    pub id: i64,
    pub source: String,
    pub name: String,
    pub names_a_clip: bool,
}

impl Old {
    /// Reads its fields in their order.
    pub fn read<C: Cells>(row: &C) -> Result<Old, C::Error> {
        let mut cells = Cursor::new(row);
        Ok(Old { id: cells.next()?, source: cells.next()?, name: cells.next()?, names_a_clip: cells.next()? })
    }
}

impl PruneReport {
    /// The report of removing these recordings, and the ids to remove. `detections` is filled in later.
    pub fn of_batch(old: Vec<Old>) -> (PruneReport, Vec<i64>) {
        let is_last = old.len() < RECORDINGS as usize;
        let next = old.last().map(|last| last.id).filter(|_| !is_last);
        let (kept, gone): (Vec<Old>, Vec<Old>) = old.into_iter().partition(|old| old.names_a_clip);
        let ids = gone.iter().map(|old| old.id).collect();
        let mut recordings: Vec<_> = gone.into_iter().map(|old| (old.source, old.name)).collect();
        recordings.sort();
        (PruneReport { recordings, detections: 0, kept: kept.len() as u64, next }, ids)
    }
}
