//! Many days at once: totals by date, means over days, and the most of them.
//!
//! A day that was not analyzed says nothing about laughing: means exclude it, and a day without laughs is another thing.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::ToSpan;
use jiff::civil::Date;

use super::history::Mean;
use crate::domain::DayCount;

/// A date over several sources.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Total {
    pub laughs: u64,
    pub favourites: u64,
    /// The sum over the sources.
    pub analyzed: Duration,
    /// Recordings that failed or are partial.
    pub failed: u64,
    pub by_hour: [u64; 24],
}

impl Total {
    fn add(&mut self, day: &DayCount) {
        self.laughs += day.laughs;
        self.favourites += day.favourites;
        self.analyzed += day.analyzed;
        self.failed += day.recordings.failed + day.recordings.partial;
        self.by_hour.iter_mut().zip(day.by_hour).for_each(|(sum, laughs)| *sum += laughs);
    }

    pub fn is_analyzed(&self) -> bool {
        !self.analyzed.is_zero()
    }
}

/// The totals of days by date.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trends(BTreeMap<Date, Total>);

/// Days, laughs and favourites of a week, a month or a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    pub analyzed_days: u64,
    pub laughs: u64,
    pub favourites: u64,
}

impl Sum {
    /// Laughs a day; None without an analyzed day.
    pub fn mean(&self) -> Option<f64> {
        (self.analyzed_days > 0).then(|| self.laughs as f64 / self.analyzed_days as f64)
    }
}

impl<'a> FromIterator<&'a DayCount> for Trends {
    fn from_iter<I: IntoIterator<Item = &'a DayCount>>(days: I) -> Trends {
        let mut totals = BTreeMap::<Date, Total>::new();
        days.into_iter().for_each(|day| totals.entry(day.date).or_default().add(day));
        Trends(totals)
    }
}

impl Trends {
    /// None: nothing is stored of the date.
    pub fn get(&self, date: Date) -> Option<&Total> {
        self.0.get(&date)
    }

    /// Analyzed days from the first date to the last.
    fn analyzed(&self, first: Date, last: Date) -> impl Iterator<Item = (Date, &Total)> {
        let found = (first <= last).then(|| self.0.range(first..=last));
        found.into_iter().flatten().filter(|(_, total)| total.is_analyzed()).map(|(date, total)| (*date, total))
    }

    /// The last date of which something is stored.
    pub fn last(&self) -> Option<Date> {
        self.0.keys().next_back().copied()
    }

    pub fn sum(&self, first: Date, last: Date) -> Sum {
        self.analyzed(first, last).fold(Sum::default(), |sum, (_, total)| Sum {
            analyzed_days: sum.analyzed_days + 1,
            laughs: sum.laughs + total.laughs,
            favourites: sum.favourites + total.favourites,
        })
    }

    /// Mean laughs a day over the days up to this one.
    pub fn mean(&self, last: Date, days: i32) -> Option<f64> {
        self.sum(last.saturating_sub((days - 1).days()), last).mean()
    }

    /// Mean laughs a day of each weekday, from Monday.
    pub fn by_weekday(&self, first: Date, last: Date) -> [Option<Mean>; 7] {
        let weekday = |index: usize| {
            let wanted = |date: Date| date.weekday().to_monday_zero_offset() == index as i8;
            let days: Vec<u64> =
                self.analyzed(first, last).filter(|(date, _)| wanted(*date)).map(|(_, total)| total.laughs).collect();
            let laughs = days.iter().sum::<u64>() as f64 / days.len().max(1) as f64;
            (!days.is_empty()).then_some(Mean { laughs, days: days.len() })
        };
        std::array::from_fn(weekday)
    }

    /// Mean laughs a day of each local hour, over analyzed days.
    pub fn by_hour(&self, first: Date, last: Date) -> [f64; 24] {
        let days = self.analyzed(first, last).count().max(1) as f64;
        let mut sums = [0.0; 24];
        for (_, total) in self.analyzed(first, last) {
            sums.iter_mut().zip(total.by_hour).for_each(|(sum, laughs)| *sum += laughs as f64);
        }
        sums.map(|sum| sum / days)
    }

    /// The analyzed day with the most laughs; among equals the first.
    pub fn most(&self, first: Date, last: Date) -> Option<(Date, u64)> {
        let laughs = self.analyzed(first, last).filter(|(_, total)| total.laughs > 0);
        laughs.map(|(date, total)| (date, total.laughs)).reduce(|most, day| if day.1 > most.1 { day } else { most })
    }

    /// The longest row of consecutive days with a laugh: its last day and its length; among equals the first.
    pub fn streak(&self, first: Date, last: Date) -> Option<(Date, u64)> {
        let mut longest: Option<(Date, u64)> = None;
        let mut current: Option<(Date, u64)> = None;
        for (date, _) in self.analyzed(first, last).filter(|(_, total)| total.laughs > 0) {
            let before = current.filter(|(last, _)| last.tomorrow().ok() == Some(date));
            let length = before.map_or(1, |(_, length)| length + 1);
            current = Some((date, length));
            if longest.is_none_or(|(_, most)| length > most) {
                longest = current;
            }
        }
        longest
    }
}

/// The Monday of the week.
pub fn monday(date: Date) -> Date {
    date.saturating_sub(i32::from(date.weekday().to_monday_zero_offset()).days())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn trends(days: &[(i8, Option<u64>)]) -> Trends {
        let count = |(day, laughs): &(i8, Option<u64>)| {
            let mut count = DayCount::new("neil", date(2025, 10, *day));
            if let Some(laughs) = laughs {
                (count.laughs, count.analyzed, count.by_hour[13]) = (*laughs, Duration::from_secs(3600), *laughs);
            }
            count
        };
        days.iter().map(count).collect::<Vec<_>>().iter().collect()
    }

    const FIRST: Date = date(2025, 10, 1);
    const LAST: Date = date(2025, 10, 31);

    #[test]
    fn days_that_were_not_analyzed_are_in_no_mean() {
        let trends = trends(&[(6, Some(4)), (7, None), (8, Some(0)), (13, Some(8)), (13, Some(1))]);
        assert_eq!(trends.mean(date(2025, 10, 8), 3), Some(2.0));
        assert_eq!(trends.mean(date(2025, 10, 7), 1), None);
        assert_eq!(trends.sum(FIRST, LAST), Sum { analyzed_days: 3, laughs: 13, favourites: 0 });
        let weekdays = trends.by_weekday(FIRST, LAST);
        assert_eq!(weekdays[0], Some(Mean { laughs: 6.5, days: 2 }), "two Mondays, two sources on the second");
        assert_eq!((weekdays[1], weekdays[2]), (None, Some(Mean { laughs: 0.0, days: 1 })));
        assert_eq!(trends.by_hour(FIRST, LAST)[13], 13.0 / 3.0);
    }

    #[test]
    fn a_row_of_days_ends_where_a_day_has_no_laugh() {
        let trends =
            trends(&[(1, Some(1)), (2, Some(9)), (3, Some(9)), (4, Some(0)), (5, Some(2)), (6, None), (7, Some(1))]);
        assert_eq!(trends.streak(FIRST, LAST), Some((date(2025, 10, 3), 3)));
        assert_eq!(trends.most(FIRST, LAST), Some((date(2025, 10, 2), 9)));
        assert_eq!(trends.streak(date(2025, 10, 4), date(2025, 10, 4)), None);
        assert_eq!(trends.most(LAST, FIRST), None);
    }

    #[test]
    fn weeks_start_on_monday() {
        assert_eq!(monday(date(2025, 10, 26)), date(2025, 10, 20));
        assert_eq!(monday(date(2025, 10, 20)), date(2025, 10, 20));
    }
}
