//! Days in numbers: a line per day or week with a bar, or one JSON document.
//!
//! A day that was not analyzed has no number of laughs, which is another thing than none.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;

use super::api::day_count;
use super::columns::{Column, column, table};
use super::json::{SPEC_FIELD, SPEC_VERSION};
use crate::calendar::Day;
use crate::calendar::trends::monday;
use crate::domain::{DayCount, Field, Verdict, field};
use crate::render::status::words;
use crate::text::{pluralize, zone_name};

/// Characters of the longest bar.
const BAR: u64 = 10;
/// Eighths of a character, from none.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// What a line shows: a date over all sources, or a week.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct DayLine {
    pub analyzed: Duration,
    pub laughs: u64,
    pub confirmed: u64,
    pub rejected: u64,
    /// Recordings that failed or are partial.
    pub failed: u64,
    /// Days with recordings.
    pub days: u64,
}

impl DayLine {
    fn add(&mut self, other: DayLine) {
        self.analyzed += other.analyzed;
        self.laughs += other.laughs;
        self.confirmed += other.confirmed;
        self.rejected += other.rejected;
        self.failed += other.failed;
        self.days += other.days;
    }
}

/// Lines by their first date.
pub type Lines = BTreeMap<Date, DayLine>;

/// A line for each date.
pub fn lines_of_counts(counts: &[DayCount]) -> Lines {
    let mut lines = Lines::new();
    for count in counts {
        let line = lines.entry(count.date).or_default();
        line.add(DayLine {
            analyzed: count.analyzed,
            laughs: count.laughs,
            confirmed: count.confirmed,
            rejected: count.rejected,
            failed: count.recordings.failed + count.recordings.partial,
            days: 0,
        });
        line.days = 1;
    }
    lines
}

/// The same of days that were read in full.
pub fn lines_of_days(days: &[&Day]) -> Lines {
    let mut lines = Lines::new();
    for day in days.iter().filter(|day| !day.recordings.is_empty()) {
        let laughs = day.laughs();
        let confirmed = laughs.iter().filter_map(|laugh| laugh.review()?.verdict);
        let line = lines.entry(day.calendar.date).or_default();
        line.add(DayLine {
            analyzed: day.analyzed.iter().map(|span| span.length()).sum(),
            laughs: laughs.len() as u64,
            confirmed: confirmed.filter(|verdict| *verdict == Verdict::Confirmed).count() as u64,
            rejected: day.rejected().len() as u64,
            failed: (day.failures().count() + day.partial().count()) as u64,
            days: 0,
        });
        line.days = 1;
    }
    lines
}

/// The lines of each week in one, by its Monday.
pub fn by_week(lines: &Lines) -> Lines {
    let mut weeks = Lines::new();
    lines.iter().for_each(|(date, line)| weeks.entry(monday(*date)).or_default().add(*line));
    weeks
}

/// `2025-10-24 Fri   9 h 05 min   12  ██████  5 confirmed, 2 rejected`, a line for each day.
pub fn days(days: &Lines, width: Option<usize>) -> String {
    lines(days, width, |date, _| date.strftime("%Y-%m-%d %a").to_string())
}

/// `week of 2025-10-20, 7 days  …`
pub fn weeks(weeks: &Lines, width: Option<usize>) -> String {
    lines(weeks, width, |date, line| format!("week of {date}, {}", pluralize(line.days, "day")))
}

/// A range of months: the number of laughs, and a line for each week.
pub fn long_text(lines: &Lines, width: Option<usize>) -> String {
    let (first, last) = (lines.keys().next().copied(), lines.keys().next_back().copied());
    let laughs: u64 = lines.values().map(|line| line.laughs).sum();
    let span = first.zip(last).map_or(String::new(), |(first, last)| format!(", {first} to {last}"));
    let of =
        format!("{} in {} with recordings{span}", pluralize(laughs, "laugh"), pluralize(lines.len() as u64, "day"));
    format!("{of}\n\n{}\ngiggles report --date DAY shows the laughs of a day\n", weeks(&by_week(lines), width))
}

const COLUMNS: [Column; 6] = [
    column("date"),
    column("recorded").number(),
    column("laughs").number(),
    column("").drops(3),
    column("verdicts").drops(2),
    column("failed").number().drops(1),
];

fn lines(lines: &Lines, width: Option<usize>, label: fn(&Date, &DayLine) -> String) -> String {
    let most = lines.values().map(|line| line.laughs).max().unwrap_or(0);
    let rows: Vec<[String; 6]> = lines.iter().map(|(date, line)| row(label(date, line), line, most)).collect();
    table(&COLUMNS, &rows, width)
}

fn row(label: String, line: &DayLine, most: u64) -> [String; 6] {
    let is_analyzed = !line.analyzed.is_zero();
    let some = |text: String| if is_analyzed { text } else { "-".to_owned() };
    let verdicts = [(line.confirmed, "confirmed"), (line.rejected, "rejected")];
    let verdicts = verdicts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    let failed = if line.failed > 0 { line.failed.to_string() } else { String::new() };
    let bar = bar(line.laughs, most);
    [
        label,
        some(words(line.analyzed)),
        some(line.laughs.to_string()),
        bar,
        verdicts.collect::<Vec<_>>().join(", "),
        failed,
    ]
}

/// At least an eighth of a character for one laugh.
fn bar(laughs: u64, most: u64) -> String {
    let eighths = (laughs * BAR * 8).checked_div(most).unwrap_or(0).max(u64::from(laughs > 0));
    "█".repeat((eighths / 8) as usize) + EIGHTHS[(eighths % 8) as usize]
}

/// Fields of the document besides its days.
pub(super) const DOCUMENT: &[Field] = &[SPEC_FIELD, field("zone", "string", "time zone of calendar days")];

/// One document of the counts of each date and source, named as in the API.
pub fn document(counts: &[DayCount], zone: &TimeZone) -> String {
    let document = json!({
        "spec_version": SPEC_VERSION,
        "zone": zone_name(zone),
        "days": counts.iter().map(day_count).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn line(hours: u64, laughs: u64) -> DayLine {
        DayLine { analyzed: Duration::from_secs(hours * 3600), laughs, days: 1, ..DayLine::default() }
    }

    #[test]
    fn each_day_has_a_line_with_its_bar() {
        let reviewed = DayLine { confirmed: 5, rejected: 2, failed: 1, ..line(9, 40) };
        let lines = Lines::from([
            (date(2025, 10, 24), reviewed),
            (date(2025, 10, 25), line(10, 1)),
            (date(2025, 10, 27), line(1, 0)),
            (date(2025, 10, 28), line(0, 0)),
        ]);
        insta::assert_snapshot!(days(&lines, Some(80)), @r"
        date               recorded  laughs              verdicts                 failed
        ────────────────────────────────────────────────────────────────────────────────
        2025-10-24 Fri   9 h 00 min      40  ██████████  5 confirmed, 2 rejected       1
        2025-10-25 Sat  10 h 00 min       1  ▎
        2025-10-27 Mon   1 h 00 min       0
        2025-10-28 Tue            -       -
        ");
        insta::assert_snapshot!(weeks(&by_week(&lines), Some(60)), @r"
        date                           recorded  laughs  failed
        ───────────────────────────────────────────────────────
        week of 2025-10-20, 2 days  19 h 00 min      41       1
        week of 2025-10-27, 2 days   1 h 00 min       0
        ");
        assert_eq!((bar(0, 0), bar(1, 10_000), bar(3, 3)), (String::new(), "▏".to_owned(), "█".repeat(10)));
    }
}
