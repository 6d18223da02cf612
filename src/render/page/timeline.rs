//! The timeline of a day in local time: analyzed, failed, no recording, and one mark per laugh.
//!
//! Horizontal positions are percentages, so that the drawing fits any screen without scaling its text.

use super::text::escape;
use super::{coverage, source_filter};
use crate::calendar::span::length;
use crate::calendar::{Day, Span};
use crate::domain::Verdict;
use crate::render::pluralize;
use crate::render::report::ReportView;
use crate::render::status::day::clock;
use crate::render::status::words;

/// Sizes in pixels: the marks are above the band, the hours below it.
const BAND: f64 = 64.0;
const THICK: f64 = 14.0;
const HEIGHT: f64 = 104.0;

pub fn section(view: &ReportView, day: &Day) -> String {
    let heading = source_filter(view, day).unwrap_or_else(|| "The day".into());
    let analyzed = format!("{} analyzed", words(length(&day.analyzed)));
    let laughs = if day.analyzed.is_empty() {
        "nothing was analyzed".to_owned()
    } else {
        pluralize(day.laughs().len(), "laugh")
    };
    let label = format!("{heading}: {analyzed}, {laughs}");
    format!(
        "<section>\n<h2><bdi>{}</bdi> <small>{analyzed}</small></h2>\n\
         <svg class=\"day\" width=\"100%\" height=\"{HEIGHT}\" role=\"img\" aria-label=\"{}\">\n{}{}{}</svg>\n\
         <p class=\"key\"><span class=\"k-analyzed\">analyzed</span> <span class=\"k-gap\">no recording</span> \
         <span class=\"k-failed\">failed or missing</span> <span class=\"k-laugh\">a laugh; its height is the score</span></p>\n{}</section>\n",
        escape(&heading),
        escape(&label),
        bands(day),
        hours(day),
        marks(view, day),
        coverage::line(day)
    )
}

/// The position of an instant, in percent of the day.
fn percent(day: &Day, at: jiff::Timestamp) -> f64 {
    let whole = day.calendar.span.length().as_secs_f64().max(1.0);
    let since = Span { from: day.calendar.span.from, to: at }.length().as_secs_f64();
    (since / whole * 100.0).clamp(0.0, 100.0)
}

fn bands(day: &Day) -> String {
    let band = |class: &str, name: &str, spans: &[Span]| -> String {
        let rect = |span: &Span| {
            let (from, to) = (percent(day, span.from), percent(day, span.to));
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
    base + &gaps + &band("analyzed", "analyzed", &day.analyzed) + &band("failed", "failed or missing", &day.failed)
}

/// One tick per hour, one label every three hours.
fn hours(day: &Day) -> String {
    let span = day.calendar.span;
    let hour = jiff::SignedDuration::from_hours(1);
    let all = std::iter::successors(Some(span.from), |at| at.checked_add(hour).ok()).take_while(|at| *at < span.to);
    let tick = |at: jiff::Timestamp| {
        let (x, hour) = (percent(day, at), at.to_zoned(day.calendar.zone.clone()).hour());
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

fn marks(view: &ReportView, day: &Day) -> String {
    let before: usize =
        view.days.iter().take_while(|other| !std::ptr::eq(*other, day)).map(|other| other.laughs().len()).sum();
    let mark = |(index, laugh): (usize, &crate::calendar::MergedDetection)| {
        let (x, top) = (percent(day, laugh.starts()), BAND - 4.0 - 52.0 * f64::from(laugh.peak().clamp(0.0, 1.0)));
        let is_out = laugh.review().is_some_and(|review| review.verdict == Some(Verdict::Rejected));
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
