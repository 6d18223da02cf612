//! Weeks, months and sources as tables.

use jiff::ToSpan;
use jiff::civil::{Date, date};

use super::{Days, address, day_address};
use crate::calendar::trends::{Sum, Trends, monday};
use crate::render::site::escape;

/// Rows of weeks.
const WEEKS: i32 = 8;

pub fn section(days: &Days, trends: &Trends, first: Date, last: Date) -> String {
    let week = |back: i32| {
        let start = monday(last).saturating_sub((7 * back).days());
        let name = format!("<a href=\"{}\">{}</a>", day_address(days, start), start.strftime("%-d %b %Y"));
        row(&name, &trends.sum(start, start.saturating_add(6.days())))
    };
    let month = |month: i8| {
        let start = date(days.year, month, 1);
        row(&start.strftime("%B").to_string(), &trends.sum(start, start.last_of_month()))
    };
    let weeks: String = (0..WEEKS).filter_map(week).collect();
    let months: String = (1..=last.month()).rev().filter_map(month).collect();
    format!(
        "<section class=\"tables\">\n{}{}{}</section>\n",
        table("Weeks", "from Monday", &weeks),
        table("Months", "month", &months),
        compared(days, first)
    )
}

/// The sources next to each other, if all are shown.
fn compared(days: &Days, first: Date) -> String {
    if days.source.is_some() || days.sources.len() < 2 {
        return String::new();
    }
    let source = |source: &String| {
        let own: Trends = days.counts.iter().filter(|day| day.source == *source).collect();
        let name = format!("<a href=\"{}\"><bdi>{}</bdi></a>", address(days.year, Some(source)), escape(source));
        row(&name, &own.sum(first, days.last))
    };
    table("Sources", "source", &days.sources.iter().filter_map(source).collect::<String>())
}

/// None without an analyzed day.
fn row(name: &str, sum: &Sum) -> Option<String> {
    let mean = sum.mean()?;
    Some(format!(
        "<tr><th scope=\"row\">{name}</th><td>{}</td><td>{mean:.1}</td><td>{}</td><td>{}</td></tr>\n",
        sum.laughs, sum.favourites, sum.analyzed_days
    ))
}

fn table(title: &str, first: &str, rows: &str) -> String {
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "<table>\n<caption>{title}</caption>\n<thead><tr><th scope=\"col\">{first}</th><th scope=\"col\">laughs</th><th scope=\"col\">a day</th>\
         <th scope=\"col\">favourites</th><th scope=\"col\">days</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n"
    )
}
