//! Where a store of the contract lives, and a way into its tables beside the store.

use std::time::{Duration, Instant};

use giggles::store::Location;
use postgres::{Client, NoTls, SimpleQueryMessage};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use tempfile::TempDir;

use crate::server::Postgres;

pub trait Home {
    fn location(&self) -> Location;
    /// Rows as text, columns parted by `|`.
    fn ask(&self, sql: &str) -> Vec<String>;
    fn tell(&self, sql: &str);
    /// An expression that reads the same in both dialects.
    fn instant(&self, column: &str) -> String;

    fn count(&self, table: &str) -> u64 {
        self.ask(&format!("SELECT count(*) FROM {table}"))[0].parse().unwrap()
    }
}

pub struct InSqlite {
    pub folder: TempDir,
}

impl InSqlite {
    pub fn new() -> InSqlite {
        InSqlite {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn connect(&self) -> Connection {
        Connection::open(self.folder.path().join("laughs.db")).unwrap()
    }
}

impl Home for InSqlite {
    fn location(&self) -> Location {
        Location::sqlite(self.folder.path().join("laughs.db"))
    }

    fn ask(&self, sql: &str) -> Vec<String> {
        let connection = self.connect();
        let mut statement = connection.prepare(sql).unwrap();
        let columns = statement.column_count();
        let text = |row: &rusqlite::Row<'_>| (0..columns).map(|column| shown(row.get_ref(column).unwrap())).collect();
        let rows = statement.query_map([], |row| Ok::<Vec<String>, _>(text(row))).unwrap();
        rows.map(|row| row.unwrap().join("|")).collect()
    }

    fn tell(&self, sql: &str) {
        self.connect().execute_batch(sql).unwrap();
    }

    fn instant(&self, column: &str) -> String {
        column.to_owned()
    }
}

fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into_owned(),
    }
}

pub struct InPostgres {
    pub database: Postgres,
}

impl InPostgres {
    pub fn new() -> InPostgres {
        InPostgres {
            database: Postgres::start(),
        }
    }

    pub fn client(&self) -> Client {
        Client::connect(&self.database.url, NoTls).unwrap()
    }
}

impl Home for InPostgres {
    fn location(&self) -> Location {
        self.database.url.parse().unwrap()
    }

    fn ask(&self, sql: &str) -> Vec<String> {
        let messages = self.client().simple_query(sql).unwrap();
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        rows.map(|row| {
            (0..row.len())
                .map(|column| row.get(column).unwrap_or_default())
                .collect::<Vec<_>>()
                .join("|")
        })
        .collect()
    }

    fn tell(&self, sql: &str) {
        self.client().batch_execute(sql).unwrap();
    }

    fn instant(&self, column: &str) -> String {
        format!(r#"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"#)
    }
}

pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(10), "not within 10 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
