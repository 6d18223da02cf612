//! Tests of start times from metadata and modification times; `names` tests file names.

mod names;

use jiff::civil::DateTime;
use proptest::prelude::*;

use super::*;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn minutes(minutes: u64) -> Option<Duration> {
    Some(Duration::from_secs(minutes * 60))
}

#[test]
fn metadata_is_read_only_with_a_time_of_day() {
    let at = |text| from_metadata(text, &zone("Europe/Berlin")).map(|at| at.to_string());
    for text in [
        "2025-10-24T13:00:00Z",
        "2025-10-24T13:00:00.000000Z",
        "2025-10-24T13:00:00.5+00:00",
        "2025-10-24T15:00:00+0200",
        "2025-10-24 13:00:00 +0000",
        "2025-10-24 13:00:00 UTC",
        "UTC 2025-10-24 13:00:00 UTC",
        "2025-10-24 15:00:00",
        "2025:10:24 15:00:00",
        " 2025-10-24 15-00-00\0",
        "Recorded at 06:00:00 24/10/2025 (UTC-7) by AudioMoth 24E144036036FF1D at medium gain while battery was 4.2V",
        "Recorded at 18:30:00 24/10/2025 (UTC+5:30) by AudioMoth 24E144036036FF1D at gain setting 2",
        "Recorded at 13:00:00 24/10/2025 (UTC) by AudioMoth 24E144036036FF1D at gain setting 2",
        "Recorded at 13:00:00.250 24/10/2025 (UTC) by AudioMoth 24E144036036FF1D during deployment 2025-01-01 00:00:00",
        "Recorded at 13:00:00 24/10/2025 by AudioMoth 0FE081F80FE081F0 at gain setting 2",
        "Fri Oct 24 15:00:00 2025\n\0",
        "FRI OCT 24 15:00:00 2025",
    ] {
        assert_eq!(at(text).as_deref(), Some("2025-10-24T13:00:00Z"), "{text}");
    }
    for text in ["Recorded at 13:00:00 24/10/2025", "Recorded at 13:00:00 31/02/2025 (UTC) by AudioMoth"] {
        assert_eq!(at(text), None, "{text}");
    }
    for text in [
        "",
        "2025",
        "2025-10-24",
        "20251024",
        "24 Oct 2025",
        "Fri Oct 24 2025",
        "1904-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
    ] {
        assert_eq!(at(text), None, "{text}");
    }
}

#[test]
fn the_most_reliable_source_is_used() {
    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(1_761_310_800); // 2025-10-24T13:00:00Z
    let started = |name, metadata: Option<&'static str>, length| {
        let inside = metadata.map(|text| Inside { text, may_be_end: false });
        let started = started(name, inside, modified, length, &TimeZone::UTC);
        (started.at.to_string(), started.from)
    };
    let tag = Some("2025-10-24T09:00:00Z");
    assert_eq!(started("20251024_080000.wav", tag, None), ("2025-10-24T08:00:00Z".into(), StartSource::Filename));
    assert_eq!(started("voice.wav", tag, None), ("2025-10-24T09:00:00Z".into(), StartSource::Metadata));
    assert_eq!(started("voice.wav", Some("2025"), minutes(90)), ("2025-10-24T11:30:00Z".into(), StartSource::Mtime));
    assert_eq!(started("voice.wav", None, None), ("2025-10-24T13:00:00Z".into(), StartSource::Mtime));
}

/// `at` is the date inside, `closed` the modification time, both as times of day.
fn by_header(at: &str, closed: &str, length: Option<Duration>) -> (String, StartSource) {
    let text = format!("2025-10-24T{at}Z");
    let closed: Timestamp = format!("2025-10-24T{closed}Z").parse().unwrap();
    let inside = Inside { text: &text, may_be_end: true };
    let started = started("voice.m4a", Some(inside), closed.into(), length, &TimeZone::UTC);
    (started.at.strftime("%H:%M:%S").to_string(), started.from)
}

#[test]
fn a_date_near_the_modification_time_is_the_end() {
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    for (at, closed, length, started, from) in [
        ("20:00:06", "20:00:06", seconds(6), "20:00:00", StartSource::MetadataEnd),
        ("20:00:06", "20:00:08", seconds(6), "20:00:00", StartSource::MetadataEnd),
        ("20:00:00", "20:00:00", minutes(60), "19:00:00", StartSource::MetadataEnd),
        ("20:00:00", "20:03:00", minutes(60), "19:00:00", StartSource::MetadataEnd),
        ("20:00:00", "19:59:58", minutes(60), "19:00:00", StartSource::MetadataEnd),
        ("20:00:00", "20:50:00", minutes(60), "19:00:00", StartSource::MetadataEnd),
        // a camera's start time: the file was closed one duration later, with a resolution of two seconds
        ("20:00:00", "21:00:00", minutes(60), "20:00:00", StartSource::Metadata),
        ("20:00:00", "20:59:58", minutes(60), "20:00:00", StartSource::Metadata),
        ("20:00:00", "20:00:06", seconds(6), "20:00:00", StartSource::Metadata),
        // the modification time of a copy is not used
        ("20:00:00", "23:30:00", minutes(60), "20:00:00", StartSource::Metadata),
        ("20:00:00", "18:00:00", minutes(60), "20:00:00", StartSource::Metadata),
        ("20:00:00", "20:00:00", None, "20:00:00", StartSource::Metadata),
        ("20:00:00", "20:00:00", seconds(0), "20:00:00", StartSource::Metadata),
    ] {
        assert_eq!(by_header(at, closed, length), (started.to_owned(), from), "{at}, closed {closed}");
    }
    let inside = Inside { text: "2025-10-24T20:00:00Z", may_be_end: true };
    let closed: Timestamp = "2025-10-24T20:00:00Z".parse().unwrap();
    let named = started("20251024_191500.m4a", Some(inside), closed.into(), minutes(60), &TimeZone::UTC);
    assert_eq!((named.at.to_string().as_str(), named.from), ("2025-10-24T19:15:00Z", StartSource::Filename));
    let start = Inside { may_be_end: false, ..inside };
    assert_eq!(
        started("voice.mov", Some(start), closed.into(), minutes(60), &TimeZone::UTC).from,
        StartSource::Metadata
    );
    for length in [Duration::MAX, Duration::from_secs(1 << 40)] {
        started("voice.m4a", Some(inside), closed.into(), Some(length), &TimeZone::UTC);
    }
}

#[test]
fn the_time_of_a_reset_clock_is_kept() {
    let kept = started("19800101_000000.wav", None, SystemTime::now(), None, &TimeZone::UTC);
    assert_eq!((kept.at.to_string().as_str(), kept.from), ("1980-01-01T00:00:00Z", StartSource::Filename));
    assert!(is_reset(kept.at));
    assert!(!is_reset("2025-10-24T13:00:00Z".parse().unwrap()));
}

#[test]
fn absurd_lengths_and_modification_times_do_not_panic() {
    let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 50);
    for modified in [far, SystemTime::UNIX_EPOCH] {
        for length in [None, Some(Duration::MAX)] {
            started("voice.wav", None, modified, length, &TimeZone::UTC);
            from_name("20251102_013000-20251102_030000.wav", &zone("America/Los_Angeles"), length);
        }
    }
}

proptest! {
    #[test]
    fn no_text_ever_panics(text in ".*", digits in "[0-9TZ_:. apmAPM+-]{0,40}") {
        for text in [text, digits] {
            from_name(&text, &TimeZone::UTC, Some(Duration::from_secs(60)));
            from_metadata(&text, &TimeZone::UTC);
        }
    }

    #[test]
    fn every_formatted_stamp_parses_to_the_same_time(
        second in 0i64..4_133_980_800, // to the end of 2100
        format in prop::sample::select(&[
            "%Y%m%d_%H%M%S", "%Y%m%dT%H%M%SZ", "%Y%m%d%H%M%S", "%Y-%m-%dT%H-%M-%S", "%Y-%m-%d %H.%M.%S", "%Y_%m_%d_%H_%M_%S",
        ][..]),
        before in "([A-Za-z]{1,6}[_-])?",
        // Not `.Pm`, which would be half of the day.
        after in "([_.]([B-OQ-Zb-oq-z0-9][A-Za-z0-9]{0,2})?)?\\.(wav|ogg|FLAC)",
    ) {
        let at = Timestamp::from_second(second).unwrap();
        let name = format!("{before}{}{after}", at.strftime(format));
        prop_assert_eq!(from_name(&name, &TimeZone::UTC, None).map(|times| times.started), Some(at), "{}", name);
    }

    #[test]
    fn local_names_parse_to_the_same_local_time(second in 0i64..4_000_000_000, zone_name in prop::sample::select(&[
        "America/Los_Angeles", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Cairo", "Asia/Kolkata",
    ][..])) {
        let zone = zone(zone_name);
        let face: DateTime = Timestamp::from_second(second).unwrap().to_zoned(zone.clone()).datetime();
        let name = format!("{}.wav", face.strftime("%Y%m%d_%H%M%S"));
        if let Some(times) = from_name(&name, &zone, None) { // None: a local time in the last days of 1969
            prop_assert_eq!(times.started.to_zoned(zone).datetime(), face);
        }
    }
}
