//! What a database forgets, and what it did forget.
//!
//! A row that names a clip is never removed: whoever removes clips does that first, and then tells the database. What
//! is cut short in between leaves rows whose clips are missing, never clips that nobody knows.

use jiff::Timestamp;

/// What is to be forgotten.
#[derive(Debug, Clone)]
pub struct Pruning {
    /// None: everybody's rows.
    pub source: Option<String>,
    /// Only what was over by then.
    pub before: Timestamp,
    /// Clips that are gone, as `detections.clip` names them. Rows stay and name none from now on.
    pub clips: Vec<String>,
    /// Recordings with their laughs, and runs that nothing refers to any more. Without it only clips are forgotten.
    pub rows: bool,
    /// All is done and then rolled back.
    pub dry_run: bool,
}

/// What was forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Laughs that name no clip any more.
    pub clips: u64,
    /// Source and name of each recording that was removed, in order.
    pub recordings: Vec<(String, String)>,
    /// Laughs that were removed with them.
    pub detections: u64,
    pub runs: u64,
    /// Recordings that are old enough and stay, since one of their laughs still names a clip.
    pub kept: u64,
}

/// Numbers of the recordings that go, and how many stay for their clips: `(id, names a clip)` in, both out.
pub fn parted(old: Vec<(i64, bool)>) -> (Vec<i64>, u64) {
    let (kept, gone): (Vec<_>, Vec<_>) = old.into_iter().partition(|(_, names_a_clip)| *names_a_clip);
    (gone.into_iter().map(|(id, _)| id).collect(), kept.len() as u64)
}
