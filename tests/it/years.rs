//! Years of runs and a fleet of sources: a day is found by indices, and what reads everything holds little of it.
//!
//! `scripts/years.py` prints times and memory of a thousand days; here a small database of the same make shows that
//! nothing grows with it.
#![cfg(target_os = "linux")]

use crate::support::postgres as server;
use std::collections::BTreeMap;
use std::io::Read;
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use crate::support::program::{Place, eventually};
use postgres::{Client, NoTls};
use rusqlite::Connection;
use server::Postgres;

const SOURCES: u32 = 20;
const DAYS: u32 = 100;
const RECORDINGS: u32 = 12;
const ALL: usize = (SOURCES * DAYS * RECORDINGS) as usize;
/// One of the days, and one of the sources.
const DATE: [&str; 4] = ["--date", "2023-03-01", "--tz", "UTC"];
const SOURCE: [&str; 2] = ["--source", "s00007"];
const MEGABYTE: u64 = 1 << 20;
/// More than a pipe and the program's own buffer hold.
const REST: usize = 1 << 18;

fn filled(sql: &str) -> String {
    let counts = [("sources", SOURCES), ("days", DAYS), ("recordings", RECORDINGS), ("laughs", 2)];
    counts.iter().fold(sql.to_owned(), |sql, (name, count)| sql.replace(&format!("{{{name}}}"), &count.to_string()))
}

/// Tables by the program, rows by the script's SQL.
fn in_sqlite() -> (Place, String) {
    let place = Place::new();
    let url = place.sqlite();
    drop(giggles::store::open(&url.parse().unwrap()).unwrap());
    let connection = Connection::open(place.path("laughs.db")).unwrap();
    connection.execute_batch(&filled(include_str!("../../scripts/years/sqlite.sql"))).unwrap();
    (place, url)
}

fn in_postgres() -> (Place, Postgres) {
    let database = Postgres::start();
    drop(giggles::store::open(&database.url.parse().unwrap()).unwrap());
    let mut client = Client::connect(&database.url, NoTls).unwrap();
    // VACUUM is for no transaction: a statement by itself.
    let sql = filled(include_str!("../../scripts/years/postgres.sql"));
    let (rows, rest) = sql.split_once("COMMIT;").unwrap();
    client.batch_execute(&format!("{rows}COMMIT;")).unwrap();
    rest.split(';').filter(|sql| !sql.trim().is_empty()).for_each(|sql| client.batch_execute(sql).unwrap());
    (Place::new(), database)
}

fn run(place: &Place, url: &str, command: &str, flags: &[&[&str]]) -> String {
    place.run(&[&[command, "--database", url], &flags.concat()[..]].concat()).stdout
}

/// A program that has said all but the end, and cannot go on since nobody reads.
struct Waiting {
    child: Child,
    stdout: ChildStdout,
    said: Vec<u8>,
}

impl Waiting {
    /// Reads so many bytes.
    fn start(place: &Place, arguments: &[&str], bytes: usize) -> Waiting {
        let mut child = place.command(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let mut said = vec![0; bytes];
        stdout.read_exact(&mut said).unwrap();
        Waiting { child, stdout, said }
    }

    /// Its highest resident set so far, bytes.
    fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    fn rest(mut self) -> String {
        self.stdout.read_to_end(&mut self.said).unwrap();
        self.child.wait().unwrap();
        String::from_utf8(self.said).unwrap()
    }
}

/// The whole text, of which all but the end was written when the memory was looked at.
fn peak_of(place: &Place, arguments: &[&str]) -> (u64, String) {
    let text = place.run(arguments).stdout;
    let waiting = Waiting::start(place, arguments, text.len() - REST);
    let peak = waiting.peak();
    println!("{}: {} MB", arguments.join(" "), peak / MEGABYTE);
    assert_eq!(waiting.rest(), text, "twice the same");
    (peak, text)
}

/// What reads all of it: 24,000 recordings, 48,000 laughs.
fn all_is_streamed(place: &Place, url: &str) -> String {
    std::fs::create_dir_all(place.path("clips")).unwrap();
    (0..SOURCES).for_each(|i| std::fs::create_dir_all(place.path(format!("clips/s{i:05}"))).unwrap());
    let export = |format: &'static str| ["export", "--format", format, "--database", url];
    let care = |command: &'static str| [command, "--database", url, "--clips", "clips"];
    let (json, document) = peak_of(place, &export("json"));
    let (csv, table) = peak_of(place, &export("csv"));
    let (jsonl, _) = peak_of(place, &export("jsonl"));
    let (verify, missing) = peak_of(place, &care("verify"));
    let prune = [&care("prune")[..], &["--older-than", "1d", "--rows", "--dry-run"]].concat();
    let (prune, gone) = peak_of(place, &prune);
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["recordings"].as_array().unwrap().len(), ALL);
    assert_eq!(table.lines().count(), 1 + 2 * ALL);
    assert!(missing.ends_with(&format!("; {} missing, 0 files without a row\n", 2 * ALL)), "all of them");
    assert_eq!(gone.lines().count(), ALL + 1);
    let sums = format!("0 clips, {ALL} recordings, {} laughs, 2000 runs; {} clips already missing\n", 2 * ALL, 2 * ALL);
    assert!(gone.ends_with(&sums), "{:?}", gone.lines().last());
    assert!([json, csv, jsonl, verify, prune].iter().all(|&peak| peak < 64 * MEGABYTE));
    table
}

#[test]
fn what_reads_everything_holds_little_of_it() {
    let (place, url) = in_sqlite();
    let (other, database) = in_postgres();
    assert_eq!(all_is_streamed(&place, &url), all_is_streamed(&other, &database.url), "in both the same");
    // What a dry run said is what goes.
    for (place, url) in [(&place, &url), (&other, &database.url)] {
        let prune = ["--clips", "clips", "--older-than", "1d", "--rows"];
        let said = run(place, url, "prune", &[&prune, &["--dry-run"]]);
        assert_eq!(run(place, url, "prune", &[&prune]), said.replace("would be removed", "removed"));
        assert_eq!(run(place, url, "export", &[&["--format", "csv"]]).lines().count(), 1, "nothing is left");
    }
}

#[test]
fn a_file_each_is_streamed_too() {
    let (place, url) = in_sqlite();
    std::fs::create_dir(place.path("labels")).unwrap();
    let flags: [&[&str]; 3] = [&["--format", "audacity", "--folder", "labels"], &SOURCE, &DATE[..2]];
    assert_eq!(run(&place, &url, "export", &flags), "12 files of 12 recordings written\n");
    let names = std::fs::read_dir(place.path("labels/2023/03")).unwrap().count();
    assert_eq!(names, 12);
}

/// As a pager does that nobody scrolls.
#[test]
fn a_reader_that_waits_keeps_no_run_from_storing() {
    let (place, url) = in_sqlite();
    let waiting = Waiting::start(&place, &["export", "--format", "csv", "--database", &url], 100_000);
    let begun = Instant::now();
    let connection = Connection::open(place.path("laughs.db")).unwrap();
    connection.execute_batch("UPDATE recordings SET bytes = 1 WHERE id = 1").unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(waiting.rest().lines().count(), 1 + 2 * ALL);
}

#[test]
fn a_day_of_a_fleet_is_whole() {
    let (place, url) = in_sqlite();
    let (other, database) = in_postgres();
    for (place, url) in [(&place, &url), (&other, &database.url)] {
        let day: serde_json::Value = serde_json::from_str(&run(place, url, "status", &[&DATE, &["--json"]])).unwrap();
        let days = day["days"].as_array().unwrap();
        assert_eq!(days.len(), SOURCES as usize);
        for day in days {
            assert_eq!((&day["complete"], &day["scanned_at"]), (&true.into(), &"2023-03-02T02:30:00Z".into()));
            assert_eq!(day["recordings"].as_array().unwrap().len(), RECORDINGS as usize);
            assert_eq!(day["laughs"].as_array().unwrap().len(), 2 * RECORDINGS as usize);
        }
    }
}

/// Rows of each table that were read without an index.
fn scanned(database: &Postgres) -> BTreeMap<String, i64> {
    let mut client = Client::connect(&database.url, NoTls).unwrap();
    eventually("a session that has ended has told what it read", || {
        let others =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
            AND backend_type = 'client backend'";
        client.query_one(others, &[]).unwrap().get::<_, i64>(0) == 0
    });
    let rows = client.query("SELECT relname::text, seq_tup_read FROM pg_stat_user_tables", &[]).unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// SQLite's plans are looked at beside its SQL, in `store::sqlite`.
#[test]
fn postgres_scans_no_table_for_a_day() {
    let (place, database) = in_postgres();
    // One of the last days: of an early one, most runs began since, and it is right to read them all.
    let late: &[&str] = &["--date", "2023-04-08", "--tz", "UTC"];
    let questions: [(&str, &[&[&str]]); 8] = [
        ("status", &[]),
        ("status", &[&SOURCE]),
        ("status", &[late]),
        ("status", &[late, &SOURCE]),
        ("report", &[late, &SOURCE]),
        ("export", &[&["--format", "csv"], late, &SOURCE]),
        ("status", &[&DATE]),
        ("status", &[&DATE, &SOURCE]),
    ];
    let mut before = scanned(&database);
    for (command, flags) in questions {
        assert!(!run(&place, &database.url, command, flags).is_empty());
        let after = scanned(&database);
        let of = |table: &str| after[table] - before[table];
        assert_eq!([of("recordings"), of("detections")], [0, 0], "{command} {flags:?}");
        assert!(flags.contains(&&DATE[..]) || of("runs") == 0, "{command} {flags:?}");
        before = after;
    }
}
