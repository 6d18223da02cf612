//! What is stored, for other programs: one document in the envelope of `output::json`.
//!
//! Invariant: as there, instants are RFC 3339 in UTC and lengths seconds; fields may be added.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::day::verdict;
use crate::day::{Day, Joined, Span, Verdict, span};
use crate::output::document::Document;
use crate::output::json::{SPEC_VERSION, score, seconds};
use crate::record::{Judgement, Laugh, PastRun, StoredFailure, StoredRecording, zone_name};

/// The whole answer, with a line break at the end.
pub struct Json<'a> {
    document: Document<'a>,
    asked: Timestamp,
    /// Its password masked.
    database: String,
    is_begun: bool,
}

impl<'a> Json<'a> {
    /// Writes nothing before there is a day or the end: what cannot be looked at gives no document.
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

    pub fn finish(mut self, runs: &[PastRun], zone: &TimeZone) -> io::Result<()> {
        self.begin()?;
        let mut document = self.document;
        document.list("runs")?;
        runs.iter().try_for_each(|one| document.item(&run(one)))?;
        document.field("spec_version", &SPEC_VERSION)?;
        document.field("zone", &zone_name(zone))?;
        document.finish()
    }
}

fn run(run: &PastRun) -> Value {
    json!({
        "id": run.id,
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
        "single_files": run.single_files,
        "exit_code": run.exit_code,
        "counts": run.counts,
        "unfinished_from": run.unfinished_from.map(|at| at.to_string()),
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
        "complete": day.verdict() == Verdict::Complete,
        "verdict": verdict(day),
        "is_over": day.is_over,
        "looked_at": day.looked_at().map(|at| at.to_string()),
        "unfinished": day.unfinished(),
        "analyzed_seconds": seconds(span::length(&day.heard)),
        "failed_seconds": seconds(span::length(&day.failed)),
        "gap_seconds": seconds(span::length(&day.gaps)),
        "analyzed": spans(&day.heard),
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
        "began_at": recording.began.map(|began| began.at.to_string()),
        "began_from": recording.began.map(|began| began.from.as_str()),
        "duration_seconds": recording.duration.map(seconds),
        "clips_lost": recording.sound().map(|sound| sound.clips_lost),
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

/// Begins in `recording`; one that was cut in two names all its rows in `parts`.
fn laugh(laugh: Joined) -> Value {
    let (recording, row) = laugh.first();
    json!({
        "recording": recording.name,
        "starts_at": laugh.starts().to_string(),
        "ends_at": laugh.ends().to_string(),
        "start_seconds": seconds(row.event.start),
        "end_seconds": seconds(row.event.end),
        "length_seconds": seconds(laugh.length()),
        "peak_score": score(laugh.peak()),
        "class": laugh.class_name(),
        "verdict": laugh.note().and_then(|note| note.verdict).map(Judgement::as_str),
        "note": laugh.note().and_then(|note| note.words.as_deref()),
        "parts": laugh.parts.iter().map(part).collect::<Vec<_>>(),
    })
}

fn part((recording, row): &(&StoredRecording, &Laugh)) -> Value {
    json!({
        "recording": recording.name,
        "start_seconds": seconds(row.event.start),
        "end_seconds": seconds(row.event.end),
        "peak_score": score(row.event.peak),
    })
}
