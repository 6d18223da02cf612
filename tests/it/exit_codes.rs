//! The table of exit codes, a test a row: the built program, real audio, real databases.

use crate::support::homes;
use std::fs;
use std::net::TcpListener;

use crate::support::audio;
use crate::support::program::{Place, RunningProgram, eventually, said};
use crate::support::safetensors;
use homes::{Home, InPostgres, InSqlite};
use rustix::process::Signal;
use sha2::{Digest, Sha256};

const LAUGH: (&str, &str) = ("fixtures/clips/laugh_male_scratch2.flac", "laugh.flac");
const OTHER: (&str, &str) = ("fixtures/clips/crow_cc0.flac", "crow.flac");

fn with_a_corrupt_one() -> Place {
    let place = Place::with(&[LAUGH]);
    let bytes = fs::read(audio::file("tests/formats/opus_celt_64k.ogg")).unwrap();
    place.write("cut.ogg", &bytes[..bytes.len() / 2]);
    place
}

#[test]
fn code_0_all_was_analyzed_or_had_been() {
    let place = Place::with(&[LAUGH, OTHER]);
    let first = place.scan(&[]).ends_with(0);
    assert!(first.stdout.contains("2 recordings analyzed"), "{}", first.stdout);
    let second = place.scan(&[]).ends_with(0);
    assert!(second.stdout.contains("0 recordings analyzed"), "{}", second.stdout);
    assert!(second.stdout.contains("2 skipped"), "{}", second.stdout);
    assert_eq!(place.number("SELECT count(*) FROM recordings"), 2);
    assert_eq!(place.number("SELECT sum(exit_code) FROM runs"), 0);
}

#[test]
fn code_1_strict_stores_nothing_if_one_fails() {
    let place = with_a_corrupt_one();
    let said = place.scan(&["--strict"]).ends_with(1);
    said.complains_of("cut.ogg: ends too early").complains_of("nothing was stored");
    for table in ["runs", "recordings", "detections"] {
        assert_eq!(place.number(&format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
}

#[test]
fn code_1_the_database_refuses_the_rows() {
    let place = Place::with(&[LAUGH]);
    place.scan(&["--source", "earlier"]).ends_with(0);
    let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    let poison = "CREATE TRIGGER poison BEFORE INSERT ON detections BEGIN SELECT RAISE(ABORT, 'poisoned'); END";
    connection.execute_batch(poison).unwrap();
    let said = place.scan(&[]).ends_with(1);
    said.complains_of("poisoned").complains_of("nothing of it was stored");
    assert_eq!(place.number("SELECT count(*) FROM runs"), 1, "the earlier one");
    assert_eq!(place.number("SELECT count(*) FROM recordings WHERE source <> 'earlier'"), 0);
}

#[test]
fn code_1_postgres_refuses_the_rows() {
    let (place, home) = (Place::with(&[LAUGH]), InPostgres::new());
    drop(giggles::store::open(&home.location()).unwrap());
    home.execute("ALTER TABLE detections ADD CONSTRAINT poison CHECK (peak_score > 2)");
    let said = said(&mut place.scan_into(&home.url(), &[])).ends_with(1);
    said.complains_of("poison").complains_of("nothing of this run was stored");
    assert_eq!([home.count("runs"), home.count("recordings")], [0, 0]);
}

#[test]
fn code_2_wrong_usage() {
    let place = Place::with(&[LAUGH]);
    for wrong in [
        &["scan", "--no-such-flag", "recordings"][..],
        &["scan", "--date", "today", "--from", "2025-10-24", "recordings"],
        &["scan", "--json", "--ndjson", "recordings"],
        &["scan", "--merge-gap", "soon", "recordings"],
        &["scan", "-q", "-v", "recordings"],
        &["laugh"],
        &["scores"],
        &[],
    ] {
        let said = place.run(wrong).ends_with(2);
        assert!(said.stdout.is_empty() && !said.stderr.is_empty(), "{wrong:?}");
    }
    assert!(!place.path("home/.local").exists(), "no database was made");
}

#[test]
fn code_3_the_good_are_stored_and_the_bad_are_named() {
    let place = with_a_corrupt_one();
    place.scan(&[]).ends_with(3).complains_of("cut.ogg: ends too early");
    assert_eq!(place.number("SELECT exit_code FROM runs"), 3);
    let analyzed = "SELECT count(*) FROM recordings WHERE status = 'analyzed' AND name = 'laugh.flac'";
    assert_eq!(place.number(analyzed), 1);
    let failed = "SELECT count(*) FROM recordings WHERE status = 'failed' AND name = 'cut.ogg'
                  AND failure_kind = 'truncated' AND failure_reason LIKE 'ends too early, at 0:00:0%'
                  AND failure_position_seconds > 0";
    assert_eq!(place.number(failed), 1);
    assert!(place.number("SELECT count(*) FROM detections") > 0);
}

#[test]
fn code_4_no_recordings_unless_that_is_right() {
    let place = Place::new();
    place.scan(&[]).ends_with(4).complains_of("is the disk mounted?");
    place.scan(&["--allow-empty"]).ends_with(0);
    place.copy(LAUGH.0, "20251024_130000.flac");
    place.scan(&["--date", "2025-10-25", "--tz", "UTC"]).ends_with(4);
    place.scan(&["--date", "2025-10-24", "--tz", "UTC"]).ends_with(0);
}

#[test]
fn code_75_postgres_is_not_there() {
    let place = Place::with(&[LAUGH]);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("postgres://neil:open-sesame@127.0.0.1:{port}/laughs");
    said(&mut place.scan_into(&url, &[])).ends_with(75).complains_of("cannot be reached");
}

/// Starts a run that will run for long; gives it when it holds the lock.
fn at_work(place: &Place, home: &impl Home) -> RunningProgram {
    place.write_long("20251024_000000.wav", 600);
    let run = RunningProgram::start(&mut place.scan_into(&home.url(), &["-j1"]));
    eventually("the run holds the lock", || home.is_locked_by(run.id()));
    run
}

fn the_lock_is_held(home: &impl Home) {
    let (first, second) = (Place::new(), Place::with(&[LAUGH]));
    let mut run = at_work(&first, home);
    let refused = said(&mut second.scan_into(&home.url(), &[])).ends_with(75);
    refused.complains_of("another giggles").complains_of("source 'default'");
    said(&mut second.scan_into(&home.url(), &["--source", "other"])).ends_with(0);
    assert!(!run.has_ended(), "the first run was running all the while");
    run.signal(Signal::TERM);
    run.wait().ends_with(143);
    said(&mut second.scan_into(&home.url(), &[])).ends_with(0);
}

#[test]
fn code_75_another_run_holds_the_lock_on_sqlite() {
    the_lock_is_held(&InSqlite::new());
}

#[test]
fn code_75_another_run_holds_the_lock_on_postgres() {
    the_lock_is_held(&InPostgres::new());
}

/// What is stored, all of it.
fn stored(home: &impl Home) -> Vec<String> {
    let tables = ["runs", "recordings", "detections"];
    let rows = tables.map(|table| home.ask(&format!("SELECT * FROM {table} ORDER BY id")));
    rows.concat()
}

fn a_signal_ends_the_run(home: &impl Home, signal: Signal, code: i32) {
    let place = Place::with(&[LAUGH]);
    said(&mut place.scan_into(&home.url(), &[])).ends_with(0);
    let before = stored(home);
    place.copy(OTHER.0, OTHER.1);
    let run = at_work(&place, home);
    run.signal(signal);
    run.wait().ends_with(code).complains_of("nothing of this run was stored");
    assert_eq!(stored(home), before);
}

#[test]
fn code_130_interrupted() {
    a_signal_ends_the_run(&InSqlite::new(), Signal::INT, 130);
    a_signal_ends_the_run(&InPostgres::new(), Signal::INT, 130);
}

#[test]
fn code_143_terminated() {
    a_signal_ends_the_run(&InSqlite::new(), Signal::TERM, 143);
    a_signal_ends_the_run(&InPostgres::new(), Signal::TERM, 143);
}

#[test]
fn code_78_a_setting_that_means_nothing() {
    let place = Place::with(&[LAUGH]);
    for (flags, words) in [
        (&["--tz", "Los Angeles"][..], "America/Los_Angeles"),
        (&["--name-tz", "PDT"], "--name-tz"),
        (&["--date", "24.10.2025"], "--date"),
        (&["--from", "noon"], "--from"),
        (&["--from", "2025-10-25", "--to", "2025-10-24"], "swapped"),
        (&["--shard", "4/3"], "4/3"),
        (&["--shard", "auto"], "JOB_COMPLETION_INDEX"),
        (&["--threshold", "high"], "--threshold"),
        (&["--padding", "-1"], "--padding"),
        (&["--merge-gap", "NaN"], "--merge-gap"),
        (&["--source", " "], "--source"),
    ] {
        place.scan(flags).ends_with(78).complains_of(words);
    }
    place.run(&["scan"]).ends_with(78).complains_of("GIGGLES_RECORDINGS");
    place.run(&["scan", "-n", "no/such/folder"]).ends_with(78).complains_of("no/such/folder");
    assert!(!place.path("laughs.db").exists(), "settings are checked before any work");
}

#[test]
fn code_78_a_database_that_cannot_be_one() {
    let place = Place::with(&[LAUGH]);
    for (url, words) in [
        ("mysql://db/laughs", "postgres://"),
        ("sqlite:", "sqlite:PATH"),
        ("sqlite:no/such/folder/laughs.db", "does not exist"),
        ("sqlite:recordings/laugh.flac", "not an SQLite database"),
        ("postgres://db?sslmode=perhaps", "sslmode"),
    ] {
        said(&mut place.scan_into(url, &[])).ends_with(78).complains_of(words);
    }
    let mut command = place.command(&["scan", "recordings"]);
    said(command.env("DATABASE_URL", "nonsense")).ends_with(78).complains_of("DATABASE_URL");
}

#[test]
fn code_78_the_database_is_newer_than_the_program() {
    let place = Place::with(&[LAUGH]);
    place.scan(&[]).ends_with(0);
    let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    connection.execute_batch("INSERT INTO giggles_schema VALUES (99, '2040-01-01')").unwrap();
    place.scan(&[]).ends_with(78).complains_of("update giggles");
}

#[test]
fn code_78_a_cpu_that_is_none() {
    let place = Place::with(&[LAUGH]);
    let mut command = place.scan_into(&place.sqlite(), &[]);
    said(command.env("GIGGLES_CPU", "z80")).ends_with(78).complains_of("GIGGLES_CPU=z80");
}

fn write_sum(place: &Place, bytes: &[u8]) {
    let digits: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(place.path("model.safetensors.sha256"), format!("{digits}  model.safetensors\n")).unwrap();
}

#[test]
fn code_78_a_model_that_is_missing_or_unproven() {
    let place = Place::with(&[LAUGH]);
    let with_model = || place.scan(&["--model", "model.safetensors"]).ends_with(78);
    with_model().complains_of("cannot be read");
    fs::write(place.path("model.safetensors"), b"some bytes").unwrap();
    with_model().complains_of("has no checksum file");
    write_sum(&place, b"other bytes");
    with_model().complains_of("its SHA-256 is").complains_of("copy it again");
    write_sum(&place, b"some bytes");
    with_model().complains_of("is not the YAMNet");
    assert!(!place.path("laughs.db").exists());
}

#[test]
fn code_78_a_model_of_another_shape() {
    let place = Place::with(&[LAUGH]);
    let (name, path) = ("layer2.pointwise.weight", place.path("model.safetensors"));
    fs::write(&path, safetensors::with_turned_shape(yamnet_weights::SAFETENSORS, name)).unwrap();
    write_sum(&place, &fs::read(&path).unwrap());
    place.scan(&["--model", "model.safetensors"]).ends_with(78).complains_of(name);
}
