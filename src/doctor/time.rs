//! Checks of the clock, the time zone and the window.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Settings, Visit, not_checked, refused};
use crate::domain::Window;
use crate::finding::Finding;
use crate::text::zone_name;

/// The year of this program; a clock before it was reset.
const EARLIEST: i16 = 2025;
/// A clock after this year is wrong.
const LATEST: i16 = 2100;
/// A clock change within this time is reported: before or during the next nightly run.
const SOON: Duration = Duration::from_secs(36 * 3600);

/// Only a warning: a run with a wrong clock works, but it may scan another day.
pub fn clock(visit: &Visit) -> Finding {
    plausible_clock(visit.settings.now)
}

fn plausible_clock(now: Timestamp) -> Finding {
    let year = now.to_zoned(TimeZone::UTC).year();
    if (EARLIEST..LATEST).contains(&year) {
        Finding::ok(format!("{now:.0}"))
    } else {
        Finding::warn(
            format!("this machine's clock is at {now:.0}"),
            "set it; with a wrong clock a run scans another day and rejects all certificates",
        )
    }
}

pub fn zone(visit: &Visit) -> Finding {
    let settings = visit.settings;
    let zone = match &settings.zone {
        Ok(zone) => zone,
        Err(fatal) => return refused(fatal),
    };
    let local = settings.now.to_zoned(zone.clone());
    let found = format!("{}, where it is {}", zone_name(zone), local.strftime("%A %Y-%m-%d %H:%M (%:z)"));
    let details = change(zone, settings.now).into_iter().collect();
    if settings.zone_is_named {
        Finding::ok(found).with(details)
    } else {
        Finding::warn(
            format!("{found}; it is this system's, since no setting names one"),
            "set GIGGLES_TZ or --tz to the zone of the microphone: the system of the nightly run may have another",
        )
        .with(details)
    }
}

/// `clocks change on 2025-10-26 at 03:00, to +01:00; that day has 25 hours`
fn change(zone: &TimeZone, now: Timestamp) -> Option<String> {
    let next = zone.following(now).next()?;
    let until: Duration = next.timestamp().duration_since(now).try_into().ok()?;
    let before = zone.to_offset(next.timestamp().checked_sub(Duration::from_secs(1)).ok()?);
    let shift = next.offset().seconds() - before.seconds();
    if until > SOON || shift == 0 {
        return None;
    }
    let at = before.to_datetime(next.timestamp());
    let direction = if shift > 0 { "forward" } else { "back" };
    Some(format!(
        "clocks go {direction} by {} min on {}; giggles handles this, but a cron line between {} and three hours later \
         may run twice or not at all",
        shift.abs() / 60,
        at.strftime("%Y-%m-%d at %H:%M"),
        at.strftime("%H:%M"),
    ))
}

pub fn window(visit: &Visit) -> Finding {
    let settings = visit.settings;
    let (window, zone) = match (&settings.window, &settings.zone) {
        (Ok(window), Ok(zone)) => (window, zone),
        (Err(fatal), Ok(_)) => return refused(fatal),
        (_, Err(_)) => return not_checked("the zone is wrong"),
    };
    let found = span(window, zone).map_or("all recordings, of any day".to_owned(), |span| format!("recordings {span}"));
    match fixed(settings) {
        Some(date) => Finding::warn(
            format!("{found}; {date} is the same day in every run"),
            "write yesterday, or --from '7 days ago' --to yesterday",
        ),
        None => Finding::ok(found),
    }
}

/// `from 2025-10-24 00:00 to 2025-10-25 00:00`; None of a window without bounds.
pub fn span(window: &Window, zone: &TimeZone) -> Option<String> {
    let local = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
    match (window.from, window.to) {
        (None, None) => None,
        (Some(from), None) => Some(format!("from {} on", local(from))),
        (None, Some(to)) => Some(format!("until {}", local(to))),
        (Some(from), Some(to)) => Some(format!("from {} to {}", local(from), local(to))),
    }
}

fn fixed(settings: &Settings) -> Option<&str> {
    settings.fixed_date.as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Health;

    fn change_in(zone: &str, now: &str) -> Option<String> {
        change(&TimeZone::get(zone).unwrap(), now.parse().unwrap())
    }

    #[test]
    fn a_clock_change_within_36_hours_is_reported() {
        let back = change_in("Europe/Berlin", "2025-10-25T12:00:00Z").unwrap();
        assert!(back.starts_with("clocks go back by 60 min on 2025-10-26 at 03:00; "), "{back}");
        let forward = change_in("America/Los_Angeles", "2026-03-07T20:00:00Z").unwrap();
        assert!(forward.starts_with("clocks go forward by 60 min on 2026-03-08 at 02:00; "), "{forward}");
        assert!(change_in("Australia/Lord_Howe", "2025-10-04T12:00:00Z").unwrap().contains("forward by 30 min"));
    }

    #[test]
    fn an_implausible_clock_is_a_warning() {
        let health = |now: &str| plausible_clock(now.parse().unwrap()).health;
        assert_eq!(health("2025-10-25T12:00:00Z"), Health::Ok);
        assert_eq!(health("1970-01-01T00:10:00Z"), Health::Warn);
        assert_eq!(health("2155-10-25T12:00:00Z"), Health::Warn);
    }

    #[test]
    fn a_later_clock_change_is_not_reported() {
        assert_eq!(change_in("Europe/Berlin", "2025-10-20T12:00:00Z"), None);
        assert_eq!(change_in("UTC", "2025-10-25T12:00:00Z"), None);
    }
}
