//! The calendar of the year: a column a week, a square a day, darker with more laughs.

use jiff::civil::{Date, date};

use super::{Days, dates, day_address};
use crate::calendar::trends::{Total, Trends, monday};
use crate::render::pluralize;
use crate::render::status::words;

/// Sizes in units of the drawing.
const SQUARE: i32 = 14;
const STEP: i32 = 17;
const LEFT: i32 = 34;
const TOP: i32 = 20;

pub fn section(days: &Days, trends: &Trends) -> String {
    let (first, last) = (date(days.year, 1, 1), date(days.year, 12, 31));
    let start = monday(first);
    let most = dates(first, last).filter_map(|date| trends.get(date)).map(|total| total.laughs).max().unwrap_or(0);
    let squares: String = dates(first, last).map(|date| square(days, trends, start, date, most)).collect();
    let weekdays = [(0, "Mon"), (2, "Wed"), (4, "Fri"), (6, "Sun")]
        .map(|(row, name)| format!("<text class=\"start\" x=\"0\" y=\"{}\">{name}</text>\n", TOP + row * STEP + 11));
    let months: String = (1..=12).map(|month| month_name(days, start, month)).collect();
    let width = LEFT + (column(start, last) + 1) * STEP;
    format!(
        "<section>\n<h2>Calendar</h2>\n<div class=\"heat\">\n\
         <svg viewBox=\"0 0 {width} {}\" role=\"group\" aria-label=\"Laughs of each day of {}\">\n{months}{}{squares}</svg>\n</div>\n\
         <p class=\"key\"><span class=\"k-gap\">not analyzed</span> <span class=\"k-zero\">no laugh</span> <span class=\"k-few\">few</span> \
         <span class=\"k-now\">many, at most {most}</span></p>\n</section>\n",
        TOP + 7 * STEP,
        days.year,
        weekdays.concat(),
    )
}

fn column(start: Date, date: Date) -> i32 {
    start.until(date).map_or(0, |span| span.get_days() / 7)
}

fn square(days: &Days, trends: &Trends, start: Date, date: Date, most: u64) -> String {
    let row = i32::from(date.weekday().to_monday_zero_offset());
    let (x, y) = (LEFT + column(start, date) * STEP, TOP + row * STEP);
    let total = trends.get(date);
    let class = class(total, most);
    let shape = format!("<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{SQUARE}\" height=\"{SQUARE}\" rx=\"2\">");
    let Some(total) = total else { return format!("{shape}</rect>\n") };
    let name = date.strftime("%a %-d %b");
    let laughs = pluralize(usize::try_from(total.laughs).unwrap_or(usize::MAX), "laugh");
    let about = if total.is_analyzed() {
        format!("{name}: {laughs}, {} analyzed", words(total.analyzed))
    } else {
        format!("{name}: not analyzed")
    };
    // The script moves among the days with the arrow keys; so Tab leaves the calendar at once.
    let stop = if trends.last() == Some(date) { 0 } else { -1 };
    format!(
        "<a href=\"{}\" tabindex=\"{stop}\" data-date=\"{date}\" aria-label=\"{about}\">{shape}<title>{about}</title></rect></a>\n",
        day_address(days, date)
    )
}

/// `h1` to `h4`: up to a quarter of the most, and so on.
fn class(total: Option<&Total>, most: u64) -> &'static str {
    match total {
        Some(total) if total.is_analyzed() => match (total.laughs * 4).div_ceil(most.max(1)) {
            0 => "h0",
            1 => "h1",
            2 => "h2",
            3 => "h3",
            _ => "h4",
        },
        _ => "gap",
    }
}

fn month_name(days: &Days, start: Date, month: i8) -> String {
    let first = date(days.year, month, 1);
    let x = LEFT + column(start, first) * STEP;
    format!("<text class=\"start\" x=\"{x}\" y=\"12\">{}</text>\n", first.strftime("%b"))
}
