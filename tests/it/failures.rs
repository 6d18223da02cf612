//! Files that cannot be analyzed: each fails alone, by name and with its reason, and the good ones are stored.

use crate::support::homes;
use std::fs;

use crate::support::hostile::{self, BAD, GOOD, PARTIAL};
use crate::support::program::{Place, RunningProgram, eventually};
use homes::{Home, InPostgres};
use serde_json::Value;

fn rows(place: &Place, sql: &str) -> Vec<String> {
    let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn the_bad_are_named_and_stored_and_the_good_are_analyzed() {
    let place = hostile::place();
    let said = hostile::scan(&place, &[]).ends_with(3);
    let failed =
        rows(&place, "SELECT name || '|' || failure_kind FROM recordings WHERE status = 'failed' ORDER BY name");
    assert_eq!(failed, BAD.map(|(name, kind)| format!("{name}|{kind}")));
    assert_eq!(rows(&place, "SELECT name FROM recordings WHERE status = 'analyzed' ORDER BY name"), GOOD);
    let reasons = rows(&place, "SELECT name || ': ' || failure_reason FROM recordings WHERE status = 'failed'");
    reasons.iter().for_each(|reason| {
        said.complains_of(reason);
    });
    let errors = said.stderr.lines().filter(|line| line.starts_with("giggles: error: ")).count();
    assert_eq!(errors, BAD.len() + PARTIAL.len(), "a line a failure:\n{}", said.stderr);
    assert_eq!(rows(&place, "SELECT name FROM recordings WHERE status = 'partial'"), PARTIAL);
    assert_eq!(place.number("SELECT exit_code FROM runs"), 3);
    assert!(place.number("SELECT count(*) FROM detections") > 0);
}

#[test]
fn no_name_disturbs_a_terminal() {
    let said = hostile::scan(&hostile::place(), &[]);
    let odd = |text: &str| text.chars().any(|c| c.is_control() && c != '\n');
    assert!(!odd(&said.stderr) && !odd(&said.stdout), "{:?}", said.stderr);
}

#[test]
fn json_describes_each_failure_what_the_database_does() {
    let place = hostile::place();
    let document = hostile::scan(&place, &["--json"]).ends_with(3).json();
    let recordings = document["recordings"].as_array().unwrap();
    assert_eq!(recordings.len(), BAD.len() + GOOD.len() + PARTIAL.len());
    let of = |name: &str| recordings.iter().find(|recording| recording["name"] == name).unwrap();
    for (name, kind) in BAD {
        assert_eq!(of(name)["error"]["kind"], kind, "{name}");
    }
    assert!(of("cut.ogg")["error"]["position_seconds"].as_f64().unwrap() > 0.5);
    assert_eq!(of("empty.wav")["error"]["position_seconds"], Value::Null);
    assert_eq!(document["run"]["exit_code"], 3);
}

#[test]
fn strict_names_every_failure_and_stores_nothing() {
    let place = hostile::place();
    let said = hostile::scan(&place, &["--strict"]).ends_with(1);
    BAD.iter().for_each(|(name, _)| {
        said.complains_of(&format!("  {name}: "));
    });
    assert_eq!(place.number("SELECT (SELECT count(*) FROM runs) + (SELECT count(*) FROM recordings)"), 0);
}

#[test]
fn a_file_that_vanishes_before_it_is_analyzed_fails_alone() {
    let (place, home) = (Place::with(&[("fixtures/clips/crow_cc0.flac", "stays.flac")]), InPostgres::new());
    // On one thread, in the order of names: the file to be removed waits behind an hour of sound.
    place.write_long("1 long.wav", 60);
    place.copy("fixtures/clips/burp_cc0.flac", "2 vanishes.flac");
    let run = RunningProgram::start(&mut place.scan_into(&home.url(), &["-j1"]));
    let looked = "SELECT pid FROM pg_stat_activity WHERE application_name = 'giggles' AND state = 'idle'
        AND datname = current_database() AND query LIKE '%content_sha256 = ANY%'";
    eventually("all files have been looked at", || home.ask(looked).len() == 1);
    fs::remove_file(place.recording("2 vanishes.flac")).unwrap();
    fs::File::options().write(true).open(place.recording("1 long.wav")).unwrap().set_len(1_000_000).unwrap();
    run.wait().ends_with(3).complains_of("2 vanishes.flac: vanished after it was found");
    let rows = home.ask("SELECT name, coalesce(failure_kind, 'analyzed') FROM recordings ORDER BY name");
    assert_eq!(rows, ["1 long.wav|changed", "2 vanishes.flac|vanished", "stays.flac|analyzed"]);
}

#[test]
fn a_cut_recording_is_missing_for_as_long_as_its_name_says() {
    let place = Place::new();
    let bytes = fs::read(crate::support::audio::file("tests/formats/opus_celt_64k.ogg")).unwrap();
    place.write("20251024_130000-20251024_150000.ogg", &bytes[..bytes.len() / 2]);
    place.write("20251024_150000-20251024_170000.ogg", b"");
    place.scan(&["--tz", "UTC"]).ends_with(3);
    assert_eq!(rows(&place, "SELECT CAST(duration_seconds AS TEXT) FROM recordings"), ["7200.0", "7200.0"]);
    let said = place.run(&["status", "--date", "2025-10-24", "--database", &place.sqlite()]).ends_with(3);
    assert!(said.stdout.contains("2 recordings failed (4 h 00 min):"), "{}", said.stdout);
    assert!(!said.stdout.contains("13:00:1"), "what is cut off is no gap: {}", said.stdout);
}
