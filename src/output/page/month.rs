//! The days up to this one, a bar each. A day that nobody heard has no bar but a hollow foot: it is not a day
//! without laughs.

use super::text::escape;
use crate::day::history::Tally;
use crate::output::report::Telling;
use crate::output::several;
use crate::output::status::words;

/// Pixels.
const HEIGHT: f64 = 150.0;
const FOOT: f64 = 122.0;
const TALLEST: f64 = 100.0;

pub fn section(telling: &Telling) -> String {
    let tallies = telling.tallies;
    if tallies.is_empty() {
        return String::new();
    }
    let most = tallies.iter().map(|tally| tally.laughs).max().unwrap_or_default().max(1);
    let width = 100.0 / tallies.len() as f64;
    let bars = tallies.iter().enumerate().map(|(i, tally)| bar(telling, tally, i as f64 * width, width, most));
    let heard = tallies.iter().filter(|tally| !tally.heard.is_zero()).count();
    let label =
        format!("Laughs a day over {}, {heard} of them analyzed, at most {most}", several(tallies.len(), "day"));
    format!(
        "<section>\n<h2>The month <small>{} up to this one</small></h2>\n\
         <svg class=\"month\" width=\"100%\" height=\"{HEIGHT}\" role=\"img\" aria-label=\"{}\">\n\
         <line class=\"tick\" x1=\"0\" x2=\"100%\" y1=\"{FOOT}\" y2=\"{FOOT}\"/>\n{}</svg>\n\
         <p class=\"key\"><span class=\"k-heard\">laughs</span> <span class=\"k-now\">shown above</span> <span class=\"k-none\">analyzed, no laugh</span> \
         <span class=\"k-gap\">not analyzed</span> <span class=\"k-failed k-dot\">a recording failed or is partial</span></p>\n</section>\n",
        several(tallies.len(), "day"),
        escape(&label),
        bars.collect::<String>()
    )
}

fn bar(telling: &Telling, tally: &Tally, x: f64, width: f64, most: usize) -> String {
    let is_shown = telling.days.iter().any(|day| day.calendar.date == tally.date);
    let (x, centre, wide) = (x + width * 0.14, x + width * 0.5, width * 0.72);
    let high = TALLEST * tally.laughs as f64 / most as f64;
    let (class, top, high) = match (tally.heard.is_zero(), tally.laughs) {
        (true, _) => ("gap", FOOT - 8.0, 8.0),
        (false, 0) => ("none", FOOT - 3.0, 3.0),
        _ => (if is_shown { "bar now" } else { "bar" }, FOOT - high.max(3.0), high.max(3.0)),
    };
    let about = match tally.heard.is_zero() {
        true => format!("{}: not analyzed", tally.date),
        false => format!("{}: {}, {} analyzed", tally.date, several(tally.laughs, "laugh"), words(tally.heard)),
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
            several(count, "recording")
        ),
    };
    let number = match is_shown && !tally.heard.is_zero() {
        true => format!("<text class=\"now\" x=\"{centre:.3}%\" y=\"{:.1}\">{}</text>\n", top - 5.0, tally.laughs),
        false => String::new(),
    };
    // Mondays are named, as people find their weeks by them.
    let name = match tally.date.weekday() == jiff::civil::Weekday::Monday {
        true => format!("<text x=\"{centre:.3}%\" y=\"{}\">{}</text>\n", HEIGHT - 5.0, tally.date.strftime("%-d %b")),
        false => String::new(),
    };
    rect + &failed + &number + &name
}
