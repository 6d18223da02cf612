//! What a look at the night's needs found: a line a check for people, a document for programs.
//!
//! Invariant: a line begins with one of five words, and what is to be done stands below it.

use serde_json::{Value, json};

use super::json::SPEC_VERSION;
use crate::exit::Exit;
use crate::record::{Finding, Health, plain};

/// Where the texts begin.
const INDENT: usize = 19;

fn word(health: Health) -> &'static str {
    match health {
        Health::Ok => "ok",
        Health::Unseen => "-",
        Health::Doubtful => "warn",
        Health::Busy => "busy",
        Health::Wrong => "fail",
    }
}

/// `warn  database     what was found`, and below it what to do and what there is more to see.
pub fn lines(finding: &Finding) -> String {
    let mut text = format!("{:<6}{:<13}{}\n", word(finding.health), finding.check, plain(&finding.found));
    if !finding.advice.is_empty() {
        text += &format!("{:INDENT$}-> {}\n", "", plain(&finding.advice));
    }
    for detail in &finding.details {
        text += &format!("{:INDENT$}{}\n", "", plain(detail));
    }
    text
}

/// The last line.
pub fn verdict(findings: &[Finding], exit: Exit) -> String {
    let count = |health| findings.iter().filter(|finding| finding.health == health).count();
    let warnings = match count(Health::Doubtful) {
        0 => String::new(),
        1 => ", with 1 warning".to_owned(),
        several => format!(", with {several} warnings"),
    };
    match exit {
        Exit::Complete => format!("a night would run{warnings}\n"),
        Exit::TryAgain => format!("a night would not run now (75), but may later{warnings}\n"),
        other => format!("a night would fail ({}) at {}{warnings}\n", other.code(), checks(count(Health::Wrong))),
    }
}

fn checks(count: usize) -> String {
    format!("{count} check{}", if count == 1 { "" } else { "s" })
}

/// All as one document, with a line break at the end.
pub fn document(findings: &[Finding], exit: Exit) -> String {
    let document = json!({
        "spec_version": SPEC_VERSION,
        "exit_code": exit.code(),
        "checks": findings.iter().map(check).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn check(finding: &Finding) -> Value {
    json!({
        "check": finding.check,
        "status": match finding.health {
            Health::Unseen => "skipped",
            other => word(other),
        },
        "found": finding.found,
        "advice": finding.advice,
        "details": finding.details,
    })
}
