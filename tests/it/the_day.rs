//! A day is a calendar day of a zone: 23 or 25 hours long when clocks change, and now and then
//! without a midnight.

use std::time::Duration;

use giggles::audio::window::{day, overlaps, parse_date, parse_instant};
use giggles::domain::Window;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
use proptest::prelude::*;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn hours(window: Window) -> f64 {
    window.to.unwrap().duration_since(window.from.unwrap()).as_secs_f64() / 3600.0
}

#[test]
fn days_are_as_long_as_their_clocks_say() {
    for (zone_name, date, length) in [
        ("America/Los_Angeles", date(2025, 3, 9), 23.0),
        ("America/Los_Angeles", date(2025, 10, 24), 24.0),
        ("America/Los_Angeles", date(2025, 11, 2), 25.0),
        ("Europe/Berlin", date(2025, 3, 30), 23.0),
        ("Europe/Berlin", date(2025, 10, 26), 25.0),
        ("Australia/Lord_Howe", date(2025, 10, 5), 23.5),
        ("Australia/Lord_Howe", date(2025, 4, 6), 24.5),
        ("America/Sao_Paulo", date(2018, 11, 4), 23.0), // 00:00 becomes 01:00
        ("America/Sao_Paulo", date(2018, 2, 17), 25.0), // 24:00 becomes 23:00
        ("Africa/Cairo", date(2025, 4, 25), 23.0),
        ("America/Havana", date(2025, 11, 2), 25.0), // midnight comes twice
        ("Pacific/Apia", date(2011, 12, 29), 24.0),
        ("Pacific/Apia", date(2011, 12, 30), 0.0), // was left out
        ("UTC", date(2025, 3, 9), 24.0),
    ] {
        assert_eq!(hours(day(date, &zone(zone_name))), length, "{zone_name} {date}");
    }
}

#[test]
fn a_day_begins_at_its_first_instant() {
    for (zone_name, date, from) in [
        ("America/Los_Angeles", date(2025, 3, 9), "2025-03-09T08:00:00Z"),
        ("America/Los_Angeles", date(2025, 3, 10), "2025-03-10T07:00:00Z"),
        ("America/Los_Angeles", date(2025, 11, 3), "2025-11-03T08:00:00Z"),
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T03:00:00Z"), // shown as 01:00
        ("Africa/Cairo", date(2025, 4, 25), "2025-04-24T22:00:00Z"),      // shown as 01:00
        ("America/Havana", date(2025, 11, 2), "2025-11-02T04:00:00Z"),    // the first of the two
        ("America/Toronto", date(1919, 3, 31), "1919-03-31T04:30:00Z"),   // 23:30 became 00:30
    ] {
        assert_eq!(day(date, &zone(zone_name)).from, Some(at(from)), "{zone_name} {date}");
    }
}

#[test]
fn the_calendar_has_ends_and_they_do_not_panic() {
    assert_eq!(day(Date::MAX, &TimeZone::UTC).to, None);
    day(Date::MAX, &zone("America/Los_Angeles"));
    day(Date::MIN, &zone("Europe/Berlin"));
}

#[test]
fn a_recording_across_midnight_belongs_to_both_days() {
    let zone = zone("America/Los_Angeles");
    let (started, two_hours) = (at("2025-10-25T06:00:00Z"), Some(Duration::from_secs(7200))); // 23:00 local
    let analyzed = |date| overlaps(&day(date, &zone), started, two_hours);
    assert!(!analyzed(date(2025, 10, 23)));
    assert!(analyzed(date(2025, 10, 24)));
    assert!(analyzed(date(2025, 10, 25)));
    assert!(!analyzed(date(2025, 10, 26)));
}

#[test]
fn both_occurrences_of_an_hour_lie_in_the_same_day() {
    let today = day(date(2025, 11, 2), &zone("America/Los_Angeles"));
    for started in ["2025-11-02T08:30:00Z", "2025-11-02T09:30:00Z"] {
        assert!(overlaps(&today, at(started), Some(Duration::from_secs(60))), "{started}");
    }
}

#[test]
fn yesterday_is_a_date_and_not_24_hours_ago() {
    let yesterday = |now: &str| parse_date("yesterday", &now.parse::<Zoned>().unwrap()).unwrap();
    // Sunday, 2 November has 25 hours: 24 hours before its last half hour is still Sunday. Sunday, 9 March
    // has 23: 24 hours before 00:30 on Monday is Saturday.
    assert_eq!(yesterday("2025-11-02T23:30-08:00[America/Los_Angeles]"), date(2025, 11, 1));
    assert_eq!(yesterday("2025-03-10T00:30-07:00[America/Los_Angeles]"), date(2025, 3, 9));
    assert_eq!(yesterday("2025-11-03T02:00-08:00[America/Los_Angeles]"), date(2025, 11, 2));
    assert_eq!(yesterday("2025-11-02T02:00-08:00[America/Los_Angeles]"), date(2025, 11, 1));
    assert_eq!(yesterday("2025-03-10T02:00-07:00[America/Los_Angeles]"), date(2025, 3, 9));
    assert_eq!(yesterday("2025-01-01T02:00+01:00[Europe/Berlin]"), date(2024, 12, 31));
}

#[test]
fn days_ago_are_dates_too() {
    let now: Zoned = "2025-11-05T02:30-08:00[America/Los_Angeles]".parse().unwrap();
    assert_eq!(parse_date("7 days ago", &now), Ok(date(2025, 10, 29)));
    assert_eq!(parse_date("0 days ago", &now), Ok(date(2025, 11, 5)));
    for wrong in ["days ago", "-1 days ago", "seven days ago", "70000 days ago", "65535 days agoo"] {
        assert!(parse_date(wrong, &now).is_err(), "{wrong}");
    }
}

#[test]
fn a_local_time_that_is_skipped_or_doubled() {
    let zone = zone("America/Los_Angeles");
    let instant = |text| parse_instant(text, &zone).unwrap();
    assert_eq!(instant("2025-11-02T01:30"), at("2025-11-02T08:30:00Z")); // the first
    assert_eq!(instant("2025-11-02T01:30-08:00"), at("2025-11-02T09:30:00Z"));
    assert_eq!(instant("2025-03-09T02:30"), at("2025-03-09T10:30:00Z")); // 03:30
    assert_eq!(instant("2025-03-09"), at("2025-03-09T08:00:00Z"));
}

const ZONES: [&str; 12] = [
    "UTC",
    "America/Los_Angeles",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "America/Havana",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Asia/Beirut",
    "America/Asuncion",
];

/// The day whose window holds an instant is the day that `Run::local_date` stores with it.
fn agrees(instant: Timestamp, zone: &TimeZone) {
    let today = instant.to_zoned(zone.clone()).date();
    let holds = |date| overlaps(&day(date, zone), instant, None);
    let neighbours = [today.yesterday().unwrap(), today, today.tomorrow().unwrap()];
    assert_eq!(neighbours.map(holds), [false, true, false], "{instant} on {today} in {:?}", zone.iana_name());
}

#[test]
fn windows_and_local_dates_agree_around_every_change_of_clocks() {
    for zone in ZONES.map(zone) {
        let changes = zone
            .following(at("2000-01-01T00:00:00Z"))
            .take_while(|change| change.timestamp() < at("2050-01-01T00:00:00Z"));
        for change in changes.map(|change| change.timestamp()) {
            let seconds = [-86_400, -3601, -3600, -1, 0, 1, 3599, 3600, 86_400];
            seconds.iter().for_each(|&second| agrees(change + SignedDuration::from_secs(second), &zone));
        }
    }
}

proptest! {
    #[test]
    fn windows_and_local_dates_agree(second in 946_684_800i64..4_102_444_800, name in prop::sample::select(&ZONES[..])) {
        agrees(Timestamp::from_second(second).unwrap(), &zone(name));
    }

    #[test]
    fn days_lie_end_to_end(days in 0i32..40_000, name in prop::sample::select(&ZONES[..])) {
        let (zone, date) = (zone(name), date(1990, 1, 1) + jiff::Span::new().days(days));
        prop_assert_eq!(day(date, &zone).to, day(date.tomorrow().unwrap(), &zone).from);
    }
}
