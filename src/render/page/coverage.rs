//! One line under the timeline: what failed, and what was not recorded. Its details are folded.
//!
//! Red is only what a person can mend: recordings that failed or are partial, a day that no run has scanned. Hours in
//! which nothing was recorded are usually intended.

use super::text::escape;
use crate::calendar::span::length;
use crate::calendar::{Completeness, Day};
use crate::render::pluralize;
use crate::render::status::day::{completeness, failures, listed, partials};
use crate::render::status::words;

/// The line; empty if nothing failed and nothing is missing.
pub fn line(day: &Day) -> String {
    let parts = [fault(day), unrecorded(day)];
    let summary: Vec<String> = parts.into_iter().flatten().collect();
    let details = details(day);
    match (summary.join(" · "), details.is_empty()) {
        (text, _) if text.is_empty() => String::new(),
        (text, true) => format!("<p class=\"coverage\">{text}</p>\n"),
        (text, false) => {
            format!("<details class=\"coverage\">\n<summary>{text}</summary>\n{details}</details>\n")
        }
    }
}

/// What a person can mend.
fn fault(day: &Day) -> Option<String> {
    match day.completeness() {
        Completeness::Damaged { .. } | Completeness::NotScanned | Completeness::InProgress(_) => {
            Some(format!("<span class=\"fault\">{}</span>", escape(&completeness(day))))
        }
        Completeness::Empty => Some("<span>no recordings are stored</span>".to_owned()),
        Completeness::Running => Some("<span>not over yet</span>".to_owned()),
        Completeness::Complete => None,
    }
}

/// `14 h 20 min not recorded, in 3 gaps`
fn unrecorded(day: &Day) -> Option<String> {
    let gaps = &day.gaps;
    (!gaps.is_empty() && !day.recordings.is_empty())
        .then(|| format!("<span>{} not recorded, in {}</span>", words(length(gaps)), pluralize(gaps.len(), "gap")))
}

fn details(day: &Day) -> String {
    let around =
        if day.recordings.is_empty() { "no recording" } else { "before the first and after the last recording" };
    let (between, around) =
        (listed(day, &day.gaps_between(), "between recordings"), listed(day, &day.gaps_around(), around));
    [failures(day), partials(day)].iter().map(|all| lines(all, "fault")).collect::<String>()
        + &[between, around].iter().map(|all| lines(all, "calm")).collect::<String>()
}

/// A heading and its items, in the words of `status`.
fn lines(lines: &[String], class: &str) -> String {
    let Some((heading, items)) = lines.split_first() else { return String::new() };
    let items: String = items.iter().map(|item| format!("<li>{}</li>\n", escape(item.trim()))).collect();
    format!("<div class=\"{class}\">\n<p>{}</p>\n<ul>\n{items}</ul>\n</div>\n", escape(heading))
}
