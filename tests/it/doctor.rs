//! `giggles doctor`: a run that would run, and every way in which it would not.

mod agreement;
mod databases;
mod evenings;
mod recordings;
mod signals;
mod surroundings;

use crate::support::postgres as server;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::program::{Place, Said, said};
use giggles::store::Probe;
use insta::assert_snapshot;
use postgres::{Client, NoTls};
use server::Postgres;

const LAUGH: (&str, &str) = ("fixtures/evening/20251024_130000.WAV", "20251024_130000.WAV");

fn place() -> Place {
    Place::with(&[LAUGH])
}

/// `giggles doctor` with whole paths, as a good nightly run has them.
fn command(place: &Place, database: &str, flags: &[&str]) -> Command {
    let mut command = place.command(&["doctor", "-j1", "--tz", "America/Los_Angeles", "--database", database]);
    command.arg(place.recordings()).args(flags);
    command
}

fn doctor(place: &Place, flags: &[&str]) -> Said {
    said(&mut command(place, &place.sqlite(), flags))
}

/// What is said of one check: its first word and the lines below it.
fn finding_of(said: &Said, check: &str) -> String {
    let is_of = |line: &str| line.split_whitespace().nth(1).is_some_and(|word| check.split(' ').next() == Some(word));
    let begins = |line: &str| !line.starts_with(' ') && is_of(line) && line[6..].starts_with(check);
    let lines: Vec<&str> = said.stdout.lines().collect();
    let at = lines.iter().position(|line| begins(line)).unwrap_or_else(|| panic!("no {check} in\n{}", said.stdout));
    let below = lines[at + 1..].iter().take_while(|line| line.starts_with("   "));
    std::iter::once(&lines[at]).chain(below).map(|line| line.trim()).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn says(said: &Said, check: &str, words: &[&str]) {
    let text = finding_of(said, check);
    words.iter().for_each(|word| assert!(text.contains(word), "{word:?} is not in\n{text}"));
}

#[test]
fn a_run_that_would_run() {
    let place = place();
    let said = doctor(&place, &["--from", "2025-10-01", "--to", "yesterday"]).ends_with(0);
    let folder = place.path("").display().to_string();
    let is_stable =
        |line: &&str| !["clock", "zone", "window", "speed", "disk"].iter().any(|name| line[6..].starts_with(name));
    let lines: Vec<&str> = said.stdout.lines().take_while(|line| !line.is_empty()).collect();
    let (fixed, moving): (Vec<&str>, Vec<&str>) = lines.into_iter().partition(is_stable);
    assert_eq!(moving.iter().filter(|line| line.starts_with("ok    ")).count(), 5, "{}", said.stdout);
    let program = format!("{}", Path::new(env!("CARGO_BIN_EXE_giggles")).display());
    let text = fixed.join("\n").replace(folder.trim_end_matches('/'), "[folder]").replace(&program, "[program]");
    let text = text.replace(&format!("(version {})", Probe::known_schema()), "(version [known])");
    assert_snapshot!(text, @"
    ok    settings     no settings file; no env file
    ok    recordings   1 recording in [folder]/recordings, 1 of them for a run started now
    ok    readable     all can be opened
    ok    names        1 of 1 checked have a start time; times without a zone are in America/Los_Angeles
                       20251024_130000.WAV: 2025-10-24 13:00:00 -07:00, from its name
    ok    model        the one in the program, SHA-256 730bec4b4578…
    -     ffmpeg       not requested; --ffmpeg lets it decode what giggles cannot
    ok    database     sqlite:[folder]/laughs.db, a new file, created by the first run
    ok    encryption   not needed, nothing leaves this machine
    ok    encoding     it can store every name unchanged
    ok    schema       no tables yet; the first run creates them (version [known])
    ok    rights       a run may store its rows
    ok    lock         free, source 'default'
    -     clips        no --clips is set
    -     ping         no --ping-url is set; such a service raises the alarm when a nightly run does not start
    -     metrics      no --metrics-file is set
    ok    scheduler    run without a terminal, as cron does it; a nightly run would have the same settings
                       cron does not find it by its name; write [program]
    ");
    assert!(said.stdout.ends_with("\n\na scan would run\n"), "{}", said.stdout);
    assert_eq!(said.stderr, "");
}

#[test]
fn looking_changes_nothing() {
    let place = place();
    let names = |place: &Place| -> BTreeSet<_> {
        let folders = ["", "home", "recordings"].map(|name| fs::read_dir(place.path(name)).unwrap());
        folders.into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
    };
    let before = names(&place);
    let metrics = place.path("home/giggles.prom").display().to_string();
    doctor(&place, &["--metrics-file", &metrics]).ends_with(0);
    said(place.command(&["doctor"]).arg(place.recordings())).ends_with(0);
    assert_eq!(names(&place), before);
    place.scan(&[]).ends_with(0);
    let (with_database, bytes) = (names(&place), fs::read(place.path("laughs.db")).unwrap());
    doctor(&place, &[]).ends_with(0);
    assert_eq!((names(&place), fs::read(place.path("laughs.db")).unwrap()), (with_database, bytes));

    let database = Postgres::start();
    let said = said(&mut command(&place, &database.url, &[])).ends_with(0);
    says(&said, "schema", &["ok ", "no tables yet"]);
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    let count: i64 = Client::connect(&database.url, NoTls).unwrap().query_one(tables, &[]).unwrap().get(0);
    assert_eq!(count, 0);
}

#[test]
fn every_wrong_setting_is_reported_at_once() {
    let flags =
        ["--threshold", "high", "--name-tz", "Mars", "--shard", "3/2", "--ping-url", "ftp://x", "--date", "soon"];
    let place = place();
    let said = doctor(&place, &flags).ends_with(78);
    says(&said, "settings", &["fail", "--threshold high", "--shard"]);
    says(&said, "names", &["fail", "--name-tz"]);
    says(&said, "window", &["fail", "--date: 'soon'"]);
    says(&said, "ping", &["fail", "--ping-url"]);
    says(&said, "lock", &["ok "]);
    assert!(said.stdout.ends_with("a scan would fail (78) at 4 checks\n"), "{}", said.stdout);
    let said = place.run(&["doctor", "--tz", "Mars", "--database", "mysql://x"]).ends_with(78);
    says(&said, "zone", &["fail", "--tz: 'Mars'"]);
    says(&said, "recordings", &["fail", "no recordings given"]);
    says(&said, "database", &["fail", "sqlite:PATH or postgres://"]);
    says(&said, "rights", &["-  ", "there is no database to check"]);
}

#[test]
fn json_is_one_document() {
    let place = place();
    let document = doctor(&place, &["--json", "--threshold", "high"]).ends_with(78).json();
    assert_eq!((&document["spec_version"], &document["exit_code"]), (&"1".into(), &78.into()));
    let checks = document["checks"].as_array().unwrap();
    assert_eq!(checks.len(), 21);
    assert_eq!((&checks[0]["check"], &checks[0]["status"]), (&"settings".into(), &"fail".into()));
    let statuses: BTreeSet<&str> = checks.iter().map(|check| check["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, BTreeSet::from(["fail", "ok", "skipped"]));
}

#[test]
fn quiet_says_only_what_would_fail() {
    let place = Place::new();
    let warned = doctor(&place, &["-q"]).ends_with(0);
    assert_eq!((warned.stdout.as_str(), warned.stderr.as_str()), ("", ""));
    let failed = doctor(&place, &["-q", "--shard", "x"]).ends_with(78);
    assert_eq!(failed.stdout, "");
    failed.complains_of("giggles: error: settings: --shard: a shard is k/n");
    assert_eq!(failed.stderr.lines().count(), 1, "{}", failed.stderr);
}
