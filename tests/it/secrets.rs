//! A marked password, given in every way there is, over good runs and failing ones: it shows in nothing
//! that a run says, in no command line, no row, no file and no log of the server.

use crate::support::postgres as server;
use crate::support::web;
use std::ffi::OsStr;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::program::{Place, RunningProgram, Said};
use postgres::{Client, NoTls};
use server::Cluster;
use web::{Answer, Web};

/// In the password as it is and as a URL writes it.
const MARK: &str = "mark4711word";
const PASSWORD: &str = "mark4711word@/?";
const ENCODED: &str = "mark4711word%40%2F%3F";
const LAUGH: (&str, &str) = ("fixtures/clips/laugh_male_scratch2.flac", "laugh.flac");

/// A server that logs all that it is told.
fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let cluster = Cluster::start(&["log_connections = on", "log_min_messages = debug1"], |_| {});
        let mut admin = Client::connect(&cluster.url("postgres"), NoTls).unwrap();
        admin.batch_execute(&format!("CREATE ROLE marked LOGIN PASSWORD '{PASSWORD}'")).unwrap();
        for statement in ["ALTER SYSTEM SET log_statement = 'all'", "SELECT pg_reload_conf()"] {
            admin.batch_execute(statement).unwrap();
        }
        cluster
    })
}

/// Recordings of which one fails, and a database of its own for the marked role.
struct Deployment {
    place: Place,
    database: String,
}

impl Deployment {
    fn new() -> Deployment {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let database = format!("run{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut admin = Client::connect(&cluster().url("postgres"), NoTls).unwrap();
        admin.batch_execute(&format!("CREATE DATABASE {database} OWNER marked")).unwrap();
        let place = Place::with(&[LAUGH]);
        place.write("broken.ogg", b"nothing to analyze");
        fs::create_dir(place.path("given")).unwrap();
        Deployment { place, database }
    }

    /// The URL with these credentials before its host and these parameters behind it.
    fn url(&self, credentials: &str, parameters: &str) -> String {
        format!("postgres://{credentials}127.0.0.1:{}/{}?{parameters}", cluster().port, self.database)
    }

    fn marked(&self) -> String {
        self.url(&format!("marked:{ENCODED}@"), "sslmode=disable")
    }

    fn bare(&self) -> String {
        self.url("marked@", "sslmode=disable")
    }

    /// A file that holds a secret, in a folder that is not looked at afterwards.
    fn given(&self, name: &str, text: &str) -> PathBuf {
        let path = self.place.path("given").join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// As loud as it can be.
    fn command(&self, flags: &[&str]) -> Command {
        let mut command = self.place.command(&["scan", "recordings", "-vv", "--retry-failed"]);
        command.args(flags).env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
        command
    }

    /// Runs it and looks at all that shows; gives what it said and its command line.
    fn run(&self, command: &mut Command, code: i32) -> (Said, String) {
        let work = RunningProgram::start(command);
        let process = work.id();
        let line = thread::spawn(move || command_line(process));
        let said = work.wait().ends_with(code);
        for (what, text) in [("stdout", &said.stdout), ("stderr", &said.stderr)] {
            assert!(!text.contains(MARK), "{what} shows the password:\n{text}");
        }
        self.keeps_files_clean();
        (said, line.join().unwrap())
    }

    /// A run in which no other process of the machine can read the password.
    fn keeps(&self, command: &mut Command, code: i32) -> Said {
        let (said, line) = self.run(command, code);
        // What is refused at once may be gone before it is seen.
        assert!((line.contains("scan") || code != 3) && !line.contains(MARK), "{line}");
        said
    }

    fn keeps_files_clean(&self) {
        for folder in ["home", "recordings", ""] {
            for entry in fs::read_dir(self.place.path(folder)).unwrap().map(Result::unwrap) {
                let path = entry.path();
                let read = if path.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
                let secret = path.file_name().is_some_and(|name| name == ".pgpass");
                assert!(secret || !holds_mark(&read), "{}", path.display());
            }
        }
    }

    /// Every row of every table, as text.
    fn rows(&self) -> String {
        let mut admin = Client::connect(&cluster().url(&self.database), NoTls).unwrap();
        let tables = admin.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", &[]).unwrap();
        let mut all = String::new();
        for table in tables.iter().map(|row| row.get::<_, String>(0)) {
            for row in admin.query(&format!("SELECT t::text FROM {table} AS t"), &[]).unwrap() {
                all += &format!("{table}: {}\n", row.get::<_, String>(0));
            }
        }
        all
    }
}

fn holds_mark(bytes: &[u8]) -> bool {
    bytes.windows(MARK.len()).any(|window| window == MARK.as_bytes())
}

/// What `ps` shows of a process, at any moment of its life.
fn command_line(process: u32) -> String {
    let mut seen = String::new();
    while let Ok(line) = fs::read_to_string(format!("/proc/{process}/cmdline")) {
        if line.is_empty() && !seen.is_empty() {
            break;
        }
        if !seen.contains(&line) {
            seen += &line;
        }
        thread::sleep(Duration::from_millis(2));
    }
    seen.replace('\0', " ")
}

type Way = (&'static str, fn(&Deployment, &mut Command));

/// Every way to give a password that keeps it.
const WAYS: [Way; 13] = [
    ("DATABASE_URL", |deployment, command| set(command, "DATABASE_URL", deployment.marked())),
    ("GIGGLES_DATABASE", |deployment, command| set(command, "GIGGLES_DATABASE", deployment.marked())),
    ("a parameter", |deployment, command| {
        let parameters = format!("user=marked&password={ENCODED}&sslmode=disable");
        set(command, "DATABASE_URL", deployment.url("", &parameters));
    }),
    ("--database-url-file", |deployment, command| {
        command.arg("--database-url-file").arg(deployment.given("url", &deployment.marked()));
    }),
    ("GIGGLES_DATABASE_URL_FILE", |deployment, command| {
        set(command, "GIGGLES_DATABASE_URL_FILE", deployment.given("url", &format!("{}\n", deployment.marked())));
    }),
    ("CREDENTIALS_DIRECTORY", |deployment, command| {
        deployment.given("database-url", &deployment.marked());
        set(command, "CREDENTIALS_DIRECTORY", deployment.place.path("given"));
    }),
    ("PGPASSWORD", |deployment, command| {
        set(command, "DATABASE_URL", deployment.bare());
        set(command, "PGPASSWORD", PASSWORD);
    }),
    ("PGPASSFILE", |deployment, command| {
        set(command, "DATABASE_URL", deployment.bare());
        set(command, "PGPASSFILE", deployment.given("pgpass", &format!("*:*:*:marked:{PASSWORD}\n")));
    }),
    ("~/.pgpass", |deployment, command| {
        let file = deployment.given("pgpass", &format!("127.0.0.1:{}:*:marked:{PASSWORD}\n", cluster().port));
        fs::copy(file, deployment.place.path("home/.pgpass")).unwrap();
        set(command, "DATABASE_URL", deployment.bare());
    }),
    ("--env-file", |deployment, command| {
        command.arg("--env-file").arg(deployment.given("env", &format!("DATABASE_URL='{}'\n", deployment.marked())));
    }),
    ("database.url", |deployment, command| {
        let text = format!("[database]\nurl = \"{}\"\n", deployment.marked());
        command.arg("--config").arg(deployment.given("giggles.toml", &text));
    }),
    ("database.password_file", |deployment, command| {
        deployment.given("password", &format!("{PASSWORD}\n"));
        let text = format!("[database]\nurl = \"{}\"\npassword_file = \"password\"\n", deployment.bare());
        command.arg("--config").arg(deployment.given("giggles.toml", &text));
    }),
    ("database.password_command", |deployment, command| {
        let password = deployment.given("password", PASSWORD);
        let words = format!("[\"cat\", \"{}\"]", password.display());
        let text = format!("[database]\nurl = \"{}\"\npassword_command = {words}\n", deployment.bare());
        command.arg("--config").arg(deployment.given("giggles.toml", &text));
    }),
];

fn set(command: &mut Command, name: &str, value: impl AsRef<OsStr>) {
    command.env(name, value);
}

#[test]
fn runs_keep_a_password_however_it_is_given() {
    for (name, way) in WAYS {
        let deployment = Deployment::new();
        for flags in [&[][..], &["--force", "--json"], &["--force", "--ndjson", "--log-format", "json"]] {
            let mut command = deployment.command(flags);
            way(&deployment, &mut command);
            let said = deployment.keeps(&mut command, 3);
            assert!(said.stderr.contains("debug"), "{name}: it was not loud");
        }
        let rows = deployment.rows();
        assert_eq!(rows.lines().filter(|row| row.starts_with("runs: ")).count(), 3, "{name}");
        assert!(!rows.contains(MARK), "{name}:\n{rows}");
    }
    let log = fs::read(cluster().folder.join("log")).unwrap();
    assert!(String::from_utf8_lossy(&log).contains("INSERT INTO runs"), "the server logs what it is told");
    let created = format!("CREATE ROLE marked LOGIN PASSWORD '{PASSWORD}'");
    assert!(!holds_mark(String::from_utf8_lossy(&log).replace(&created, "").as_bytes()));
}

#[test]
fn a_password_on_the_command_line_is_warned_of() {
    let deployment = Deployment::new();
    let (said, line) = deployment.run(deployment.command(&[]).args(["--database", &deployment.marked()]), 3);
    assert!(line.contains(MARK), "nothing can take it back: {line}");
    said.complains_of("the password in --database is visible in `ps`").complains_of("DATABASE_URL");
    let mut command = deployment.command(&["--database", &deployment.bare()]);
    let said = deployment.keeps(command.env("PGPASSWORD", PASSWORD), 3);
    assert!(!said.stderr.contains("visible in `ps`"), "{}", said.stderr);
}

#[test]
fn failing_runs_keep_it() {
    let deployment = Deployment::new();
    let says_nothing = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = says_nothing.local_addr().unwrap().port();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let with = |parameters: &str| deployment.url(&format!("marked:{ENCODED}@"), parameters);
    for (url, code, words) in [
        (deployment.url(&format!("marked:{ENCODED}wrong@"), ""), 78, "password authentication failed"),
        (deployment.url(&format!("nobody:{ENCODED}@"), ""), 78, "password authentication failed"),
        (with("sslmode=require"), 78, "does not support TLS"),
        (with("sslmode=verify-full&sslrootcert=/nowhere/ca.crt"), 78, "/nowhere/ca.crt"),
        (with("options=-cno_such_setting=1"), 78, "no_such_setting"),
        (deployment.marked().replace(&deployment.database, "nothere"), 78, "does not exist"),
        (format!("postgres://marked:{ENCODED}@127.0.0.1:{closed}/x"), 75, "Connection refused"),
        (format!("postgres://marked:{ENCODED}@there-is-no-such-host.invalid/x"), 75, "cannot be reached"),
        (format!("postgres://marked:{ENCODED}@127.0.0.1:{silent}/x?connect_timeout=1"), 75, "no answer within"),
    ] {
        deployment.keeps(deployment.command(&[]).env("DATABASE_URL", url), code).complains_of(words);
    }
}

#[test]
fn a_run_that_cannot_be_stored_keeps_it() {
    let deployment = Deployment::new();
    let scan = |code| deployment.keeps(deployment.command(&[]).env("DATABASE_URL", deployment.marked()), code);
    scan(3);
    let mut owner = Client::connect(&cluster().url(&deployment.database), NoTls).unwrap();
    owner.batch_execute("ALTER TABLE runs ADD CONSTRAINT poison CHECK (analyzed > 7) NOT VALID").unwrap();
    scan(1).complains_of("poison");
    owner.batch_execute("REVOKE ALL ON runs FROM marked; ALTER TABLE runs OWNER TO giggles").unwrap();
    scan(78).complains_of("permission denied");
    owner.batch_execute("INSERT INTO giggles_schema VALUES (99)").unwrap();
    scan(78).complains_of("newer giggles");
}

#[test]
fn what_cannot_be_read_is_not_echoed() {
    let deployment = Deployment::new();
    let host = format!("127.0.0.1:{}", cluster().port);
    for url in [
        format!("postgres://u:{MARK}@{host}port/x"),
        format!("postgres://u:{MARK}@@{host}/x"),
        format!("postgres://u:{MARK}/@{host}/x"),
        format!("postgres://u:{MARK}?@{host}/x"),
        format!("postgres://u:{MARK}#@{host}/x"),
        format!("postgres://u:{MARK}%zz@{host}/x"),
        format!("postgres://u:{MARK}@[::1/x"),
        format!("postgres://u:{MARK}@{host}/x?sslmode=perhaps"),
        format!("postgres://u:{MARK}@{host}/x?sslmod=require"),
        format!("postgres://{host}/x?password={MARK}&user"),
        format!("postgres://{host}/x?pass={MARK}"),
        format!("postgres:/u:{MARK}@{host}/x"),
        format!("postgres:u:{MARK}@{host}/x"),
        format!("POSTGRES://u:{MARK}@{host}/x"),
        format!("'postgres://u:{MARK}@{host}/x'"),
        format!("\"postgres://u:{MARK}@{host}/x\""),
        format!("mysql://u:{MARK}@{host}/x"),
        format!("sqlite://u:{MARK}@{host}/x"),
        format!("u:{MARK}@{host}/x"),
        format!("host=127.0.0.1 user=u password={MARK}"),
    ] {
        deployment.keeps(deployment.command(&[]).env("DATABASE_URL", &url), 78);
        let file = deployment.given("url", &url);
        deployment.keeps(deployment.command(&[]).arg("--database-url-file").arg(file), 78);
        let (said, _) = deployment.run(&mut deployment.command(&["--database", &url]), 78);
        assert!(said.stderr.contains("giggles: "), "{url}");
    }
}

/// The URL where something else belongs.
#[test]
fn what_is_mistaken_for_something_else_is_not_echoed() {
    let deployment = Deployment::new();
    let url = deployment.marked();
    let plain = ["--database", "sqlite:laughs.db"];
    for (flags, code) in [
        (vec![url.as_str()], 78),
        (vec!["--database-url-file", &url], 78),
        (vec!["--databse", &url], 2),
        (vec!["--database", &url, "--database-url-file", &url], 2),
    ] {
        deployment.run(&mut deployment.command(&flags), code);
    }
    deployment.keeps(deployment.command(&plain).env("GIGGLES_RECORDINGS", &url).env("PGPASSWORD", PASSWORD), 3);
    deployment.keeps(deployment.command(&[]).env("GIGGLES_DATABASE_URL_FILE", &url), 78);
    let mut command = deployment.place.command(&["scan", "-vv"]);
    deployment.keeps(command.args(plain).env("GIGGLES_RECORDINGS", &url), 78);
    let mut command = deployment.place.command(&["scores", "recordings/laugh.flac"]);
    let (said, _) = deployment.run(command.env("DATABASE_URL", &url), 0);
    assert!(!said.stdout.is_empty());
}

#[test]
fn looking_back_keeps_it() {
    let deployment = Deployment::new();
    deployment.keeps(deployment.command(&[]).env("DATABASE_URL", deployment.marked()), 3);
    let status = |url: String, code| {
        let mut command = deployment.place.command(&["status", "-vv"]);
        deployment.run(command.env("RUST_LOG", "trace").env("DATABASE_URL", url), code).0
    };
    assert!(status(deployment.marked(), 0).stdout.contains('3'));
    status(deployment.url(&format!("marked:{ENCODED}wrong@"), ""), 78);
    status(format!("mysql://u:{MARK}@host/x"), 78);
}

/// A password, and the part of a ping's URL that only its owner knows.
fn guard(deployment: &Deployment, web: &Web, flags: &[&str]) -> Command {
    let mut command = deployment.command(flags);
    command.env("DATABASE_URL", deployment.marked()).env("GIGGLES_PING_URL", web.url(&format!("ping/{MARK}")));
    command.env("GIGGLES_METRICS_FILE", deployment.place.path("giggles.prom"));
    command
}

#[test]
fn pings_metrics_and_json_logs_keep_it() {
    let deployment = Deployment::new();
    for (format, answer, code) in [
        ("text", Answer::fine(), 3),
        ("json", Answer::fine(), 3),
        ("emf", Answer::fine(), 3),
        ("json", Answer::status(404), 3),
        ("text", Answer::redirect(&format!("http://127.0.0.1:9/{MARK}")), 3),
    ] {
        let web = Web::answering(&[answer]);
        deployment.keeps(&mut guard(&deployment, &web, &["--force", "--log-format", format]), code);
        assert_eq!(web.asked().len(), 2, "{format}: start and end");
        assert!(web.asked().iter().all(|asked| asked.path.contains(MARK) && !asked.body.contains(MARK)), "{format}");
    }
    let metrics = fs::read_to_string(deployment.place.path("giggles.prom")).unwrap();
    assert!(metrics.contains("giggles_last_run_exit_code{source=\"default\"} 3\n"), "{metrics}");
    assert!(!deployment.rows().contains(MARK));
}

#[test]
fn failing_runs_tell_others_without_it() {
    let deployment = Deployment::new();
    for format in ["text", "json", "emf"] {
        let web = Web::answering(&[Answer::fine()]);
        let wrong = deployment.url(&format!("marked:{ENCODED}wrong@"), "");
        let mut command = guard(&deployment, &web, &["--log-format", format]);
        deployment.keeps(command.env("DATABASE_URL", wrong), 78);
        let mut command = guard(&deployment, &web, &["--log-format", format]);
        deployment.keeps(command.env("DATABASE_URL", format!("mysql://u:{MARK}@host/x")), 78);
        let asked = web.asked();
        assert_eq!(asked.len(), 2, "{asked:?}");
        assert!(
            asked[0].body.starts_with("the database's address, password, rights or version is wrong\n"),
            "{asked:?}"
        );
        assert!(!asked[0].body.contains(MARK), "{asked:?}");
        assert!(!asked[1].body.contains(MARK), "{asked:?}");
    }
    for address in [format!("hc-ping.com/{MARK}"), format!("https://u:{MARK}@host/"), format!("ftp://host/{MARK}")] {
        deployment.keeps(
            deployment.command(&[]).env("GIGGLES_PING_URL", address).env("DATABASE_URL", deployment.marked()),
            78,
        );
    }
}

/// Without memory it aborts wherever it happens to be, with all that a trace shows.
#[test]
fn runs_without_memory_keep_it() {
    let deployment = Deployment::new();
    let starved = |kilobytes: u32| {
        let line = format!("ulimit -v {kilobytes}; exec '{}' scan recordings -vv", env!("CARGO_BIN_EXE_giggles"));
        let mut command = Command::new("sh");
        command.args(["-c", &line]).current_dir(deployment.place.path("")).env_clear();
        command.env("DATABASE_URL", deployment.marked()).env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
        let output = command.output().unwrap();
        assert!(!holds_mark(&output.stdout) && !holds_mark(&output.stderr), "at {kilobytes} kB");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let runs: Vec<String> = (20_000..400_000).step_by(5_000).map(starved).collect();
    for words in ["memory allocation of", "stack backtrace", "executing"] {
        assert!(runs.iter().any(|said| said.contains(words)), "no run came as far as {words:?}");
    }
}

#[test]
fn a_file_that_others_can_read_is_warned_of_and_not_shown() {
    let deployment = Deployment::new();
    let file = deployment.given("pgpass", &format!("*:*:*:marked:{PASSWORD}\n"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let mut command = deployment.command(&[]);
    command.env("DATABASE_URL", deployment.bare()).env("PGPASSFILE", &file);
    deployment.keeps(&mut command, 78).complains_of("others can read it").complains_of("the password");
}
