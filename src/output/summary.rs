//! One line that says how a run went, and a line for each recording that failed.
//!
//! Invariant: the counts are those the database gave back.

use std::time::Duration;

use super::View;
use crate::record::position;

/// `16 new laughs; 25 recordings heard (0:12:20.1 of audio), 0 skipped, 0 failed; stored in sqlite:…`
pub fn line(view: &View) -> String {
    let audio: Duration = view.run.heard().map(|(_, heard)| heard.audio).sum();
    let counts = view.counts;
    format!(
        "{}; {} heard ({} of audio), {} skipped, {} failed; {}",
        several(counts.detections, "new laugh"),
        several(counts.heard, "recording"),
        position(&audio),
        counts.skipped,
        counts.failed,
        stored(view)
    )
}

fn stored(view: &View) -> String {
    match &view.database {
        Some(database) => format!("stored in {database}"),
        None => "nothing stored (dry run)".to_owned(),
    }
}

fn several(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// `walk/a.ogg: is damaged at 0:00:12.0: …`, a line a failed recording.
pub fn failures(view: &View) -> Vec<String> {
    view.run.failed().map(|(recording, error)| format!("{}: {error}", recording.name)).collect()
}
