//! One line that says how a run went.
//!
//! Invariant: the counts are those the database gave back.

use std::path::Path;
use std::time::Duration;

use super::View;
use crate::record::{Recording, plain, position, several};

/// `16 new laughs; 25 recordings analyzed (0:12:20.1 of audio), 0 skipped, 0 failed; stored in sqlite:…`
pub fn line(view: &View) -> String {
    let others = view.not_audio.summary().map(|others| format!("; {others}")).unwrap_or_default();
    format!("{}{others}; {}", counts(view), stored(view))
}

/// The same, but for where the rows are.
pub fn counts(view: &View) -> String {
    let counts = view.counts;
    format!(
        "{}; {} analyzed ({} of audio){}, {} skipped{}, {} failed{}",
        several(counts.detections, "new laugh"),
        several(counts.analyzed + counts.partial, "recording"),
        position(&audio(view)),
        in_part(counts.partial),
        counts.skipped,
        of_the_skipped(view),
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

/// Of those analyzed.
fn in_part(partial: u64) -> String {
    match partial {
        0 => String::new(),
        count => format!(", {count} of them in part"),
    }
}

/// Of those skipped, the ones that the next run will analyze, and those that none will.
fn of_the_skipped(view: &View) -> String {
    let counts =
        [(unfinished(view).len(), "still being written"), (view.run.known_damage().count(), "known to be damaged")];
    let parts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
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
