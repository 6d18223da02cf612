//! Drawings: laughs of each day with the means of 7 and 28 days, and by hour of day and weekday.
//!
//! Horizontal positions are percentages, so that the drawing fits any screen without scaling its text.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::dates;
use crate::calendar::trends::Trends;
use crate::render::pluralize;

/// Sizes in pixels.
const HEIGHT: f64 = 170.0;
const FOOT: f64 = 142.0;
const TALLEST: f64 = 125.0;

/// The last weeks, a bar a day.
pub fn section(trends: &Trends, last: Date, days: i32) -> String {
    let first = last.saturating_sub((days - 1).days());
    let most = dates(first, last).filter_map(|date| trends.get(date)).map(|total| total.laughs).max().unwrap_or(0);
    if most == 0 {
        return String::new();
    }
    let (width, scale) = (100.0 / f64::from(days), TALLEST / most as f64);
    let all: Vec<(f64, Date)> = dates(first, last).enumerate().map(|(i, date)| (i as f64 * width, date)).collect();
    let bars: String = all.iter().map(|(x, date)| bar(trends, *date, *x, width, scale)).collect();
    let mean = |count: i32, class: &str| -> String {
        let points: Vec<Option<(f64, f64)>> =
            all.iter().map(|(x, date)| Some((x + width / 2.0, FOOT - trends.mean(*date, count)? * scale))).collect();
        line(&points, class)
    };
    let weeks = days / 7;
    format!(
        "<section>\n<h2>Trend <small>{weeks} weeks</small></h2>\n\
         <svg class=\"trend\" width=\"100%\" height=\"{HEIGHT}\" role=\"img\" aria-label=\"Laughs a day over {weeks} weeks, at most {most}\">\n\
         <line class=\"tick\" x1=\"0\" x2=\"100%\" y1=\"{FOOT}\" y2=\"{FOOT}\"/>\n{bars}{}{}</svg>\n\
         <p class=\"key\"><span class=\"k-analyzed\">laughs a day</span> <span class=\"k-week\">mean of 7 days</span> \
         <span class=\"k-month\">mean of 28 days</span></p>\n</section>\n",
        mean(7, "week"),
        mean(28, "four"),
    )
}

fn bar(trends: &Trends, date: Date, x: f64, width: f64, scale: f64) -> String {
    let name = date.strftime("%-d %b");
    let label = if date.weekday() == Weekday::Monday && date.day() <= 7 {
        format!("<text x=\"{:.3}%\" y=\"{}\">{}</text>\n", x + width / 2.0, HEIGHT - 8.0, date.strftime("%b"))
    } else {
        String::new()
    };
    let Some(total) = trends.get(date).filter(|total| total.is_analyzed()) else { return label };
    let high = (total.laughs as f64 * scale).max(1.5);
    format!(
        "{label}<rect class=\"bar\" x=\"{:.3}%\" y=\"{:.1}\" width=\"{:.3}%\" height=\"{high:.1}\"><title>{name}: {}</title></rect>\n",
        x + width * 0.15,
        FOOT - high,
        width * 0.7,
        pluralize(total.laughs as usize, "laugh"),
    )
}

/// The lines between neighbouring points; where there is none, the line is interrupted.
fn line(points: &[Option<(f64, f64)>], class: &str) -> String {
    let segment = |pair: &[Option<(f64, f64)>]| {
        let ((x1, y1), (x2, y2)) = (pair[0]?, pair[1]?);
        Some(format!("<line class=\"mean {class}\" x1=\"{x1:.3}%\" y1=\"{y1:.1}\" x2=\"{x2:.3}%\" y2=\"{y2:.1}\"/>\n"))
    };
    points.windows(2).filter_map(segment).collect()
}

/// By hour of day and by weekday.
pub fn shares(trends: &Trends, first: Date, last: Date) -> String {
    let hours = trends.by_hour(first, last);
    if hours.iter().all(|mean| *mean == 0.0) {
        return String::new();
    }
    let hours = hours.iter().enumerate().map(|(hour, mean)| {
        (if hour % 3 == 0 { format!("{hour:02}") } else { String::new() }, format!("{hour:02}:00"), Some(*mean))
    });
    let names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let weekdays = trends.by_weekday(first, last);
    let weekdays = names
        .iter()
        .zip(weekdays)
        .map(|(name, mean)| (name[..3].to_owned(), (*name).to_owned(), mean.map(|mean| mean.laughs)));
    format!(
        "<section class=\"shares\">\n{}{}</section>\n",
        columns("By hour of day", hours.collect()),
        columns("By weekday", weekdays.collect())
    )
}

/// A column for each label, name and mean.
fn columns(title: &str, all: Vec<(String, String, Option<f64>)>) -> String {
    let most = all.iter().filter_map(|(_, _, mean)| *mean).fold(f64::MIN_POSITIVE, f64::max);
    let width = 100.0 / all.len() as f64;
    let column = |(i, (label, name, mean)): (usize, &(String, String, Option<f64>))| {
        let x = i as f64 * width;
        let label = format!("<text x=\"{:.3}%\" y=\"{}\">{label}</text>\n", x + width / 2.0, HEIGHT - 8.0);
        let Some(mean) = mean else { return label };
        let high = (mean / most * TALLEST).max(1.5);
        format!(
            "{label}<rect class=\"bar\" x=\"{:.3}%\" y=\"{:.1}\" width=\"{:.3}%\" height=\"{high:.1}\"><title>{name}: {mean:.1} laughs a day</title></rect>\n",
            x + width * 0.15,
            FOOT - high,
            width * 0.7,
        )
    };
    let drawn: String = all.iter().enumerate().map(column).collect();
    format!(
        "<div>\n<h2>{title} <small>laughs a day</small></h2>\n<svg width=\"100%\" height=\"{HEIGHT}\" role=\"img\" aria-label=\"{title}: at most {most:.1} laughs a day\">\n\
         <line class=\"tick\" x1=\"0\" x2=\"100%\" y1=\"{FOOT}\" y2=\"{FOOT}\"/>\n{drawn}</svg>\n</div>\n"
    )
}
