//! One JSON document: every recording with its laughs or its failure.

use std::io::{self, Write};

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::Format;
use crate::domain::{Field, StoredDetection, StoredFailure, StoredRecording, Verdict, field};
use crate::render::document::write_item;
use crate::render::json::{detection_with, seconds};

pub const FORMAT: Format = Format {
    name: "json",
    about: "one JSON document of recordings with laughs and failures",
    suffix: ".giggles.json",
    is_of_one_recording: false,
    contains_failures: false,
    head,
    recording,
    tail,
};

const SPEC_VERSION: &str = "1";

pub(in crate::render) const FIELDS: &[Field] = &[
    field("spec_version", "string", "version of the format"),
    field("recordings[].name", "string", "path below the scanned folder"),
    field("recordings[].source", "string", "the person or device of the recording"),
    field("recordings[].run", "string", "id of the run that stored it"),
    field("recordings[].content_sha256", "string or null", "SHA-256 of the file; null if it could not be read"),
    field("recordings[].bytes", "number", "size of the file"),
    field("recordings[].started_at", "string or null", "when the recording started, null if unknown"),
    field("recordings[].start_source", "string or null", "where the start was read, null if unknown"),
    field("recordings[].duration_seconds", "number or null", "duration, null if unknown"),
    field("recordings[].status", "string", "`analyzed`, `partial` or `failed`"),
    field("recordings[].missing_count", "number or null", "ranges that could not be decoded; null of failed ones"),
    field("recordings[].missing_seconds", "number or null", "their duration in total; null of failed ones"),
    field("recordings[].missing_ranges", "array or null", "those ranges; null of failed ones"),
    field("recordings[].failure", "object or null", "why it failed; null of others"),
];

/// Fields of a laugh besides those of a run's document.
pub(in crate::render) const REVIEW: &[Field] = &[
    field("verdict", "string or null", "`confirmed` or `rejected`; null without a review"),
    field("comment", "string or null", "comment of the review"),
    field("favourite", "boolean", "whether the reviewer marked it as favourite"),
];

fn head(text: &mut dyn Write) -> io::Result<()> {
    write!(text, "{{\n  \"recordings\": [")
}

fn recording(text: &mut dyn Write, recording: &StoredRecording, is_first: bool) -> io::Result<()> {
    write_item(text, &Recording::from(recording), is_first)
}

/// A recording without its laughs.
pub fn without_laughs(recording: &StoredRecording) -> Value {
    let mut value = json!(Recording::from(recording));
    value.as_object_mut().and_then(|members| members.remove("laughs"));
    value
}

fn tail(text: &mut dyn Write, is_empty: bool) -> io::Result<()> {
    let end = if is_empty { "" } else { "\n  " };
    writeln!(text, "{end}],\n  \"spec_version\": \"{SPEC_VERSION}\"\n}}")
}

/// Fields in alphabetical order, as in all JSON documents of giggles.
#[derive(Serialize)]
struct Recording<'a> {
    started_at: Option<String>,
    start_source: Option<&'static str>,
    bytes: u64,
    content_sha256: Option<String>,
    duration_seconds: Option<f64>,
    failure: Option<Value>,
    #[serde(serialize_with = "one_by_one")]
    laughs: &'a [StoredDetection],
    missing_count: Option<u64>,
    missing_ranges: Option<Value>,
    missing_seconds: Option<f64>,
    name: &'a str,
    run: &'a str,
    source: &'a str,
    status: &'static str,
}

impl<'a> From<&'a StoredRecording> for Recording<'a> {
    fn from(recording: &'a StoredRecording) -> Recording<'a> {
        let missing = recording.sound().map(|sound| &sound.missing);
        Recording {
            started_at: recording.started.map(|started| started.at.to_string()),
            start_source: recording.started.map(|started| started.from.as_str()),
            bytes: recording.bytes,
            content_sha256: recording.content.map(|content| content.to_string()),
            duration_seconds: recording.duration.map(seconds),
            failure: recording.failure().map(failure),
            laughs: recording.laughs(),
            missing_count: missing.map(|missing| missing.count),
            missing_ranges: missing.map(|missing| json!(missing.ranges)),
            missing_seconds: missing.map(|missing| seconds(missing.total)),
            name: &recording.name,
            run: &recording.run,
            source: &recording.source,
            status: recording.status(),
        }
    }
}

/// Serializes one laugh at a time: a day-long recording may contain tens of thousands.
fn one_by_one<S: Serializer>(laughs: &&[StoredDetection], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(laughs.iter().map(laugh))
}

fn failure(failure: &StoredFailure) -> Value {
    json!({
        "kind": failure.kind,
        "message": failure.reason,
        "position_seconds": failure.position.map(seconds),
    })
}

fn laugh(laugh: &StoredDetection) -> Value {
    let review = laugh.review.as_ref();
    let verdict = review.and_then(|review| review.verdict).map(Verdict::as_str);
    let members = [
        ("starts_at", Some(laugh.starts.to_string())),
        ("ends_at", Some(laugh.ends.to_string())),
        ("local_date", Some(laugh.local_date.to_string())),
        ("verdict", verdict.map(str::to_owned)),
        ("comment", review.and_then(|review| review.comment.clone())),
    ];
    let mut value = detection_with(&laugh.detection, members);
    value["favourite"] = super::is_favourite(laugh).into();
    value
}
