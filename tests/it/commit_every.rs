//! `--commit-every`: a long import stores what it has, and continues where it was interrupted.

use std::process::Command;

use rustix::process::Signal;

use crate::support::program::{Place, RunningProgram, eventually, said};

/// Recordings in all, so long that analyzing two of them takes more than the second after which a batch is stored.
const RECORDINGS: i64 = 4;

/// Recordings of some minutes, each of another length.
fn long_ones() -> Place {
    let place = Place::new();
    (0..4).for_each(|number| place.write_long(&format!("20251024_1{number}0000.wav"), 6 + number));
    place
}

fn import(place: &Place, flags: &[&str]) -> Command {
    let mut command = place.scan_into(&place.sqlite(), &["-j1", "--commit-every", "1s"]);
    command.args(flags);
    command
}

fn stored(place: &Place, sql: &str) -> i64 {
    let file = place.path("laughs.db");
    let connection = rusqlite::Connection::open(file).ok();
    connection.and_then(|connection| connection.query_row(sql, [], |row| row.get(0)).ok()).unwrap_or(0)
}

#[test]
fn each_batch_is_a_run_and_only_the_last_covers_the_window() {
    let place = long_ones();
    let document = said(&mut import(&place, &["--json", "--date", "2025-10-24"])).ends_with(0).json();
    assert_eq!((&document["counts"]["analyzed"], &document["counts"]["skipped"]), (&RECORDINGS.into(), &0.into()));
    assert_eq!(document["recordings"].as_array().unwrap().len(), 4);
    let runs = place.number("SELECT count(*) FROM runs");
    assert!(runs > 1, "{runs} runs");
    assert_eq!(place.number("SELECT sum(analyzed) FROM runs"), RECORDINGS);
    assert_eq!(place.number("SELECT count(*) FROM runs WHERE explicit_files = 0"), 1);
    assert_eq!(place.number("SELECT count(*) FROM score_tracks"), RECORDINGS);
    let day = ["status", "--date", "2025-10-24", "--database", &place.sqlite(), "--json"];
    assert_eq!(place.run(&day).ends_with(0).json()["days"][0]["complete"], true);
    // All in one transaction gives the same rows.
    let whole = long_ones();
    whole.scan(&["--date", "2025-10-24"]).ends_with(0);
    assert_eq!(whole.number("SELECT count(*) FROM runs"), 1);
    for sum in ["sum(length(v))", "count(*)"] {
        let sql = format!("SELECT {sum} FROM score_tracks");
        assert_eq!(place.number(&sql), whole.number(&sql), "{sum}");
    }
}

#[test]
fn an_import_that_was_killed_continues() {
    let place = long_ones();
    let running = RunningProgram::start(&mut import(&place, &[]));
    eventually("a batch is stored", || stored(&place, "SELECT count(*) FROM runs") > 0);
    running.signal(Signal::KILL);
    running.wait();
    let before = stored(&place, "SELECT count(*) FROM recordings");
    assert!((1..RECORDINGS).contains(&before), "{before} recordings are stored");
    let document = said(&mut import(&place, &["--json"])).ends_with(0).json();
    assert_eq!(document["counts"]["skipped"], before);
    assert_eq!(document["counts"]["analyzed"], RECORDINGS - before);
    assert_eq!(place.number("SELECT count(*) FROM recordings"), RECORDINGS);
}

#[test]
fn a_signal_says_that_earlier_batches_are_stored() {
    let place = long_ones();
    let running = RunningProgram::start(&mut import(&place, &[]));
    eventually("a batch is stored", || stored(&place, "SELECT count(*) FROM runs") > 0);
    running.signal(Signal::INT);
    let ended = running.wait().ends_with(130);
    ended.complains_of("recordings were stored before (--commit-every); the next run continues there");
}

#[test]
fn wrong_times_and_strict_are_refused() {
    let place = Place::with(&[("fixtures/clips/crow_cc0.flac", "crow.flac")]);
    for wrong in ["0s", "often", "-1h", "500ms"] {
        place.scan(&[&format!("--commit-every={wrong}")]).ends_with(78).complains_of("--commit-every: ");
    }
    place.scan(&["--commit-every", "1h", "--strict"]).ends_with(2);
    let mut command = place.scan_into(&place.sqlite(), &["--commit-every", "1h"]);
    said(command.env("GIGGLES_STRICT", "1")).ends_with(78).complains_of("leave out one of them");
    place.scan(&["--commit-every", "1h 30min"]).ends_with(0);
}
