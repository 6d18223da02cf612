//! What only a server across a network can do wrong.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use giggles::exit::Fatal;
use giggles::record::Counts;
use giggles::store::{Location, Store, StoreError, open};

use crate::homes::{Home, InPostgres, eventually};
use crate::nights::{event, night, recording};

fn one_laugh() -> giggles::record::Run {
    night("neil").heard(recording("a.wav", 1), vec![event(1.0, 2.0)]).build()
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
    home.tell(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'giggles'
               AND datname = current_database()",
    );
    let counts = store.save(&one_laugh()).unwrap();
    assert_eq!(counts, Counts { heard: 1, detections: 1, ..Counts::default() });
    let error = open(&home.location()).unwrap().lock("neil").unwrap_err();
    assert!(matches!(error, StoreError::Locked(_)), "the lock was taken again: {error}");
}

#[test]
fn the_lock_is_free_at_once_when_a_run_has_ended() {
    let home = InPostgres::new();
    for night in 0..50 {
        let mut store = open(&home.location()).unwrap();
        store.lock("neil").unwrap_or_else(|error| panic!("night {night}: {error}"));
    }
}

#[test]
fn looking_also_survives_a_cut() {
    let home = InPostgres::new();
    let mut store = open(&home.location()).unwrap();
    home.tell(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'giggles'
               AND datname = current_database()",
    );
    let run = one_laugh();
    assert!(store.known("neil", &run.analysis, &[]).unwrap().is_empty());
}

/// Stands between giggles and the server, and cuts where it is told to.
struct Wire {
    port: u16,
    armed: Arc<AtomicBool>,
}

#[derive(Clone, Copy, PartialEq)]
enum Cut {
    /// Before the server hears of the COMMIT.
    BeforeCommit,
    /// After the server has heard of it, before its answer is heard.
    AfterCommit,
    /// Towards giggles only: the server still believes in the connection.
    OneSided,
}

impl Wire {
    fn to(server: &str, cut: Cut) -> Wire {
        let server = url::Url::parse(server).unwrap();
        let server = (server.host_str().unwrap().to_owned(), server.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let armed = Arc::new(AtomicBool::new(false));
        let seen = armed.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(&server).unwrap());
                let (to_client, from_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let seen = seen.clone();
                thread::spawn(move || upstream(client, server, cut, &seen));
                thread::spawn(move || downstream(from_server, to_client));
            }
        });
        Wire { port, armed }
    }

    fn arm(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }
}

fn upstream(mut client: TcpStream, mut server: TcpStream, cut: Cut, armed: &AtomicBool) {
    let mut buffer = [0; 65536];
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        let said = &buffer[..length];
        let commits = said.windows(6).any(|word| word == b"COMMIT");
        if (commits || cut == Cut::OneSided) && armed.swap(false, Ordering::SeqCst) {
            if cut == Cut::AfterCommit {
                // Its answer must not get through: giggles' side is closed first.
                client.shutdown(Shutdown::Both).ok();
                server.write_all(said).ok();
                thread::sleep(Duration::from_millis(300));
            }
            client.shutdown(Shutdown::Both).ok();
            if cut == Cut::OneSided {
                thread::sleep(Duration::from_secs(60));
            }
            break;
        }
        if server.write_all(said).is_err() {
            break;
        }
    }
    server.shutdown(Shutdown::Both).ok();
}

fn downstream(mut server: TcpStream, mut client: TcpStream) {
    let mut buffer = [0; 65536];
    while let Ok(length @ 1..) = server.read(&mut buffer) {
        if client.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
    client.shutdown(Shutdown::Both).ok();
}

fn saved_through(cut: Cut) {
    let home = InPostgres::new();
    let wire = Wire::to(&home.database.url, cut);
    let mut store = opened(&with(&home.database.url, |url| url.set_port(Some(wire.port)).unwrap()));
    store.lock("neil").unwrap();
    wire.arm();
    let begun = Instant::now();
    let counts = store.save(&one_laugh()).unwrap();
    assert_eq!(counts, Counts { heard: 1, detections: 1, ..Counts::default() });
    assert_eq!(home.count("runs"), 1);
    assert_eq!(home.count("detections"), 1);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_commit_that_was_not_heard_is_said_again() {
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
    home.tell(&format!("CREATE ROLE {role} LOGIN PASSWORD 'open-barley'"));
    let url = with(&home.database.url, |url| {
        url.set_username(&role).unwrap();
        url.set_password(Some("open-barley")).unwrap();
    });
    let error = error_of(&url);
    assert!(matches!(error, StoreError::Config(_)), "{error}");
    assert!(error.to_string().contains("permission denied"), "{error}");
    drop(open(&home.location()).unwrap());
    home.tell(&format!("GRANT SELECT, INSERT, DELETE ON runs, recordings, detections, giggles_schema TO {role}"));
    let mut store = opened(&url);
    store.lock("neil").unwrap();
    store.save(&one_laugh()).unwrap();
    store.save(&one_laugh()).unwrap();
    drop(store);
    home.tell(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn a_run_that_cannot_be_counted_is_stored_all_the_same() {
    let home = InPostgres::new();
    drop(open(&home.location()).unwrap());
    let role = format!("blind_{}", home.ask("SELECT current_database()")[0]);
    home.tell(&format!("CREATE ROLE {role} LOGIN PASSWORD 'open-barley'"));
    home.tell(&format!("GRANT SELECT, INSERT, DELETE ON runs, recordings, giggles_schema TO {role}"));
    // What is written may not be read back.
    home.tell(&format!("GRANT INSERT, DELETE ON detections TO {role}"));
    let mut store = opened(&with(&home.database.url, |url| {
        url.set_username(&role).unwrap();
        url.set_password(Some("open-barley")).unwrap();
    }));
    let sent = Counts { heard: 1, detections: 1, ..Counts::default() };
    assert_eq!(store.save(&one_laugh()).unwrap(), sent);
    assert_eq!(home.ask("SELECT count(*)::text FROM detections"), ["1"]);
    drop(store);
    home.tell(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[test]
fn too_many_connections_is_try_again_later() {
    let home = InPostgres::new();
    let role = format!("lonely_{}", home.ask("SELECT current_database()")[0]);
    home.tell(&format!("CREATE ROLE {role} LOGIN PASSWORD 'open-barley' CONNECTION LIMIT 0"));
    let error = error_of(&with(&home.database.url, |url| {
        url.set_username(&role).unwrap();
        url.set_password(Some("open-barley")).unwrap();
    }));
    assert!(matches!(error, StoreError::Unreachable(_)), "{error}");
    home.tell(&format!("DROP ROLE {role}"));
}

#[test]
fn sessions_say_who_they_are_and_what_time_it_is() {
    let home = InPostgres::new();
    let _store = open(&home.location()).unwrap();
    let sessions = "SELECT count(*) FROM pg_stat_activity
                    WHERE application_name = 'giggles' AND datname = current_database()";
    eventually("the session is seen", || home.ask(sessions) == ["1"]);
}
