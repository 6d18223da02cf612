//! When a recording began, as the program stores it: by dates inside files, by names, and doubted where a copy set the
//! only clock.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::scan::{LAUGH, scan};
use crate::support::audio;
use crate::support::homes::{Home, InSqlite};
use crate::support::program::{Place, SECOND};

/// 24 October 2025, 20:00:06 UTC.
const CLOSED: u64 = 1_761_336_006;
/// Seconds from 1904, where MP4 counts from, to 1970.
const EPOCH: u32 = 2_082_844_800;
const M4A: &str = "tests/formats/m4a_aac_44100.m4a";

fn after_1970(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// The start to the second, since encoders' delays make lengths a little longer, and its source; of the only recording.
fn started(place: &Place) -> String {
    let home = InSqlite::new();
    scan(place, &home, &["--name-tz", "America/Los_Angeles"]).ends_with(0);
    let rows = home.ask("SELECT started_at, start_source FROM recordings");
    assert_eq!(rows.len(), 1, "{rows:?}");
    let (at, source) = rows[0].split_once('|').unwrap();
    let at: jiff::Timestamp = at.parse().unwrap();
    format!("{}|{source}", at.round(jiff::Unit::Second).unwrap())
}

/// Of a file with these bytes, closed at `CLOSED`.
fn began_of(name: &str, bytes: &[u8]) -> String {
    let place = Place::new();
    place.write(name, bytes);
    place.modify(name, after_1970(CLOSED));
    started(&place)
}

fn chunk(name: &[u8; 4], contents: &[u8]) -> Vec<u8> {
    let padding = &[0][..contents.len() % 2];
    [name, &(contents.len() as u32).to_le_bytes()[..], contents, padding].concat()
}

fn info(name: &[u8; 4], text: &str) -> Vec<u8> {
    chunk(b"LIST", &[b"INFO", &chunk(name, text.as_bytes())[..]].concat())
}

fn bext(date_and_time: &str) -> Vec<u8> {
    let mut contents = vec![0; 602];
    contents[320..320 + 18].copy_from_slice(date_and_time.as_bytes());
    chunk(b"bext", &contents)
}

/// A second of a quiet tone, with chunks before the samples and behind them.
fn wav(before: &[Vec<u8>], behind: &[Vec<u8>]) -> Vec<u8> {
    let samples: Vec<u8> = (0..SECOND).flat_map(|i| ((i % 97) as i16 - 48).to_le_bytes()).collect();
    let rate = SECOND as u32;
    let format = [&[1, 0, 1, 0][..], &rate.to_le_bytes(), &(2 * rate).to_le_bytes(), &[2, 0, 16, 0]].concat();
    let chunks = [chunk(b"fmt ", &format), before.concat(), chunk(b"data", &samples), behind.concat()].concat();
    [b"RIFF", &(chunks.len() as u32 + 4).to_le_bytes()[..], b"WAVE", &chunks].concat()
}

#[test]
fn a_wav_says_when_in_any_chunk_before_its_samples_or_behind() {
    let guano = |at: &str| chunk(b"guan", format!("GUANO|Version: 1.0\nTimestamp: {at}\nMake: giggles\n").as_bytes());
    let moth = |zone: &str| {
        info(
            b"ICMT",
            &format!("Recorded at 13:00:00 24/10/2025 ({zone}) by AudioMoth 24E144036036FF1D at medium gain\0"),
        )
    };
    let expected = "2025-10-24T20:00:00Z|metadata";
    for (what, date) in [
        ("GUANO", guano("2025-10-24T13:00:00-07:00")),
        ("GUANO in UTC", guano("2025-10-24T20:00:00.250Z")),
        ("GUANO without a zone", guano("2025-10-24T13:00:00")),
        (
            "GUANO of Windows",
            chunk(b"guan", b"GUANO|Version:1.0\r\nTimestamp:2025-10-24 13:00:00-07:00\r\nNote: 12:00"),
        ),
        ("AudioMoth", moth("UTC-7")),
        ("AudioMoth half an hour off", info(b"ICMT", "Recorded at 01:30:00 25/10/2025 (UTC+5:30) by AudioMoth 24E1")),
        ("bext", bext("2025-10-2413:00:00")),
        ("bext with other signs", bext("2025/10/2413-00-00")),
        ("ICRD", info(b"ICRD", "2025-10-24T13:00:00")),
        ("IDIT", info(b"IDIT", "Fri Oct 24 13:00:00 2025\n\0")),
    ] {
        assert_eq!(began_of("a.wav", &wav(std::slice::from_ref(&date), &[])), expected, "{what}, before");
        assert_eq!(began_of("a.wav", &wav(&[], std::slice::from_ref(&date))), expected, "{what}, behind");
        let named = began_of("20251024_050000.wav", &wav(&[], &[date]));
        assert_eq!(named, "2025-10-24T12:00:00Z|filename", "{what}, in a named file");
    }
    let all = [
        info(b"ICRD", "2025-10-20T13:00:00"),
        bext("2025-10-2113:00:00"),
        moth("UTC-6"),
        guano("2025-10-24T20:00:00Z"),
    ];
    assert_eq!(began_of("a.wav", &wav(&all[..2], &all[2..])), expected, "the most telling date");
    let none = [
        guano("today"),
        bext("0000-00-0000:00:00"),
        info(b"ICRD", "2025-10-24"),
        info(b"ICMT", "at 2025-10-24 13:00:00"),
    ];
    assert_eq!(began_of("a.wav", &wav(&none, &none)), "2025-10-24T20:00:05Z|mtime", "none that is one");
}

#[test]
fn an_odd_wav_without_its_padding_says_when() {
    let mut odd = wav(&[chunk(b"note", b"odd")], &[]);
    let place = odd.windows(4).position(|name| name == b"note").unwrap();
    odd.remove(place + 11);
    odd.splice(place + 11..place + 11, bext("2025-10-2413:00:00"));
    let length = odd.len() as u32 - 8;
    odd[4..8].copy_from_slice(&length.to_le_bytes());
    // symphonia keeps to the padding, and may refuse the file: the date alone is looked at here.
    let path = tempfile::NamedTempFile::new().unwrap();
    fs::write(path.path(), &odd).unwrap();
    if let Ok(info) = giggles::audio::decode::probe(path.path()) {
        assert_eq!(info.recorded.as_deref(), Some("2025-10-24T13:00:00"));
    }
}

/// A FLAC with this tag and no other.
fn flac(tag: &str) -> Vec<u8> {
    let bytes = fs::read(audio::file("tests/formats/rate_16000.flac")).unwrap();
    let size =
        |at: usize| usize::from(bytes[at + 1]) << 16 | usize::from(bytes[at + 2]) << 8 | usize::from(bytes[at + 3]);
    let (mut at, mut blocks) = (4, Vec::new());
    loop {
        let (kind, end) = (bytes[at], at + 4 + size(at));
        if kind & 0x7F == 0 {
            blocks.extend([&[0], &bytes[at + 1..end]].concat());
        }
        at = end;
        if kind & 0x80 != 0 {
            break;
        }
    }
    let length = |text: &str| (text.len() as u32).to_le_bytes();
    let comment = [&length("giggles")[..], b"giggles", &[1, 0, 0, 0], &length(tag), tag.as_bytes()].concat();
    let head = [0x84, 0, (comment.len() >> 8) as u8, comment.len() as u8];
    [b"fLaC", &blocks[..], &head, &comment, &bytes[at..]].concat()
}

#[test]
fn tags_that_other_programs_kept_say_when() {
    for tag in [
        "COMMENT=Recorded at 13:00:00 24/10/2025 (UTC-7) by AudioMoth 24E144036036FF1D at medium gain",
        "DATE=2025-10-24T13:00:00",
        "DATE=2025-10-24T20:00:00Z",
        "ICRD=2025-10-24 13:00:00",
    ] {
        assert_eq!(began_of("a.flac", &flac(tag)), "2025-10-24T20:00:00Z|metadata", "{tag}");
    }
    for tag in ["DATE=2025", "COMMENT=edited 2025-10-24 13:00:00"] {
        assert_eq!(began_of("a.flac", &flac(tag)), "2025-10-24T20:00:02Z|mtime", "{tag}");
    }
}

/// The M4A with the times of its movie header set: seconds since 1970.
fn m4a(created: u32, changed: u32) -> Vec<u8> {
    let mut bytes = fs::read(audio::file(M4A)).unwrap();
    let header = bytes.windows(4).position(|name| name == b"mvhd").unwrap() + 8;
    bytes[header..header + 4].copy_from_slice(&created.to_be_bytes());
    bytes[header + 4..header + 8].copy_from_slice(&changed.to_be_bytes());
    bytes
}

fn part(name: &[u8; 4], contents: &[u8]) -> Vec<u8> {
    [&(contents.len() as u32 + 8).to_be_bytes()[..], name, contents].concat()
}

/// The same with Apple's creation date at the end of its index, which is the end of the file. `has_flags` as in MP4.
fn with_creation_date(mut bytes: Vec<u8>, date: &str, has_flags: bool) -> Vec<u8> {
    let key = |name: &str| part(b"mdta", name.as_bytes());
    let keys =
        [&[0, 0, 0, 0, 0, 0, 0, 2][..], &key("com.apple.quicktime.make"), &key("com.apple.quicktime.creationdate")];
    let value = |text: &str| part(b"data", &[&[0, 0, 0, 1, 0, 0, 0, 0], text.as_bytes()].concat());
    let list = [part(&[0, 0, 0, 1], &value("Apple")), part(&[0, 0, 0, 2], &value(date))].concat();
    let handler = part(b"hdlr", &[&[0; 8], &b"mdta"[..], &[0; 14]].concat());
    let parts = [handler, part(b"keys", &keys.concat()), part(b"ilst", &list)].concat();
    let meta = part(b"meta", &[&[0; 4][..if has_flags { 4 } else { 0 }], &parts].concat());
    let moov = bytes.windows(4).position(|name| name == b"moov").unwrap() - 4;
    let length = (bytes.len() - moov + meta.len()) as u32;
    bytes[moov..moov + 4].copy_from_slice(&length.to_be_bytes());
    [bytes, meta].concat()
}

/// What ends four seconds before it was closed is the end of it; a beginning lies a length before.
#[test]
fn an_android_date_is_the_end_and_an_iphone_date_is_the_beginning() {
    let at = |seconds: i64| EPOCH + u32::try_from(CLOSED as i64 + seconds).unwrap();
    let (end, start) = ("2025-10-24T20:00:02Z|metadata_end", |second| format!("2025-10-24T20:00:0{second}Z|metadata"));
    assert_eq!(began_of("voice.m4a", &m4a(at(0), at(0))), end);
    let mut three = m4a(at(0), at(0));
    three[8..12].copy_from_slice(b"3gp4");
    assert_eq!(began_of("voice.3gp", &three), end);
    let old = CLOSED as u32;
    assert_eq!(began_of("voice.3gp", &m4a(old, old)), end, "old Android counts from 1970");
    // The header itself says that it was changed later, at the end; or it was closed a length later.
    assert_eq!(began_of("memo.m4a", &m4a(at(-2), at(2))), start(4));
    assert_eq!(began_of("memo.m4a", &m4a(at(-4), at(-4))), start(2));
    for has_flags in [true, false] {
        let phone = with_creation_date(m4a(at(0), at(0)), "2025-10-24T13:00:03-0700", has_flags);
        assert_eq!(began_of("memo.m4a", &phone), start(3));
    }
    let unread = with_creation_date(m4a(at(0), at(0)), "yesterday", false);
    assert_eq!(began_of("memo.m4a", &unread), end);
    assert_eq!(began_of("memo.m4a", &m4a(at(-86_400), at(-86_400))), "2025-10-23T20:00:06Z|metadata");
    assert_eq!(began_of("memo.m4a", &m4a(0, 0)), "2025-10-24T20:00:02Z|mtime");
    assert_eq!(began_of("20251024_080000.m4a", &m4a(at(0), at(0))), "2025-10-24T15:00:00Z|filename");
}

#[test]
fn names_of_other_programs_are_read() {
    for (name, start) in [
        ("2022-09-01-birdnet-11:25:18.wav", "2022-09-01T18:25:18Z|filename"),
        ("WhatsApp Ptt 2024-01-05 at 10.10.10 PM.wav", "2024-01-06T06:10:10Z|filename"),
        ("Screen Recording 2024-01-05 at 9.10.10\u{202f}AM.wav", "2024-01-05T17:10:10Z|filename"),
        ("omi_1704449410.wav", "2024-01-05T10:10:10Z|filename"),
        ("20240105_101010_-0800.wav", "2024-01-05T18:10:10Z|filename"),
        ("01-02-2024 10-10-10.wav", "2025-10-24T20:00:05Z|mtime"),
        ("Call_1512345678.wav", "2025-10-24T20:00:05Z|mtime"),
    ] {
        assert_eq!(began_of(name, &wav(&[], &[])), start, "{name}");
    }
}

/// Recordings of some seconds, closed at these seconds.
fn folder(files: &[(&str, usize, u64)]) -> Place {
    let place = Place::new();
    for (number, (name, seconds, closed)) in files.iter().enumerate() {
        fs::create_dir_all(place.recording(name).parent().unwrap_or(Path::new("."))).unwrap();
        let samples: Vec<i16> = (0..seconds * SECOND).map(|i| (i * (number + 7) % 211) as i16).collect();
        place.write_wav(name, &samples);
        place.modify(name, after_1970(CLOSED + closed));
    }
    place
}

#[test]
fn a_copy_without_its_times_is_warned_of_once() {
    let place =
        folder(&[("a.wav", 9, 0), ("b.wav", 9, 1), ("c.wav", 9, 1), ("20251020_130000.wav", 9, 1), ("z.wav", 9, 90)]);
    let home = InSqlite::new();
    let said = scan(&place, &home, &[]).ends_with(0);
    said.complains_of("the date of 3 recordings may be wrong, first a.wav: only the modification time dates them");
    assert_eq!(said.stderr.matches("may be wrong").count(), 1, "{}", said.stderr);
    let again = scan(&place, &home, &[]).ends_with(0);
    assert!(!again.stderr.contains("may be wrong"), "what is stored is not doubted again: {}", again.stderr);
}

#[test]
fn what_a_recorder_closed_one_after_another_is_not_warned_of() {
    let place = folder(&[
        ("a.wav", 9, 0),
        ("b.wav", 9, 9),
        ("c.wav", 3, 13),
        ("d.wav", 20, 40),
        ("x/a.wav", 9, 0),
        ("x/b.wav", 9, 9),
    ]);
    place.copy(LAUGH.0, "20251024_200000.flac");
    place.copy(LAUGH.0, "copy.flac");
    let said = scan(&place, &InSqlite::new(), &[]).ends_with(0);
    assert!(!said.stderr.contains("may be wrong"), "{}", said.stderr);
}
