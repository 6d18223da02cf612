//! File names, as recorders write them and as they do not.

use super::*;

fn spoken_in(name: &str, zone_name: &str, length: Option<Duration>) -> Option<(String, Option<String>)> {
    let spoken = from_name(name, &zone(zone_name), length)?;
    Some((spoken.began.to_string(), spoken.ended.map(|ended| ended.to_string())))
}

fn began_of(name: &str) -> Option<String> {
    spoken_in(name, "UTC", None).map(|(began, _)| began)
}

#[test]
fn names_as_recorders_write_them() {
    for name in [
        "20251024_130000.WAV",
        "20251024T130000Z.flac",
        "20251024T130000.flac",
        "20251024t130000z.flac",
        "20251024-130000.mp3",
        "20251024130000.m4a",
        "20251024130000123.m4a",
        "PXL_20251024_130000123.mp4",
        "REC_20251024_130000.wav",
        "20251024_130000_1.wav",
        "20251024_130000_123.wav",
        "20251024_130000.123.wav",
        "20251024_130000-001.wav",
        "20251024_130000-0001.wav",
        "20251024_130000-0000.wav",
        "20251024_130000-01.wav",
        "20251024_130000T.WAV",
        "20251024_130000Zoom.wav",
        "5B1F1F_20251024_130000.WAV",
        "20250101_20251024_130000.wav",
        "20251341_250000 20251024_130000.wav",
        "Call_+14155551234_20251024130000.m4a",
        "2025-10-24_13-00-00.ogg",
        "2025-10-24T13-00-00.ogg",
        "2025-10-24 13.00.00.ogg",
        "2025-10-24 13:00:00.ogg",
        "2025_10_24_13_00_00.ogg",
        "2025.10.24.13.00.00.ogg",
        "2025-10-24-13-00-00.ogg",
        "20251024_13-00-00.ogg",
        "2025-10-24 01.00.00 PM.m4a",
        "2025-10-24 01-00-00pm_2.m4a",
        "2025-10-24 13.00.00 PM.m4a",
        "20251024_130000_am.wav",
        "20251024_130000 Amsterdam.wav",
        "20251024_130000 UTC.wav",
        "20251024T150000+0200.wav",
        "20251024T150000+02.wav",
        "20251024_060000-0700.wav",
        "2025-10-24T18:30:00+05:30.wav",
        "2025-10-24T13-00-00.250Z.wav",
        "neil/2024-01-01/20251024_130000.wav",
    ] {
        assert_eq!(began_of(name).as_deref(), Some("2025-10-24T13:00:00Z"), "{name}");
    }
}

#[test]
fn names_that_say_nothing_are_left_to_the_next_clock() {
    for name in [
        "",
        "voice.wav",
        "20251024.wav",
        "2025-10-24.wav",
        "20251024_1300.wav",
        "251024_130000.wav",
        "20251341_130000.wav",
        "20250229_130000.wav",
        "20251024_240000.wav",
        "20251024_126000.wav",
        "120251024_130000.wav",
        "20251024_1300001.wav",
        "20251024_13000012.wav",
        "2025-10_24_13-00-00.wav",
        "2025-10-24_13-00_00.wav",
        "2025-10-24130000.wav",
        "19690720_201740.wav",
        "22001024_130000.wav",
        "20251024_130000/x.wav",
        "2025-10-24/130000.wav",
        "２０２５1024_130000.wav",
    ] {
        assert_eq!(began_of(name), None, "{name}");
    }
}

#[test]
fn names_may_give_an_end() {
    for (name, end) in [
        ("20251024_130000-20251024_150000.ogg", Some("2025-10-24T15:00:00Z")),
        ("2025-10-24T13-00-00__2025-10-24T15-51-49.ogg", Some("2025-10-24T15:51:49Z")),
        ("20251024T130000Z--20251024T150000Z_neil.ogg", Some("2025-10-24T15:00:00Z")),
        ("20251024_130000Z-20251024_150000.ogg", Some("2025-10-24T15:00:00Z")),
        ("20251024_060000-0700-20251024_080000-0700.ogg", Some("2025-10-24T15:00:00Z")),
        ("20251024_060000-20251024_080000-0700.ogg", Some("2025-10-24T15:00:00Z")),
        ("20251024_130000_to_20251024_150000.ogg", Some("2025-10-24T15:00:00Z")),
        ("2025-10-24 13.00.00 - 2025-10-24 15.00.00.ogg", Some("2025-10-24T15:00:00Z")),
        ("20251024_130000-20251025_010000.ogg", Some("2025-10-25T01:00:00Z")),
        // before the beginning, at it, days later, impossible, after other words
        ("20251024_130000-20251024_120000.ogg", None),
        ("20251024_130000-20251024_130000.ogg", None),
        ("20251024_130000_20251101_090000.ogg", None),
        ("20251024_130000-20251341_150000.ogg", None),
        ("20251024_130000-150000.ogg", None),
        ("20251024_130000_copied_20251024_150000.ogg", None),
    ] {
        let expected = Some(("2025-10-24T13:00:00Z".to_owned(), end.map(str::to_owned)));
        assert_eq!(spoken_in(name, "UTC", None), expected, "{name}");
    }
    let pendant = spoken_in("2025-09-30T21-46-57__2025-09-30T23-51-49.ogg", "UTC", None);
    assert_eq!(pendant, Some(("2025-09-30T21:46:57Z".into(), Some("2025-09-30T23:51:49Z".into()))));
}

#[test]
fn a_name_without_a_zone_is_read_in_the_zone_given() {
    let began = |name, zone| spoken_in(name, zone, None).unwrap().0;
    assert_eq!(began("20251024_130000.wav", "America/Los_Angeles"), "2025-10-24T20:00:00Z");
    assert_eq!(began("20251024_130000Z.wav", "America/Los_Angeles"), "2025-10-24T13:00:00Z");
    assert_eq!(began("20251024_130000+0200.wav", "America/Los_Angeles"), "2025-10-24T11:00:00Z");
}

#[test]
fn a_skipped_hour_is_moved_forward() {
    let began = spoken_in("20250309_023000.wav", "America/Los_Angeles", None).unwrap().0;
    assert_eq!(began, "2025-03-09T10:30:00Z"); // 03:30 PDT
}

#[test]
fn the_hour_that_exists_twice() {
    // Los Angeles, 2 November 2025: 01:00 to 02:00 is first 08:00Z to 09:00Z, then 09:00Z to 10:00Z.
    for (name, length, began, ended) in [
        ("20251102_013000.wav", None, "08:30", None),
        ("20251102_013000.wav", minutes(20), "08:30", None),
        ("20251102_013000-20251102_030000.wav", None, "08:30", Some("11:00")),
        ("20251102_013000-20251102_030000.wav", minutes(150), "08:30", Some("11:00")),
        ("20251102_013000-20251102_030000.wav", minutes(91), "09:30", Some("11:00")),
        ("20251102_013000-20251102_030000.wav", minutes(7), "08:30", Some("11:00")), // cut short: fits nothing
        ("20251102_011000-20251102_015000.wav", minutes(40), "08:10", Some("08:50")),
        ("20251102_011000-20251102_015000.wav", minutes(100), "08:10", Some("09:50")),
        ("20251102_003000-20251102_011000.wav", minutes(100), "07:30", Some("09:10")),
        ("20251102_015000-20251102_011000.wav", None, "08:50", Some("09:10")), // the clock was put back meanwhile
    ] {
        let at = |time: &str| format!("2025-11-02T{time}:00Z");
        let expected = Some((at(began), ended.map(at)));
        assert_eq!(spoken_in(name, "America/Los_Angeles", length), expected, "{name} {length:?}");
    }
}

#[test]
fn lord_howe_puts_its_clocks_back_by_half_an_hour() {
    // 6 April 2025, 02:00 +11 becomes 01:30 +10:30.
    let name = "20250406_014500-20250406_030000.wav";
    let began = |length| spoken_in(name, "Australia/Lord_Howe", length).unwrap().0;
    assert_eq!(began(None), "2025-04-05T14:45:00Z");
    assert_eq!(began(minutes(75)), "2025-04-05T15:15:00Z");
    assert_eq!(began(minutes(105)), "2025-04-05T14:45:00Z");
}
