//! One document: every recording with its laughs, or with why it could not be heard.

use std::io::{self, Write};
use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::{Format, score};
use crate::output::document::write_item;
use crate::record::{Judgement, LAUGHTER_NAMES, Laugh, StoredFailure, StoredRecording};

pub const FORMAT: Format = Format {
    name: "json",
    about: "one document: recordings, their laughs and failures",
    suffix: ".giggles.json",
    is_of_one_recording: false,
    head,
    recording,
    tail,
};

const SPEC_VERSION: &str = "1";

fn head(text: &mut dyn Write) -> io::Result<()> {
    write!(text, "{{\n  \"recordings\": [")
}

fn recording(text: &mut dyn Write, recording: &StoredRecording, is_first: bool) -> io::Result<()> {
    write_item(text, &Recording::of(recording), is_first)
}

fn tail(text: &mut dyn Write, is_empty: bool) -> io::Result<()> {
    let end = if is_empty { "" } else { "\n  " };
    writeln!(text, "{end}],\n  \"spec_version\": \"{SPEC_VERSION}\"\n}}")
}

/// In the order of the alphabet, as all documents of giggles.
#[derive(Serialize)]
struct Recording<'a> {
    began_at: Option<String>,
    began_from: Option<&'static str>,
    bytes: u64,
    content_sha256: Option<String>,
    duration_seconds: Option<f64>,
    failure: Option<Value>,
    #[serde(serialize_with = "one_by_one")]
    laughs: &'a [Laugh],
    missing_count: Option<u64>,
    missing_ranges: Option<Value>,
    missing_seconds: Option<f64>,
    name: &'a str,
    run: &'a str,
    source: &'a str,
    status: &'static str,
}

impl Recording<'_> {
    fn of(recording: &StoredRecording) -> Recording<'_> {
        let missing = recording.sound().map(|sound| &sound.missing);
        Recording {
            began_at: recording.began.map(|began| began.at.to_string()),
            began_from: recording.began.map(|began| began.from.as_str()),
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

/// A day-long recording may hold tens of thousands.
fn one_by_one<S: Serializer>(laughs: &&[Laugh], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(laughs.iter().map(laugh))
}

fn failure(failure: &StoredFailure) -> Value {
    json!({
        "kind": failure.kind,
        "message": failure.reason,
        "position_seconds": failure.position.map(seconds),
    })
}

fn laugh(laugh: &Laugh) -> Value {
    let event = &laugh.event;
    let peaks = LAUGHTER_NAMES.iter().zip(event.laughter_peaks).map(|(name, peak)| ((*name).to_owned(), score(peak)));
    json!({
        "starts_at": laugh.starts.to_string(),
        "ends_at": laugh.ends.to_string(),
        "local_date": laugh.local_date.to_string(),
        "start_seconds": seconds(event.start),
        "end_seconds": seconds(event.end),
        "peak_score": score(event.peak),
        "mean_score": score(event.mean),
        "class_index": event.class,
        "class": event.class_name(),
        "laughter_peaks": Value::Object(Map::from_iter(peaks)),
        "verdict": laugh.note.as_ref().and_then(|note| note.verdict).map(Judgement::as_str),
        "note": laugh.note.as_ref().and_then(|note| note.words.as_deref()),
    })
}

fn seconds(offset: Duration) -> f64 {
    offset.as_secs_f64()
}
