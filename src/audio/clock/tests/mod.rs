//! Clocks in tables and properties; the names have a chapter of their own.

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
    ] {
        assert_eq!(at(text).as_deref(), Some("2025-10-24T13:00:00Z"), "{text}");
    }
    for text in ["", "2025", "2025-10-24", "20251024", "24 Oct 2025", "1904-01-01T00:00:00Z", "1970-01-01T00:00:00Z"] {
        assert_eq!(at(text), None, "{text}");
    }
}

#[test]
fn the_best_clock_wins() {
    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(1_761_310_800); // 2025-10-24T13:00:00Z
    let began = |name, metadata, length| {
        let began = began(name, metadata, modified, length, &TimeZone::UTC);
        (began.at.to_string(), began.from)
    };
    let tag = Some("2025-10-24T09:00:00Z");
    assert_eq!(began("20251024_080000.wav", tag, None), ("2025-10-24T08:00:00Z".into(), Clock::Name));
    assert_eq!(began("voice.wav", tag, None), ("2025-10-24T09:00:00Z".into(), Clock::Metadata));
    assert_eq!(began("voice.wav", Some("2025"), minutes(90)), ("2025-10-24T11:30:00Z".into(), Clock::Modified));
    assert_eq!(began("voice.wav", None, None), ("2025-10-24T13:00:00Z".into(), Clock::Modified));
}

#[test]
fn a_lost_clock_is_kept_as_it_stands() {
    let kept = began("19800101_000000.wav", None, SystemTime::now(), None, &TimeZone::UTC);
    assert_eq!((kept.at.to_string().as_str(), kept.from), ("1980-01-01T00:00:00Z", Clock::Name));
    assert!(is_reset(kept.at));
    assert!(!is_reset("2025-10-24T13:00:00Z".parse().unwrap()));
}

#[test]
fn absurd_lengths_and_modification_times_do_not_panic() {
    let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 50);
    for modified in [far, SystemTime::UNIX_EPOCH] {
        for length in [None, Some(Duration::MAX)] {
            began("voice.wav", None, modified, length, &TimeZone::UTC);
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
    fn every_stamp_that_is_written_reads_back(
        second in 0i64..4_133_980_800, // to the end of 2100
        format in prop::sample::select(&[
            "%Y%m%d_%H%M%S", "%Y%m%dT%H%M%SZ", "%Y%m%d%H%M%S", "%Y-%m-%dT%H-%M-%S", "%Y-%m-%d %H.%M.%S", "%Y_%m_%d_%H_%M_%S",
        ][..]),
        before in "([A-Za-z]{1,6}[_-])?",
        after in "([_.][A-Za-z0-9]{0,3})?\\.(wav|ogg|FLAC)",
    ) {
        let at = Timestamp::from_second(second).unwrap();
        let name = format!("{before}{}{after}", at.strftime(format));
        prop_assert_eq!(from_name(&name, &TimeZone::UTC, None).map(|spoken| spoken.began), Some(at), "{}", name);
    }

    #[test]
    fn local_names_show_the_clock_face_again(second in 0i64..4_000_000_000, zone_name in prop::sample::select(&[
        "America/Los_Angeles", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Cairo", "Asia/Kolkata",
    ][..])) {
        let zone = zone(zone_name);
        let face: DateTime = Timestamp::from_second(second).unwrap().to_zoned(zone.clone()).datetime();
        let name = format!("{}.wav", face.strftime("%Y%m%d_%H%M%S"));
        if let Some(spoken) = from_name(&name, &zone, None) { // None: a face in the last days of 1969
            prop_assert_eq!(spoken.began.to_zoned(zone).datetime(), face);
        }
    }
}
