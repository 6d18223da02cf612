//! Signals: a run ends within two seconds, wherever it is, and says what is true.

use crate::support::homes;
use crate::support::web;
use std::fs;
use std::io::{PipeReader, PipeWriter, pipe};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::program::{Place, Said, eventually, said};
use homes::{Home, InPostgres};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process};
use web::{Answer, Web};

const LAUGH: (&str, &str) = ("fixtures/clips/laugh_male_scratch2.flac", "laugh.flac");
const SOON: Duration = Duration::from_secs(2);

/// A scan that pings this server and writes `giggles.prom`.
fn guard(place: &Place, database: &str, web: &Web) -> Command {
    let mut command = place.scan_into(database, &["-v"]);
    command.env("GIGGLES_PING_URL", web.url("ping"));
    command.arg("--metrics-file").arg(place.path("giggles.prom"));
    command
}

/// Starts a run, sends signals half a second apart once `is_there`, and says how it ended and how soon after the first.
fn signalled(
    place: &Place,
    command: &mut Command,
    signals: &[Signal],
    is_there: impl Fn(&str) -> bool,
) -> (Said, Duration) {
    let log = place.path("stderr");
    let mut child = command.stderr(fs::File::create(&log).unwrap()).spawn().unwrap();
    eventually("the run has come so far", || is_there(&fs::read_to_string(&log).unwrap()));
    let begun = Instant::now();
    for (i, signal) in signals.iter().enumerate() {
        std::thread::sleep(Duration::from_millis(500 * i.min(1) as u64));
        kill_process(Pid::from_child(&child), *signal).unwrap();
    }
    let status = child.wait().unwrap();
    let took = begun.elapsed();
    (Said { code: status.code().unwrap_or(-1), stdout: String::new(), stderr: fs::read_to_string(&log).unwrap() }, took)
}

fn ends(web: &Web) -> Vec<String> {
    let last = |path: &str| path.split('?').next().unwrap().rsplit('/').next().unwrap().to_owned();
    web.asked().iter().map(|asked| last(&asked.path)).collect()
}

fn exit_code_in_metrics(place: &Place) -> String {
    let text = fs::read_to_string(place.path("giggles.prom")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("giggles_last_run_exit_code{source=\"default\"} "));
    line.unwrap().to_owned()
}

#[test]
fn a_run_that_analyzes_ends_at_once_and_is_reported() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let (place, web) = (Place::with(&[LAUGH]), Web::answering(&[Answer::fine()]));
        place.write_long("long.wav", 6000);
        let mut command = guard(&place, &place.sqlite(), &web);
        let (said, took) =
            signalled(&place, command.stdout(Stdio::null()), &[signal], |log| log.contains("analyzing 2 recordings"));
        said.ends_with(code).complains_of("nothing of this run was stored");
        assert!(took < SOON, "{took:?}");
        assert_eq!(ends(&web), ["start".to_owned(), code.to_string()]);
        assert_eq!(place.number("SELECT count(*) FROM runs"), 0);
        assert_eq!(exit_code_in_metrics(&place), code.to_string());
    }
}

#[test]
fn what_nohup_ignores_ends_nothing() {
    let place = Place::with(&[LAUGH]);
    place.write_long("long.wav", 6000);
    let mut command = Command::new("nohup");
    command.arg(env!("CARGO_BIN_EXE_giggles")).args(["scan", "-v", "recordings", "--database", &place.sqlite()]);
    command.current_dir(place.path("")).env("HOME", place.path("home")).stdout(Stdio::null()).stdin(Stdio::null());
    let (said, took) = signalled(&place, &mut command, &[Signal::HUP, Signal::HUP, Signal::HUP, Signal::TERM], |log| {
        log.contains("analyzing 2 recordings")
    });
    said.ends_with(143).complains_of("terminated (SIGTERM)");
    assert!(took > Duration::from_millis(1500), "it went on: {took:?}");
}

#[test]
fn a_run_that_waits_for_a_busy_database_ends() {
    let (place, web) = (Place::with(&[LAUGH]), Web::answering(&[Answer::fine()]));
    place.scan(&["--source", "earlier"]).ends_with(0);
    let other = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let mut command = guard(&place, &place.sqlite(), &web);
    let (said, took) = signalled(&place, command.stdout(Stdio::null()), &[Signal::TERM], |log| {
        log.contains("connecting to the database")
    });
    said.ends_with(143).complains_of("terminated (SIGTERM)");
    assert!(took < SOON, "{took:?}");
    assert_eq!(ends(&web), ["143"], "it had not begun");
}

#[test]
fn a_run_whose_start_a_dead_service_does_not_take_ends() {
    let (place, web) = (Place::with(&[LAUGH]), Web::answering(&[Answer::fine().after(Duration::from_secs(30))]));
    place.write_long("long.wav", 6000);
    let mut command = guard(&place, &place.sqlite(), &web);
    let (said, took) = signalled(&place, command.stdout(Stdio::null()), &[Signal::TERM], |_| web.asked().len() == 1);
    said.ends_with(143).complains_of("terminated (SIGTERM)");
    assert!(took < SOON, "{took:?}");
    assert_eq!(ends(&web)[0], "start");
    assert_eq!(exit_code_in_metrics(&place), "143");
}

/// A table into which nothing may be written keeps the run waiting in the middle of its transaction.
#[test]
fn a_run_that_is_being_stored_ends_and_says_that_nobody_knows() {
    let (place, home, web) = (Place::with(&[LAUGH]), InPostgres::new(), Web::answering(&[Answer::fine()]));
    said(&mut place.scan_into(&home.url(), &["--source", "earlier"])).ends_with(0);
    let mut other = postgres::Client::connect(&home.url(), postgres::NoTls).unwrap();
    other.batch_execute("BEGIN; LOCK TABLE detections IN SHARE MODE").unwrap();
    let mut command = guard(&place, &home.url(), &web);
    let waits = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'detections'::regclass";
    let (ended, took) =
        signalled(&place, command.stdout(Stdio::null()), &[Signal::TERM], |_| !home.ask(waits).is_empty());
    ended
        .ends_with(143)
        .complains_of("terminated (SIGTERM) while the run was being stored; the next run finds out whether it was");
    assert!(took < SOON, "{took:?}");
    let told = web.asked().pop().unwrap();
    assert!(told.path.contains("/143?"), "{}", told.path);
    assert!(told.body.contains("the next run finds out whether it was\n"), "{}", told.body);
    assert!(
        told.body.ends_with("rolled back; if it came during the commit, the next run checks the result"),
        "{}",
        told.body
    );
    drop(other);
    let scan = || said(&mut place.scan_into(&home.url(), &[]));
    eventually("the server has given up the session that was left", || scan().code == 0);
    let analyzed = "SELECT count(*) FROM recordings WHERE source = 'default'";
    assert_eq!(home.ask(analyzed), ["1"], "whole, and once");
}

/// A pipe that is full and that nobody reads: the end to keep open, and the one to write to.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, writer) = pipe().unwrap();
    fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
    while rustix::io::write(&writer, &[0; 4096]).is_ok() {}
    fcntl_setfl(&writer, OFlags::empty()).unwrap();
    (reader, writer)
}

#[test]
fn a_run_that_is_stored_and_that_nobody_reads_keeps_its_code() {
    let (place, web) = (Place::with(&[LAUGH]), Web::answering(&[Answer::fine()]));
    let (_reader, writer) = full_pipe();
    let mut command = guard(&place, &place.sqlite(), &web);
    let is_stored = |_: &str| {
        place.path("laughs.db").exists() && {
            let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
            connection
                .query_row("SELECT count(*) FROM runs", [], |row| row.get::<_, i64>(0))
                .is_ok_and(|runs| runs == 1)
        }
    };
    let (said, took) = signalled(&place, command.stdout(writer), &[Signal::TERM], is_stored);
    said.ends_with(0).complains_of("terminated (SIGTERM) while results were printed; the run is stored");
    assert!(took < SOON, "{took:?}");
    assert_eq!(ends(&web), ["start", "0"]);
    assert_eq!(exit_code_in_metrics(&place), "0");
}

#[test]
fn a_run_whose_end_a_dead_service_does_not_take_keeps_its_code_however_often_it_is_signalled() {
    let dead = Answer::fine().after(Duration::from_secs(30));
    let (place, web) = (Place::with(&[LAUGH]), Web::answering(&[Answer::fine(), dead]));
    let mut command = guard(&place, &place.sqlite(), &web);
    let (said, took) =
        signalled(&place, command.stdout(Stdio::null()), &[Signal::TERM, Signal::TERM], |_| web.asked().len() == 2);
    said.ends_with(0);
    assert!(took < SOON, "{took:?}");
    assert_eq!(place.number("SELECT count(*) FROM runs"), 1);
}
