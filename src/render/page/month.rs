//! The previous days, one bar each. A day that was not analyzed has a dashed box instead of a bar, since it is not a
//! day without laughs.

use super::text::escape;
use crate::calendar::history::Tally;
use crate::render::pluralize;
use crate::render::report::ReportView;
use crate::render::status::words;

/// Sizes in pixels.
const HEIGHT: f64 = 150.0;
const FOOT: f64 = 122.0;
const TALLEST: f64 = 100.0;

pub fn section(view: &ReportView) -> String {
    let tallies = view.tallies;
    if tallies.is_empty() {
        return String::new();
    }
    let most = tallies.iter().map(|tally| tally.laughs).max().unwrap_or_default().max(1);
    let width = 100.0 / tallies.len() as f64;
    let bars = tallies.iter().enumerate().map(|(i, tally)| bar(view, tally, i as f64 * width, width, most));
    let analyzed = tallies.iter().filter(|tally| !tally.analyzed.is_zero()).count();
    let label =
        format!("Laughs a day over {}, {analyzed} of them analyzed, at most {most}", pluralize(tallies.len(), "day"));
    format!(
        "<section>\n<h2>The month <small>{} up to this one</small></h2>\n\
         <svg class=\"month\" width=\"100%\" height=\"{HEIGHT}\" role=\"img\" aria-label=\"{}\">\n\
         <line class=\"tick\" x1=\"0\" x2=\"100%\" y1=\"{FOOT}\" y2=\"{FOOT}\"/>\n{}</svg>\n\
         <p class=\"key\"><span class=\"k-analyzed\">laughs</span> <span class=\"k-now\">shown above</span> <span class=\"k-none\">analyzed, no laugh</span> \
         <span class=\"k-gap\">not analyzed</span> <span class=\"k-failed k-dot\">a recording failed or is partial</span></p>\n</section>\n",
        pluralize(tallies.len(), "day"),
        escape(&label),
        bars.collect::<String>()
    )
}

fn bar(view: &ReportView, tally: &Tally, x: f64, width: f64, most: usize) -> String {
    let is_shown = view.days.iter().any(|day| day.calendar.date == tally.date);
    let (x, centre, wide) = (x + width * 0.14, x + width * 0.5, width * 0.72);
    let high = TALLEST * tally.laughs as f64 / most as f64;
    let (class, top, high) = match (tally.analyzed.is_zero(), tally.laughs) {
        (true, _) => ("gap", FOOT - 8.0, 8.0),
        (false, 0) => ("none", FOOT - 3.0, 3.0),
        _ => (if is_shown { "bar now" } else { "bar" }, FOOT - high.max(3.0), high.max(3.0)),
    };
    let about = if tally.analyzed.is_zero() {
        format!("{}: not analyzed", tally.date)
    } else {
        format!("{}: {}, {} analyzed", tally.date, pluralize(tally.laughs, "laugh"), words(tally.analyzed))
    };
    let rect = format!(
        "<rect class=\"{class}\" x=\"{x:.3}%\" y=\"{top:.1}\" width=\"{wide:.3}%\" height=\"{high:.1}\"><title>{about}</title></rect>\n"
    );
    let failed = match tally.failed {
        0 => String::new(),
        count => format!(
            "<circle class=\"failed\" cx=\"{centre:.3}%\" cy=\"{}\" r=\"3\"><title>{}: {} failed or partial</title></circle>\n",
            FOOT + 6.0,
            tally.date,
            pluralize(count, "recording")
        ),
    };
    let number = if is_shown && !tally.analyzed.is_zero() {
        format!("<text class=\"now\" x=\"{centre:.3}%\" y=\"{:.1}\">{}</text>\n", top - 5.0, tally.laughs)
    } else {
        String::new()
    };
    // Label the Mondays.
    let name = if tally.date.weekday() == jiff::civil::Weekday::Monday {
        format!("<text x=\"{centre:.3}%\" y=\"{}\">{}</text>\n", HEIGHT - 5.0, tally.date.strftime("%-d %b"))
    } else {
        String::new()
    };
    rect + &failed + &number + &name
}
