//! JSON lines, one object per laugh, as audio tools read lists of events.
//!
//! `file`, `start`, `end` and `avg_prob` are the names that such tools use; the others are giggles' own.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Format, is_favourite, no_head, no_tail};
use crate::domain::{Field, StoredDetection, StoredRecording, Verdict, field};
use crate::text::shortest_f64;

pub const FORMAT: Format = Format {
    name: "jsonl",
    about: "JSON lines, one object per laugh",
    suffix: ".giggles.jsonl",
    is_of_one_recording: false,
    contains_failures: false,
    head: no_head,
    recording,
    tail: no_tail,
};

pub(in crate::render) const FIELDS: &[Field] = &[
    field("file", "string", "name of the recording: its path below the scanned folder"),
    field("source", "string", "the person or device of the recording"),
    field("start", "number", "offset of the start in the recording, seconds"),
    field("end", "number", "offset of the end in the recording, seconds"),
    field("avg_prob", "number", "mean score of its patches, 0 to 1"),
    field("max_prob", "number", "highest score, 0 to 1"),
    field("class", "string", "AudioSet name of the highest-scoring laughter class"),
    field("starts_at", "string", "start, RFC 3339 in UTC"),
    field("ends_at", "string", "end, RFC 3339 in UTC"),
    field("local_date", "string", "calendar day of the start, in the zone of the run"),
    field("verdict", "string or null", "`confirmed` or `rejected`; null without a review"),
    field("comment", "string or null", "comment of the review"),
    field("favourite", "boolean", "whether the reviewer marked it as favourite"),
];

fn recording(text: &mut dyn Write, recording: &StoredRecording, _: bool) -> io::Result<()> {
    recording.laughs().iter().try_for_each(|laugh| writeln!(text, "{}", detection(recording, laugh)))
}

fn detection(recording: &StoredRecording, laugh: &StoredDetection) -> Value {
    let detection = &laugh.detection;
    json!({
        "file": recording.name,
        "source": recording.source,
        "start": detection.start.as_secs_f64(),
        "end": detection.end.as_secs_f64(),
        "avg_prob": shortest_f64(detection.mean),
        "max_prob": shortest_f64(detection.peak),
        "class": detection.class_name(),
        "starts_at": laugh.starts.to_string(),
        "ends_at": laugh.ends.to_string(),
        "local_date": laugh.local_date.to_string(),
        "verdict": laugh.review.as_ref().and_then(|review| review.verdict).map(Verdict::as_str),
        "comment": laugh.review.as_ref().and_then(|review| review.comment.as_deref()),
        "favourite": is_favourite(laugh),
    })
}
