//! What other transactions, limits and roles of a server do to a save.

use std::thread;
use std::time::{Duration, Instant};

use giggles::domain::{Counts, Run};
use giggles::error::Fatal;
use giggles::store::{StoreError, open};
use postgres::{Client, NoTls};

use crate::support::homes::{Home, InPostgres, eventually};
use crate::support::past_runs::{detection, past_run, recording};

fn one_laugh() -> Run {
    past_run("neil").analyzed(recording("a.wav", 1), vec![detection(1.0, 2.0)]).build()
}

/// A run that is stored already; the next one replaces its rows.
fn with_a_run() -> InPostgres {
    let home = InPostgres::new();
    open(&home.location()).unwrap().save(&one_laugh()).unwrap();
    home
}

const SAVE_LOCK: &str = "SELECT pg_advisory_lock(hashtextextended('giggles save neil', 0))";
const SAVE_UNLOCK: &str = "SELECT pg_advisory_unlock_all()";
const WAITS: &str = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'giggles'
    AND datname = current_database() AND wait_event_type = 'Lock'";

/// Saves while somebody holds what a save needs first; `meanwhile` comes between its snapshot and its work.
fn saved_around(home: &InPostgres, meanwhile: impl FnOnce(&mut Client)) -> Result<Counts, StoreError> {
    let mut other = home.client();
    other.batch_execute(SAVE_LOCK).unwrap();
    let location = home.location();
    thread::scope(|scope| {
        let save = scope.spawn(|| open(&location).unwrap().save(&one_laugh()));
        eventually("the save waits", || home.ask(WAITS) == ["1"]);
        meanwhile(&mut other);
        save.join().unwrap()
    })
}

fn database(home: &InPostgres) -> String {
    home.ask("SELECT current_database()").remove(0)
}

#[test]
fn a_serialization_failure_is_tried_again() {
    let home = with_a_run();
    home.execute(&format!("ALTER DATABASE {} SET default_transaction_isolation = 'serializable'", database(&home)));
    let conflicts = || home.ask("SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()");
    let before: u64 = conflicts()[0].parse().unwrap();
    let begun = Instant::now();
    let counts = saved_around(&home, |other| {
        home.execute("UPDATE recordings SET name = 'renamed by somebody'");
        other.batch_execute(SAVE_UNLOCK).unwrap();
    });
    assert_eq!(counts.unwrap(), Counts { analyzed: 1, detections: 1, ..Counts::default() });
    assert!(begun.elapsed() >= Duration::from_millis(500), "it was tried again");
    eventually("the server tells of the rollback", || conflicts()[0].parse::<u64>().unwrap() > before);
    assert_eq!(home.ask("SELECT name FROM recordings"), ["a.wav"]);
    assert_eq!([home.count("runs"), home.count("detections")], [2, 1]);
}

#[test]
fn a_deadlock_is_tried_again() {
    let home = with_a_run();
    let location = home.location();
    let mut other = home.client();
    // The server ends whoever asks first; that is to be giggles.
    other.batch_execute("SET deadlock_timeout = '1h'; BEGIN; UPDATE recordings SET name = 'mine'").unwrap();
    let counts = thread::scope(|scope| {
        let save = scope.spawn(|| open(&location).unwrap().save(&one_laugh()));
        eventually("the save waits for the row", || home.ask(WAITS) == ["1"]);
        other.batch_execute(&SAVE_LOCK.replace("lock(", "xact_lock(")).unwrap();
        other.batch_execute("ROLLBACK").unwrap();
        save.join().unwrap()
    });
    assert_eq!(counts.unwrap(), Counts { analyzed: 1, detections: 1, ..Counts::default() });
    assert_eq!(home.ask("SELECT name FROM recordings"), ["a.wav"]);
    assert_eq!([home.count("runs"), home.count("detections")], [2, 1]);
}

#[test]
fn a_statement_timeout_leaves_the_old_and_says_try_again() {
    let home = with_a_run();
    home.execute(&format!("ALTER DATABASE {} SET statement_timeout = '300ms'", database(&home)));
    let old = home.ask("SELECT * FROM detections");
    let error = saved_around(&home, |_| thread::sleep(Duration::from_millis(600))).unwrap_err();
    assert!(error.to_string().contains("is busy: canceling statement due to statement timeout"), "{error}");
    assert_eq!(Fatal::from(error).exit().code(), 75);
    assert_eq!(home.ask("SELECT * FROM detections"), old);
    assert_eq!(home.count("runs"), 1);
}

#[test]
fn a_read_only_database_is_refused_before_any_work() {
    let home = with_a_run();
    home.execute(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", database(&home)));
    let error = open(&home.location()).err().expect("read-only");
    assert!(matches!(error, StoreError::Config(_)), "{error}");
    assert!(error.to_string().contains("is read-only, as a standby is; name the primary"), "{error}");
}

#[test]
fn a_primary_that_falls_back_for_a_moment_is_waited_for() {
    let home = with_a_run();
    let mut store = open(&home.location()).unwrap();
    let (name, end) = (
        database(&home),
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'giggles' AND datname = current_database()",
    );
    home.execute(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    home.execute(end);
    thread::scope(|scope| {
        let save = scope.spawn(|| store.save(&one_laugh()));
        thread::sleep(Duration::from_millis(700));
        let mut other = home.client();
        other.batch_execute("SET default_transaction_read_only = off").unwrap();
        other.batch_execute(&format!("ALTER DATABASE {name} RESET default_transaction_read_only")).unwrap();
        assert_eq!(save.join().unwrap().unwrap().detections, 1);
    });
    assert_eq!([home.count("runs"), home.count("detections")], [2, 1]);
}

#[test]
fn connections_used_up_at_the_save_are_waited_for() {
    let home = with_a_run();
    let role = format!("single_{}", database(&home));
    home.execute(&format!("CREATE ROLE {role} LOGIN PASSWORD 'open-barley' CONNECTION LIMIT 1"));
    home.execute(&format!("GRANT SELECT, INSERT, DELETE ON ALL TABLES IN SCHEMA public TO {role}"));
    home.execute(&format!("GRANT UPDATE (embedding) ON reviews TO {role}"));
    let mut url = url::Url::parse(&home.url()).unwrap();
    url.set_username(&role).unwrap();
    url.set_password(Some("open-barley")).unwrap();
    let mut store = open(&url.as_str().parse().unwrap()).unwrap();
    home.execute(&format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '{role}'"));
    let occupied = Client::connect(url.as_str(), NoTls).unwrap();
    thread::scope(|scope| {
        let save = scope.spawn(|| store.save(&one_laugh()));
        thread::sleep(Duration::from_millis(800));
        drop(occupied);
        assert_eq!(save.join().unwrap().unwrap().detections, 1);
    });
    assert_eq!([home.count("runs"), home.count("detections")], [2, 1]);
    drop(store);
    home.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}
