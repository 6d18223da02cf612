//! Compares a day with the days before it: laughs per day, and their mean.
//!
//! A day without recordings says nothing about laughing, so the means exclude it and state their number of days.

use std::time::Duration;

use jiff::civil::Date;

use super::span::length;
use super::{Calendar, analyzed, merged};
use crate::domain::StoredRecording;

/// The totals of one date, over all sources.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    pub date: Date,
    /// Those that count.
    pub laughs: usize,
    /// Analyzed time; zero means that the number of laughs is unknown.
    pub analyzed: Duration,
    /// Recordings of the date that failed or are partial.
    pub failed: usize,
}

/// Mean laughs per day, over analyzed days.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    pub laughs: f64,
    pub days: usize,
}

/// Means over the days before a date.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Usual {
    /// The same weekday in the four weeks before.
    pub weekday: Option<Mean>,
    /// The seven days before.
    pub week: Option<Mean>,
    /// The 28 days before.
    pub month: Option<Mean>,
}

/// One tally per calendar day, in the same order.
pub fn tallies(calendars: &[Calendar], recordings: &[StoredRecording], include_rejected: bool) -> Vec<Tally> {
    let mut laughs = merged(recordings);
    laughs.retain(|laugh| include_rejected || laugh.counts());
    let tally = |calendar: &Calendar| {
        let failed = recordings.iter().filter(|recording| recording.status() != "analyzed");
        let started =
            |recording: &&StoredRecording| recording.started.is_some_and(|started| calendar.span.holds(started.at));
        Tally {
            date: calendar.date,
            laughs: laughs.iter().filter(|laugh| calendar.span.holds(laugh.starts())).count(),
            analyzed: length(&analyzed(recordings, &calendar.span)),
            failed: failed.filter(started).count(),
        }
    };
    calendars.iter().map(tally).collect()
}

/// The means over the days before a date.
pub fn usual(tallies: &[Tally], first: Date) -> Usual {
    let days_before = |tally: &Tally| first.since(tally.date).map_or(0, |span| span.get_days());
    let mean = |is_wanted: &dyn Fn(i32) -> bool| {
        let analyzed = tallies.iter().filter(|tally| !tally.analyzed.is_zero() && is_wanted(days_before(tally)));
        let (laughs, days) = analyzed.fold((0, 0), |(laughs, days), tally| (laughs + tally.laughs, days + 1));
        (days > 0).then(|| Mean { laughs: laughs as f64 / days as f64, days })
    };
    Usual {
        weekday: mean(&|days| (1..=28).contains(&days) && days % 7 == 0),
        week: mean(&|days| (1..=7).contains(&days)),
        month: mean(&|days| (1..=28).contains(&days)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan;
    use jiff::civil::date;

    const TODAY: Date = date(2025, 3, 10);

    /// The tally of the day so many days before today.
    fn tally(days: i32, laughs: usize, is_analyzed: bool) -> Tally {
        let analyzed = Duration::from_secs(if is_analyzed { 3600 } else { 0 });
        Tally { date: TODAY.checked_sub(days.days()).unwrap(), laughs, analyzed, failed: 0 }
    }

    #[test]
    fn means_are_over_analyzed_days_before_the_day() {
        let all = [
            tally(29, 90, true),
            tally(14, 8, true),
            tally(7, 4, true),
            tally(3, 0, false),
            tally(1, 1, true),
            tally(0, 50, true),
        ];
        let usual = usual(&all, TODAY);
        assert_eq!(usual.weekday, Some(Mean { laughs: 6.0, days: 2 }));
        assert_eq!(usual.week, Some(Mean { laughs: 2.5, days: 2 }));
        assert_eq!(usual.month.unwrap().days, 3);
    }

    #[test]
    fn days_without_analyzed_time_have_no_mean() {
        assert_eq!(usual(&[tally(0, 5, true), tally(2, 0, false)], TODAY), Usual::default());
    }
}
