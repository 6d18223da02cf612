//! Tests of file names with and without times.

use super::*;

fn times_in(name: &str, zone_name: &str, length: Option<Duration>) -> Option<(String, Option<String>)> {
    let times = from_name(name, &zone(zone_name), length)?;
    Some((times.started.to_string(), times.ended.map(|ended| ended.to_string())))
}

fn start_of(name: &str) -> Option<String> {
    times_in(name, "UTC", None).map(|(started, _)| started)
}

#[test]
fn names_of_recorders_are_parsed() {
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
        // an offset after a punctuation character, or after UTC or GMT
        "20251024_060000_-0700.wav",
        "20251024_060000_-07:00.wav",
        "20251024_183000_+0530.wav",
        "20251024_183000_+05:30.wav",
        "20251024_183000+05-30.wav",
        "20251024_150000_+02.wav",
        "20251024_060000 UTC-7.wav",
        "20251024_060000 (UTC-7).wav",
        "20251024_150000_UTC+0200.wav",
        "20251024_150000 GMT+02:00.wav",
        "2025-10-24T06-00-00.123-0700.wav",
        "20251024_130000_-0001.wav",
        "20251024_130000_-01.wav",
        "20251024_130000UTC-20251024_150000.wav",
        "GMT20251024-130000_Recording.m4a",
        "UTC_20251024_130000.wav",
        "rec_12_03_20251024_130000.wav",
        "12-03-20251024-130000.wav",
        "REC-101-2025-10-24-13-00-00.wav",
        "20251024T150000+02_15.wav",
    ] {
        assert_eq!(start_of(name).as_deref(), Some("2025-10-24T13:00:00Z"), "{name}");
    }
}

#[test]
fn names_without_an_unambiguous_time_are_ignored() {
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
        // the month is ambiguous, and the year is not the start of a date
        "01-02-2024.wav",
        "01-02-2024 10-10-10.wav",
        "01-02-2024_101010.wav",
        "01.02.2024.10.10.10.wav",
        "01-02-2024-10-11-12-13-14.wav",
        "REC_01_02_2024_01_05_10_10_10.wav",
        "01022024_101010.wav",
        "10-24-25 13.00.00.wav",
        // digits that are not a time
        "2025-10-24 version 10.10.10.wav",
        "2025-10-24 v1.10.10.wav",
        "2025-10-24_1.10.10.wav",
        "2025-10-24 - 1.10.10.wav",
        "2025-10-24 - 101010.wav",
        "2025-10-24 duration 01:30:00.wav",
        "2025-10-24 take 101010.wav",
        "2025-10-24 at 10 songs.wav",
        "2025-10-24-A-01-02-03.wav",
        "2025-10-24 A 01.02.03.wav",
        "2025-10-24_a_x_01_02_03.wav",
        "2025-10-24 at the lake 10-10-10.wav",
        "2025-10-24 at 25.00.00.wav",
        "2025-10-24-birdnet-85.wav",
        "2025-10-24-birdnet.wav",
    ] {
        assert_eq!(start_of(name), None, "{name}");
    }
}

#[test]
fn names_may_contain_an_end() {
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
        // before the start, at the start, days later, invalid, after other words
        ("20251024_130000-20251024_120000.ogg", None),
        ("20251024_130000-20251024_130000.ogg", None),
        ("20251024_130000_20251101_090000.ogg", None),
        ("20251024_130000-20251341_150000.ogg", None),
        ("20251024_130000-150000.ogg", None),
        ("20251024_130000_copied_20251024_150000.ogg", None),
    ] {
        let expected = Some(("2025-10-24T13:00:00Z".to_owned(), end.map(str::to_owned)));
        assert_eq!(times_in(name, "UTC", None), expected, "{name}");
    }
    let pendant = times_in("2025-09-30T21-46-57__2025-09-30T23-51-49.ogg", "UTC", None);
    assert_eq!(pendant, Some(("2025-09-30T21:46:57Z".into(), Some("2025-09-30T23:51:49Z".into()))));
}

#[test]
fn a_name_without_a_zone_is_local_in_the_given_zone() {
    let started = |name, zone| times_in(name, zone, None).unwrap().0;
    assert_eq!(started("20251024_130000.wav", "America/Los_Angeles"), "2025-10-24T20:00:00Z");
    assert_eq!(started("20251024_130000Z.wav", "America/Los_Angeles"), "2025-10-24T13:00:00Z");
    assert_eq!(started("20251024_130000+0200.wav", "America/Los_Angeles"), "2025-10-24T11:00:00Z");
}

#[test]
fn a_skipped_hour_is_moved_forward() {
    let started = times_in("20250309_023000.wav", "America/Los_Angeles", None).unwrap().0;
    assert_eq!(started, "2025-03-09T10:30:00Z"); // 03:30 PDT
}

#[test]
fn an_ambiguous_hour_is_resolved_by_the_end_and_the_length() {
    // Los Angeles, 2 November 2025: 01:00 to 02:00 is first 08:00Z to 09:00Z, then 09:00Z to 10:00Z.
    for (name, length, started, ended) in [
        ("20251102_013000.wav", None, "08:30", None),
        ("20251102_013000.wav", minutes(20), "08:30", None),
        ("20251102_013000-20251102_030000.wav", None, "08:30", Some("11:00")),
        ("20251102_013000-20251102_030000.wav", minutes(150), "08:30", Some("11:00")),
        ("20251102_013000-20251102_030000.wav", minutes(91), "09:30", Some("11:00")),
        ("20251102_013000-20251102_030000.wav", minutes(7), "08:30", Some("11:00")), // cut short: fits neither
        ("20251102_011000-20251102_015000.wav", minutes(40), "08:10", Some("08:50")),
        ("20251102_011000-20251102_015000.wav", minutes(100), "08:10", Some("09:50")),
        ("20251102_003000-20251102_011000.wav", minutes(100), "07:30", Some("09:10")),
        ("20251102_015000-20251102_011000.wav", None, "08:50", Some("09:10")), // the clock was set back
    ] {
        let at = |time: &str| format!("2025-11-02T{time}:00Z");
        let expected = Some((at(started), ended.map(at)));
        assert_eq!(times_in(name, "America/Los_Angeles", length), expected, "{name} {length:?}");
    }
}

#[test]
fn a_clock_change_of_half_an_hour_is_resolved() {
    // 6 April 2025, 02:00 +11 becomes 01:30 +10:30.
    let name = "20250406_014500-20250406_030000.wav";
    let started = |length| times_in(name, "Australia/Lord_Howe", length).unwrap().0;
    assert_eq!(started(None), "2025-04-05T14:45:00Z");
    assert_eq!(started(minutes(75)), "2025-04-05T15:15:00Z");
    assert_eq!(started(minutes(105)), "2025-04-05T14:45:00Z");
}

#[test]
fn words_may_connect_the_time_to_the_date() {
    for (name, face) in [
        ("2022-09-01-birdnet-11:25:18.wav", "2022-09-01T11:25:18Z"),
        ("2022-09-01-birdnet-11-25-18.wav", "2022-09-01T11:25:18Z"),
        ("2022-09-01-birdnet-RTSP_1-11:25:18.wav", "2022-09-01T11:25:18Z"),
        ("2022-09-01-birdnet-RTSP_10-11_25_18.wav", "2022-09-01T11:25:18Z"),
        ("By_Date/2022-09-01/Common_Blackbird-85-2022-09-01-birdnet-11:25:18.mp3", "2022-09-01T11:25:18Z"),
        ("2022-09-01-garden-11:25:18.wav", "2022-09-01T11:25:18Z"),
        ("WhatsApp Ptt 2024-01-05 at 10.10.10 PM.ogg", "2024-01-05T22:10:10Z"),
        ("WhatsApp Ptt 2024-01-05 at 10.10.10 AM.ogg", "2024-01-05T10:10:10Z"),
        ("WhatsApp Ptt 2024-01-05 at 1.10.10 PM (1).ogg", "2024-01-05T13:10:10Z"),
        ("WhatsApp Audio 2024-01-05 at 12.10.10 AM.opus", "2024-01-05T00:10:10Z"),
        ("WhatsApp Audio 2024-01-05 at 12.10.10 PM.opus", "2024-01-05T12:10:10Z"),
        ("WhatsApp Video 2024-01-05 at 22.10.10_1b2c3d4e.mp4", "2024-01-05T22:10:10Z"),
        ("WhatsApp-Ptt-2024-01-05-at-10.10.10-PM.ogg", "2024-01-05T22:10:10Z"),
        ("WhatsApp_Audio_2024-01-05_at_10_10_10_PM.ogg", "2024-01-05T22:10:10Z"),
        ("Screen Recording 2024-01-05 at 10.10.10.mov", "2024-01-05T10:10:10Z"),
        ("Screen Recording 2024-01-05 at 9.41.00.mov", "2024-01-05T09:41:00Z"),
        ("Screen Recording 2024-01-05 at 9.41.00\u{202f}PM.mov", "2024-01-05T21:41:00Z"),
        ("Screen Recording 2024-01-05 at 9.41.00\u{a0}p.m..mov", "2024-01-05T21:41:00Z"),
        ("Screen\u{a0}Recording\u{a0}2024-01-05\u{a0}at\u{a0}10.10.10.mov", "2024-01-05T10:10:10Z"),
        ("2024-01-05 10.10.10\u{202f}PM.m4a", "2024-01-05T22:10:10Z"),
        ("2024-01-05 1.10.10 PM.m4a", "2024-01-05T13:10:10Z"),
        ("20240105 at 101010.m4a", "2024-01-05T10:10:10Z"),
        ("Bildschirmaufnahme 2024-01-05 um 10.10.10.mov", "2024-01-05T10:10:10Z"),
        ("Enregistrement 2024-01-05 à 10.10.10.mov", "2024-01-05T10:10:10Z"),
        ("Enregistrement 2024-01-05 a\u{300} 10.10.10.mov", "2024-01-05T10:10:10Z"),
        ("Grabación 2024-01-05 a la(s) 9.10.10 p. m..mov", "2024-01-05T21:10:10Z"),
        ("Skærmoptagelse 2024-01-05 kl. 10.10.10.mov", "2024-01-05T10:10:10Z"),
        ("画面収録 2024-01-05 10.10.10.mov", "2024-01-05T10:10:10Z"),
        ("录屏2024-01-05 下午10.10.10.mov", "2024-01-05T22:10:10Z"),
        ("录屏2024-01-05 上午9.10.10.mov", "2024-01-05T09:10:10Z"),
        ("2024-01-05 - 10.10.10.wav", "2024-01-05T10:10:10Z"),
        ("2024-01-05__10-10-10.wav", "2024-01-05T10:10:10Z"),
        ("2024-01-05 (10.10.10).wav", "2024-01-05T10:10:10Z"),
    ] {
        assert_eq!(start_of(name).as_deref(), Some(face), "{name}");
    }
    let ends = "2024-01-05 at 10.10.10 PM - 2024-01-05 at 11.10.10 PM.m4a";
    let expected = Some(("2024-01-05T22:10:10Z".to_owned(), Some("2024-01-05T23:10:10Z".to_owned())));
    assert_eq!(times_in(ends, "UTC", None), expected);
}

#[test]
fn names_may_contain_unix_times() {
    for name in [
        "omi_1704449410.opus",
        "audio_1704449410123.m4a",
        "1704449410.wav",
        "1704449410123.wav",
        "1704449410.25.wav",
        "rec-1704449410-1.wav",
        "recording 1704449410 (2).wav",
        "omi1704449410.opus",
        "8f3a_1704449410.wav",
        "voice_01234_1704449410.wav",
        "call_1704449410999.m4a",
        "pendant/1504449410/omi_1704449410.opus",
    ] {
        let times = times_in(name, "America/Los_Angeles", minutes(60));
        assert_eq!(times, Some(("2024-01-05T10:10:10Z".into(), None)), "{name}");
    }
    // A calendar date takes precedence.
    assert_eq!(start_of("1704449410_20251024_130000.wav").as_deref(), Some("2025-10-24T13:00:00Z"));
}

#[test]
fn other_numbers_of_ten_digits_are_ignored() {
    for name in [
        "4155551234.wav",
        "Call_1512345678.m4a",
        "call recording 1512345678.m4a",
        "+1512345678.m4a",
        "+491512345678.m4a",
        "14155551234.m4a",
        "Tel 1704449410.wav",
        "SN_1704449410.wav",
        "1704449410 incoming.wav",
        "1234567890.wav",
        "0123456789.wav",
        "9781234567897.wav",
        "170444941.wav",
        "17044494101.wav",
        "170444941012.wav",
        "17044494101234.wav",
        "1704449410123456.wav",
        "4111111111111111.wav",
        "deadbeef1704449410.wav",
        "a1704449410.wav",
        "1704449410f3.wav",
        "2401051010.wav",
        "1261440000.wav",
        "1970000000.wav",
        "1980010100.wav",
        "2024010510.wav",
        "2024010510101.wav",
        "omi_1704449410/voice.wav",
        "550e8400-e29b-41d4-a716-446655440000.wav",
        "24E1440361B4D2F0.wav",
        "１７０４４４９４１０.wav",
    ] {
        assert_eq!(start_of(name), None, "{name}");
    }
}
