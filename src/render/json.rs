//! A run as JSON: one document, or one event per line in a versioned envelope.
//!
//! Invariant: instants are RFC 3339 in UTC, offsets are seconds, scores are 0 to 1. A field's meaning
//! never changes under the same `spec_version`; fields may be added.

use std::time::Duration;

use serde_json::{Value, json};

use super::{View, after};
use crate::domain::{Damage, Detection, Field, LAUGHTER_NAMES, Outcome, RecordingError, Skip, Status, Window, field};
use crate::text::shortest_f64;

pub(super) const SPEC_VERSION: &str = "1";

pub(super) const SPEC_FIELD: Field = field("spec_version", "string", "version of the format");

/// Fields of `run`.
pub(super) const RUN: &[Field] = &[
    field("id", "string", "the run's id, a UUID"),
    field("external_id", "string or null", "the id that a scheduler or queue gave (`--run-id`)"),
    field("source", "string", "the person or device of the recordings"),
    field("shard", "string or null", "`k/n`; null if the run analyzed all recordings"),
    field("started_at", "string", "when the run started"),
    field("ended_at", "string", "when the analysis ended"),
    field("version", "string", "version of giggles"),
    field("analysis.version", "number", "version of the analysis; another one may give other results"),
    field("analysis.model_sha256", "string", "SHA-256 of the model file"),
    field("analysis.parameters.normalize", "boolean", "whether loudness was normalized"),
    field("analysis.parameters.target_loudness_db", "number", "loudness after normalization, dBFS"),
    field("analysis.parameters.gain_limits_db[]", "number", "smallest and largest gain of the normalization, dB"),
    field("analysis.parameters.views", "number", "speeds at which possible laughs were scored: 1, 3 or 5"),
    field("analysis.parameters.personal", "boolean", "whether the reviews of the source counted"),
    field("analysis.parameters.onset_threshold", "number", "a laugh has a patch of at least this, in logits"),
    field("analysis.parameters.offset_threshold", "number", "a laugh extends over patches of at least this, in logits"),
    field("analysis.parameters.merge_gap_seconds", "number", "laughs closer than this are merged"),
    field("analysis.parameters.min_patches", "number", "laughs of fewer patches are dropped"),
    field("analysis.parameters.padding_seconds", "number", "added to each side of a laugh"),
    field("analysis.parameters.max_duration_seconds", "number", "longer laughs are split"),
    field("analysis.parameters.logit_floor", "number", "lower bound of logits before they are averaged"),
    field("analysis.parameters.other_weight", "number", "weight of the loudest other human sound"),
    field("analysis.parameters.other_floor", "number", "least logit of another human sound that counts"),
    field("analysis.zone", "string", "time zone of calendar days"),
    field("analysis.name_zone", "string", "time zone of file names that contain none"),
    field("window.from", "string or null", "start of the window, null if it is open"),
    field("window.to", "string or null", "end of the window, null if it is open"),
    field("exit_code", "number", "the exit code"),
    field("database", "string or null", "the database without its password; null if nothing was stored"),
];

/// Fields of `not_audio`.
pub(super) const NOT_AUDIO: &[Field] = &[
    field("total", "number", "files that are not audio"),
    field("by_extension.*", "number", "how many have this extension, in lower case; empty for none"),
    field("others", "number", "those whose extension is not listed, because there are too many"),
];

/// Fields of `start_times`.
pub(super) const START_TIMES: &[Field] = &[
    field("mtime", "number", "recordings of this run that only their modification time dates"),
    field("upload", "number", "those that only the time of their upload dates"),
    field(
        "zone_assumed",
        "number",
        "those dated by a text without a time zone, read in `analysis.name_zone`, which no setting names",
    ),
];

/// Fields of `replaced`.
pub(super) const REPLACED: &[Field] = &[
    field("recordings", "number", "recordings whose stored result this run replaced"),
    field("redetected", "number", "those among them that were decided anew from what is stored"),
    field("detections_before", "number", "laughs that were stored of them"),
    field("detections_after", "number", "laughs that are stored of them now"),
    field("reasons.*", "number", "recordings by the reason: what changed, or `--force`"),
];

/// Fields of `unresolved`.
pub(super) const UNRESOLVED: &[Field] = &[
    field("partial", "number", "partial recordings of the window, found by any run"),
    field("failed", "number", "failed recordings of the window, found by any run"),
];

/// Fields of a recording.
pub(super) const RECORDING: &[Field] = &[
    field("name", "string", "path below the scanned folder"),
    field("content_sha256", "string or null", "SHA-256 of the file; null if it could not be read"),
    field("bytes", "number", "size of the file"),
    field("started_at", "string or null", "when the recording started, null if unknown"),
    field(
        "start_source",
        "string or null",
        "where the start was read: `filename`, `metadata`, `metadata_end`, `mtime`, `upload`",
    ),
    field(
        "zone_assumed",
        "boolean",
        "whether the text that dates it contains no time zone, and no setting (`--name-tz`) names it",
    ),
    field("status", "string", "`analyzed`, `partial`, `skipped` or `failed`"),
    field(
        "reason",
        "string",
        "why it was skipped: `already analyzed`, `known to be partial`, `known to have failed`, \
                             `in progress`, `copy`; of skipped ones only",
    ),
    field("copy_of", "string", "name of the recording that it is a copy of; of copies only"),
    field("audio_seconds", "number", "duration; this and the following of analyzed and partial ones only"),
    field("sample_rate", "number", "Hz"),
    field("channels", "number", "channels of the first audio track"),
    field("audio_tracks", "number", "audio tracks, mixed for the analysis"),
    field("codec", "string", "codec of the first audio track"),
    field("missing_count", "number", "ranges that could not be decoded"),
    field("missing_seconds", "number", "their duration in total"),
];

/// Fields of a range that could not be decoded.
pub(super) const MISSING_RANGE: &[Field] = &[
    field("start_seconds", "number", "offset in the recording"),
    field("end_seconds", "number or null", "offset in the recording, null if unknown"),
    field("kind", "string", "`gap`, `corrupt`, `truncated`, `unsupported` or `ffmpeg`"),
    field("reason", "string", "what happened, for people"),
];

/// Fields of the error of a recording that failed.
pub(super) const ERROR: &[Field] = &[
    field(
        "kind",
        "string",
        "`unreadable`, `vanished`, `changed`, `not_a_file`, `empty`, `unsupported`, `ffmpeg`, \
                           `corrupt`, `truncated` or `panicked`",
    ),
    field("message", "string", "what happened, for people"),
    field("position_seconds", "number or null", "offset in the recording, null if there is none"),
];

/// Fields of a laugh.
pub(super) const LAUGH: &[Field] = &[
    field("starts_at", "string or null", "start; null if the recording's start is unknown"),
    field("ends_at", "string or null", "end; null if the recording's start is unknown"),
    field("local_date", "string or null", "calendar day of the start, in the run's zone"),
    field("start_seconds", "number", "offset of the start in the recording"),
    field("end_seconds", "number", "offset of the end in the recording"),
    field("peak_score", "number", "highest score, 0 to 1"),
    field("mean_score", "number", "mean score of its patches, 0 to 1"),
    field("class_index", "number", "AudioSet index of the highest-scoring laughter class"),
    field("class", "string", "its name"),
    field("class_scores.*", "number", "the model's highest score for each laughter class, by name"),
];

/// Fields of the envelope of an event (`--ndjson`).
pub(super) const ENVELOPE: &[Field] = &[
    SPEC_FIELD,
    field("timestamp", "string", "when the run ended"),
    field("event", "string", "`recording` for each recording, then `summary`; with `--all-sources` also `source`"),
];

/// The whole run as one document, with a line break at the end.
pub fn document(view: &View) -> String {
    format!("{:#}\n", value(view))
}

/// The document.
pub fn value(view: &View) -> Value {
    let recordings: Vec<Value> = view.run.outcomes.iter().map(|outcome| recording(view, outcome)).collect();
    json!({
        "spec_version": SPEC_VERSION,
        "run": run(view),
        "counts": view.counts,
        "not_audio": view.not_audio,
        "replaced": view.replaced,
        "start_times": view.run.start_times(),
        "unresolved": view.unresolved,
        "recordings": recordings,
    })
}

/// One event per line: each recording, then the run.
pub fn lines(view: &View) -> String {
    let recordings = view.run.outcomes.iter().map(|outcome| event(view, "recording", recording(view, outcome)));
    let summary = json!({
        "run": run(view),
        "counts": view.counts,
        "not_audio": view.not_audio,
        "replaced": view.replaced,
        "start_times": view.run.start_times(),
        "unresolved": view.unresolved,
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
        "window": window(&run.window),
        "exit_code": run.exit_code,
        "database": view.database,
    })
}

pub(super) fn window(window: &Window) -> Value {
    json!({ "from": window.from.map(|at| at.to_string()), "to": window.to.map(|at| at.to_string()) })
}

fn recording(view: &View, outcome: &Outcome) -> Value {
    let recording = &outcome.recording;
    let mut value = json!({
        "name": recording.name,
        "content_sha256": recording.content.map(|content| content.to_string()),
        "bytes": recording.bytes,
        "started_at": recording.started.map(|started| started.at.to_string()),
        "start_source": recording.started.map(|started| started.from.as_str()),
        "zone_assumed": recording.zone_is_assumed,
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
        Status::Redetected(redetected) => json!({
            "status": "redetected",
            "audio_seconds": seconds(redetected.audio),
            "laughs": redetected.detections.iter().map(|detection| laugh(view, outcome, detection)).collect::<Vec<_>>(),
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
    let dates = [
        ("starts_at", at(detection.start).map(|at| at.to_string())),
        ("ends_at", at(detection.end).map(|at| at.to_string())),
        ("local_date", at(detection.start).map(|at| view.run.local_date(at).to_string())),
    ];
    detection_with(detection, dates)
}

/// A detection, and what else is known of it: dates, a review.
pub(super) fn detection_with<const N: usize>(detection: &Detection, members: [(&str, Option<String>); N]) -> Value {
    let scores = LAUGHTER_NAMES.iter().zip(detection.class_scores);
    let scores = scores.map(|(name, score)| ((*name).to_owned(), shortest_f64(score).into()));
    let mut value = json!({
        "start_seconds": seconds(detection.start),
        "end_seconds": seconds(detection.end),
        "peak_score": shortest_f64(detection.peak),
        "mean_score": shortest_f64(detection.mean),
        "class_index": detection.class,
        "class": detection.class_name(),
        "class_scores": Value::Object(scores.collect()),
    });
    members.into_iter().for_each(|(name, text)| value[name] = text.into());
    value
}

pub(super) fn seconds(offset: Duration) -> f64 {
    offset.as_secs_f64()
}
