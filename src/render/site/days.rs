//! The first page: the calendar of a year, trends, the best laughs, and the sources next to each other.

mod charts;
mod heat;
mod tables;

use jiff::ToSpan;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use super::{Layout, escape, found, query};
use crate::calendar::trends::Trends;
use crate::domain::{DayCount, Laugh};
use crate::render::pluralize;

/// Days of the drawing of trends.
const TREND: i32 = 84;

/// The content of the page.
pub struct Days<'a> {
    pub year: i16,
    /// The last day that is shown: in this year today, in others their last.
    pub last: Date,
    /// Of the chosen sources; from some weeks before the year, for the means.
    pub counts: &'a [DayCount],
    /// The sources that the viewer sees.
    pub sources: &'a [String],
    /// The chosen one; None: all.
    pub source: Option<&'a str>,
    /// The best laughs of the last day with data, of the week and of the four weeks up to it.
    pub best: [&'a [Laugh]; 3],
    pub zone: &'a TimeZone,
    pub has_clips: bool,
    pub is_current: bool,
}

/// The whole page.
pub fn days(days: &Days) -> String {
    let trends: Trends = days.counts.iter().collect();
    let first = date(days.year, 1, 1);
    let last = trends.last().filter(|last| *last >= first).map_or(days.last, |last| last.min(days.last));
    let body = [
        format!("<header class=\"year\">\n<h1>Days of {}</h1>\n{}</header>\n", days.year, years(days)),
        sources(days),
        facts(days, &trends, first, last),
        heat::section(days, &trends),
        best(days),
        charts::section(&trends, last, TREND),
        charts::shares(&trends, first, last),
        tables::section(days, &trends, first, last),
    ];
    let title = format!("Days of {}", days.year);
    Layout { title: &title, current: "/", scripts: &["calendar.js"], body: body.concat() }.html()
}

/// The address of this page for a year and a source.
fn address(year: i16, source: Option<&str>) -> String {
    escape(&format!("/{}", query(&[("year", &year.to_string()), ("source", source.unwrap_or_default())])))
}

/// The address of a day with the chosen source.
fn day_address(days: &Days, date: Date) -> String {
    escape(&format!("/days/{date}{}", query(&[("source", days.source.unwrap_or_default())])))
}

fn years(days: &Days) -> String {
    let link = |year: i16, relation: &str, text: String| {
        format!("<a rel=\"{relation}\" href=\"{}\">{text}</a>\n", address(year, days.source))
    };
    let before = link(days.year - 1, "prev", format!("← {}", days.year - 1));
    let after =
        if days.is_current { String::new() } else { link(days.year + 1, "next", format!("{} →", days.year + 1)) };
    format!("<nav class=\"around\" aria-label=\"Years\"><p>{before}{after}</p></nav>\n")
}

/// All sources, or one; nothing if there is only one.
fn sources(days: &Days) -> String {
    if days.sources.len() < 2 {
        return String::new();
    }
    let link = |source: Option<&str>| {
        let current = if source == days.source { " aria-current=\"page\"" } else { "" };
        let name = source.map_or("All sources".to_owned(), |name| format!("<bdi>{}</bdi>", escape(name)));
        format!("<a href=\"{}\"{current}>{name}</a>\n", address(days.year, source))
    };
    let named: String = days.sources.iter().map(|source| link(Some(source))).collect();
    format!("<nav class=\"around sources\" aria-label=\"Sources\"><p>{}{named}</p></nav>\n", link(None))
}

/// The year in a few numbers.
fn facts(days: &Days, trends: &Trends, first: Date, last: Date) -> String {
    let sum = trends.sum(first, days.last);
    if sum.analyzed_days == 0 {
        return format!("<p class=\"quiet\">Nothing of {} was analyzed.</p>\n", days.year);
    }
    let mean = |count: i32| trends.mean(last, count).map_or("–".to_owned(), |mean| format!("{mean:.1}"));
    let fact = |name: &str, value: &str, about: &str| {
        format!("<div><dt>{name}</dt><dd>{value} <small>{about}</small></dd></div>\n")
    };
    let day = |date: Date| format!("<a href=\"{}\">{}</a>", day_address(days, date), date.strftime("%-d %b"));
    let mut rows = vec![
        fact(
            "Laughs",
            &sum.laughs.to_string(),
            &format!("on {}", pluralize(sum.analyzed_days as usize, "analyzed day")),
        ),
        fact("7 days", &mean(7), "a day"),
        fact("28 days", &mean(28), "a day"),
    ];
    if let Some((date, laughs)) = trends.most(first, days.last) {
        rows.push(fact("Most", &laughs.to_string(), &format!("on {}", day(date))));
    }
    if let Some((date, length)) = trends.streak(first, days.last) {
        let length = pluralize(length as usize, "day");
        rows.push(fact("In a row", &length, &format!("with a laugh, up to {}", day(date))));
    }
    format!("<dl class=\"facts\">\n{}</dl>\n", rows.concat())
}

fn best(days: &Days) -> String {
    let group = |(name, laughs): (&str, &&[Laugh])| {
        if laughs.is_empty() {
            return String::new();
        }
        format!("<h3>{name}</h3>\n{}", found::list(laughs, days.zone, days.has_clips))
    };
    let names = ["The last day", "Seven days", "Four weeks"];
    let groups: String = names.into_iter().zip(&days.best).map(group).collect();
    if groups.is_empty() { groups } else { format!("<section>\n<h2>Best laughs</h2>\n{groups}</section>\n") }
}

/// The dates from the first to the last.
fn dates(first: Date, last: Date) -> impl Iterator<Item = Date> {
    first.series(1.day()).take_while(move |date| *date <= last)
}

#[cfg(test)]
mod tests;
