//! What only a server across a network can do wrong.

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use giggles::domain::Counts;
use giggles::error::Fatal;
use giggles::store::{Location, Store, StoreError, open};

use crate::store::wire::{Cut, Wire};
use crate::support::homes::{Home, InPostgres, eventually};
use crate::support::past_runs::{detection, past_run, recording};

fn one_laugh() -> giggles::domain::Run {
    past_run("neil").analyzed(recording("a.wav", 1), vec![detection(1.0, 2.0)]).build()
}

fn opened(url: &str) -> Box<dyn Store> {
    open(&url.parse().unwrap()).unwrap()
}

fn error_of(url: &str) -> StoreError {
    open(&url.parse::<Location>().unwrap()).err().expect(url)
}

/// The URL with one of its parts replaced.
fn with(url: &str, change: impl FnOnce(&mut url::Url)) -> String {
    let mut url = url::Url::parse(url).unwrap();
    change(&mut url);
    url.into()
}

#[test]
fn a_connection_cut_between_lock_and_save_is_made_again() {
    let home = InPostgres::new();
    let mut store = open(&home.location()).unwrap();
    store.lock("neil").unwrap();
    home.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'giggles'
               AND datname = current_database()",
    );
    let counts = store.save(&one_laugh()).unwrap();
    assert_eq!(counts, Counts { analyzed: 1, detections: 1, ..Counts::default() });
    let error = open(&home.location()).unwrap().lock("neil").unwrap_err();
    assert!(matches!(error, StoreError::Locked(_)), "the lock was taken again: {error}");
}

#[test]
fn the_lock_is_free_at_once_when_a_run_has_ended() {
    let home = InPostgres::new();
    for past_run in 0..50 {
        let mut store = open(&home.location()).unwrap();
        store.lock("neil").unwrap_or_else(|error| panic!("run {past_run}: {error}"));
    }
}

#[test]
fn looking_also_survives_a_cut() {
    let home = InPostgres::new();
    let mut store = open(&home.location()).unwrap();
    home.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'giggles'
               AND datname = current_database()",
    );
    let run = one_laugh();
    assert!(store.known(&crate::store::damage::lookup(&run, &[])).unwrap() == Default::default());
}

/// A second without an answer is five seconds of the statement timeout.
fn through(wire: &Wire, home: &InPostgres) -> String {
    with(&home.database.url, |url| {
        url.set_port(Some(wire.port)).unwrap();
        url.query_pairs_mut().append_pair("tcp_user_timeout", "1000");
    })
}

fn saved_through(cut: Cut) {
    let home = InPostgres::new();
    let wire = Wire::to(&home.database.url, cut);
    let mut store = opened(&through(&wire, &home));
    store.lock("neil").unwrap();
    wire.arm();
    let begun = Instant::now();
    let counts = store.save(&one_laugh()).unwrap();
    assert_eq!(counts, Counts { analyzed: 1, detections: 1, ..Counts::default() });
    assert!(!wire.is_armed(), "it was cut");
    assert_eq!(home.count("runs"), 1);
    assert_eq!(home.count("detections"), 1);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_commit_without_an_answer_is_said_again() {
    saved_through(Cut::BeforeCommit);
}

#[test]
fn a_commit_whose_answer_was_lost_is_found() {
    saved_through(Cut::AfterCommit);
}

#[test]
fn a_session_the_server_believes_in_is_ended() {
    saved_through(Cut::OneSided);
}

#[test]
fn a_pool_that_hangs_is_given_up_and_another_way_taken() {
    saved_through(Cut::Silent);
}

/// More than the save sends.
const WORDS: usize = 32;

/// Whatever the word, before the first or after the last: the run is stored, and once.
#[test]
fn a_connection_cut_at_any_word_of_the_save_loses_nothing() {
    let home = InPostgres::new();
    drop(open(&home.location()).unwrap());
    let cut_at = |word: usize| {
        let wire = Wire::to(&home.database.url, Cut::AtWord(word));
        let mut store = opened(&through(&wire, &home));
        let source = format!("source {word}");
        store.lock(&source).unwrap();
        wire.arm();
        let run = past_run(&source).analyzed(recording("a.wav", 1), vec![detection(1.0, 2.0)]).build();
        let counts = store.save(&run).unwrap();
        assert_eq!(counts, Counts { analyzed: 1, detections: 1, ..Counts::default() }, "cut at word {word}");
        !wire.is_armed()
    };
    let cut = thread::scope(|scope| {
        let savers: Vec<_> = (0..WORDS).map(|word| scope.spawn(move || cut_at(word))).collect();
        savers.into_iter().filter_map(|saver| saver.join().unwrap().then_some(())).count()
    });
    assert!((10..WORDS).contains(&cut), "the save has {cut} words, and each was cut");
    assert_eq!([home.count("runs"), home.count("recordings"), home.count("detections")], [WORDS as u64; 3]);
}

#[test]
fn nobody_there_is_try_again_later() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = error_of(&format!("postgres://neil:open-sesame@127.0.0.1:{port}/laughs"));
    assert!(matches!(error, StoreError::Unreachable(_)), "{error}");
    assert!(error.to_string().contains("Connection refused") && !error.to_string().contains("sesame"), "{error}");
    assert_eq!(Fatal::from(error).exit().code(), 75);
    let error = error_of("postgres://neil@there-is-no-such-host.invalid/laughs");
    assert!(matches!(error, StoreError::Unreachable(_)), "{error}");
}

#[test]
fn a_server_that_accepts_and_says_nothing_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let begun = Instant::now();
    let error = error_of(&format!("postgres://neil@127.0.0.1:{port}/laughs?connect_timeout=1"));
    assert!(matches!(error, StoreError::Unreachable(_)), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn wrong_settings_are_named_and_passwords_are_not() {
    let home = InPostgres::new();
    let url = &home.database.url;
    let wrong_password = with(url, |url| url.set_password(Some("open-barley")).unwrap());
    let unknown_database = with(url, |url| url.set_path("no_such_database"));
    for (url, word) in [(wrong_password, "the password"), (unknown_database, "createdb")] {
        let error = error_of(&url);
        assert!(matches!(error, StoreError::Config(_)), "{error}");
        let text = error.to_string();
        assert!(text.contains(word) && text.contains(":***@"), "{text}");
        assert!(!text.contains("open-"), "{text}");
    }
}

#[test]
fn a_user_who_may_only_write_rows_is_enough_once_the_tables_are_there() {
    let home = InPostgres::new();
    let role = format!("writer_of_{}", home.ask("SELECT current_database()")[0]);
    home.execute(&format!("CREATE ROLE {role} LOGIN PASSWORD 'open-barley'"));
    let url = with(&home.database.url, |url| {
        url.set_username(&role).unwrap();
        url.set_password(Some("open-barley")).unwrap();
    });
    let error = error_of(&url);
    assert!(matches!(error, StoreError::Config(_)), "{error}");
    assert!(error.to_string().contains("permission denied"), "{error}");
    drop(open(&home.location()).unwrap());
    let tables = "runs, recordings, detections, score_tracks, candidates, giggles_schema";
    home.execute(&format!(
        "GRANT SELECT, INSERT, DELETE ON {tables} TO {role}; GRANT SELECT, UPDATE ON reviews TO {role}"
    ));
    let mut store = opened(&url);
    store.lock("neil").unwrap();
    store.save(&one_laugh()).unwrap();
    store.save(&one_laugh()).unwrap();
    drop(store);
    home.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn a_run_that_cannot_be_counted_is_stored_all_the_same() {
    let home = InPostgres::new();
    drop(open(&home.location()).unwrap());
    let role = format!("blind_{}", home.ask("SELECT current_database()")[0]);
    home.execute(&format!("CREATE ROLE {role} LOGIN PASSWORD 'open-barley'"));
    let tables = "runs, recordings, score_tracks, candidates, giggles_schema";
    home.execute(&format!(
        "GRANT SELECT, INSERT, DELETE ON {tables} TO {role}; GRANT SELECT, UPDATE ON reviews TO {role}"
    ));
    // What is written may not be read back.
    home.execute(&format!("GRANT INSERT, DELETE ON detections TO {role}"));
    let mut store = opened(&with(&home.database.url, |url| {
        url.set_username(&role).unwrap();
        url.set_password(Some("open-barley")).unwrap();
    }));
    let sent = Counts { analyzed: 1, detections: 1, ..Counts::default() };
    assert_eq!(store.save(&one_laugh()).unwrap(), sent);
    assert_eq!(home.ask("SELECT count(*)::text FROM detections"), ["1"]);
    drop(store);
    home.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn too_many_connections_is_try_again_later() {
    let home = InPostgres::new();
    let role = format!("lonely_{}", home.ask("SELECT current_database()")[0]);
    home.execute(&format!("CREATE ROLE {role} LOGIN PASSWORD 'open-barley' CONNECTION LIMIT 0"));
    let error = error_of(&with(&home.database.url, |url| {
        url.set_username(&role).unwrap();
        url.set_password(Some("open-barley")).unwrap();
    }));
    assert!(matches!(error, StoreError::Unreachable(_)), "{error}");
    home.execute(&format!("DROP ROLE {role}"));
}

#[test]
fn sessions_say_who_they_are_and_what_time_it_is() {
    let home = InPostgres::new();
    let _store = open(&home.location()).unwrap();
    let sessions = "SELECT count(*) FROM pg_stat_activity
                    WHERE application_name = 'giggles' AND datname = current_database()";
    eventually("the session is seen", || home.ask(sessions) == ["1"]);
}
