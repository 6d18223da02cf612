//! One document: every recording with its laughs, or with why it could not be heard.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Format, score};
use crate::record::{Judgement, LAUGHTER_NAMES, Laugh, StoredFailure, StoredRecording};

pub const FORMAT: Format = Format {
    name: "json",
    about: "one document: recordings, their laughs and failures",
    suffix: ".giggles.json",
    is_of_one_recording: false,
    text,
};

const SPEC_VERSION: &str = "1";

fn text(recordings: &[&StoredRecording]) -> String {
    let recordings: Vec<Value> = recordings.iter().map(|recording| value(recording)).collect();
    format!("{:#}\n", json!({ "spec_version": SPEC_VERSION, "recordings": recordings }))
}

fn value(recording: &StoredRecording) -> Value {
    json!({
        "source": recording.source,
        "name": recording.name,
        "content_sha256": recording.content.map(|content| content.to_string()),
        "bytes": recording.bytes,
        "began_at": recording.began.map(|began| began.at.to_string()),
        "began_from": recording.began.map(|began| began.from.as_str()),
        "duration_seconds": recording.duration.map(seconds),
        "status": recording.status(),
        "missing_ranges": recording.sound().map(|sound| &sound.missing.ranges),
        "missing_count": recording.sound().map(|sound| sound.missing.count),
        "missing_seconds": recording.sound().map(|sound| sound.missing.total.as_secs_f64()),
        "failure": recording.failure().map(failure),
        "laughs": recording.laughs().iter().map(laugh).collect::<Vec<_>>(),
        "run": recording.run,
    })
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
