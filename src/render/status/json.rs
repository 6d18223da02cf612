//! Status as JSON: one document with the conventions of `render::json`.
//!
//! Invariant: instants are RFC 3339 in UTC, lengths are seconds; fields may be added.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::day::completeness;
use crate::calendar::{Completeness, Day, Fleet, MergedDetection, Span, State, span};
use crate::domain::{PastRun, StoredDetection, StoredFailure, StoredRecording, Verdict, zone_name};
use crate::render::document::Document;
use crate::render::json::{SPEC_VERSION, score, seconds};

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
    pub fn finish(mut self, runs: &[PastRun], zone: &TimeZone, fleet: Option<&Fleet>) -> io::Result<()> {
        self.begin()?;
        let mut document = self.document;
        document.list("runs")?;
        runs.iter().try_for_each(|one| document.item(&run(one)))?;
        document.field("sources", &fleet)?;
        document.field("spec_version", &SPEC_VERSION)?;
        document.field("zone", &zone_name(zone))?;
        document.finish()
    }
}

fn run(run: &PastRun) -> Value {
    json!({
        "id": run.id,
        "external_id": run.external_id,
        "source": run.source,
        "started_at": run.started.to_string(),
        "ended_at": run.ended.to_string(),
        "version": run.version,
        "zone": run.zone,
        "window": {
            "from": run.window.from.map(|at| at.to_string()),
            "to": run.window.to.map(|at| at.to_string()),
        },
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
        "looked_at": day.looked_at().map(|at| at.to_string()),
        "in_progress": day.in_progress(),
        "analyzed_seconds": seconds(span::length(&day.analyzed)),
        "failed_seconds": seconds(span::length(&day.failed)),
        "gap_seconds": seconds(span::length(&day.gaps)),
        "analyzed": spans(&day.analyzed),
        "failed": spans(&day.failed),
        "gaps": spans(&day.gaps),
        "recordings": day.recordings.iter().map(recording).collect::<Vec<_>>(),
        "laughs": day.laughs().into_iter().map(laugh).collect::<Vec<_>>(),
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
        "recording": recording.name,
        "starts_at": laugh.starts().to_string(),
        "ends_at": laugh.ends().to_string(),
        "start_seconds": seconds(row.detection.start),
        "end_seconds": seconds(row.detection.end),
        "length_seconds": seconds(laugh.length()),
        "peak_score": score(laugh.peak()),
        "class": laugh.class_name(),
        "verdict": laugh.review().and_then(|review| review.verdict).map(Verdict::as_str),
        "comment": laugh.review().and_then(|review| review.comment.as_deref()),
        "parts": laugh.parts.iter().map(part).collect::<Vec<_>>(),
    })
}

fn part((recording, row): &(&StoredRecording, &StoredDetection)) -> Value {
    json!({
        "recording": recording.name,
        "start_seconds": seconds(row.detection.start),
        "end_seconds": seconds(row.detection.end),
        "peak_score": score(row.detection.peak),
    })
}
