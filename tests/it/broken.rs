//! Broken files of every family, through the built program: what a person reads of each in the morning.
//!
//! `broken/listing.snap` holds a line a file. Change one only after reading it as that person.

mod corpus;

use std::collections::HashSet;
use std::fmt::Write;
use std::time::{Duration, Instant};

use giggles::audio::Waveform;
use giggles::domain::RecordingError;

use crate::support::audio;
use crate::support::program::{Place, Said};

const NEIGHBOURS: [(&str, &str); 2] =
    [("fixtures/clips/crow_cc0.flac", "0 first.flac"), ("fixtures/clips/burp_cc0.flac", "zz last.flac")];

/// A line a recording, in the order of names: what it says in the database.
fn stored(place: &Place) -> Vec<String> {
    let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    let sql = "SELECT name || ' -> ' || CASE status WHEN 'failed' THEN failure_kind || ': ' || failure_reason
        ELSE status || ', ' || round(duration_seconds, 2) || ' s' END || coalesce((SELECT group_concat('; '
            || json_extract(value, '$.kind') || ' ' || round(json_extract(value, '$.start_seconds'), 2) || ' - '
            || coalesce(round(json_extract(value, '$.end_seconds'), 2), '?') || ': ' || json_extract(value, '$.reason'), '')
            FROM json_each(missing_ranges)), '') FROM recordings ORDER BY name";
    let mut statement = connection.prepare(sql).unwrap();
    let lines = statement.query_map([], |row| row.get(0)).unwrap();
    lines.map(Result::unwrap).collect()
}

fn place() -> (Place, Said) {
    let place = Place::with(&NEIGHBOURS);
    corpus::files().iter().for_each(|(name, bytes)| place.write(name, bytes));
    let said = place.scan(&[]);
    (place, said)
}

#[test]
fn each_fails_with_its_reason_and_its_neighbours_are_analyzed() {
    let (place, said) = place();
    let said = said.ends_with(3);
    let lines = stored(&place);
    let text = lines.iter().fold(String::new(), |mut text, line| {
        writeln!(text, "{line}").unwrap();
        text
    });
    insta::with_settings!({ snapshot_path => "broken", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("listing", text);
    });
    for (_, name) in NEIGHBOURS {
        assert!(lines.iter().any(|line| line.starts_with(&format!("{name} -> analyzed"))), "{name}");
    }
    for line in lines.iter().filter(|line| !line.contains(" -> analyzed")) {
        let (name, rest) = line.split_once(" -> ").unwrap();
        let (kind, reason) = rest.split_once(": ").unwrap();
        let reason = if kind.starts_with("partial") { "is partial" } else { reason };
        said.complains_of(&format!("giggles: error: {name}: {reason}"));
    }
}

fn analyzed(bytes: &[u8]) -> Result<u64, RecordingError> {
    let scratch = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(scratch.path(), bytes).unwrap();
    let (mut waveform, mut block, mut analyzed) = (Waveform::open(scratch.path())?, Vec::new(), 0);
    while waveform.next(&mut block)? {
        analyzed += block.len() as u64;
        block.clear();
    }
    Ok(analyzed)
}

/// What the corpus is made from is good, or its failures would say nothing.
#[test]
fn the_families_are_whole_to_begin_with() {
    let names: HashSet<String> = corpus::files().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), corpus::files().len(), "two files of one name");
    for family in corpus::families() {
        let samples = analyzed(&family.whole).unwrap_or_else(|error| panic!("{}: {error}", family.extension));
        assert!((63_000..66_000).contains(&samples), "{}: {samples}", family.extension);
    }
}

/// Ten thousand files of 0.48 s: `cargo test --test it broken:: -- --ignored --nocapture`
#[test]
#[ignore = "half a minute, and a figure to read"]
fn ten_thousand_tiny_files() {
    tiny(10_000);
}

#[test]
fn two_hundred_tiny_files() {
    tiny(200);
}

/// All are analyzed and stored, in memory that does not grow with their number.
fn tiny(files: usize) {
    let place = Place::new();
    let sound: Vec<i16> = audio::integers(&audio::file("fixtures/clips/crow_cc0.flac"))[..7_680].to_vec();
    for number in 0..files {
        let mut sound = sound.clone();
        sound[0] = number as i16; // or they were copies of one
        place.write_wav(&format!("{}/{number}.wav", number % 100), &sound);
    }
    let (begun, database) = (Instant::now(), place.sqlite());
    let mut command = place.scan_into(&database, &["-q"]);
    let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        peak = peak.max(resident(child.id()));
        std::thread::sleep(Duration::from_millis(5));
    }
    println!("{files} files of 0.48 s: {:?}, peak {} MB", begun.elapsed(), peak >> 20);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(place.number("SELECT count(*) FROM recordings WHERE status = 'analyzed'"), files as i64);
    assert!(peak < 160 << 20, "peak {} MB", peak >> 20);
}

/// The highest resident set of a process so far, bytes; 0 once it is over.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
