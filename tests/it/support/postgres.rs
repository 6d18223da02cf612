//! A real Postgres for tests: one server a test program, a fresh database a test.
//!
//! `GIGGLES_TEST_POSTGRES=postgres://…` names a server whose user may create databases; without it one
//! is started in a temporary folder. No Postgres at all is a failure, never a silent skip.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use postgres::{Client, NoTls};

pub const PASSWORD: &str = "open-sesame";

/// One fresh, empty database. Dropped with this value.
pub struct Postgres {
    /// Of the database, with user and password.
    pub url: String,
    server: String,
    name: String,
}

impl Postgres {
    pub fn start() -> Postgres {
        static SERVER: OnceLock<(String, Option<Cluster>)> = OnceLock::new();
        let (server, _) = SERVER.get_or_init(|| match std::env::var("GIGGLES_TEST_POSTGRES") {
            Ok(url) => (url, None),
            Err(_) => {
                let cluster = Cluster::start(&[], |_| {});
                (cluster.url("postgres"), Some(cluster))
            }
        });
        Postgres::on(server)
    }

    /// Another database with the same rows. Nobody may be connected to this one.
    pub fn copy(&self) -> Postgres {
        Postgres::like(&self.server, &self.name)
    }

    pub fn on(server: &str) -> Postgres {
        Postgres::like(server, "template1")
    }

    fn like(server: &str, template: &str) -> Postgres {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("giggles_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        execute(server, &format!("CREATE DATABASE {name} TEMPLATE {template}"));
        Postgres { url: with_database(server, &name), server: server.to_owned(), name }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        execute(&self.server, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

fn execute(url: &str, sql: &str) {
    Client::connect(url, NoTls).and_then(|mut client| client.batch_execute(sql)).expect(sql);
}

/// The same server, another database.
fn with_database(url: &str, name: &str) -> String {
    let mut url = url::Url::parse(url).expect("a URL of a Postgres server");
    url.set_path(name);
    url.into()
}

/// A server of our own. It stops when this value is dropped or the test program ends, however it ends.
pub struct Cluster {
    pub folder: PathBuf,
    pub port: u16,
    /// Reads from a pipe that only we hold; its end tells the guard that we are gone.
    guard: Child,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.guard.wait().expect("waiting closes the pipe, and the guard stops the server");
    }
}

/// Runs the server, sends it the signals it is told or starts it again, until our end; then stops it and
/// removes the folder.
const GUARD: &str = r#"
    start() { "$1/postgres" -D "$2/data" >>"$2/log" 2>&1 & }
    start "$@"
    while read -r word; do
        case $word in
            start) start "$@" ;;
            *) kill "-$word" $!; wait $! ;;
        esac
    done
    kill -INT $! 2>/dev/null
    wait $!
    rm -rf "$2"
"#;

impl Cluster {
    /// `settings` are lines of postgresql.conf; `prepare` may add files to the data folder before the start.
    pub fn start(settings: &[&str], prepare: impl FnOnce(&Path)) -> Cluster {
        let binaries = find_binaries();
        let user = unprivileged_user();
        let folder = make_folder(user);
        init(&binaries, &folder, user);
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        configure(&folder, port, settings);
        prepare(&folder.join("data"));
        own(&folder, user);
        let cluster = Cluster { guard: guard(&binaries, &folder, user), folder, port };
        cluster.wait_until_ready();
        cluster
    }

    pub fn url(&self, database: &str) -> String {
        format!("postgres://giggles:{PASSWORD}@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// `INT` stops it at once and in order, `QUIT` as a crash would.
    pub fn stop(&mut self, signal: &str) {
        self.command(signal);
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
            assert!(begun.elapsed() < Duration::from_secs(20), "Postgres did not stop");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn start_again(&mut self) {
        self.command("start");
        self.wait_until_ready();
    }

    fn command(&mut self, word: &str) {
        writeln!(self.guard.stdin.as_mut().expect("a pipe"), "{word}").expect("the guard listens");
    }

    fn wait_until_ready(&self) {
        let begun = Instant::now();
        while let Err(error) = Client::connect(&self.url("postgres"), NoTls) {
            let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(begun.elapsed() < Duration::from_secs(60), "Postgres did not start: {error}\n{log}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// The folder that holds `initdb` and `postgres`, the newest if there are several.
fn find_binaries() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = ["/usr/lib/postgresql", "/usr/local/pgsql", "/opt/homebrew/opt"].map(Path::new);
    let mut packaged: Vec<PathBuf> = installed
        .iter()
        .filter_map(|parent| fs::read_dir(parent).ok())
        .flat_map(|versions| versions.flatten().map(|version| version.path().join("bin")))
        .collect();
    packaged.sort_by_key(|folder| std::cmp::Reverse(version_of(folder)));
    std::env::split_paths(&path)
        .chain(packaged)
        .find(|folder| ["initdb", "postgres"].iter().all(|program| folder.join(program).is_file()))
        .expect(
            "these tests need a real Postgres, 15 or newer: install it (Debian and Ubuntu: apt-get install postgresql; \
             macOS: brew install postgresql@17) or name one in GIGGLES_TEST_POSTGRES=postgres://…",
        )
}

fn version_of(folder: &Path) -> u32 {
    let digits: String = folder.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

/// Postgres refuses to run as root: then it runs as `postgres` or `nobody`.
pub fn unprivileged_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("/etc/passwd");
    let ids = |name: &str| {
        let line = users.lines().find(|line| line.starts_with(&format!("{name}:")))?;
        let fields: Vec<&str> = line.split(':').collect();
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    };
    Some(ids("postgres").or_else(|| ids("nobody")).expect("a user 'postgres' or 'nobody' to run Postgres as"))
}

fn make_folder(user: Option<(u32, u32)>) -> PathBuf {
    let folder = tempfile::Builder::new().prefix("giggles-postgres-").tempdir().expect("a temporary folder").keep();
    own(&folder, user);
    folder
}

/// Gives the folder and all in it to the user; what is called `*.key` is made private.
pub fn own(path: &Path, user: Option<(u32, u32)>) {
    if let Some((user, group)) = user {
        chown(path, Some(user), Some(group)).expect("root may give files away");
    }
    if path.extension().is_some_and(|extension| extension == "key") {
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a private key");
    }
    if path.is_dir() {
        fs::read_dir(path).expect("a folder").flatten().for_each(|entry| own(&entry.path(), user));
    }
}

pub fn command(program: impl AsRef<std::ffi::OsStr>, user: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/");
    if let Some((user, group)) = user {
        command.uid(user).gid(group);
    }
    command
}

fn init(binaries: &Path, folder: &Path, user: Option<(u32, u32)>) {
    let password = folder.join("password");
    fs::write(&password, PASSWORD).expect("a password file");
    own(&password, user);
    let output = command(binaries.join("initdb"), user)
        .args(["--username=giggles", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"])
        .arg(format!("--pwfile={}", password.display()))
        .arg(format!("--pgdata={}", folder.join("data").display()))
        .output()
        .expect("initdb");
    assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
}

fn configure(folder: &Path, port: u16, settings: &[&str]) {
    let file = folder.join("data/postgresql.conf");
    let lines = [
        format!("port = {port}"),
        "listen_addresses = '127.0.0.1'".into(),
        format!("unix_socket_directories = '{}'", folder.display()),
        "fsync = off".into(),
        "full_page_writes = off".into(),
        "synchronous_commit = off".into(),
    ];
    let own = settings.iter().map(ToString::to_string);
    let text = lines.into_iter().chain(own).collect::<Vec<_>>().join("\n");
    let before = fs::read_to_string(&file).expect("initdb wrote it");
    fs::write(&file, format!("{before}\n{text}\n")).expect("the data folder is ours");
}

fn guard(binaries: &Path, folder: &Path, user: Option<(u32, u32)>) -> Child {
    command("sh", user)
        .args(["-c", GUARD, "guard"])
        .args([binaries, folder])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("sh")
}
