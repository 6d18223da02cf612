//! A machine of 512 MB, such as a Raspberry Pi Zero 2 or the smallest virtual server: four threads scan there.
//!
//! The limit is of addresses, which counts more than what a machine must have: the program's file, stacks and
//! reservations that are never used.

use std::fs;
use std::process::Command;

use crate::support::program::{Place, Said, said};

const MEGABYTES: u64 = 512;
const EVENING: [(&str, &str); 4] = [
    ("fixtures/evening/20251024_130000.WAV", "20251024_130000.WAV"),
    ("fixtures/evening/2025-09-30T21-46-57__2025-09-30T21-48-10.ogg", "2025-09-30T21-46-57__2025-09-30T21-48-10.ogg"),
    ("tests/formats/opus_celt_stereo_96k.ogg", "20251024_140000.ogg"),
    ("fixtures/clips/laugh_male_scratch2.flac", "20251024_150000.flac"),
];

/// `giggles scan -j 4` with clips, in so many megabytes of addresses.
fn scan(place: &Place, megabytes: u64) -> Said {
    let program = env!("CARGO_BIN_EXE_giggles");
    let line = format!("ulimit -v {}; exec '{program}' scan -j4 --clips clips recordings", megabytes * 1024);
    let mut command = Command::new("sh");
    command.args(["-c", &line]).current_dir(place.path("")).env_clear();
    said(command.env("PATH", "/usr/bin:/bin").env("HOME", place.path("home")).env("TZ", "UTC"))
}

fn laughs(place: &Place) -> String {
    place.run(&["export", "--format", "csv"]).ends_with(0).stdout.clone()
}

#[test]
fn four_threads_scan_in_512_megabytes() {
    let (small, large) = (Place::with(&EVENING), Place::with(&EVENING));
    for (place, megabytes) in [(&small, MEGABYTES), (&large, 100 * MEGABYTES)] {
        fs::create_dir(place.path("clips")).unwrap();
        scan(place, megabytes).ends_with(0);
    }
    let laughs = [&small, &large].map(laughs);
    assert!(laughs[0].lines().count() > 5, "{}", laughs[0]);
    assert_eq!(laughs[0], laughs[1]);
}
