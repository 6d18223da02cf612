//! A run as JSON: one document, or one event per line in a versioned envelope.
//!
//! Invariant: instants are RFC 3339 in UTC, offsets are seconds, scores are 0 to 1. A field's meaning
//! never changes under the same `spec_version`; fields may be added.

use std::time::Duration;

use serde_json::{Value, json};

use super::{View, after};
use crate::domain::{Damage, Detection, LAUGHTER_NAMES, Outcome, RecordingError, Skip, Status};

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

/// One event per line: each recording, then the run.
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
        "external_id": run.external_id,
        "source": run.source,
        "shard": run.shard,
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
        "started_at": recording.started.map(|started| started.at.to_string()),
        "start_source": recording.started.map(|started| started.from.as_str()),
    });
    let status = match &outcome.status {
        Status::Analyzed(analyzed) => json!({
            "status": if analyzed.is_partial() { "partial" } else { "analyzed" },
            "missing_ranges": analyzed.missing.clone().into_ranges(),
            "missing_count": analyzed.missing.count(),
            "missing_seconds": seconds(analyzed.missing.total()),
            "audio_seconds": seconds(analyzed.audio),
            "sample_rate": analyzed.sample_rate,
            "channels": analyzed.channels,
            "audio_tracks": analyzed.tracks,
            "codec": analyzed.codec,
            "laughs": analyzed.detections.iter().map(|detection| laugh(view, outcome, detection)).collect::<Vec<_>>(),
        }),
        Status::Skipped(skip) => skipped(skip),
        Status::Failed(error) => json!({ "status": "failed", "error": failure(error) }),
    };
    if let (Value::Object(all), Value::Object(more)) = (&mut value, status) {
        all.extend(more);
    }
    value
}

fn skipped(skip: &Skip) -> Value {
    match skip {
        Skip::AlreadyAnalyzed => json!({ "status": "skipped", "reason": "already analyzed" }),
        Skip::KnownDamage(Damage::Partial) => json!({ "status": "skipped", "reason": "known to be partial" }),
        Skip::KnownDamage(Damage::Failed) => json!({ "status": "skipped", "reason": "known to have failed" }),
        Skip::InProgress => json!({ "status": "skipped", "reason": "in progress" }),
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

fn laugh(view: &View, outcome: &Outcome, detection: &Detection) -> Value {
    let at = |offset| outcome.recording.started.map(|started| after(started.at, offset));
    let peaks = LAUGHTER_NAMES.iter().zip(detection.class_scores).map(|(name, peak)| ((*name).to_owned(), score(peak)));
    json!({
        "starts_at": at(detection.start).map(|at| at.to_string()),
        "ends_at": at(detection.end).map(|at| at.to_string()),
        "local_date": at(detection.start).map(|at| view.run.local_date(at).to_string()),
        "start_seconds": seconds(detection.start),
        "end_seconds": seconds(detection.end),
        "peak_score": score(detection.peak),
        "mean_score": score(detection.mean),
        "class_index": detection.class,
        "class": detection.class_name(),
        "class_scores": Value::Object(peaks.collect()),
    })
}

pub(super) fn seconds(offset: Duration) -> f64 {
    offset.as_secs_f64()
}

/// The shortest decimal that parses to this f32: 0.56, not 0.5600000023841858.
pub(super) fn score(score: f32) -> Value {
    score.to_string().parse::<f64>().map_or(Value::Null, Value::from)
}
