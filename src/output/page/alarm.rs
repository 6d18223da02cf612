//! What is missing of a day, before all else: loud where something went wrong, quiet where nobody recorded.
//!
//! Red is for recordings that failed, for a day that is not whole, and for gaps of a minute or more between
//! recordings. Before the first recording and after the last one people sleep, or have switched the microphone off:
//! that stands below the day's line, and above it, in a quiet colour, where it is more than half of the day.

use super::text::escape;
use super::whose;
use crate::day::span::length;
use crate::day::{Day, Verdict};
use crate::output::report::Telling;
use crate::output::status::day::{SHORT, failures, listed, partials, verdict};

/// Empty where nothing is to be said first.
pub fn section(telling: &Telling, day: &Day) -> String {
    let is_good = matches!(day.verdict(), Verdict::Complete | Verdict::Running);
    let (failed, partial) = (failures(day), partials(day));
    let between = listed(day, &day.gaps_between(), "no recording in between");
    let is_loud = !is_good || !failed.is_empty() || day.gaps_between().iter().any(|gap| gap.length() >= SHORT);
    let around = if is_much(day) { around(day) } else { Vec::new() };
    let heading = match (is_loud, is_good) {
        (false, _) if around.is_empty() => return String::new(),
        (false, _) => "Most of this day was not recorded".to_owned(),
        (true, true) => "Gaps between recordings".to_owned(),
        (true, false) => format!("This day is not whole: {}", verdict(day)),
    };
    let whose =
        whose(telling, day).map_or(String::new(), |whose| format!(" <span class=\"whose\">{}</span>", escape(&whose)));
    format!(
        "<section class=\"{}\">\n<h2>{}{whose}</h2>\n{}{}{}<div class=\"calm\">{}</div></section>\n",
        if is_loud { "alarm" } else { "alarm mild" },
        escape(&heading),
        lines(&failed),
        lines(&partial),
        if is_loud { lines(&between) } else { String::new() },
        lines(&around)
    )
}

/// For the place below the day's line; empty where it stands above.
pub fn aside(day: &Day) -> String {
    let around = if is_much(day) { Vec::new() } else { around(day) };
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

fn is_much(day: &Day) -> bool {
    length(&day.gaps_around()) * 2 > day.calendar.span.length()
}

/// A heading and its items, as `status` words them.
fn lines(lines: &[String]) -> String {
    let Some((heading, items)) = lines.split_first() else { return String::new() };
    let items: String = items.iter().map(|item| format!("<li>{}</li>\n", escape(item.trim()))).collect();
    format!("<p>{}</p>\n<ul>\n{items}</ul>\n", escape(heading))
}
