//! Parses dates and times, and checks whether a recording overlaps the time window.
//!
//! Invariant: a day is a calendar day of its time zone, 23, 24 or 25 hours long; nothing assumes 24 hours.

use std::time::Duration;

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Span, Timestamp, Zoned};

use crate::domain::Window;

/// An invalid date, time or window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhenError {
    #[error("'{0}' is not a date; give YYYY-MM-DD, today, yesterday or 7 days ago")]
    Date(String),
    #[error("'{0}' is not a time; give 2025-10-24T13:00, a date, or with a zone 2025-10-24T13:00:00Z or …-07:00")]
    Instant(String),
    #[error("the window ends at {to}, which is not after its start at {from}; were --from and --to swapped?")]
    Backwards { from: Timestamp, to: Timestamp },
}

/// The window from the first instant of the date to the first instant of the next date, in the zone.
///
/// A date that the zone skipped (30 December 2011 in Samoa) is an empty window.
pub fn day(date: Date, zone: &TimeZone) -> Window {
    let next = date.tomorrow().ok();
    Window { from: first_instant(date, zone), to: next.and_then(|next| first_instant(next, zone)) }
}

/// The window of `--from` and `--to`; each may be missing.
pub fn between(from: Option<Timestamp>, to: Option<Timestamp>) -> Result<Window, WhenError> {
    match (from, to) {
        (Some(from), Some(to)) if to <= from => Err(WhenError::Backwards { from, to }),
        _ => Ok(Window { from, to }),
    }
}

/// Midnight; the moment of the change if clocks skip midnight; the first one if midnight occurs twice. None only at
/// the limits of the calendar.
fn first_instant(date: Date, zone: &TimeZone) -> Option<Timestamp> {
    let midnight = zone.to_ambiguous_timestamp(date.at(0, 0, 0, 0));
    let skips = matches!(midnight.offset(), AmbiguousOffset::Gap { .. });
    let compatible = midnight.compatible().ok()?;
    if !skips {
        return Some(compatible);
    }
    // `compatible` shifts midnight by the whole gap, which may be later than the day's first instant: Toronto once
    // went from 23:30 to 00:30.
    let just_after = compatible.checked_add(Duration::from_nanos(1)).ok()?;
    zone.preceding(just_after).next().map(|skip| skip.timestamp())
}

/// Parses `2025-10-24`, `today`, `yesterday` or `7 days ago`, relative to `now` in its time zone.
pub fn parse_date(text: &str, now: &Zoned) -> Result<Date, WhenError> {
    let wrong = || WhenError::Date(text.to_owned());
    match text.trim() {
        "today" => Ok(now.date()),
        "yesterday" => now.date().yesterday().map_err(|_| wrong()),
        text => match text.strip_suffix(" days ago") {
            Some(days) => days.parse::<u16>().ok().and_then(|days| days_before(now, days)).ok_or_else(wrong),
            None => calendar_date(text).ok_or_else(wrong),
        },
    }
}

fn days_before(now: &Zoned, days: u16) -> Option<Date> {
    now.date().checked_sub(Span::new().days(i64::from(days))).ok()
}

/// Parses exactly `2025-10-24`; jiff would accept a date inside a longer text.
fn calendar_date(text: &str) -> Option<Date> {
    let dashed = text.len() == 10 && text.bytes().filter(|&byte| byte == b'-').count() == 2;
    dashed.then(|| text.parse().ok()).flatten()
}

/// Parses a time with `Z`, an offset or a `[zone]`; a local time in `zone`; or a date, which means its first instant.
///
/// A local time that occurs twice means the first occurrence; one that clocks skip is moved forward by the gap. An
/// offset selects the other one.
pub fn parse_instant(text: &str, zone: &TimeZone) -> Result<Timestamp, WhenError> {
    let trimmed = text.trim();
    let dated = || calendar_date(trimmed).and_then(|date| first_instant(date, zone));
    let zoned = || trimmed.parse::<Zoned>().ok().map(|zoned| zoned.timestamp());
    let exact = || trimmed.parse::<Timestamp>().ok();
    let local = || local_time(trimmed).and_then(|local| zone.to_ambiguous_timestamp(local).compatible().ok());
    dated().or_else(zoned).or_else(exact).or_else(local).ok_or_else(|| WhenError::Instant(text.to_owned()))
}

/// Parses a local time without an offset or a zone; jiff would ignore an offset or a zone here.
fn local_time(text: &str) -> Option<DateTime> {
    let zoneless = !text.contains(['[', '+', 'Z', 'z']) && text.matches('-').count() == 2;
    (zoneless && text.contains(':')).then(|| text.parse().ok()).flatten()
}

/// Whether the recording and the window overlap. Both are half-open intervals.
///
/// A recording of zero or unknown length counts as the instant of its start.
pub fn overlaps(window: &Window, started: Timestamp, length: Option<Duration>) -> bool {
    let length = length.unwrap_or_default();
    let ended = started.saturating_add(length).unwrap_or(Timestamp::MAX);
    let in_time = window.to.is_none_or(|to| started < to);
    let not_over = window.from.is_none_or(|from| if length.is_zero() { started >= from } else { ended > from });
    in_time && not_over && window.from.zip(window.to).is_none_or(|(from, to)| from < to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn dates_are_iso_or_relative_words() {
        let now = at("2025-10-24T13:00:00Z").to_zoned(TimeZone::UTC);
        let date = |text| parse_date(text, &now).map(|date| date.to_string());
        assert_eq!(date("today").unwrap(), "2025-10-24");
        assert_eq!(date("yesterday").unwrap(), "2025-10-23");
        assert_eq!(date(" 2024-02-29 ").unwrap(), "2024-02-29");
        for wrong in ["", "tomorrow", "24.10.2025", "20251024", "2025-02-29", "2025-10-24T13:00", "2025-1-024", "-1"] {
            let text = date(wrong).unwrap_err().to_string();
            assert_eq!(text, format!("'{wrong}' is not a date; give YYYY-MM-DD, today, yesterday or 7 days ago"));
        }
    }

    #[test]
    fn instants_are_local_unless_they_have_an_offset_or_a_zone() {
        let zone = TimeZone::get("America/Los_Angeles").unwrap();
        for text in [
            "2025-10-24T13:00",
            "2025-10-24 13:00",
            "2025-10-24T13:00:00",
            "2025-10-24T20:00:00Z",
            "2025-10-24T20:00Z",
            "2025-10-24T13:00:00-07:00",
            "2025-10-24T22:00+02:00",
            "2025-10-24T22:00[Europe/Berlin]",
            "2025-10-24T22:00+02:00[Europe/Berlin]",
        ] {
            assert_eq!(parse_instant(text, &zone), Ok(at("2025-10-24T20:00:00Z")), "{text}");
        }
        assert_eq!(parse_instant("2025-10-24", &zone), Ok(at("2025-10-24T07:00:00Z")));
        for wrong in ["", "13:00", "noon", "2025-10-24T25:00", "2025-10-24T13:00+99:00", "2025-10-24T13:00[Mars]"] {
            assert_eq!(parse_instant(wrong, &zone), Err(WhenError::Instant(wrong.into())), "{wrong}");
        }
    }

    #[test]
    fn a_window_that_ends_before_its_start_is_rejected() {
        let (early, late) = (at("2025-10-24T07:00:00Z"), at("2025-10-24T08:00:00Z"));
        assert!(between(Some(early), Some(late)).is_ok());
        assert!(between(None, Some(late)).is_ok());
        let error = between(Some(late), Some(early)).unwrap_err().to_string();
        assert!(error.ends_with("were --from and --to swapped?"), "{error}");
        assert!(between(Some(late), Some(late)).is_err());
    }

    #[test]
    fn windows_and_recordings_are_half_open() {
        let window = between(Some(at("2025-10-24T07:00:00Z")), Some(at("2025-10-25T07:00:00Z"))).unwrap();
        let hour = Some(Duration::from_secs(3600));
        for (started, length, wanted) in [
            ("2025-10-24T06:00:00Z", hour, false), // ends when the window starts
            ("2025-10-24T06:00:01Z", hour, true),
            ("2025-10-25T06:59:59Z", hour, true),
            ("2025-10-25T07:00:00Z", hour, false),
            ("2025-10-20T00:00:00Z", Some(Duration::MAX), true),
            ("2025-10-24T07:00:00Z", None, true),
            ("2025-10-24T06:59:59Z", None, false),
            ("2025-10-24T07:00:00Z", Some(Duration::ZERO), true),
            ("2025-10-25T07:00:00Z", None, false),
        ] {
            assert_eq!(overlaps(&window, at(started), length), wanted, "{started} {length:?}");
            assert!(overlaps(&Window::default(), at(started), length), "an unbounded window overlaps everything");
        }
    }

    /// cron may start a run in the hour that clocks skip or repeat: yesterday is the same day each time.
    #[test]
    fn yesterday_is_the_same_day_before_and_after_a_clock_change() {
        for (zone, times, yesterday) in [
            // Clocks go back at 09:00 UTC: 01:30 occurs twice.
            (
                "America/Los_Angeles",
                ["2025-11-02T07:00:00Z", "2025-11-02T08:30:00Z", "2025-11-02T09:30:00Z"],
                "2025-11-01",
            ),
            // Clocks go forward at 10:00 UTC: 02:30 does not exist.
            (
                "America/Los_Angeles",
                ["2026-03-08T08:00:00Z", "2026-03-08T09:59:59Z", "2026-03-08T10:00:00Z"],
                "2026-03-07",
            ),
            ("Europe/Berlin", ["2025-10-26T00:30:00Z", "2025-10-26T01:30:00Z", "2025-10-26T02:30:00Z"], "2025-10-25"),
        ] {
            let zone = TimeZone::get(zone).unwrap();
            for time in times {
                let now = at(time).to_zoned(zone.clone());
                let date = |text| parse_date(text, &now).unwrap();
                assert_eq!(date("yesterday").to_string(), yesterday, "{time}");
                // The days of a week have no gaps and no overlaps, including the day of 23 or 25 hours.
                let week = ["6 days ago", "5 days ago", "4 days ago", "3 days ago", "2 days ago", "yesterday", "today"];
                let days = week.map(|text| day(date(text), &zone));
                assert!(days.windows(2).all(|pair| pair[0].to == pair[1].from), "{time}");
            }
        }
    }
}
