//! A folder with everything in it that recorders, disks and people do to files, and good recordings between.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;

use super::audio;
use super::program::{Place, Said};

/// Names and kinds of what fails; in the order of names.
pub const BAD: [(&str, &str); 14] = [
    ("closed", "unreadable"),
    ("cut.ogg", "truncated"),
    ("dangling.wav", "unreadable"),
    ("device.wav", "not_a_file"),
    ("empty.wav", "empty"),
    ("escape\\x1b[31m\\x0a.wav", "unsupported"),
    ("header.wav", "unsupported"),
    ("locked.wav", "unreadable"),
    ("loop.wav", "unreadable"),
    ("pipe.wav", "not_a_file"),
    ("socket.wav", "not_a_file"),
    ("text.wav", "unsupported"),
    ("up", "not_a_file"),
    ("zeros.wav", "unsupported"),
];

/// What is damaged, and analyzed all the same.
pub const PARTIAL: [&str; 1] = ["flipped.ogg"];

/// What is analyzed although it looks odd; in the order of names.
pub const GOOD: [&str; 4] = ["a laugh.flac", "folder.wav/inside.flac", "not \\xff utf-8.flac", "wrong name.mp3"];

pub fn place() -> Place {
    let place = Place::new();
    good(&place);
    damaged(&place);
    no_files(&place);
    closed(&place);
    place
}

fn good(place: &Place) {
    place.copy("fixtures/clips/laugh_male_scratch2.flac", "a laugh.flac");
    place.copy("fixtures/clips/crow_cc0.flac", "folder.wav/inside.flac");
    place.copy("fixtures/clips/burp_cc0.flac", "wrong name.mp3");
    let odd = place.recording(OsStr::from_bytes(b"not \xff utf-8.flac"));
    fs::copy(audio::file("fixtures/clips/sneeze_male_scratch.flac"), odd).unwrap();
}

fn damaged(place: &Place) {
    let whole = fs::read(audio::file("tests/formats/opus_celt_64k.ogg")).unwrap();
    place.write("cut.ogg", &whole[..whole.len() / 2]);
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    place.write("flipped.ogg", &flipped);
    place.write("empty.wav", b"");
    place.write("text.wav", b"Dear diary, today we laughed a lot.\n");
    place.write("escape\x1b[31m\n.wav", b"{\"laughs\": []}");
    place.write("zeros.wav", &[0; 4096]);
    place.write_wav("header.wav", &[]);
}

fn no_files(place: &Place) {
    let made = Command::new("mkfifo").arg(place.recording("pipe.wav")).status().unwrap();
    assert!(made.success());
    UnixListener::bind(place.recording("socket.wav")).unwrap();
    symlink("/dev/zero", place.recording("device.wav")).unwrap();
    symlink("nowhere.wav", place.recording("dangling.wav")).unwrap();
    symlink("loop.wav", place.recording("loop.wav")).unwrap();
    symlink("..", place.recording("up")).unwrap();
}

fn closed(place: &Place) {
    place.copy("fixtures/clips/crow_cc0.flac", "locked.wav");
    place.copy("fixtures/clips/crow_cc0.flac", "closed/never seen.flac");
    for name in ["locked.wav", "closed"] {
        fs::set_permissions(place.recording(name), fs::Permissions::from_mode(0o000)).unwrap();
    }
}

/// Runs the scan as a user to whom permissions apply.
pub fn scan(place: &Place, flags: &[&str]) -> Said {
    let said = place.said_by_nobody(&mut place.scan_into(&place.sqlite(), flags));
    // For the folder to be removed by its owner.
    fs::set_permissions(place.recording("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    said
}
