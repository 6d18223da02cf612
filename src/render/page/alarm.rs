//! The warning at the top of the page: what is missing of a day.
//!
//! Red: failed recordings, an incomplete day, gaps of a minute or more between recordings. The time before the first
//! and after the last recording is usually intended: it is listed below the timeline, or above it in a neutral colour
//! if it is more than half of the day.

use super::source_filter;
use super::text::escape;
use crate::calendar::span::length;
use crate::calendar::{Completeness, Day};
use crate::render::report::ReportView;
use crate::render::status::day::{SHORT, completeness, failures, listed, partials};

/// The warning; empty if there is none.
pub fn section(view: &ReportView, day: &Day) -> String {
    let is_good = matches!(day.completeness(), Completeness::Complete | Completeness::Running);
    let (failed, partial) = (failures(day), partials(day));
    let between = listed(day, &day.gaps_between(), "no recording in between");
    let is_alarm = !is_good || !failed.is_empty() || day.gaps_between().iter().any(|gap| gap.length() >= SHORT);
    let around = if is_mostly_unrecorded(day) { around(day) } else { Vec::new() };
    let heading = match (is_alarm, is_good) {
        (false, _) if around.is_empty() => return String::new(),
        (false, _) => "Most of this day was not recorded".to_owned(),
        (true, true) => "Gaps between recordings".to_owned(),
        (true, false) => format!("Coverage: {}", completeness(day)),
    };
    let source_filter = source_filter(view, day).map_or(String::new(), |source_filter| {
        format!(" <span class=\"source\"><bdi>{}</bdi></span>", escape(&source_filter))
    });
    format!(
        "<section class=\"{}\">\n<h2>{}{source_filter}</h2>\n{}{}{}<div class=\"neutral\">{}</div></section>\n",
        if is_alarm { "alarm" } else { "alarm mild" },
        escape(&heading),
        lines(&failed),
        lines(&partial),
        if is_alarm { lines(&between) } else { String::new() },
        lines(&around)
    )
}

/// The note below the timeline; empty if the warning contains it.
pub fn aside(day: &Day) -> String {
    let around = if is_mostly_unrecorded(day) { Vec::new() } else { around(day) };
    match around.split_first() {
        Some((heading, items)) => {
            let items: Vec<&str> = items.iter().map(|item| item.trim()).collect();
            format!("<p class=\"aside\">{} {}</p>\n", escape(heading), escape(&items.join("; ")))
        }
        None => String::new(),
    }
}

fn around(day: &Day) -> Vec<String> {
    let title =
        if day.recordings.is_empty() { "no recording" } else { "no recording before the first and after the last" };
    listed(day, &day.gaps_around(), title)
}

fn is_mostly_unrecorded(day: &Day) -> bool {
    length(&day.gaps_around()) * 2 > day.calendar.span.length()
}

/// A heading and its items, in the words of `status`.
fn lines(lines: &[String]) -> String {
    let Some((heading, items)) = lines.split_first() else { return String::new() };
    let items: String = items.iter().map(|item| format!("<li>{}</li>\n", escape(item.trim()))).collect();
    format!("<p>{}</p>\n<ul>\n{items}</ul>\n", escape(heading))
}
