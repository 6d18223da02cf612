//! What `redetect` has decided, for people and programs.

use serde_json::{Value, json};

use super::json::{SPEC_FIELD, SPEC_VERSION};
use super::pluralize;
use crate::domain::{Field, field};
use crate::redetect::{Report, SourceReport};
use crate::text::escape;

/// Recordings that a message names.
const NAMED: usize = 5;

/// A line for each source with recordings; of several without any, none.
pub fn text(report: &Report) -> String {
    let decided = report.sources.iter().filter(|source| source.counts.redetected > 0);
    decided.map(|source| line(source, report.dry_run)).collect()
}

fn line(source: &SourceReport, dry_run: bool) -> String {
    let SourceReport { counts, added, removed, kept, .. } = source;
    let pending = match source.clips_pending {
        0 => String::new(),
        count => {
            format!("; {} without a clip, in {}", pluralize(count, "laugh"), first(&source.without_clips))
        }
    };
    let stored = if dry_run { "; nothing stored (dry run)" } else { "" };
    format!(
        "{}: {} redetected, {} ({added} new, {removed} gone, {kept} as before){pending}{stored}\n",
        escape(&source.source),
        pluralize(counts.redetected, "recording"),
        pluralize(counts.detections, "laugh"),
    )
}

/// The names of the first recordings, and how many more there are.
fn first(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(NAMED).map(|name| escape(name)).collect();
    match names.len().saturating_sub(NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The message about recordings whose stored scores are damaged.
pub fn damaged(source: &SourceReport) -> Option<String> {
    (!source.damaged.is_empty()).then(|| {
        format!(
            "the stored scores of {} of {} are damaged, in {}: their number does not fit the length, or they cannot be read; \
             scan the recordings again with --force",
            pluralize(source.damaged.len(), "recording"),
            escape(&source.source),
            first(&source.damaged)
        )
    })
}

/// The message about recordings that must be analyzed again.
pub fn needs_audio(source: &SourceReport) -> Option<String> {
    let first = source.needs_audio.first()?;
    Some(format!(
        "{} of {} cannot be decided from what is stored, first {}: analyzed by another version, or the threshold is lower \
         than what was kept; scan them again",
        pluralize(source.needs_audio.len(), "recording"),
        source.source,
        first
    ))
}

/// Fields of the document.
pub(super) const DOCUMENT: &[Field] = &[
    field("sources[].source", "string", "the person or device of the recordings"),
    field("sources[].run", "string or null", "id of the run; null if nothing was stored"),
    field("sources[].redetected", "number", "recordings that were decided anew"),
    field("sources[].detections", "number", "their laughs"),
    field("sources[].added", "number", "laughs that overlap none of before"),
    field("sources[].removed", "number", "laughs of before that overlap none of now"),
    field("sources[].kept", "number", "the other laughs"),
    field("sources[].needs_audio[]", "string", "name of a recording that must be analyzed again"),
    field("sources[].damaged[]", "string", "name of a recording whose stored scores are damaged"),
    field("sources[].without_clips[]", "string", "name of a recording with a laugh that should have a clip"),
    field("sources[].clips_pending", "number", "laughs without a clip in recordings with clips"),
    field("exit_code", "number", "the exit code"),
    SPEC_FIELD,
];

pub fn document(report: &Report) -> String {
    let sources: Vec<Value> = report.sources.iter().map(source).collect();
    let document = json!({ "spec_version": SPEC_VERSION, "exit_code": report.exit().code(), "sources": sources });
    format!("{document:#}\n")
}

fn source(source: &SourceReport) -> Value {
    json!({
        "source": source.source,
        "run": source.run,
        "redetected": source.counts.redetected,
        "detections": source.counts.detections,
        "added": source.added,
        "removed": source.removed,
        "kept": source.kept,
        "needs_audio": source.needs_audio,
        "damaged": source.damaged,
        "without_clips": source.without_clips,
        "clips_pending": source.clips_pending,
    })
}
