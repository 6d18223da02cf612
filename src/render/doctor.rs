//! The result of `doctor`: one line per check for people, one JSON document for programs.
//!
//! Invariant: a line begins with one of five words; the hint is on the line below it.

use serde_json::{Value, json};

use super::json::{SPEC_FIELD, SPEC_VERSION};
use crate::domain::{Field, field};
use crate::exit::Exit;
use crate::finding::{Finding, Health};
use crate::text::{escape, pluralize};

/// Column of the messages.
const INDENT: usize = 19;

fn word(health: Health) -> &'static str {
    match health {
        Health::Ok => "ok",
        Health::Skipped => "-",
        Health::Warn => "warn",
        Health::Busy => "busy",
        Health::Fail => "fail",
    }
}

/// `warn  database     message`, then the hint and the details.
pub fn lines(finding: &Finding) -> String {
    let mut text = format!("{:<6}{:<13}{}\n", word(finding.health), finding.check, escape(&finding.message));
    if !finding.hint.is_empty() {
        text += &format!("{:INDENT$}-> {}\n", "", escape(&finding.hint));
    }
    for detail in &finding.details {
        text += &format!("{:INDENT$}{}\n", "", escape(detail));
    }
    text
}

/// The summary line.
pub fn verdict(findings: &[Finding], exit: Exit) -> String {
    let count = |health| findings.iter().filter(|finding| finding.health == health).count();
    let warnings = match count(Health::Warn) {
        0 => String::new(),
        count => format!(", with {}", pluralize(count, "warning")),
    };
    match exit {
        Exit::Complete => format!("a scan would run{warnings}\n"),
        Exit::TryAgain => format!("a scan would not run now (75); try again later{warnings}\n"),
        other => {
            format!("a scan would fail ({}) at {}{warnings}\n", other.code(), pluralize(count(Health::Fail), "check"))
        }
    }
}

/// Fields of the document.
pub(super) const DOCUMENT: &[Field] = &[
    SPEC_FIELD,
    field("exit_code", "number", "0: a scan would run; 75: not now; 78: a setting must be corrected"),
    field("checks[].check", "string", "name of the check"),
    field("checks[].status", "string", "`ok`, `warn`, `busy`, `fail` or `skipped`"),
    field("checks[].message", "string", "what was found"),
    field("checks[].hint", "string", "what to do; empty if nothing"),
    field("checks[].details[]", "string", "more lines of the message"),
];

/// Fields of the document of several sources besides their checks.
pub(super) const SOURCES: &[Field] = &[
    SPEC_FIELD,
    field("exit_code", "number", "the worst exit code"),
    field("sources[].source", "string", "name of the source"),
];

/// The line above the checks of a source.
pub fn heading(source: &str) -> String {
    format!("source {}\n", escape(source))
}

/// The checks of each source as one document, with a line break at the end.
pub fn document_of_sources(sources: &[(String, Vec<Finding>, Exit)], exit: Exit) -> String {
    let source = |(source, findings, exit): &(String, Vec<Finding>, Exit)| {
        let mut value = value(findings, *exit);
        value["source"] = source.as_str().into();
        value
    };
    let document = json!({
        "spec_version": SPEC_VERSION,
        "exit_code": exit.code(),
        "sources": sources.iter().map(source).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

/// All checks as one document, with a line break at the end.
pub fn document(findings: &[Finding], exit: Exit) -> String {
    format!("{:#}\n", value(findings, exit))
}

fn value(findings: &[Finding], exit: Exit) -> Value {
    json!({
        "spec_version": SPEC_VERSION,
        "exit_code": exit.code(),
        "checks": findings.iter().map(check).collect::<Vec<_>>(),
    })
}

fn check(finding: &Finding) -> Value {
    json!({
        "check": finding.check,
        "status": match finding.health {
            Health::Skipped => "skipped",
            other => word(other),
        },
        "message": finding.message,
        "hint": finding.hint,
        "details": finding.details,
    })
}
