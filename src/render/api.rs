//! The JSON documents of the API of `giggles serve`, and their fields. Objects have the names and the form that exports,
//! `status --json` and `report --json` give them.
//!
//! Invariant: every field of a list is written in every answer, null if it is not known.

use serde_json::{Value, json};

use super::json::{ERROR, LAUGH as DETECTION, MISSING_RANGE, SPEC_FIELD, SPEC_VERSION, detection_with, seconds};
use crate::calendar::Day;
use crate::domain::{
    Counts, DayCount, Field, Laugh, PastRun, ReviewedSpan, StoredDetection, StoredRecording, Verdict, field,
};
use crate::render::export::JSON_FIELDS;
use crate::render::reviews::DOCUMENT as IMPORT;
use crate::render::status::json as status;
use crate::reviews::{FIELDS as REVIEW, Imported};
use crate::text::{encoded, shortest_f64};

pub use crate::render::export::recording;

/// Fields of a document in parts, each with the path that its fields are below.
type Fields = &'static [(&'static str, &'static [Field])];

const PAGE: &[Field] =
    &[field("next", "string or null", "`cursor` of the next page; null: this is the last"), SPEC_FIELD];
const ZONE: &[Field] = &[field("zone", "string", "time zone of calendar days")];

const SOURCE: &[Field] = &[
    field("sources[].source", "string", "the person or device of the recordings"),
    field("sources[].last_run", "object or null", "its last stored run"),
    field("sources[].last_run.id", "string", "the run's id"),
    field("sources[].last_run.started_at", "string", "when it started"),
    field("sources[].last_run.ended_at", "string", "when its analysis ended"),
    field("sources[].last_run.exit_code", "number", "its exit code"),
    field("sources[].last_run.zone", "string", "its time zone of calendar days"),
];

const HEALTH_FIELDS: &[Field] = &[
    field("status", "string", "`ok`, or `unavailable` if the database cannot be reached"),
    field("database", "string", "`reachable` or `unreachable`"),
    field("last_runs[].source", "string", "a source that the viewer sees; without a token there are none"),
    field("last_runs[].ended_at", "string", "when its last stored run ended"),
    field("last_runs[].age_seconds", "number", "how long ago that was"),
    field("last_runs[].exit_code", "number", "the exit code of that run"),
];

pub const HEALTH: Fields = &[("", HEALTH_FIELDS)];
pub const SOURCES: Fields = &[("", SOURCE), ("", &[SPEC_FIELD])];
pub const RUNS: Fields = &[("", PAGE), ("runs[].", status::RUN), ("runs[].counts.", Counts::FIELDS)];
pub const RECORDINGS: Fields = &[
    ("", PAGE),
    ("", ZONE),
    ("", JSON_FIELDS),
    ("recordings[].missing_ranges[].", MISSING_RANGE),
    ("recordings[].failure.", ERROR),
];
pub const REVIEWS: Fields = &[("", PAGE), ("reviews[].", REVIEW)];
pub const IMPORTED: Fields = &[("", IMPORT)];
/// A day in full, for each source.
pub const DAY: Fields = &[
    ("", ZONE),
    ("", &[SPEC_FIELD]),
    ("days[].", status::DAY),
    ("days[].recordings[].", status::RECORDING),
    ("days[].recordings[].missing_ranges[].", MISSING_RANGE),
    ("days[].recordings[].error.", ERROR),
    ("days[].laughs[].", status::LAUGH),
];

const LAUGH_MORE: &[Field] = &[
    field("id", "number", "row of its first part, until its recording is decided or analyzed again"),
    field("source", "string", "the person or device of the recording"),
    field("recording", "string", "the recording in which it starts"),
    field("content_sha256", "string or null", "SHA-256 of that recording, for reviews"),
    field("length_seconds", "number", "duration, of all parts"),
    field("clip", "string or null", "address of its sound; null: there is no clip"),
    field("verdict", "string or null", "`confirmed` or `rejected`; null without a verdict"),
    field("comment", "string or null", "comment of the review"),
    field("favourite", "boolean", "whether it is marked as favourite"),
    field("parts[].recording", "string", "a recording that contains a part of the laugh"),
    field("parts[].content_sha256", "string or null", "SHA-256 of that recording"),
    field("parts[].start_seconds", "number", "offset of the part's start in it"),
    field("parts[].end_seconds", "number", "offset of the part's end in it"),
    field("parts[].starts_at", "string", "start of the part"),
    field("parts[].peak_score", "number", "highest score of the part"),
];

pub(super) const COUNT: &[Field] = &[
    field("source", "string", "the person or device of the recordings"),
    field("date", "string", "the calendar day, YYYY-MM-DD"),
    field("laughs", "number", "laughs that start on this day and count: those that are not rejected"),
    field("rejected", "number", "laughs that do not count"),
    field("confirmed", "number", "laughs that are confirmed"),
    field("unreviewed", "number", "laughs without a verdict"),
    field("favourites", "number", "laughs that count and are marked as favourite"),
    field("laughed_seconds", "number", "their duration in total"),
    field("laughs_by_hour[]", "number", "laughs that count, by the local hour in which they start, from 0 to 23"),
    field("analyzed_seconds", "number", "how much of the day is analyzed"),
    field("recordings.analyzed", "number", "recordings that start on this day and are analyzed"),
    field("recordings.partial", "number", "those of which a part is missing"),
    field("recordings.failed", "number", "those that failed"),
];

pub const LAUGHS: Fields = &[("", PAGE), ("", ZONE), ("detections[].", DETECTION), ("detections[].", LAUGH_MORE)];
pub const LAUGH: Fields = &[("", ZONE), ("", &[SPEC_FIELD]), ("detection.", DETECTION), ("detection.", LAUGH_MORE)];
pub const COUNTS_OF_DAYS: Fields = &[("", PAGE), ("", ZONE), ("days[].", COUNT)];

/// A laugh. Offsets are those of its first part, the highest score that of all.
pub fn laugh(laugh: &Laugh) -> Value {
    let (recording, row) = (&laugh.recording, &laugh.detection);
    let review = row.review.as_ref();
    let members = [
        ("starts_at", Some(row.starts.to_string())),
        ("ends_at", Some(laugh.ends().to_string())),
        ("local_date", Some(row.local_date.to_string())),
        ("verdict", review.and_then(|review| review.verdict).map(|verdict| verdict.as_str().to_owned())),
        ("comment", review.and_then(|review| review.comment.clone())),
        ("source", Some(recording.source.clone())),
        ("recording", Some(recording.name.clone())),
        ("content_sha256", recording.content.map(|content| content.to_string())),
        ("clip", row.detection.clip.as_ref().map(|clip| format!("/api/v1/clips/{}", encoded(clip)))),
    ];
    let mut value = detection_with(&row.detection, members);
    value["id"] = row.id.into();
    value["peak_score"] = shortest_f64(laugh.loudest().peak).into();
    value["length_seconds"] = seconds(laugh.length()).into();
    value["favourite"] = review.is_some_and(|review| review.favourite).into();
    value["parts"] = laugh.parts().map(part).collect::<Vec<_>>().into();
    value
}

fn part((recording, row): (&StoredRecording, &StoredDetection)) -> Value {
    json!({
        "recording": recording.name,
        "content_sha256": recording.content.map(|content| content.to_string()),
        "start_seconds": seconds(row.detection.start),
        "end_seconds": seconds(row.detection.end),
        "starts_at": row.starts.to_string(),
        "peak_score": shortest_f64(row.detection.peak),
    })
}

pub fn one_laugh(one: &Laugh, zone: &str) -> Value {
    json!({ "detection": laugh(one), "zone": zone, "spec_version": SPEC_VERSION })
}

/// A day in numbers.
pub fn day_count(day: &DayCount) -> Value {
    json!({
        "source": day.source,
        "date": day.date.to_string(),
        "laughs": day.laughs,
        "rejected": day.rejected,
        "confirmed": day.confirmed,
        "unreviewed": day.unreviewed,
        "favourites": day.favourites,
        "laughed_seconds": seconds(day.laughed),
        "laughs_by_hour": day.by_hour,
        "analyzed_seconds": seconds(day.analyzed),
        "recordings": day.recordings,
    })
}

/// A list with the cursor of its next page.
pub fn page(name: &str, items: Vec<Value>, next: Option<String>) -> Value {
    json!({ name: items, "next": next, "spec_version": SPEC_VERSION })
}

/// The sources, each with its last run.
pub fn sources(sources: &[(String, Option<PastRun>)]) -> Value {
    let last = |run: &PastRun| {
        json!({
            "id": run.id,
            "started_at": run.started.to_string(),
            "ended_at": run.ended.to_string(),
            "exit_code": run.exit_code,
            "zone": run.zone,
        })
    };
    let items = sources.iter().map(|(source, run)| json!({ "source": source, "last_run": run.as_ref().map(last) }));
    json!({ "sources": items.collect::<Vec<_>>(), "spec_version": SPEC_VERSION })
}

pub fn run(run: &PastRun) -> Value {
    status::run(run)
}

/// A day of each source.
pub fn days(days: &[Day], zone: &str) -> Value {
    json!({ "days": days.iter().map(status::day).collect::<Vec<_>>(), "zone": zone, "spec_version": SPEC_VERSION })
}

/// A review as it is imported.
pub fn review(span: &ReviewedSpan) -> Value {
    json!({
        "source": span.source,
        "recording": span.recording,
        "content_sha256": span.content.to_string(),
        "start_seconds": span.start.as_secs_f64(),
        "end_seconds": span.end.as_secs_f64(),
        "starts_at": span.starts.to_string(),
        "verdict": span.review.verdict.map(Verdict::as_str),
        "comment": span.review.comment,
        "favourite": span.review.favourite,
        "at": span.review.at.to_string(),
    })
}

/// What was stored of reviews.
pub fn imported(imported: &Imported) -> Value {
    crate::render::reviews::value(imported)
}
