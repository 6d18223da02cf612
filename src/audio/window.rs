//! Which span of time is wanted, and does a recording lie in it?
//!
//! Invariant: a day is what the calendar of its zone says, 23, 24 or 25 hours long; nothing here
//! counts in multiples of 24 hours.

use std::time::Duration;

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Span, Timestamp, Zoned};

use crate::record::Window;

/// A setting of time that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhenError {
    #[error("'{0}' is not a date; give YYYY-MM-DD, today, yesterday or 7 days ago")]
    Date(String),
    #[error("'{0}' is not a time; give 2025-10-24T13:00, a date, or with a zone 2025-10-24T13:00:00Z or …-07:00")]
    Instant(String),
    #[error("the window ends at {to}, not after it begins at {from}; were --from and --to swapped?")]
    Backwards { from: Timestamp, to: Timestamp },
}

/// From the first instant of the date to the first instant of the next, in the zone.
///
/// A date that the zone left out (Samoa's 30 December 2011) is an empty window.
pub fn day(date: Date, zone: &TimeZone) -> Window {
    let next = date.tomorrow().ok();
    Window { from: first_instant(date, zone), to: next.and_then(|next| first_instant(next, zone)) }
}

/// The window of `--from` and `--to`, either of which may be missing.
pub fn between(from: Option<Timestamp>, to: Option<Timestamp>) -> Result<Window, WhenError> {
    match (from, to) {
        (Some(from), Some(to)) if to <= from => Err(WhenError::Backwards { from, to }),
        _ => Ok(Window { from, to }),
    }
}

/// Midnight, or where clocks skip it the moment they skip, or where it comes twice the first one.
/// None only at the ends of the calendar.
fn first_instant(date: Date, zone: &TimeZone) -> Option<Timestamp> {
    let midnight = zone.to_ambiguous_timestamp(date.at(0, 0, 0, 0));
    let skips = matches!(midnight.offset(), AmbiguousOffset::Gap { .. });
    let compatible = midnight.compatible().ok()?;
    if !skips {
        return Some(compatible);
    }
    // Shifted by the whole gap, midnight may land after the day's first instant: Toronto once
    // went from 23:30 to 00:30.
    let just_after = compatible.checked_add(Duration::from_nanos(1)).ok()?;
    zone.preceding(just_after).next().map(|skip| skip.timestamp())
}

/// `2025-10-24`, `today`, `yesterday` or `7 days ago`, seen from `now` in its zone.
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

/// `2025-10-24` and nothing more: jiff would take the date out of a longer text.
fn calendar_date(text: &str) -> Option<Date> {
    let dashed = text.len() == 10 && text.bytes().filter(|&byte| byte == b'-').count() == 2;
    dashed.then(|| text.parse().ok()).flatten()
}

/// A time with `Z`, an offset or a `[zone]`; or a local time of `zone`; or a date, meaning its first instant.
///
/// A local time that exists twice means its first occurrence; one that clocks skip is moved forward by
/// the gap. Who means the other gives the offset.
pub fn parse_instant(text: &str, zone: &TimeZone) -> Result<Timestamp, WhenError> {
    let trimmed = text.trim();
    let dated = || calendar_date(trimmed).and_then(|date| first_instant(date, zone));
    let zoned = || trimmed.parse::<Zoned>().ok().map(|zoned| zoned.timestamp());
    let exact = || trimmed.parse::<Timestamp>().ok();
    let local = || local_time(trimmed).and_then(|local| zone.to_ambiguous_timestamp(local).compatible().ok());
    dated().or_else(zoned).or_else(exact).or_else(local).ok_or_else(|| WhenError::Instant(text.to_owned()))
}

/// jiff would read past an offset or a zone that it could not use; a local time has neither.
fn local_time(text: &str) -> Option<DateTime> {
    let zoneless = !text.contains(['[', '+', 'Z', 'z']) && text.matches('-').count() == 2;
    (zoneless && text.contains(':')).then(|| text.parse().ok()).flatten()
}

/// Does a part of the recording lie in the window? Both are half-open.
///
/// A recording of no or unknown length counts as the one instant at which it began.
pub fn overlaps(window: &Window, began: Timestamp, length: Option<Duration>) -> bool {
    let length = length.unwrap_or_default();
    let ended = began.saturating_add(length).unwrap_or(Timestamp::MAX);
    let in_time = window.to.is_none_or(|to| began < to);
    let not_over = window.from.is_none_or(|from| if length.is_zero() { began >= from } else { ended > from });
    in_time && not_over && window.from.zip(window.to).is_none_or(|(from, to)| from < to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn dates_are_words_or_iso() {
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
    fn instants_are_local_unless_they_say_otherwise() {
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
    fn a_window_does_not_run_backwards() {
        let (early, late) = (at("2025-10-24T07:00:00Z"), at("2025-10-24T08:00:00Z"));
        assert!(between(Some(early), Some(late)).is_ok());
        assert!(between(None, Some(late)).is_ok());
        let error = between(Some(late), Some(early)).unwrap_err().to_string();
        assert!(error.ends_with("were --from and --to swapped?"), "{error}");
        assert!(between(Some(late), Some(late)).is_err());
    }

    #[test]
    fn spans_are_half_open() {
        let window = between(Some(at("2025-10-24T07:00:00Z")), Some(at("2025-10-25T07:00:00Z"))).unwrap();
        let hour = Some(Duration::from_secs(3600));
        for (began, length, wanted) in [
            ("2025-10-24T06:00:00Z", hour, false), // ends as the window begins
            ("2025-10-24T06:00:01Z", hour, true),
            ("2025-10-25T06:59:59Z", hour, true),
            ("2025-10-25T07:00:00Z", hour, false),
            ("2025-10-20T00:00:00Z", Some(Duration::MAX), true),
            ("2025-10-24T07:00:00Z", None, true),
            ("2025-10-24T06:59:59Z", None, false),
            ("2025-10-24T07:00:00Z", Some(Duration::ZERO), true),
            ("2025-10-25T07:00:00Z", None, false),
        ] {
            assert_eq!(overlaps(&window, at(began), length), wanted, "{began} {length:?}");
            assert!(overlaps(&Window::default(), at(began), length), "all time holds everything");
        }
    }

    /// Cron may start the night in the hour that clocks skip or repeat: yesterday is the same day in each.
    #[test]
    fn yesterday_is_one_day_whenever_in_the_night_it_is_asked_for() {
        for (zone, nights, yesterday) in [
            // Clocks go back at 09:00 UTC: 01:30 comes twice.
            (
                "America/Los_Angeles",
                ["2025-11-02T07:00:00Z", "2025-11-02T08:30:00Z", "2025-11-02T09:30:00Z"],
                "2025-11-01",
            ),
            // Forward at 10:00 UTC: 02:30 does not come.
            (
                "America/Los_Angeles",
                ["2026-03-08T08:00:00Z", "2026-03-08T09:59:59Z", "2026-03-08T10:00:00Z"],
                "2026-03-07",
            ),
            ("Europe/Berlin", ["2025-10-26T00:30:00Z", "2025-10-26T01:30:00Z", "2025-10-26T02:30:00Z"], "2025-10-25"),
        ] {
            let zone = TimeZone::get(zone).unwrap();
            for night in nights {
                let now = at(night).to_zoned(zone.clone());
                let of = |text| parse_date(text, &now).unwrap();
                assert_eq!(of("yesterday").to_string(), yesterday, "{night}");
                // The days of a week follow each other without a gap or an overlap, the long and the short one, too.
                let week = ["6 days ago", "5 days ago", "4 days ago", "3 days ago", "2 days ago", "yesterday", "today"];
                let days = week.map(|text| day(of(text), &zone));
                assert!(days.windows(2).all(|pair| pair[0].to == pair[1].from), "{night}");
            }
        }
    }
}
