//! `--date`, `--from` and `--to` as a time range, for scans and for stored recordings.

use giggles::audio::window::{between, day, parse_date, parse_instant};
use giggles::domain::{Reason, Window};
use giggles::error::Fatal;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::settings::{Given, config, wrong};

/// The given day, or the range between two instants; unbounded if nothing is given. A range up to a day includes the day.
///
/// # Errors
/// A text is neither a date nor a time (the error names its flag or variable), or the range ends before it starts.
pub fn window(date: Option<Given>, from: Option<&str>, to: Option<&str>, zone: &TimeZone) -> Result<Window, Fatal> {
    if let Some(date) = date {
        let now = Timestamp::now().to_zoned(zone.clone());
        return Ok(day(date.read(|text| parse_date(text, &now).map_err(Reason::wrap))?, zone));
    }
    let from = from.map(|text| instant("--from", text, zone)).transpose()?.flatten();
    let to = to.map(|text| last_instant("--to", text, zone)).transpose()?.flatten();
    between(from, to).map_err(|error| config(Reason::wrap(error)))
}

/// The time that a flag gives: an instant, or the start of a day. None at the limits of the calendar.
pub fn instant(flag: &str, text: &str, zone: &TimeZone) -> Result<Option<Timestamp>, Fatal> {
    instant_or(flag, text, zone, |day| day.from)
}

/// The same, with the end of a day.
fn last_instant(flag: &str, text: &str, zone: &TimeZone) -> Result<Option<Timestamp>, Fatal> {
    instant_or(flag, text, zone, |day| day.to)
}

fn instant_or(
    flag: &str,
    text: &str,
    zone: &TimeZone,
    of_day: fn(Window) -> Option<Timestamp>,
) -> Result<Option<Timestamp>, Fatal> {
    match parse_date(text, &Timestamp::now().to_zoned(zone.clone())) {
        Ok(date) => Ok(of_day(day(date, zone))),
        Err(_) => parse_instant(text, zone).map(Some).map_err(|error| wrong(flag, Reason::wrap(error))),
    }
}
