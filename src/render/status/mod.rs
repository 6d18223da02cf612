//! Status for people and programs: the last runs, a day, both as JSON.
//!
//! Invariant: times for people are local, lengths are in words; nothing here reads the clock.

pub mod day;
pub mod fleet;
pub mod json;
pub mod runs;

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::pluralize;
use crate::domain::{PastRun, ScoreTotals, ShownVerdicts};
use crate::text::escape;

/// What these formats show, except days, which are passed one by one, since there may be thousands of sources.
pub struct View<'a> {
    pub asked: Timestamp,
    /// With the password masked.
    pub database: String,
    pub zone: &'a TimeZone,
    pub runs: &'a [PastRun],
    /// What is kept to decide again, of each source.
    pub scores: &'a [ScoreTotals],
}

/// `2025-10-24 02:30:07`, local.
pub fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// `9 h 05 min`, `3 min 20 s`, `4 d 07 h`: the two largest units.
pub fn words(length: Duration) -> String {
    let (seconds, minutes, hours) = (length.as_secs(), length.as_secs() / 60, length.as_secs() / 3600);
    match (seconds, minutes, hours) {
        (..60, _, _) => format!("{seconds} s"),
        (_, ..60, _) => format!("{minutes} min {:02} s", seconds % 60),
        (_, _, ..48) => format!("{hours} h {:02} min", minutes % 60),
        _ => format!("{} d {:02} h", hours / 24, hours % 24),
    }
}

/// Sources of which the advice is shown.
const ADVISED: usize = 5;

/// A line for each source of which too many laughs were rejected. Empty for most.
pub fn advice(verdicts: &[ShownVerdicts]) -> String {
    let advice: Vec<String> = verdicts.iter().filter_map(ShownVerdicts::advice).collect();
    let (shown, rest) = advice.split_at(advice.len().min(ADVISED));
    let more =
        if rest.is_empty() { None } else { Some(format!("the same for {}", pluralize(rest.len(), "other source"))) };
    shown.iter().cloned().chain(more).map(|line| escape(&line) + "\n").collect()
}

fn since(then: Timestamp, now: Timestamp) -> Duration {
    now.duration_since(then).try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_is_short_for_any_number_of_sources() {
        let verdicts = |count: usize, rejected| {
            let source = |number| ShownVerdicts { source: format!("{number}\u{1b}"), reviewed: 30, rejected };
            (0..count).map(source).collect::<Vec<_>>()
        };
        assert_eq!(advice(&verdicts(3, 10)), "");
        let lines = advice(&verdicts(7, 20));
        assert!(lines.starts_with("source 0\\x1b: 20 of the last 30 reviewed laughs are rejected"), "{lines}");
        assert!(lines.lines().count() == 6 && lines.ends_with("the same for 2 other sources\n"), "{lines}");
    }

    #[test]
    fn lengths_have_two_units() {
        let words = |seconds| words(Duration::from_secs(seconds));
        assert_eq!([0, 59, 60, 3599].map(words), ["0 s", "59 s", "1 min 00 s", "59 min 59 s"]);
        assert_eq!([3600, 90_060, 172_800].map(words), ["1 h 00 min", "25 h 01 min", "2 d 00 h"]);
    }
}
