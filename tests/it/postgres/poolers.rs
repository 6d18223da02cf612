//! A real pgbouncer in between: by session it is as good as the server, by transaction or statement it is refused.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use crate::support::homes::{Home, InPostgres};
use crate::support::postgres::{self as server, PASSWORD, Postgres};
use crate::support::program::{Place, RunningProgram, Said, eventually, said};

const LAUGH: (&str, &str) = ("fixtures/clips/laugh_male_scratch2.flac", "20251024_130000.flac");

/// Stopped with this value.
struct Pooler {
    process: Child,
    port: u16,
    user: String,
    database: String,
    _folder: tempfile::TempDir,
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Pooler {
    fn start(url: &str, mode: &str, settings: &str) -> Pooler {
        let server = url::Url::parse(url).unwrap();
        let name = server.path().trim_start_matches('/').to_owned();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let users = folder.path().join("users");
        let user = server.username().to_owned();
        fs::write(&users, format!("\"{user}\" \"{}\"\n", server.password().unwrap_or(PASSWORD))).unwrap();
        let text = format!(
            "[databases]\n{name} = host={} port={}\nlost = host={0} port={1} dbname=no_such\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {}\n\
             pool_mode = {mode}\n{settings}\n",
            server.host_str().unwrap(),
            server.port().unwrap_or(5432),
            users.display()
        );
        let file = folder.path().join("pgbouncer.ini");
        fs::write(&file, text).unwrap();
        let runs_as = server::unprivileged_user();
        server::own(folder.path(), runs_as);
        let program = [PathBuf::from("/usr/sbin/pgbouncer"), "/usr/local/bin/pgbouncer".into()];
        let program = program.into_iter().find(|path| path.is_file()).unwrap_or("pgbouncer".into());
        let mut command = server::command(&program, runs_as);
        command.arg("-q").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process =
            command.spawn().expect("these tests need pgbouncer (Debian and Ubuntu: apt-get install pgbouncer)");
        eventually("pgbouncer listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Pooler { process, port, user, database: name, _folder: folder }
    }

    fn url(&self, database: &str, parameters: &str) -> String {
        format!("postgres://{}@127.0.0.1:{}/{database}?sslmode=disable{parameters}", self.user, self.port)
    }

    fn scan(&self, place: &Place, parameters: &str) -> Said {
        said(&mut place.scan_into(&self.url(&self.database, parameters), &[]))
    }

    fn doctor(&self, place: &Place, database: &str, parameters: &str) -> Said {
        said(&mut place.command(&["doctor", "-j1", "--database", &self.url(database, parameters), "recordings"]))
    }
}

#[test]
fn by_session_it_is_as_good_as_the_server() {
    let (home, place) = (InPostgres::new(), Place::with(&[LAUGH]));
    // One session of the server: the second connection, by which a pooler is found out, gets none.
    for settings in ["", "default_pool_size = 1", "server_round_robin = 1"] {
        let pooler = Pooler::start(&home.database.url, "session", settings);
        pooler.doctor(&place, &pooler.database, "").ends_with(0);
        pooler.scan(&place, "").ends_with(0);
    }
    assert_eq!([home.count("runs"), home.count("recordings")], [3, 1]);
}

#[test]
fn by_session_the_lock_holds_and_is_freed() {
    let (home, place) = (InPostgres::new(), Place::with(&[LAUGH]));
    let pooler = Pooler::start(&home.database.url, "session", "");
    // Making the tables takes a lock of its own.
    drop(giggles::store::open(&home.location()).unwrap());
    place.write_long("20251024_000000.wav", 60);
    let run = RunningProgram::start(&mut place.scan_into(&pooler.url(&pooler.database, ""), &["-j1"]));
    let held = "SELECT count(*) FROM pg_locks JOIN pg_database ON oid = database
        WHERE locktype = 'advisory' AND granted AND datname = current_database()";
    eventually("the run holds the lock", || home.ask(held) == ["1"]);
    pooler.scan(&place, "").ends_with(75).complains_of("another giggles (");
    run.signal(rustix::process::Signal::KILL);
    run.wait();
    fs::remove_file(place.recording("20251024_000000.wav")).unwrap();
    eventually("the next run gets the lock", || pooler.scan(&place, "").code == 0);
}

#[test]
fn by_transaction_and_by_statement_it_is_refused() {
    let (home, place) = (InPostgres::new(), Place::with(&[LAUGH]));
    drop(giggles::store::open(&home.location()).unwrap());
    for (mode, settings) in [
        ("transaction", ""),
        ("transaction", "server_round_robin = 1\nmin_pool_size = 3"),
        ("transaction", "default_pool_size = 1"),
        ("transaction", "default_pool_size = 2\nserver_round_robin = 1\nmin_pool_size = 2"),
        ("statement", ""),
    ] {
        let pooler = Pooler::start(&home.database.url, mode, settings);
        let what = "is a pooler that hands out connections by transaction or by statement";
        pooler.scan(&place, "").ends_with(78).complains_of(what).complains_of("pool_mode = session");
        let doctor = pooler.doctor(&place, &pooler.database, "").ends_with(78);
        assert!(doctor.stdout.contains(what), "{mode} {settings}: {}", doctor.stdout);
        let url = pooler.url(&pooler.database, "");
        said(&mut place.command(&["status", "--database", &url])).ends_with(78).complains_of(what);
    }
    assert_eq!(home.count("runs"), 0);
    // And nothing of ours stays behind in its sessions.
    let locks = "SELECT count(*) FROM pg_locks JOIN pg_database ON oid = database
        WHERE locktype = 'advisory' AND datname = current_database()";
    assert_eq!(home.ask(locks), ["0"]);
}

/// Its one code for everything it refuses is no reason to try again.
#[test]
fn what_its_settings_refuse_is_78() {
    let (database, place) = (Postgres::start(), Place::with(&[LAUGH]));
    let pooler = Pooler::start(&database.url, "session", "");
    let name = pooler.database.clone();
    for (database, parameters, words) in [
        (name.as_str(), "&options=-csearch_path%3Dpublic", "ignore_startup_parameters"),
        ("missing", "", "pooler's list of databases"),
        ("lost", "", "no_such"),
    ] {
        let url = pooler.url(database, parameters);
        said(&mut place.scan_into(&url, &[])).ends_with(78).complains_of(words);
        let doctor = pooler.doctor(&place, database, parameters).ends_with(78);
        assert!(doctor.stdout.contains(words), "{}", doctor.stdout);
    }
}

/// What passes by itself is no setting: each text of pgbouncer that says so is provoked.
#[test]
fn what_passes_is_75() {
    let (database, place) = (Postgres::start(), Place::with(&[LAUGH]));
    let connect = |url: &str| postgres::Client::connect(url, postgres::NoTls).unwrap();

    // The limit counts the connection that asks.
    let pooler = Pooler::start(&database.url, "session", "max_client_conn = 0");
    pooler.scan(&place, "").ends_with(75).complains_of("no more connections allowed (max_client_conn)");

    let pooler = Pooler::start(&database.url, "session", "default_pool_size = 1\nquery_wait_timeout = 1");
    let mut session = connect(&pooler.url(&pooler.database, ""));
    session.simple_query("SELECT 1").unwrap();
    // Of the first connection; the last attempt may find it closed.
    pooler.scan(&place, "").ends_with(75);

    let user = url::Url::parse(&database.url).unwrap().username().to_owned();
    let pooler = Pooler::start(&database.url, "session", &format!("admin_users = {user}"));
    connect(&pooler.url("pgbouncer", "")).simple_query(&format!("DISABLE {}", pooler.database)).unwrap();
    pooler.scan(&place, "").ends_with(75).complains_of("is disabled");
}

#[test]
fn a_server_that_is_away_behind_it_is_75() {
    let (database, place) = (Postgres::start(), Place::with(&[LAUGH]));
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut away = url::Url::parse(&database.url).unwrap();
    away.set_port(Some(port)).unwrap();
    let pooler = Pooler::start(away.as_str(), "session", "server_login_retry = 1\nquery_wait_timeout = 2");
    pooler.scan(&place, "&connect_timeout=2").ends_with(75);
    pooler.scan(&place, "&connect_timeout=30").ends_with(75).complains_of("query_wait_timeout");
}
