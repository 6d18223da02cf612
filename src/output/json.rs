//! The run for other programs: one JSON document, or an event a line in a versioned envelope.
//!
//! Invariant: instants are RFC 3339 in UTC, offsets are seconds, scores are 0 to 1. A field's meaning
//! never changes under the same `spec_version`; fields may be added.

use std::time::Duration;

use serde_json::{Value, json};

use super::{View, after};
use crate::record::{Damage, Event, Fate, LAUGHTER_NAMES, Outcome, RecordingError, Skip};

pub(super) const SPEC_VERSION: &str = "1";

/// The whole run as one document, with a line break at the end.
pub fn document(view: &View) -> String {
    let recordings: Vec<Value> = view.run.outcomes.iter().map(|outcome| recording(view, outcome)).collect();
    let document = json!({
        "spec_version": SPEC_VERSION,
        "run": run(view),
        "counts": view.counts,
        "not_audio": view.not_audio,
        "unresolved": view.unresolved,
        "recordings": recordings,
    });
    format!("{document:#}\n")
}

/// An event a line: each recording, then the run.
pub fn lines(view: &View) -> String {
    let recordings = view.run.outcomes.iter().map(|outcome| event(view, "recording", recording(view, outcome)));
    let summary = json!({
        "run": run(view), "counts": view.counts, "not_audio": view.not_audio, "unresolved": view.unresolved,
    });
    recordings.chain([event(view, "summary", summary)]).collect()
}

fn event(view: &View, name: &str, payload: Value) -> String {
    let envelope = json!({
        "spec_version": SPEC_VERSION,
        "timestamp": view.run.ended.to_string(),
        "event": name,
        "payload": payload,
    });
    format!("{envelope}\n")
}

fn run(view: &View) -> Value {
    let run = view.run;
    json!({
        "id": run.id,
        "source": run.source,
        "started_at": run.started.to_string(),
        "ended_at": run.ended.to_string(),
        "version": run.version,
        "analysis": run.analysis,
        "window": {
            "from": run.window.from.map(|at| at.to_string()),
            "to": run.window.to.map(|at| at.to_string()),
        },
        "exit_code": run.exit_code,
        "database": view.database,
    })
}

fn recording(view: &View, outcome: &Outcome) -> Value {
    let recording = &outcome.recording;
    let mut value = json!({
        "name": recording.name,
        "content_sha256": recording.content.map(|content| content.to_string()),
        "bytes": recording.bytes,
        "began_at": recording.began.map(|began| began.at.to_string()),
        "began_from": recording.began.map(|began| began.from.as_str()),
    });
    let fate = match &outcome.fate {
        Fate::Heard(heard) => json!({
            "status": if heard.is_partial() { "partial" } else { "analyzed" },
            "missing_ranges": heard.missing.clone().into_ranges(),
            "missing_count": heard.missing.count(),
            "missing_seconds": seconds(heard.missing.total()),
            "audio_seconds": seconds(heard.audio),
            "sample_rate": heard.sample_rate,
            "channels": heard.channels,
            "audio_tracks": heard.tracks,
            "codec": heard.codec,
            "laughs": heard.events.iter().map(|event| laugh(view, outcome, event)).collect::<Vec<_>>(),
        }),
        Fate::Skipped(skip) => skipped(skip),
        Fate::Failed(error) => json!({ "status": "failed", "error": failure(error) }),
    };
    if let (Value::Object(all), Value::Object(more)) = (&mut value, fate) {
        all.extend(more);
    }
    value
}

fn skipped(skip: &Skip) -> Value {
    match skip {
        Skip::AlreadyHeard => json!({ "status": "skipped", "reason": "already analyzed" }),
        Skip::KnownDamage(Damage::Partial) => json!({ "status": "skipped", "reason": "known to be partial" }),
        Skip::KnownDamage(Damage::Failed) => json!({ "status": "skipped", "reason": "known to have failed" }),
        Skip::BeingWritten => json!({ "status": "skipped", "reason": "being written" }),
        Skip::CopyOf(name) => json!({ "status": "skipped", "reason": "copy", "copy_of": name }),
    }
}

fn failure(error: &RecordingError) -> Value {
    json!({
        "kind": error.kind(),
        "message": error.to_string(),
        "position_seconds": error.position().map(seconds),
    })
}

fn laugh(view: &View, outcome: &Outcome, event: &Event) -> Value {
    let at = |offset| outcome.recording.began.map(|began| after(began.at, offset));
    let peaks = LAUGHTER_NAMES.iter().zip(event.laughter_peaks).map(|(name, peak)| ((*name).to_owned(), score(peak)));
    json!({
        "starts_at": at(event.start).map(|at| at.to_string()),
        "ends_at": at(event.end).map(|at| at.to_string()),
        "local_date": at(event.start).map(|at| view.run.local_date(at).to_string()),
        "start_seconds": seconds(event.start),
        "end_seconds": seconds(event.end),
        "peak_score": score(event.peak),
        "mean_score": score(event.mean),
        "class_index": event.class,
        "class": event.class_name(),
        "laughter_peaks": Value::Object(peaks.collect()),
    })
}

pub(super) fn seconds(offset: Duration) -> f64 {
    offset.as_secs_f64()
}

/// The shortest decimal that is this f32: 0.56, not 0.5600000023841858.
pub(super) fn score(score: f32) -> Value {
    score.to_string().parse::<f64>().map_or(Value::Null, Value::from)
}
