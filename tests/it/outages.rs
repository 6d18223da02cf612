//! A Postgres that stops, crashes and comes again while a run is in progress, and runs that meet each other.

use crate::support::homes;
use crate::support::postgres as server;
use std::time::Instant;

use crate::support::program::{Place, RunningProgram, eventually, said};
use homes::{Home, InPostgres, InSqlite};
use rustix::process::Signal;
use server::{Cluster, Postgres};

const LAUGH: (&str, &str) = ("fixtures/clips/laugh_male_scratch2.flac", "20251024_130000.flac");

/// An empty database.
fn on(cluster: &Cluster) -> InPostgres {
    InPostgres { database: Postgres::on(&cluster.url("postgres")) }
}

/// A run that analyzes for some seconds; given when the analysis has begun.
fn analyzing(place: &Place, home: &InPostgres) -> RunningProgram {
    place.write_long("20251024_000000.wav", 4);
    let run = RunningProgram::start(&mut place.scan_into(&home.url(), &["-j1"]));
    let asked = "SELECT pid FROM pg_stat_activity WHERE application_name = 'giggles' AND state = 'idle'
        AND datname = current_database() AND query LIKE '%content_sha256 = ANY%'";
    eventually("analysis has begun", || home.ask(asked).len() == 1);
    run
}

fn stopped_during_the_analysis(cluster: &mut Cluster, signal: &str) {
    let (home, place) = (on(cluster), Place::with(&[LAUGH]));
    let mut run = analyzing(&place, &home);
    cluster.stop(signal);
    assert!(!run.has_ended(), "the server stopped during the work");
    cluster.start_again();
    run.wait().ends_with(0);
    assert_eq!([home.count("runs"), home.count("recordings")], [1, 2]);
    assert!(home.count("detections") > 0);
}

fn crashed_in_the_middle_of_the_save(cluster: &mut Cluster) {
    let (home, place) = (on(cluster), Place::with(&[LAUGH]));
    drop(giggles::store::open(&home.location()).unwrap());
    let mut other = home.client();
    other.batch_execute("SELECT pg_advisory_lock(hashtextextended('giggles save default', 0))").unwrap();
    let run = RunningProgram::start(&mut place.scan_into(&home.url(), &[]));
    let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    eventually("the save has begun", || home.ask(waits) == ["1"]);
    cluster.stop("QUIT");
    cluster.start_again();
    run.wait().ends_with(0).complains_of("giggles itself tries again");
    assert_eq!([home.count("runs"), home.count("recordings")], [1, 1]);
}

#[test]
fn a_server_that_stops_or_crashes_and_comes_again_loses_nothing() {
    let mut cluster = Cluster::start(&[], |_| {});
    stopped_during_the_analysis(&mut cluster, "INT");
    stopped_during_the_analysis(&mut cluster, "QUIT");
    crashed_in_the_middle_of_the_save(&mut cluster);
}

/// Half a minute: what the program gives a server to come again.
#[test]
#[ignore = "takes half a minute: scripts/crash_test.sh"]
fn a_server_that_stays_away_is_code_75_and_the_next_run_stores_the_run() {
    let mut cluster = Cluster::start(&[], |_| {});
    let (home, place) = (on(&cluster), Place::with(&[LAUGH]));
    let run = analyzing(&place, &home);
    cluster.stop("INT");
    let begun = Instant::now();
    run.wait().ends_with(75).complains_of("run it again: if this run was stored after all, it is skipped");
    println!("given up after {:.0?}", begun.elapsed());
    cluster.start_again();
    assert_eq!(home.count("runs"), 0);
    said(&mut place.scan_into(&home.url(), &[])).ends_with(0);
    assert_eq!([home.count("runs"), home.count("recordings")], [1, 2]);
}

#[test]
fn a_standby_is_refused_before_any_work() {
    let standby = Cluster::start(&[], |data| std::fs::write(data.join("standby.signal"), "").unwrap());
    let refused = said(&mut Place::with(&[LAUGH]).scan_into(&standby.url("postgres"), &[])).ends_with(78);
    refused.complains_of("is read-only, as a standby is; name the primary");
}

/// Two users of two machines: nothing in common but the database.
fn two_at_once(home: &impl Home) {
    let places = [Place::with(&[LAUGH]), Place::with(&[LAUGH])];
    drop(giggles::store::open(&home.location()).unwrap());
    for _ in 0..2 {
        let runs =
            places.each_ref().map(|place| RunningProgram::start(&mut place.scan_into(&home.url(), &["--force"])));
        let said = runs.map(RunningProgram::wait);
        let refused = said.iter().filter(|said| said.code == 75).count();
        assert!(said.iter().any(|said| said.code == 0), "one is never kept away by nobody");
        assert!(said.iter().all(|said| [0, 75].contains(&said.code)), "{}{}", said[0].stderr, said[1].stderr);
        said.iter().filter(|said| said.code == 75).for_each(|said| {
            said.complains_of("another giggles (").complains_of("is running on the source 'default'");
        });
        assert!(refused <= 1);
        assert_eq!([home.count("recordings"), home.count("detections")], [1, home.count("detections").min(1)]);
    }
}

#[test]
fn two_at_once_on_one_sqlite_file_double_nothing() {
    two_at_once(&InSqlite::new());
}

#[test]
fn two_at_once_on_one_postgres_double_nothing() {
    two_at_once(&InPostgres::new());
}

fn a_killed_holder_leaves_no_lock(home: &impl Home) {
    let place = Place::with(&[LAUGH]);
    place.write_long("20251024_000000.wav", 60);
    let run = RunningProgram::start(&mut place.scan_into(&home.url(), &["-j1"]));
    eventually("the run holds the lock", || home.is_locked_by(run.id()));
    said(&mut place.scan_into(&home.url(), &[])).ends_with(75).complains_of("another giggles (");
    run.signal(Signal::KILL);
    assert_eq!(run.wait().code, -1);
    std::fs::remove_file(place.recording("20251024_000000.wav")).unwrap();
    eventually("the next run gets the lock", || said(&mut place.scan_into(&home.url(), &[])).code == 0);
    assert_eq!([home.count("runs"), home.count("recordings")], [1, 1]);
}

#[test]
fn a_killed_holder_leaves_no_lock_on_sqlite() {
    a_killed_holder_leaves_no_lock(&InSqlite::new());
}

#[test]
fn a_killed_holder_leaves_no_lock_on_postgres() {
    a_killed_holder_leaves_no_lock(&InPostgres::new());
}
