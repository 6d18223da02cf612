//! One line that says how a run went, and a line for each recording that failed or was left for later.
//!
//! Invariant: the counts are those the database gave back.

use std::time::Duration;

use super::View;
use crate::record::{Skip, position};

/// `16 new laughs; 25 recordings heard (0:12:20.1 of audio), 0 skipped, 0 failed; stored in sqlite:…`
pub fn line(view: &View) -> String {
    let audio: Duration = view.run.heard().map(|(_, heard)| heard.audio).sum();
    let counts = view.counts;
    format!(
        "{}; {} heard ({} of audio), {} skipped{}, {} failed; {}",
        several(counts.detections, "new laugh"),
        several(counts.heard, "recording"),
        position(&audio),
        counts.skipped,
        still_being_written(view),
        counts.failed,
        stored(view)
    )
}

/// Of those skipped, the ones that the next run will hear.
fn still_being_written(view: &View) -> String {
    match unfinished(view).len() {
        0 => String::new(),
        count => format!(" ({count} still being written)"),
    }
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

/// `walk/a.ogg: is still being written; …`, a line a recording that was left for the next run.
pub fn unfinished(view: &View) -> Vec<String> {
    let unfinished = view.run.skipped().filter(|(_, skip)| **skip == Skip::BeingWritten);
    unfinished
        .map(|(recording, _)| format!("{}: is still being written; left for the next run", recording.name))
        .collect()
}
