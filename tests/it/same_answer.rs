//! The same recordings give the same answer, to the last bit, on any number of threads and every time.

use std::process::Command;

use crate::support::program::{Place, said};
use rusqlite::types::Value;
use yamnet::Cpu;

const RECORDINGS: [(&str, &str); 6] = [
    ("fixtures/evening/20251024_130000.WAV", "20251024_130000.WAV"),
    ("fixtures/evening/2025-09-30T21-46-57__2025-09-30T21-48-10.ogg", "2025-09-30T21-46-57__2025-09-30T21-48-10.ogg"),
    ("fixtures/clips/laugh_female_269478.flac", "20251024_140000.flac"),
    ("fixtures/clips/laugh_male_scratch1.flac", "20251024_150000.flac"),
    ("fixtures/clips/speech_it.flac", "20251024_160000.flac"),
    ("tests/formats/mp3_stereo_44100.mp3", "20251024_170000.mp3"),
];

/// All columns that a recording decides, with every bit of their numbers.
const DETECTIONS: &str =
    "SELECT name, local_date, d.starts_at, d.ends_at, start_seconds, end_seconds, peak_score, mean_score,
    class_index, class_name, class_scores
    FROM detections d JOIN recordings r ON r.id = d.recording_id ORDER BY name, start_seconds";
const HEARD: &str =
    "SELECT name, content_sha256, bytes, started_at, start_source, duration_seconds, sample_rate, channels, codec,
    status, analysis FROM recordings ORDER BY name";

fn rows(place: &Place, database: &str, sql: &str) -> Vec<Vec<Value>> {
    let connection = rusqlite::Connection::open(place.path(database)).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|column| row.get(column)).collect());
    rows.unwrap().map(Result::unwrap).collect()
}

fn stored(place: &Place, threads: &str) -> [Vec<Vec<Value>>; 2] {
    let database = format!("{threads}.db");
    let url = format!("sqlite:{database}");
    said(&mut place.scan_into(&url, &["--force", "--threshold", "sensitive", "-j", threads])).ends_with(0);
    [DETECTIONS, HEARD].map(|sql| rows(place, &database, sql))
}

#[test]
fn rows_are_equal_for_any_number_of_threads() {
    let place = Place::with(&RECORDINGS);
    let one = stored(&place, "1");
    assert!(one[0].len() >= 6, "too few laughs to tell: {}", one[0].len());
    for threads in ["2", "8", "1"] {
        assert_eq!(stored(&place, threads), one, "{threads} threads");
    }
}

fn scores(place: &Place, change: impl FnOnce(&mut Command)) -> String {
    let mut command = place.command(&["scores", "--all", "--format", "csv", "recordings/20251024_130000.WAV"]);
    change(&mut command);
    said(&mut command).ends_with(0).stdout
}

/// candle looks at this variable, wherever it is called.
#[test]
fn scores_are_equal_however_the_machine_is_set_up() {
    let place = Place::with(&RECORDINGS[..1]);
    let first = scores(&place, |_| ());
    assert!(first.lines().count() > 10);
    for threads in ["1", "2", "8"] {
        let again = scores(&place, |command| {
            command.env("RAYON_NUM_THREADS", threads);
        });
        assert!(again == first, "{threads} threads");
    }
}

/// The numbers of a table of scores, row by row.
fn numbers(table: &str) -> Vec<f64> {
    table.lines().skip(1).flat_map(|line| line.split(',').filter_map(|cell| cell.parse().ok())).collect()
}

#[test]
fn scores_agree_on_every_path_that_the_machine_has() {
    let place = Place::with(&RECORDINGS[..1]);
    let fastest = numbers(&scores(&place, |_| ()));
    for cpu in Cpu::available() {
        let other = numbers(&scores(&place, |command| {
            command.env("GIGGLES_CPU", cpu.name());
        }));
        assert_eq!(other.len(), fastest.len());
        let furthest = fastest.iter().zip(&other).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(furthest <= 1e-5, "{}: {furthest:e}", cpu.name());
    }
}

#[test]
fn scores_have_the_same_digits_with_every_tile() {
    let place = Place::with(&RECORDINGS[..1]);
    let chosen = scores(&place, |_| ());
    for tiles in ["3", "6", "measure"] {
        let forced = scores(&place, |command| {
            command.env("GIGGLES_TILES", tiles);
        });
        assert!(forced == chosen, "{tiles}");
    }
}
