//! The runs of several sources: a heading for each, their exit codes in a line, one JSON document, or an event for each.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::json::{SPEC_FIELD, SPEC_VERSION};
use crate::domain::{Field, field};
use crate::exit::Exit;
use crate::text::escape;

/// The run of one source.
pub struct SourceRun {
    pub source: String,
    pub exit: Exit,
    pub ended: Timestamp,
    /// The summary line, or the error that ended it.
    pub message: String,
    /// What `giggles scan --json` prints for it; None if the run failed, or another format was asked for.
    pub result: Option<Value>,
}

/// Fields of the document besides the results.
pub(super) const DOCUMENT: &[Field] = &[
    SPEC_FIELD,
    field("exit_code", "number", "the worst exit code"),
    field("sources[].source", "string", "name of the source"),
    field("sources[].exit_code", "number", "exit code of its run"),
    field("sources[].message", "string", "the summary of its run, or the error that ended it"),
    field(
        "sources[].result",
        "object or null",
        "what `giggles scan --json` prints for the source; null if its run stored nothing",
    ),
];

/// Fields of the payload of an event `source`.
pub(super) const EVENT: &[Field] = &[
    field("source", "string", "name of the source; this and the following of `source` events only"),
    field("exit_code", "number", "exit code of its run"),
    field("message", "string", "the summary of its run, or the error that ended it"),
];

/// The line above the laughs of a source.
pub fn heading(source: &str) -> String {
    format!("source {}\n", escape(source))
}

/// `exit codes: neil 0, anna 78; the worst is 78`
pub fn exit_codes(runs: &[SourceRun], exit: Exit) -> String {
    let codes: Vec<String> = runs.iter().map(|run| format!("{} {}", escape(&run.source), run.exit.code())).collect();
    format!("exit codes: {}; the worst is {}\n", codes.join(", "), exit.code())
}

/// One document of all runs.
pub fn document(runs: &[SourceRun], exit: Exit) -> String {
    let source = |run: &SourceRun| {
        let mut value = payload(run);
        value["result"] = run.result.clone().unwrap_or_default();
        value
    };
    let document = json!({
        "spec_version": SPEC_VERSION,
        "exit_code": exit.code(),
        "sources": runs.iter().map(source).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

/// One event per run, after those of the recordings.
pub fn events(runs: &[SourceRun]) -> String {
    let event = |run: &SourceRun| {
        let envelope = json!({
            "spec_version": SPEC_VERSION,
            "timestamp": run.ended.to_string(),
            "event": "source",
            "payload": payload(run),
        });
        format!("{envelope}\n")
    };
    runs.iter().map(event).collect()
}

fn payload(run: &SourceRun) -> Value {
    json!({ "source": run.source, "exit_code": run.exit.code(), "message": run.message })
}
