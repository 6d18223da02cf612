//! The day as a line of local time: heard, failed, nothing, and a mark a laugh.
//!
//! Places are parts of the width, so that the drawing fits any screen and its letters stay letters.

use super::text::escape;
use super::{alarm, whose};
use crate::day::span::length;
use crate::day::{Day, Span};
use crate::output::report::Telling;
use crate::output::several;
use crate::output::status::day::clock;
use crate::output::status::words;
use crate::record::Judgement;

/// Pixels: the marks stand on the band, the hours below.
const BAND: f64 = 64.0;
const THICK: f64 = 14.0;
const HEIGHT: f64 = 104.0;

pub fn section(telling: &Telling, day: &Day) -> String {
    let heading = whose(telling, day).unwrap_or_else(|| "The day".into());
    let heard = format!("{} analyzed", words(length(&day.heard)));
    let laughs = match day.heard.is_empty() {
        true => "nothing was analyzed".to_owned(),
        false => several(day.laughs().len(), "laugh"),
    };
    let label = format!("{heading}: {heard}, {laughs}");
    format!(
        "<section>\n<h2>{} <small>{heard}</small></h2>\n\
         <svg class=\"day\" width=\"100%\" height=\"{HEIGHT}\" role=\"img\" aria-label=\"{}\">\n{}{}{}</svg>\n\
         <p class=\"key\"><span class=\"k-heard\">analyzed</span> <span class=\"k-gap\">no recording</span> \
         <span class=\"k-failed\">failed or missing</span> <span class=\"k-laugh\">a laugh, as high as its score</span></p>\n{}</section>\n",
        escape(&heading),
        escape(&label),
        bands(day),
        hours(day),
        marks(telling, day),
        alarm::aside(day)
    )
}

/// Where an instant lies, in percent of the day.
fn place(day: &Day, at: jiff::Timestamp) -> f64 {
    let whole = day.calendar.span.length().as_secs_f64().max(1.0);
    let since = Span { from: day.calendar.span.from, to: at }.length().as_secs_f64();
    (since / whole * 100.0).clamp(0.0, 100.0)
}

fn bands(day: &Day) -> String {
    let band = |class: &str, name: &str, spans: &[Span]| -> String {
        let rect = |span: &Span| {
            let (from, to) = (place(day, span.from), place(day, span.to));
            let times = format!("{name} {} to {}", clock(day, span.from), clock(day, span.to));
            format!(
                "<rect class=\"{class}\" x=\"{from:.3}%\" y=\"{BAND}\" width=\"{:.3}%\" height=\"{THICK}\"><title>{times}</title></rect>\n",
                (to - from).max(0.1)
            )
        };
        spans.iter().map(rect).collect()
    };
    let base = format!("<rect class=\"base\" x=\"0\" y=\"{BAND}\" width=\"100%\" height=\"{THICK}\"/>\n");
    let gaps = band("gap", "no recording", &day.gaps);
    base + &gaps + &band("heard", "analyzed", &day.heard) + &band("failed", "failed or missing", &day.failed)
}

/// A tick an hour, a name every three.
fn hours(day: &Day) -> String {
    let span = day.calendar.span;
    let hour = jiff::SignedDuration::from_hours(1);
    let all = std::iter::successors(Some(span.from), |at| at.checked_add(hour).ok()).take_while(|at| *at < span.to);
    let tick = |at: jiff::Timestamp| {
        let (x, hour) = (place(day, at), at.to_zoned(day.calendar.zone.clone()).hour());
        let (top, bottom) = (BAND + THICK, BAND + THICK + if hour % 3 == 0 { 7.0 } else { 4.0 });
        let line = format!("<line class=\"tick\" x1=\"{x:.3}%\" x2=\"{x:.3}%\" y1=\"{top}\" y2=\"{bottom}\"/>\n");
        match hour % 3 {
            0 => format!(
                "{line}<text x=\"{x:.3}%\" y=\"{}\"{}>{hour:02}</text>\n",
                HEIGHT - 5.0,
                if x < 1.0 { " class=\"first\"" } else { "" }
            ),
            _ => line,
        }
    };
    all.map(tick).collect()
}

fn marks(telling: &Telling, day: &Day) -> String {
    let before: usize =
        telling.days.iter().take_while(|other| !std::ptr::eq(*other, day)).map(|other| other.laughs().len()).sum();
    let mark = |(index, laugh): (usize, &crate::day::Joined)| {
        let (x, top) = (place(day, laugh.starts()), BAND - 4.0 - 52.0 * f64::from(laugh.peak().clamp(0.0, 1.0)));
        let is_out = laugh.note().is_some_and(|note| note.verdict == Some(Judgement::Discard));
        let out = if is_out { " out" } else { "" };
        format!(
            "<g class=\"mark{out}\" data-laugh=\"{}\"><line x1=\"{x:.3}%\" x2=\"{x:.3}%\" y1=\"{top:.1}\" y2=\"{}\"/>\
             <circle cx=\"{x:.3}%\" cy=\"{top:.1}\" r=\"3\"/><title>{} {} {:.2}</title></g>\n",
            before + index,
            BAND + THICK,
            clock(day, laugh.starts()),
            laugh.class_name(),
            laugh.peak()
        )
    };
    day.laughs().iter().enumerate().map(mark).collect()
}
