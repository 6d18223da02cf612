//! Any bytes as file names: found, shown so that they can be read back, and their clocks read.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use giggles::audio::discover::find;
use giggles::audio::timestamps::{Inside, from_metadata, from_name, started};
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use crate::decode::scratch;

/// Zones with the oddest clocks: half an hour of summer time, none at all, a day that was skipped, the usual.
const ZONES: [&str; 5] = ["UTC", "America/Los_Angeles", "Australia/Lord_Howe", "Pacific/Apia", "Europe/Dublin"];
/// Names in the time of where they are, as recorders, messengers and screen recorders write them.
const LOCAL: [&str; 6] = [
    "%Y%m%d_%H%M%S.WAV",
    "%Y-%m-%d-birdnet-%H:%M:%S.wav",
    "%Y-%m-%d-birdnet-RTSP_1-%H:%M:%S.wav",
    "WhatsApp Ptt %Y-%m-%d at %-I.%M.%S %p.ogg",
    "Screen Recording %Y-%m-%d at %I.%M.%S\u{202f}%p.mov",
    "Screen Recording %Y-%m-%d at %H.%M.%S.mov",
];
/// The most names in one folder: each costs a file.
const MOST: usize = 6;
/// Linux allows 255 bytes in a name, and `.wav` is to follow.
const LONGEST: usize = 251;

/// Names apart by zero bytes; the first byte chooses the zone.
pub fn names(bytes: &[u8]) {
    let (&choice, names) = bytes.split_first().unwrap_or((&0, &[]));
    let zone = TimeZone::get(ZONES[usize::from(choice) % ZONES.len()]).expect("a zone of the database");
    let names: Vec<&[u8]> = names.split(|&byte| byte == 0).collect();
    names.iter().for_each(|name| clocks(&String::from_utf8_lossy(name), &zone));
    if choice & 0x80 == 0 {
        folders(&names);
    }
    comes_back(names.concat().first_chunk().copied().unwrap_or_default(), &zone);
}

/// Whatever a name says lies where recordings can lie.
fn clocks(name: &str, zone: &TimeZone) {
    let plausible = |at: Timestamp| (1969..=2101).contains(&at.to_zoned(TimeZone::UTC).year());
    for length in [None, Some(Duration::from_secs(3600)), Some(Duration::MAX)] {
        if let Some(spoken) = from_name(name, zone, length) {
            assert!(plausible(spoken.started), "{name:?}: {spoken:?}");
            let said = spoken.ended.map(|_| spoken.length().expect("an end lies behind its beginning"));
            assert!(said.is_none_or(|said| !said.is_zero() && said <= Duration::from_secs(48 * 3600)), "{name:?}");
        }
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let inside = Inside { text: name, may_be_end: length.is_some() };
        started(name, Some(inside), modified, length, zone);
    }
    assert!(from_metadata(name, zone).is_none_or(plausible), "{name:?}");
}

/// A second between 1970 and 2100, written as recorders do, is read back as itself.
fn comes_back(bytes: [u8; 4], zone: &TimeZone) {
    let second = i64::from(u32::from_le_bytes(bytes) % 4_100_000_000) + 86_400;
    let at = Timestamp::from_second(second).expect("well within years 1 to 9999");
    let utc = at.to_zoned(TimeZone::UTC);
    for form in ["%Y%m%dT%H%M%SZ.wav", "REC_%Y-%m-%d_%H-%M-%SZ.ogg", "%Y-%m-%dT%H:%M:%S+00:00"] {
        let name = utc.strftime(form).to_string();
        assert_eq!(from_name(&name, zone, None).map(|spoken| spoken.started), Some(at), "{name}");
    }
    let local = at.to_zoned(zone.clone());
    for form in LOCAL {
        let name = local.strftime(form).to_string();
        let read = from_name(&name, zone, None).map(|spoken| spoken.started.to_zoned(zone.clone()));
        // The hour that exists twice is the earlier one; the clock face is the same in any case.
        assert_eq!(read.map(|read| read.datetime()), Some(local.datetime()), "{name}");
    }
    for (offset, shown) in [(-7, "-0700"), (2, "+02:00"), (14, "+14")] {
        let face = Offset::constant(offset).to_datetime(at);
        let name = face.strftime("%Y%m%d_%H%M%S_").to_string() + shown;
        assert_eq!(from_name(&name, zone, None).map(|spoken| spoken.started), Some(at), "{name}");
    }
    seconds_come_back(second, zone);
}

/// Seconds since 1970 are read where they lie in years of recorders, and nowhere else.
fn seconds_come_back(second: i64, zone: &TimeZone) {
    let expected = (1_262_304_000..1_970_000_000).contains(&second).then_some(second);
    // Milliseconds of early 1970 have as many digits as seconds of later years.
    let milliseconds = (second >= 1_000_000_000).then(|| format!("audio_{second}789.m4a"));
    for name in [format!("omi_{second}.opus")].into_iter().chain(milliseconds) {
        let read = from_name(&name, zone, None).map(|spoken| spoken.started.as_second());
        assert_eq!(read, expected, "{name}");
    }
    assert_eq!(from_name(&format!("Call_{second}.m4a"), zone, None), None);
}

/// Makes the files that can be, and finds each once, under a name that leads back to its bytes.
fn folders(names: &[&[u8]]) {
    let folder = scratch();
    let made: BTreeSet<PathBuf> = names.iter().take(MOST).filter_map(|name| make(folder.path(), name)).collect();
    let found = find(&[folder.path().to_owned()]).expect("the folder is there");
    assert!(found.unreadable.is_empty(), "{:?}", found.unreadable);
    let paths: BTreeSet<PathBuf> = found.files.iter().map(|file| file.path.clone()).collect();
    assert_eq!(paths, made);
    assert!(found.files.is_sorted_by(|a, b| a.name < b.name), "{:?}", found.files);
    for file in &found.files {
        assert!(!file.name.contains(char::is_control), "{:?}", file.name);
        let below = file.path.strip_prefix(folder.path()).expect("what was found lies in the folder");
        assert_eq!(OsStr::from_bytes(&read_back(&file.name)), below.as_os_str(), "{:?}", file.name);
    }
}

/// A file of this name, through folders if it has slashes. None where no such file can be, or none is looked for.
fn make(folder: &Path, name: &[u8]) -> Option<PathBuf> {
    let odd =
        |part: &&[u8]| part.is_empty() || part.starts_with(b".") || part.len() > LONGEST || NOT_OURS.contains(part);
    let parts: Vec<&[u8]> = name.split(|&byte| byte == b'/').filter(|part| !odd(part)).take(4).collect();
    if parts.is_empty() {
        return None;
    }
    let file = [&parts.join(&b'/')[..], b".wav"].concat();
    let path = folder.join(OsStr::from_bytes(&file));
    fs::create_dir_all(path.parent()?).ok()?;
    fs::write(&path, b"").ok().map(|()| path)
}

const NOT_OURS: [&[u8]; 3] = [b"lost+found", b"System Volume Information", b"$RECYCLE.BIN"];

/// The bytes that a shown name stands for: `\xNN` is a byte.
fn read_back(name: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), name.as_bytes());
    while let Some((&first, after)) = rest.split_first() {
        let hex = rest.strip_prefix(b"\\x").and_then(|hex| std::str::from_utf8(hex.get(..2)?).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[4..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    bytes
}
