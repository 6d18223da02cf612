//! The JSON documents of the API of `giggles serve`, and their fields. Objects have the names and the form that exports,
//! `status --json` and `report --json` give them.
//!
//! Invariant: every field of a list is written in every answer, null if it is not known.

use serde_json::{Value, json};

use super::json::{COUNTS, ERROR, MISSING_RANGE, SPEC_FIELD, SPEC_VERSION};
use crate::calendar::Day;
use crate::domain::{Field, PastRun, ReviewedSpan, Verdict, field};
use crate::render::export::JSON_FIELDS;
use crate::render::reviews::DOCUMENT as IMPORT;
use crate::render::status::json as status;
use crate::reviews::{FIELDS as REVIEW, Imported};

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
pub const RUNS: Fields = &[("", PAGE), ("runs[].", status::RUN), ("runs[].counts.", COUNTS)];
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
        "at": span.review.at.to_string(),
    })
}

/// What was stored of reviews.
pub fn imported(imported: &Imported) -> Value {
    crate::render::reviews::value(imported)
}
