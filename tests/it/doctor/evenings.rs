//! An evening: all that a run will find, to be looked at by the doctor and then run into.

use std::any::Any;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use giggles::store::open;
use postgres::{Client, NoTls};
use url::Url;

use super::*;

const CROW: (&str, &str) = ("fixtures/clips/crow_cc0.flac", "20251024_130000.flac");
pub const RECORDING: &str = "recordings/20251024_130000.flac";
/// The lock of the source `default`.
pub const LOCK: &str = "laughs.db.default-37a8eec1.lock";
const PASSWORD: &str = "open-barley";

pub struct Evening {
    place: Place,
    database: String,
    recordings: String,
    flags: Vec<String>,
    /// Files and folders below the place, and the bits that they are left with. Any here means that the run runs
    /// as a user to whom permissions apply.
    closed: Vec<(&'static str, u32)>,
    /// A run or another program in progress. Ended before the database is dropped.
    held: Option<Box<dyn Any>>,
    _role: Option<Role>,
    server: Option<Postgres>,
}

/// A user of the server, gone with this value.
struct Role {
    name: String,
    /// Of the database's owner.
    url: String,
}

impl Drop for Role {
    fn drop(&mut self) {
        execute_on_postgres(&self.url, &format!("DROP OWNED BY {0}; DROP ROLE {0}", self.name));
    }
}

fn execute_on_postgres(url: &str, sql: &str) {
    Client::connect(url, NoTls).and_then(|mut client| client.batch_execute(sql)).expect(sql);
}

/// One recording, an SQLite file that is not there yet, and nothing in the way.
pub fn evening() -> Evening {
    Evening::new(Place::with(&[CROW]))
}

/// The same with the tables made, and a lock that is free.
pub fn after_a_run() -> Evening {
    let evening = evening().made();
    open(&evening.database.parse().unwrap()).unwrap().lock("default").unwrap();
    evening
}

/// Nothing that can be analyzed.
pub fn diary() -> Evening {
    let place = Place::new();
    place.write("diary.wav", b"Dear diary, today we laughed a lot.\n");
    Evening::new(place)
}

pub fn on_postgres() -> Evening {
    on_postgres_with(CROW)
}

pub fn on_postgres_with(recording: (&str, &str)) -> Evening {
    let server = Postgres::start();
    Evening { database: server.url.clone(), server: Some(server), ..Evening::new(Place::with(&[recording])) }
}

impl Evening {
    pub fn new(place: Place) -> Evening {
        Evening {
            database: place.sqlite(),
            recordings: place.recordings().display().to_string(),
            place,
            flags: Vec::new(),
            closed: Vec::new(),
            held: None,
            _role: None,
            server: None,
        }
    }

    pub fn with(mut self, flags: &[&str]) -> Evening {
        self.flags.extend(flags.iter().map(ToString::to_string));
        self
    }

    pub fn analyzing(self, recordings: &str) -> Evening {
        Evening { recordings: recordings.to_owned(), ..self }
    }

    pub fn into(self, database: &str) -> Evening {
        Evening { database: database.to_owned(), ..self }
    }

    pub fn write(self, name: &str, bytes: &[u8]) -> Evening {
        fs::write(self.place.path(name), bytes).unwrap();
        self
    }

    /// With a folder and a flag that names it.
    pub fn with_folder(self, flag: &str, name: &str) -> Evening {
        fs::create_dir(self.place.path(name)).unwrap();
        let path = self.place.path(name).display().to_string();
        self.with(&[flag, &path])
    }

    pub fn close(mut self, name: &'static str, bits: u32) -> Evening {
        self.closed.push((name, bits));
        self
    }

    pub fn made(self) -> Evening {
        drop(open(&self.database.parse().unwrap()).unwrap());
        self
    }

    /// By the database's owner.
    pub fn execute(self, sql: &str) -> Evening {
        match &self.server {
            Some(server) => execute_on_postgres(&server.url, sql),
            None => rusqlite::Connection::open(self.place.path("laughs.db")).unwrap().execute_batch(sql).expect(sql),
        }
        self
    }

    pub fn damaged(self) -> Evening {
        let page = self.place.number("SELECT rootpage FROM sqlite_master WHERE name = 'runs'") as usize;
        let mut bytes = fs::read(self.place.path("laughs.db")).unwrap();
        bytes[8192 * (page - 1)..][..8192].fill(0x55);
        self.write("laughs.db", &bytes)
    }

    pub fn url(mut self, change: impl FnOnce(&mut Url)) -> Evening {
        let mut url = Url::parse(&self.database).unwrap();
        change(&mut url);
        self.database = url.into();
        self
    }

    /// Run by another user, who may what the owner then says of `$role`.
    pub fn by_role(self, sql: &str) -> Evening {
        let url = self.server.as_ref().unwrap().url.clone();
        let name = format!("nightly_{}", Url::parse(&url).unwrap().path().trim_start_matches('/'));
        execute_on_postgres(&url, &format!("CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'"));
        execute_on_postgres(&url, &sql.replace("$role", &name));
        let role = Some(Role { name: name.clone(), url });
        let changed = self.url(|url| {
            url.set_username(&name).unwrap();
            url.set_password(Some(PASSWORD)).unwrap();
        });
        Evening { _role: role, ..changed }
    }

    pub fn held(mut self) -> Evening {
        let mut store = open(&self.database.parse().unwrap()).unwrap();
        store.lock("default").unwrap();
        self.held = Some(Box::new(store));
        self
    }

    /// Somebody else keeps a table to himself.
    pub fn table_held(mut self) -> Evening {
        let mut owner = Client::connect(&self.server.as_ref().unwrap().url, NoTls).unwrap();
        owner.batch_execute("BEGIN; LOCK TABLE giggles_schema").unwrap();
        self.held = Some(Box::new(owner));
        self
    }

    /// One more parameter of the URL.
    pub fn parameter(self, name: &str, value: &str) -> Evening {
        self.url(|url| {
            url.query_pairs_mut().append_pair(name, value);
        })
    }

    /// Laughs that are stored on the server.
    pub fn laughs(&self) -> i64 {
        let mut owner = Client::connect(&self.server.as_ref().unwrap().url, NoTls).unwrap();
        owner.query_one("SELECT count(*) FROM detections", &[]).unwrap().get(0)
    }

    /// `doctor` or `scan`, with the same settings.
    pub fn run(&self, command: &str) -> Said {
        let mut run = self.place.command(&[command, "-j1", "--database", &self.database, &self.recordings]);
        run.args(&self.flags);
        let set = |name: &str, bits| {
            fs::set_permissions(self.place.path(name), fs::Permissions::from_mode(bits)).expect(name);
        };
        if self.closed.is_empty() {
            return said(&mut run);
        }
        let close = || self.closed.iter().for_each(|(name, bits)| set(name, *bits));
        let said = self.place.said_by_nobody_after(&mut run, close);
        self.closed.iter().for_each(|(name, _)| set(name, 0o700));
        said
    }
}

/// The URL of a server that is not there.
pub fn nowhere() -> String {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("postgres://neil@127.0.0.1:{port}/laughs")
}
