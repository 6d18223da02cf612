//! One line that says how a run went.
//!
//! Invariant: the counts are those the database gave back.

use std::path::Path;
use std::time::Duration;

use super::View;
use crate::record::{Recording, plain, position, several};

/// `16 new laughs; 25 recordings heard (0:12:20.1 of audio), 0 skipped, 0 failed; stored in sqlite:…`
pub fn line(view: &View) -> String {
    let others = view.not_audio.summary().map(|others| format!("; {others}")).unwrap_or_default();
    format!("{}{others}; {}", counts(view), stored(view))
}

/// The same, but for where the rows are.
pub fn counts(view: &View) -> String {
    let counts = view.counts;
    format!(
        "{}; {} heard ({} of audio), {} skipped{}, {} failed{}",
        several(counts.detections, "new laugh"),
        several(counts.heard, "recording"),
        position(&audio(view)),
        counts.skipped,
        still_being_written(view),
        counts.failed,
        lost(counts.clips_lost),
    )
}

/// Of clips that could not be written. One line, however many: what stands in the way of one stands in the way of all.
pub fn lost_clips(view: &View, folder: &Path) -> Option<String> {
    let (recording, lost) = view.run.clips_lost().next()?;
    Some(format!(
        "{} could not be written into {}, the first of {}: {}; the laughs are stored all the same. Mend that and scan \
         again: clips that are missing are then cut",
        several(view.counts.clips_lost, "clip"),
        folder.display(),
        recording.name,
        lost.reason
    ))
}

/// All that was heard.
pub fn audio(view: &View) -> Duration {
    view.run.heard().map(|(_, heard)| heard.audio).sum()
}

fn lost(clips: u64) -> String {
    match clips {
        0 => String::new(),
        count => format!("; {} could not be written", several(count, "clip")),
    }
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
        Some(database) => format!("stored in {}", plain(database)),
        None => "nothing stored (dry run)".to_owned(),
    }
}

/// Recordings that were left for the next run.
pub fn unfinished<'a>(view: &'a View) -> Vec<&'a Recording> {
    view.run.unfinished().collect()
}
