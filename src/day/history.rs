//! A day beside the days before it: laughs a day, and what is usual.
//!
//! A day that nobody recorded says nothing about laughing, so means leave it out and say how many days they are of.

use std::time::Duration;

use jiff::civil::Date;

use super::span::length;
use super::{Calendar, analyzed, joined};
use crate::record::StoredRecording;

/// What one date came to, all sources together.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    pub date: Date,
    pub laughs: usize,
    /// Length of what was heard; zero means that nobody knows.
    pub heard: Duration,
    /// Recordings of the date that failed or are partial.
    pub failed: usize,
}

/// Laughs a day over days that were heard.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mean {
    pub laughs: f64,
    pub days: usize,
}

/// What is usual, from the days before `first`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Usual {
    /// The same weekday in the four weeks before.
    pub weekday: Option<Mean>,
    /// The seven days before.
    pub week: Option<Mean>,
    /// The 28 days before.
    pub month: Option<Mean>,
}

/// One a calendar day, in their order.
pub fn tallies(calendars: &[Calendar], recordings: &[StoredRecording]) -> Vec<Tally> {
    let laughs = joined(recordings);
    let of = |calendar: &Calendar| {
        let failed = recordings.iter().filter(|recording| recording.status() != "analyzed");
        let began = |recording: &&StoredRecording| recording.began.is_some_and(|began| calendar.span.holds(began.at));
        Tally {
            date: calendar.date,
            laughs: laughs.iter().filter(|laugh| calendar.span.holds(laugh.starts())).count(),
            heard: length(&analyzed(recordings, &calendar.span)),
            failed: failed.filter(began).count(),
        }
    };
    calendars.iter().map(of).collect()
}

/// What is usual before a date.
pub fn usual(tallies: &[Tally], first: Date) -> Usual {
    let days_before = |tally: &Tally| first.since(tally.date).map_or(0, |span| span.get_days());
    let mean = |is_wanted: &dyn Fn(i32) -> bool| {
        let heard = tallies.iter().filter(|tally| !tally.heard.is_zero() && is_wanted(days_before(tally)));
        let (laughs, days) = heard.fold((0, 0), |(laughs, days), tally| (laughs + tally.laughs, days + 1));
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

    /// So many days before today.
    fn tally(days: i32, laughs: usize, is_heard: bool) -> Tally {
        let heard = Duration::from_secs(if is_heard { 3600 } else { 0 });
        Tally { date: TODAY.checked_sub(days.days()).unwrap(), laughs, heard, failed: 0 }
    }

    #[test]
    fn means_are_of_heard_days_before_the_day() {
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
    fn what_nobody_heard_is_not_usual() {
        assert_eq!(usual(&[tally(0, 5, true), tally(2, 0, false)], TODAY), Usual::default());
    }
}
