//! The summary line of a run.
//!
//! Invariant: the counts are read back from the database.

use std::fmt::Display;
use std::time::Duration;

use super::View;
use crate::domain::{Recording, Replaced, StartTimes};
use crate::text::{escape, pluralize, position};

/// `16 new laughs; 25 recordings analyzed (0:12:20.1 of audio), 0 skipped, 0 failed; stored in sqlite:…`
pub fn line(view: &View) -> String {
    let others = view.not_audio.summary().map(|others| format!("; {others}")).unwrap_or_default();
    format!("{}{others}; {}", counts(view), stored(view))
}

/// The line without the database.
pub fn counts(view: &View) -> String {
    let counts = view.counts;
    format!(
        "{}; {} analyzed ({} of audio){}{}, {} skipped{}, {} failed{}",
        pluralize(counts.detections, "new laugh"),
        pluralize(counts.analyzed + counts.partial, "recording"),
        position(&audio(view)),
        partial(counts.partial),
        redetected(counts.redetected),
        counts.skipped,
        skip_reasons(view),
        counts.failed,
        clips_failed(counts.clips_failed),
    )
}

/// The message about clips that could not be written. One line for all, since they usually fail for one reason.
pub fn failed_clips(view: &View, location: &impl Display) -> Option<String> {
    let (recording, failed) = view.run.clips_failed().next()?;
    Some(format!(
        "{} could not be written into {}, the first of {}: {}; the laughs are stored. Fix the cause and scan \
         again to write the missing clips",
        pluralize(view.counts.clips_failed, "clip"),
        location,
        recording.name,
        failed.reason
    ))
}

/// What start times are based on, if they may be wrong: `25 recordings without a time zone in their start, read in
/// Europe/Berlin (--name-tz names another); 2 recordings dated by their modification time only (…)`
pub fn start_times(view: &View) -> Option<String> {
    let StartTimes { mtime, upload, zone_assumed } = view.run.start_times();
    let zone = escape(&view.run.analysis.name_zone);
    let its = |count: u64| if count == 1 { "its" } else { "their" };
    let dated = |count, by: &str| {
        (count, format!("dated by {} {by} only (safer: a name such as 20251024_130000.wav)", its(count)))
    };
    let without_zone = format!("without a time zone in {} start, read in {zone}", its(zone_assumed));
    let parts = [
        (zone_assumed, without_zone + " (--name-tz names another)"),
        dated(mtime, "modification time"),
        dated(upload, "upload"),
    ];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts.map(|(count, what)| format!("{} {what}", pluralize(count, "recording"))).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// `125 recordings analyzed again: detection parameters changed; 77 detections replaced by 81`
pub fn replaced(view: &View) -> Option<String> {
    let Replaced { recordings, redetected, detections_before, detections_after, reasons } = view.replaced;
    let how = match recordings - redetected {
        0 => "decided anew",
        analyzed if analyzed == *recordings => "analyzed again",
        _ => "analyzed again or decided anew",
    };
    let reasons: Vec<&str> = reasons.keys().copied().collect();
    let what = format!("{} {how}: {}", pluralize(*recordings, "recording"), reasons.join(", "));
    let detections = pluralize(*detections_before, "detection");
    (*recordings > 0).then(|| format!("{what}; {detections} replaced by {detections_after}"))
}

/// Total length of the analyzed audio.
pub fn audio(view: &View) -> Duration {
    view.run.analyzed().map(|(_, analyzed)| analyzed.audio).sum()
}

fn clips_failed(clips: u64) -> String {
    match clips {
        0 => String::new(),
        count => format!("; {} could not be written", pluralize(count, "clip")),
    }
}

/// Partial ones among the analyzed recordings.
fn partial(partial: u64) -> String {
    match partial {
        0 => String::new(),
        count => format!(", {count} of them partial"),
    }
}

/// Recordings whose laughs were decided anew from stored scores.
fn redetected(redetected: u64) -> String {
    match redetected {
        0 => String::new(),
        count => format!(", {count} redetected"),
    }
}

/// Among the skipped recordings: those in progress, which the next run analyzes, and those with known damage.
fn skip_reasons(view: &View) -> String {
    let counts = [(in_progress(view).len(), "in progress"), (view.run.known_damage().count(), "known to be damaged")];
    let parts: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

fn stored(view: &View) -> String {
    match &view.database {
        Some(database) => format!("stored in {}", escape(database)),
        None => "nothing stored (dry run)".to_owned(),
    }
}

/// Recordings in progress, which are left for the next run.
pub fn in_progress<'a>(view: &'a View) -> Vec<&'a Recording> {
    view.run.in_progress().collect()
}
