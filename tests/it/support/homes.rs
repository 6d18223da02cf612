//! Where a store lives, and a way into its tables beside the store.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::time::{Duration, Instant};

use giggles::store::Location;
use postgres::{Client, NoTls, SimpleQueryMessage};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use tempfile::TempDir;

use super::postgres::Postgres;

pub trait Home {
    /// As a user would write it, password and all.
    fn url(&self) -> String;
    /// Rows as text, columns parted by `|`.
    fn ask(&self, sql: &str) -> Vec<String>;
    fn execute(&self, sql: &str);
    /// Whether this run holds the lock of a source. Only looks: a lock tried for here could turn a run away.
    fn is_locked_by(&self, process: u32) -> bool;
    /// An expression that reads the same in both dialects.
    fn instant(&self, column: &str) -> String;

    fn location(&self) -> Location {
        self.url().parse().unwrap()
    }

    fn count(&self, table: &str) -> u64 {
        self.ask(&format!("SELECT count(*) FROM {table}"))[0].parse().unwrap()
    }
}

pub struct InSqlite {
    pub folder: TempDir,
}

impl InSqlite {
    pub fn new() -> InSqlite {
        InSqlite { folder: tempfile::tempdir().unwrap() }
    }

    fn connect(&self) -> Connection {
        Connection::open(self.folder.path().join("laughs.db")).unwrap()
    }
}

impl Home for InSqlite {
    fn url(&self) -> String {
        format!("sqlite:{}", self.folder.path().join("laughs.db").display())
    }

    fn ask(&self, sql: &str) -> Vec<String> {
        let connection = self.connect();
        let mut statement = connection.prepare(sql).unwrap();
        let columns = statement.column_count();
        let text = |row: &rusqlite::Row<'_>| (0..columns).map(|column| shown(row.get_ref(column).unwrap())).collect();
        let rows = statement.query_map([], |row| Ok::<Vec<String>, _>(text(row))).unwrap();
        rows.map(|row| row.unwrap().join("|")).collect()
    }

    fn execute(&self, sql: &str) {
        self.connect().execute_batch(sql).unwrap();
    }

    fn is_locked_by(&self, process: u32) -> bool {
        let entries = std::fs::read_dir(self.folder.path()).unwrap().flatten();
        let mut locks = entries.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "lock"));
        let signature = format!("process {process} since ");
        locks.any(|lock| std::fs::read_to_string(lock.path()).unwrap().starts_with(&signature))
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
        InPostgres { database: Postgres::start() }
    }

    pub fn client(&self) -> Client {
        Client::connect(&self.database.url, NoTls).unwrap()
    }
}

impl Home for InPostgres {
    fn url(&self) -> String {
        self.database.url.clone()
    }

    fn ask(&self, sql: &str) -> Vec<String> {
        let messages = self.client().simple_query(sql).unwrap();
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        rows.map(|row| (0..row.len()).map(|column| row.get(column).unwrap_or_default()).collect::<Vec<_>>().join("|"))
            .collect()
    }

    fn execute(&self, sql: &str) {
        self.client().batch_execute(sql).unwrap();
    }

    fn is_locked_by(&self, _: u32) -> bool {
        // Not the one that is held while tables are made: a run that has it has not got the source's yet.
        let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND (classid::bigint << 32 | objid::bigint) <> hashtextextended('giggles schema', 0)";
        self.ask(locks) != ["0"]
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
