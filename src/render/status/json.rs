//! Status as JSON: one document with the conventions of `render::json`.
//!
//! Invariant: instants are RFC 3339 in UTC, lengths are seconds; fields may be added.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::day::completeness;
use crate::calendar::{Completeness, Day, Fleet, MergedDetection, Span, State, span};
use crate::domain::{
    Field, PastRun, ScoreTotals, ShownVerdicts, StoredDetection, StoredFailure, StoredRecording, Verdict, field,
};
use crate::render::document::Document;
use crate::render::json::{SPEC_FIELD, SPEC_VERSION, seconds, window};
use crate::text::{shortest_f64, zone_name};

/// Fields of the document besides its lists.
pub(in crate::render) const DOCUMENT: &[Field] = &[
    field("asked_at", "string", "when the command ran"),
    field("database", "string", "the database without its password"),
    SPEC_FIELD,
    field("sources", "object or null", "sources by the state of the day; null without a day"),
    field("sources.complete", "number", "sources whose day is complete"),
    field("sources.failed", "number", "sources with a recording that failed or is partial"),
    field("sources.incomplete", "number", "sources that no run has scanned since the day ended"),
    field("sources.not_over", "number", "sources whose day is not over"),
    field("sources.empty", "number", "sources without recordings of the day, which were not expected"),
    field("sources.missing[]", "string", "expected sources (`--expect`) without recordings of the day"),
    field("verdicts[].source", "string", "a source with reviewed laughs"),
    field("verdicts[].reviewed", "number", "its last laughs with a verdict, at most 30"),
    field("verdicts[].rejected", "number", "those that were rejected"),
    field(
        "verdicts[].suggests_strict",
        "boolean",
        "whether more than a third of 30 were rejected: use `--threshold strict`",
    ),
    field("zone", "string", "time zone of calendar days"),
];

/// Fields of what is kept of a source to decide again.
pub(in crate::render) const SCORES: &[Field] = &[
    field("source", "string", "the person or device of the recordings"),
    field("recordings", "number", "recordings with scores"),
    field("track_bytes", "number", "bytes of their scores"),
    field("candidates", "number", "sounds that may be laughs"),
    field("embeddings", "number", "those with an embedding"),
    field("embedding_bytes", "number", "bytes of these embeddings"),
    field("reviewed", "number", "reviews with a verdict"),
];

/// Fields of a stored run.
pub(in crate::render) const RUN: &[Field] = &[
    field("id", "string", "the run's id, a UUID"),
    field("external_id", "string or null", "the id that a scheduler or queue gave (`--run-id`)"),
    field("source", "string", "the person or device of the recordings"),
    field("command", "string", "`scan` or `redetect`"),
    field("started_at", "string", "when the run started"),
    field("ended_at", "string", "when the analysis ended"),
    field("version", "string", "version of giggles"),
    field("zone", "string", "time zone of calendar days in that run"),
    field("window.from", "string or null", "start of the window, null if it is open"),
    field("window.to", "string or null", "end of the window, null if it is open"),
    field("shard", "string or null", "`k/n`; null if the run analyzed all recordings"),
    field("explicit_files", "boolean", "whether single files were scanned, and not only folders"),
    field("exit_code", "number", "the exit code"),
    field("in_progress_from", "string or null", "start of the first recording that was in progress"),
    field("audio_seconds", "number", "audio that the run analyzed"),
];

/// Fields of a day.
pub(in crate::render) const DAY: &[Field] = &[
    field("source", "string", "the person or device of the recordings"),
    field("date", "string", "the calendar day, YYYY-MM-DD"),
    field("zone", "string", "its time zone"),
    field("from", "string", "its first instant"),
    field("to", "string", "the first instant of the next day"),
    field(
        "complete",
        "boolean",
        "recordings are stored, none failed or is partial, the day is over, and a run has \
                                    scanned all of it since",
    ),
    field("completeness", "string", "the same for people, with what is missing"),
    field("state", "string", "`complete`, `failed`, `incomplete`, `not_over` or `empty`"),
    field("is_over", "boolean", "whether the day is over"),
    field("scanned_at", "string or null", "start of the last run that scanned the whole day"),
    field("in_progress", "number", "recordings that were in progress during that run"),
    field("analyzed_seconds", "number", "how much of the day is analyzed"),
    field("failed_seconds", "number", "how much of the day is only in recordings that failed, or in missing ranges"),
    field("gap_seconds", "number", "how much of the day has no recording"),
    field("rejected", "number", "rejected laughs, which are not in `laughs`; 0 with `--include-rejected`"),
    field("analyzed[].from", "string", "start of a span that is analyzed"),
    field("analyzed[].to", "string", "its end"),
    field("failed[].from", "string", "start of a span that failed"),
    field("failed[].to", "string", "its end"),
    field("gaps[].from", "string", "start of a span without a recording"),
    field("gaps[].to", "string", "its end"),
];

/// Fields of a recording of a day.
pub(in crate::render) const RECORDING: &[Field] = &[
    field("name", "string", "path below the scanned folder"),
    field("content_sha256", "string or null", "SHA-256 of the file; null if it could not be read"),
    field("started_at", "string or null", "when the recording started, null if unknown"),
    field(
        "start_source",
        "string or null",
        "where the start was read: `filename`, `metadata`, `metadata_end`, `mtime`, `upload`",
    ),
    field("duration_seconds", "number or null", "duration, null if unknown"),
    field("status", "string", "`analyzed`, `partial` or `failed`"),
    field("clips_failed", "number or null", "clips that could not be written; null of failed ones"),
    field("missing_count", "number or null", "ranges that could not be decoded; null of failed ones"),
    field("missing_seconds", "number or null", "their duration in total; null of failed ones"),
    field("missing_ranges", "array or null", "those ranges; null of failed ones"),
    field("error", "object or null", "why it failed; null of others"),
];

/// Fields of a laugh of a day.
pub(in crate::render) const LAUGH: &[Field] = &[
    field(
        "id",
        "number",
        "row of its highest-scoring part in `detections`, for `giggles explain`; another one after its recording is decided \
         or analyzed again",
    ),
    field("recording", "string", "the recording in which it starts"),
    field("starts_at", "string", "start"),
    field("ends_at", "string", "end"),
    field("start_seconds", "number", "offset of the start in that recording"),
    field("end_seconds", "number", "offset of the end of its first part in that recording"),
    field("length_seconds", "number", "duration, of all parts"),
    field("peak_score", "number", "highest score, 0 to 1"),
    field("class", "string", "AudioSet name of the highest-scoring laughter class"),
    field("verdict", "string or null", "`confirmed` or `rejected`; null without a review"),
    field("comment", "string or null", "comment of the review"),
    field("favourite", "boolean", "whether the reviewer marked it as favourite"),
    field("parts[].recording", "string", "a recording that contains a part of the laugh"),
    field("parts[].start_seconds", "number", "offset of the part's start in it"),
    field("parts[].end_seconds", "number", "offset of the part's end in it"),
    field("parts[].peak_score", "number", "highest score of the part"),
];

/// The whole document, with a line break at the end.
pub struct Json<'a> {
    document: Document<'a>,
    asked: Timestamp,
    /// With the password masked.
    database: String,
    is_begun: bool,
}

impl<'a> Json<'a> {
    /// Writes nothing before the first day or the end, so that a failed query prints no document.
    pub fn to(text: &'a mut dyn Write, asked: Timestamp, database: String) -> Json<'a> {
        Json { document: Document::new(text), asked, database, is_begun: false }
    }

    pub fn add(&mut self, one: &Day) -> io::Result<()> {
        self.begin()?;
        self.document.item(&day(one))
    }

    fn begin(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.is_begun, true) {
            return Ok(());
        }
        self.document.field("asked_at", &self.asked.to_string())?;
        self.document.field("database", &self.database)?;
        self.document.list("days")
    }

    /// `fleet`: the numbers of sources, if a day was requested.
    pub fn finish(
        mut self,
        (runs, scores, verdicts): (&[PastRun], &[ScoreTotals], &[ShownVerdicts]),
        zone: &TimeZone,
        fleet: Option<&Fleet>,
    ) -> io::Result<()> {
        self.begin()?;
        let mut document = self.document;
        document.list("runs")?;
        runs.iter().try_for_each(|one| document.item(&run(one)))?;
        document.list("scores")?;
        scores.iter().try_for_each(|one| document.item(one))?;
        document.field("sources", &fleet)?;
        document.field("spec_version", &SPEC_VERSION)?;
        document.list("verdicts")?;
        verdicts.iter().try_for_each(|one| document.item(&verdict(one)))?;
        document.field("zone", &zone_name(zone))?;
        document.finish()
    }
}

fn verdict(verdicts: &ShownVerdicts) -> Value {
    json!({
        "source": verdicts.source,
        "reviewed": verdicts.reviewed,
        "rejected": verdicts.rejected,
        "suggests_strict": verdicts.suggests_strict(),
    })
}

/// A stored run.
pub fn run(run: &PastRun) -> Value {
    json!({
        "id": run.id,
        "external_id": run.external_id,
        "source": run.source,
        "command": run.command,
        "started_at": run.started.to_string(),
        "ended_at": run.ended.to_string(),
        "version": run.version,
        "zone": run.zone,
        "window": window(&run.window),
        "shard": run.shard,
        "explicit_files": run.explicit_files,
        "exit_code": run.exit_code,
        "counts": run.counts,
        "in_progress_from": run.in_progress_from.map(|at| at.to_string()),
        "audio_seconds": seconds(run.audio),
    })
}

pub fn day(day: &Day) -> Value {
    json!({
        "source": day.source,
        "date": day.calendar.date.to_string(),
        "zone": zone_name(&day.calendar.zone),
        "from": day.calendar.span.from.to_string(),
        "to": day.calendar.span.to.to_string(),
        "complete": day.completeness() == Completeness::Complete,
        "completeness": completeness(day),
        "state": State::from(day.completeness()),
        "is_over": day.is_over,
        "scanned_at": day.scanned_at().map(|at| at.to_string()),
        "in_progress": day.in_progress(),
        "analyzed_seconds": seconds(span::length(&day.analyzed)),
        "failed_seconds": seconds(span::length(&day.failed)),
        "gap_seconds": seconds(span::length(&day.gaps)),
        "analyzed": spans(&day.analyzed),
        "failed": spans(&day.failed),
        "gaps": spans(&day.gaps),
        "recordings": day.recordings.iter().map(recording).collect::<Vec<_>>(),
        "laughs": day.laughs().into_iter().map(laugh).collect::<Vec<_>>(),
        "rejected": day.rejected().len(),
    })
}

fn spans(spans: &[Span]) -> Vec<Value> {
    spans.iter().map(|span| json!({ "from": span.from.to_string(), "to": span.to.to_string() })).collect()
}

fn recording(recording: &StoredRecording) -> Value {
    json!({
        "name": recording.name,
        "content_sha256": recording.content.map(|content| content.to_string()),
        "started_at": recording.started.map(|started| started.at.to_string()),
        "start_source": recording.started.map(|started| started.from.as_str()),
        "duration_seconds": recording.duration.map(seconds),
        "clips_failed": recording.sound().map(|sound| sound.clips_failed),
        "status": recording.status(),
        "missing_ranges": recording.sound().map(|sound| &sound.missing.ranges),
        "missing_count": recording.sound().map(|sound| sound.missing.count),
        "missing_seconds": recording.sound().map(|sound| seconds(sound.missing.total)),
        "error": recording.failure().map(failure),
    })
}

fn failure(failure: &StoredFailure) -> Value {
    json!({
        "kind": failure.kind,
        "message": failure.reason,
        "position_seconds": failure.position.map(seconds),
    })
}

/// The laugh starts in `recording`; `parts` lists the rows of all recordings that it spans.
fn laugh(laugh: MergedDetection) -> Value {
    let (recording, row) = laugh.first();
    json!({
        "id": laugh.loudest().id,
        "recording": recording.name,
        "starts_at": laugh.starts().to_string(),
        "ends_at": laugh.ends().to_string(),
        "start_seconds": seconds(row.detection.start),
        "end_seconds": seconds(row.detection.end),
        "length_seconds": seconds(laugh.length()),
        "peak_score": shortest_f64(laugh.peak()),
        "class": laugh.class_name(),
        "verdict": laugh.review().and_then(|review| review.verdict).map(Verdict::as_str),
        "comment": laugh.review().and_then(|review| review.comment.as_deref()),
        "favourite": laugh.review().is_some_and(|review| review.favourite),
        "parts": laugh.parts.iter().map(part).collect::<Vec<_>>(),
    })
}

fn part((recording, row): &(&StoredRecording, &StoredDetection)) -> Value {
    json!({
        "recording": recording.name,
        "start_seconds": seconds(row.detection.start),
        "end_seconds": seconds(row.detection.end),
        "peak_score": shortest_f64(row.detection.peak),
    })
}
