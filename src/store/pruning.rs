//! What a database forgets, and what it did forget.
//!
//! A row that names a clip is never removed: whoever removes clips does that first, and then tells the database. What
//! is cut short in between leaves rows whose clips are missing, never clips that nobody knows. Rows go some hundred
//! recordings at a time, each time in one transaction: what is cut short goes with the next prune.

use jiff::Timestamp;

/// Recordings that are looked at in one transaction.
pub const RECORDINGS: i64 = 500;

/// What is to be forgotten: recordings with their laughs, and runs that nothing refers to any more.
#[derive(Debug, Clone)]
pub struct Pruning {
    /// None: everybody's rows.
    pub source: Option<String>,
    /// Only what was over by then.
    pub before: Timestamp,
    /// For a dry run, before which no clip was removed: all old clips count as gone but these. None: none does.
    pub stuck: Option<Vec<String>>,
    /// All is done and then rolled back.
    pub dry_run: bool,
}

/// What was forgotten of some recordings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Source and name of each recording that was removed, in order.
    pub recordings: Vec<(String, String)>,
    /// Laughs that were removed with them.
    pub detections: u64,
    /// Recordings that are old enough and stay, since one of their laughs still names a clip.
    pub kept: u64,
    /// Behind which recording to go on; None: there are no more.
    pub next: Option<i64>,
}

/// A recording that is old enough.
pub struct Old {
    pub id: i64,
    pub source: String,
    pub name: String,
    pub names_a_clip: bool,
}

impl Pruned {
    /// What the removal of some comes to, and the numbers of those that go. `detections` is not known yet.
    pub fn of(old: Vec<Old>) -> (Pruned, Vec<i64>) {
        let is_last = old.len() < RECORDINGS as usize;
        let next = old.last().map(|last| last.id).filter(|_| !is_last);
        let (kept, gone): (Vec<Old>, Vec<Old>) = old.into_iter().partition(|old| old.names_a_clip);
        let ids = gone.iter().map(|old| old.id).collect();
        let mut recordings: Vec<_> = gone.into_iter().map(|old| (old.source, old.name)).collect();
        recordings.sort();
        (Pruned { recordings, detections: 0, kept: kept.len() as u64, next }, ids)
    }
}
