//! `giggles scan`: from a folder of recordings to laughs in the database, over SQLite and over a real Postgres.

mod days;
mod places;
mod run_ids;
mod shards;
mod starts;

use crate::support::homes;
use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::support::audio;
use crate::support::program::{Place, RunningProgram, Said, eventually, said};
use homes::{Home, InPostgres, InSqlite};
use serde_json::Value;

const LAUGH: (&str, &str) = ("fixtures/clips/laugh_male_scratch2.flac", "laugh.flac");
const OTHER: (&str, &str) = ("fixtures/clips/crow_cc0.flac", "crow.flac");
const ROOM: (&str, &str) = ("fixtures/evening/20251024_130000.WAV", "20251024_130000.WAV");

macro_rules! over_both {
    ($($test:ident),+ $(,)?) => {
        mod on_sqlite { $(#[test] fn $test() { super::$test(&super::InSqlite::new()); })+ }
        mod on_postgres { $(#[test] fn $test() { super::$test(&super::InPostgres::new()); })+ }
    };
}

pub(crate) use over_both;

over_both!(
    a_user_reads_the_rows_by_hand,
    what_is_said_is_what_is_stored,
    a_second_run_skips_all,
    force_analyzes_again_and_replaces,
    another_threshold_replaces_in_one_transaction,
    renamed_and_moved_is_the_same_recording,
    a_copy_is_analyzed_once,
    the_same_content_of_another_source_is_stored_apart,
    a_damaged_recording_is_replaced_by_its_whole_copy,
    a_failure_stays_failed_and_is_stored_once,
);

fn scan(place: &Place, home: &impl Home, flags: &[&str]) -> Said {
    said(&mut place.scan_into(&home.url(), flags))
}

/// The same as `--json` tells it.
fn told(place: &Place, home: &impl Home, flags: &[&str]) -> Value {
    scan(place, home, &[flags, &["--json"]].concat()).ends_with(0).json()
}

fn counts(analyzed: u64, skipped: u64, failed: u64, detections: u64) -> Value {
    let (in_progress, clips_failed) = (0, 0);
    serde_json::json!({"analyzed": analyzed, "partial": 0, "redetected": 0, "skipped": skipped, "in_progress": in_progress, "failed": failed,
        "detections": detections, "clips_failed": clips_failed})
}

fn a_user_reads_the_rows_by_hand(home: &impl Home) {
    let place = Place::with(&[ROOM]);
    scan(&place, home, &["--source", "neil", "--tz", "America/Los_Angeles", "--name-tz", "UTC"]).ends_with(0);

    let run = home.ask("SELECT source, zone, exit_code, analyzed, skipped, failed, audio_seconds FROM runs");
    assert_eq!(run, ["neil|America/Los_Angeles|0|1|0|0|8"]);
    let columns = "source, name, bytes, start_source, duration_seconds, sample_rate, channels, codec, status";
    let recording = home.ask(&format!("SELECT {columns} FROM recordings"));
    assert_eq!(recording, ["neil|20251024_130000.WAV|256044|filename|8|16000|1|pcm_s16le|analyzed"]);
    let started = home.ask(&format!("SELECT {} FROM recordings", home.instant("started_at")));
    assert_eq!(started, ["2025-10-24T13:00:00.000000Z"]);

    let laughs = home.ask("SELECT local_date, class_name, class_index FROM detections");
    assert_eq!(laughs, ["2025-10-24|Laughter|13"]);
    let inside =
        "SELECT count(*) FROM detections d JOIN recordings r ON r.id = d.recording_id JOIN runs ON runs.id = d.run_id
        WHERE d.start_seconds >= 0 AND d.end_seconds <= r.duration_seconds AND d.start_seconds < d.end_seconds
        AND d.peak_score >= 0.56 AND d.peak_score >= d.mean_score AND CAST(d.class_scores ->> 'Laughter' AS double precision) > 0.1";
    assert_eq!(home.ask(inside), ["1"]);
}

fn what_is_said_is_what_is_stored(home: &impl Home) {
    let place = Place::with(&[ROOM, LAUGH, OTHER, (OTHER.0, "copy.flac")]);
    let told = told(&place, home, &[]);
    let stored = home.ask("SELECT analyzed, skipped, failed, (SELECT count(*) FROM detections) FROM runs");
    let counts = &told["counts"];
    let said = format!("{}|{}|{}|{}", counts["analyzed"], counts["skipped"], counts["failed"], counts["detections"]);
    assert_eq!(stored, [said]);
    assert_eq!(stored[0].rsplit_once('|').unwrap().0, "3|1|0");

    let stored = home.ask(
        "SELECT start_seconds, end_seconds, peak_score, mean_score, class_name, class_scores ->> 'Laughter', class_scores ->> 'Chuckle, chortle'
        FROM detections d JOIN recordings r ON r.id = d.recording_id ORDER BY name, start_seconds",
    );
    let laughs =
        told["recordings"].as_array().unwrap().iter().flat_map(|r| r["laughs"].as_array().cloned().unwrap_or_default());
    let said: Vec<String> = laughs
        .map(|laugh| {
            let number = |key: &str| laugh[key].as_f64().unwrap();
            let peak = |class: &str| laugh["class_scores"][class].as_f64().unwrap();
            let numbers =
                ["start_seconds", "end_seconds", "peak_score", "mean_score"].map(|key| number(key).to_string());
            let class = laugh["class"].as_str().unwrap();
            format!("{}|{class}|{}|{}", numbers.join("|"), peak("Laughter"), peak("Chuckle, chortle"))
        })
        .collect();
    assert!(said.len() >= 2, "{said:?}");
    assert_eq!(stored, said);
}

fn a_second_run_skips_all(home: &impl Home) {
    let place = Place::with(&[ROOM, OTHER]);
    scan(&place, home, &[]).ends_with(0);
    let before = home.ask("SELECT * FROM detections");
    let second = told(&place, home, &[]);
    assert_eq!(second["counts"], counts(0, 2, 0, 0));
    assert_eq!(second["recordings"][0]["reason"], "already analyzed");
    assert_eq!(home.ask("SELECT * FROM detections"), before);
    assert_eq!([home.count("runs"), home.count("recordings")], [2, 2]);
}

fn force_analyzes_again_and_replaces(home: &impl Home) {
    let place = Place::with(&[ROOM, OTHER]);
    let first = told(&place, home, &[]);
    let second = told(&place, home, &["--force"]);
    assert_eq!(second["counts"], counts(2, 0, 0, 1));
    assert_eq!(second["recordings"], first["recordings"]);
    assert_eq!([home.count("recordings"), home.count("detections")], [2, 1]);
    let run = second["run"]["id"].as_str().unwrap();
    assert_eq!(home.ask("SELECT run_id FROM detections"), [run]);
}

fn redetected(recordings: u64, detections: u64) -> serde_json::Value {
    let mut counts = counts(0, 0, 0, detections);
    counts["redetected"] = recordings.into();
    counts
}

fn another_threshold_replaces_in_one_transaction(home: &impl Home) {
    let place = Place::with(&[ROOM]);
    scan(&place, home, &[]).ends_with(0);
    assert_eq!(home.count("detections"), 1);
    let replaced = told(&place, home, &["--threshold", "0.999"]);
    assert_eq!(replaced["counts"], redetected(1, 0));
    assert_eq!([home.count("runs"), home.count("recordings"), home.count("detections")], [2, 1, 0]);
    let back = told(&place, home, &["--threshold", "normal"]);
    assert_eq!(back["counts"], redetected(1, 1));
    assert_eq!([home.count("recordings"), home.count("detections")], [1, 1]);
}

fn renamed_and_moved_is_the_same_recording(home: &impl Home) {
    let place = Place::with(&[ROOM, OTHER]);
    scan(&place, home, &[]).ends_with(0);
    fs::rename(place.recording(ROOM.1), place.recording("archive/2025/20251024_130000.WAV")).unwrap();
    fs::rename(place.recording(OTHER.1), place.recording("a crow.flac")).unwrap();
    assert_eq!(told(&place, home, &[])["counts"], counts(0, 2, 0, 0));
    assert_eq!(home.count("recordings"), 2);
}

fn a_copy_is_analyzed_once(home: &impl Home) {
    let place = Place::with(&[ROOM, (ROOM.0, "z/20251024_130000.WAV")]);
    let told = told(&place, home, &[]);
    assert_eq!(told["counts"], counts(1, 1, 0, 1));
    assert_eq!(told["recordings"][1]["reason"], "copy");
    assert_eq!(told["recordings"][1]["copy_of"], "20251024_130000.WAV");
    assert_eq!([home.count("recordings"), home.count("detections")], [1, 1]);
}

fn the_same_content_of_another_source_is_stored_apart(home: &impl Home) {
    let place = Place::with(&[ROOM]);
    for source in ["neil", "ada"] {
        assert_eq!(told(&place, home, &["--source", source])["counts"], counts(1, 0, 0, 1));
    }
    assert_eq!([home.count("recordings"), home.count("detections")], [2, 2]);
    assert_eq!(home.ask("SELECT DISTINCT source FROM recordings ORDER BY source"), ["ada", "neil"]);
}

fn a_damaged_recording_is_replaced_by_its_whole_copy(home: &impl Home) {
    let place = Place::with(&[OTHER]);
    let whole = fs::read(audio::file(ROOM.0)).unwrap();
    place.write(ROOM.1, &whole[..whole.len() / 2]);
    scan(&place, home, &[]).ends_with(3);
    let status = || home.ask("SELECT name, status FROM recordings ORDER BY name");
    assert_eq!(status(), ["20251024_130000.WAV|partial", "crow.flac|analyzed"]);
    place.write(ROOM.1, &whole);
    assert_eq!(told(&place, home, &[])["counts"], counts(1, 1, 0, 1));
    assert_eq!(status(), ["20251024_130000.WAV|analyzed", "crow.flac|analyzed"]);
}

fn a_failure_stays_failed_and_is_stored_once(home: &impl Home) {
    let place = Place::new();
    place.write("empty.wav", b"");
    place.write("noise.wav", b"RIFF and nothing that follows");
    scan(&place, home, &[]).ends_with(3).complains_of("empty.wav: is empty");
    scan(&place, home, &[]).ends_with(0);
    scan(&place, home, &["--retry-failed"]).ends_with(3).complains_of("empty.wav: is empty");
    assert_eq!(
        home.ask("SELECT name FROM recordings WHERE status = 'failed' ORDER BY name"),
        ["empty.wav", "noise.wav"]
    );
    assert_eq!(home.ask("SELECT sum(failed) FROM runs"), ["4"]);
}

#[test]
fn a_dry_run_analyzes_everything_and_needs_no_database() {
    let place = Place::with(&[ROOM, OTHER]);
    let mut command = place.command(&["scan", "-n", "--json", "recordings"]);
    command.env("DATABASE_URL", "postgres://127.0.0.1:1/nobody-is-there");
    let told = said(&mut command).ends_with(0).json();
    assert_eq!(told["counts"], counts(2, 0, 0, 1));
    assert_eq!(told["run"]["database"], Value::Null);
    assert!(!place.path("home/.local").exists());
}

#[test]
fn the_database_is_reached_before_anything_is_opened() {
    let place = Place::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    place.write_long("20251024_000000.wav", 60);
    let url = format!("postgres://127.0.0.1:{port}/laughs");
    let begun = Instant::now();
    let missing = place.run(&["scan", "--database", &url, "recordings", "no/such/folder"]).ends_with(75);
    missing.complains_of("cannot be reached");
    assert!(!missing.stderr.contains("no/such/folder"), "{}", missing.stderr);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn a_connection_lost_during_the_work_is_made_again() {
    let (place, home) = (Place::with(&[ROOM]), InPostgres::new());
    place.write_long("20251023_000000.wav", 4);
    let mut run = RunningProgram::start(&mut place.scan_into(&home.url(), &["-j1"]));
    // The last question before the analysis begins; after it the session rests until the transaction.
    let waiting = "application_name = 'giggles' AND datname = current_database() AND state = 'idle'
        AND query LIKE '%content_sha256 = ANY%'";
    eventually("analysis has begun", || {
        home.ask(&format!("SELECT pid FROM pg_stat_activity WHERE {waiting}")).len() == 1
    });
    let cut = home.ask(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {waiting}"));
    assert_eq!(cut, ["t"]);
    assert!(!run.has_ended(), "the connection was cut during the work");
    run.wait().ends_with(0);
    assert_eq!([home.count("runs"), home.count("recordings"), home.count("detections")], [1, 2, 1]);
}
