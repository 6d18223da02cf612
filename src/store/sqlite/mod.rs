//! The store in one SQLite file, for one machine without a server.
//!
//! Invariant: only this module and its submodules use rusqlite.
//!
//! The journal mode is SQLite's default (DELETE) with `synchronous = FULL`. Runs write one at a time, so WAL's
//! concurrency has no benefit, while its two extra files would make a plain `cp giggles.db` lose rows and do not work
//! on network file systems.

mod busy_timeout;
mod embeddings;
mod error;
mod laughs;
mod lock;
mod probe;
mod pruning;
mod reader;
mod redetected;
mod reviews;
mod scores;
mod statements;
mod stream;
#[cfg(test)]
mod tests;
mod values;

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, Transaction};

pub use self::probe::examine;
pub use self::reader::SqliteReader;

use self::busy_timeout::{BusyTimeout, LONGEST_WAIT};
use self::error::{Explain, Holder, explain, explain_file, explain_save, moved};
use self::lock::Lock;
use super::location::DatabaseFile;
use super::rows::Rows;
use super::{ImportSummary, Known, Lookup, PruneReport, Pruning, ReviewReset, Store, StoreError, schema, uncounted};
use crate::domain::{Counts, ReviewedSpan, Run, Unresolved};
use crate::paths::directory_of;
use crate::stop::Stop;

/// How long a reader waits for another program that writes.
const READER_TIMEOUT: Duration = Duration::from_secs(15);

pub struct Sqlite {
    connection: Connection,
    database: DatabaseFile,
    busy_timeout: BusyTimeout,
    /// Device and inode of the file that was opened.
    opened: (u64, u64),
    locks: Vec<Lock>,
}

impl Sqlite {
    pub fn open(database: &DatabaseFile, stop: &Stop) -> Result<Sqlite, StoreError> {
        let mut database = database.clone();
        database.path = touch(&database)?;
        let busy_timeout = BusyTimeout { database: database.clone(), longest: LONGEST_WAIT, stop: stop.clone() };
        let connection = busy_timeout.wait(Holder::Writer, explain, || connect(&database.path))?;
        let opened = identity(&database.path).ok_or_else(|| moved(&database))?;
        let mut store = Sqlite { connection, database, busy_timeout, opened, locks: Vec::new() };
        store.check_writable()?;
        store.migrate()?;
        Ok(store)
    }

    fn check_writable(&self) -> Result<(), StoreError> {
        if self.connection.is_readonly("main").map_err(|error| explain(&self.database, error))? {
            return Err(StoreError::Config(format!("{} is read-only; make it writable", self.database).into()));
        }
        Ok(())
    }

    /// Applies all missing migrations in one transaction, which needs only one sync to disk. Two programs may do this
    /// at the same time.
    fn migrate(&mut self) -> Result<(), StoreError> {
        let current = self.query(statements::version)?;
        if schema::next(&self.database, current)?.is_none() {
            return Ok(());
        }
        let database = &self.database;
        let class = |error| explain(database, error);
        let transaction = self.busy_timeout.begin(&self.connection, explain)?;
        // Queried again: another program may have migrated while this one waited for the file.
        loop {
            let current = statements::version(&transaction).map_err(class)?;
            let Some(migration) = schema::next(database, current)? else { break };
            let taken = existing_tables(&transaction, &schema::tables_to_come(current)).map_err(class)?;
            if let Some(name) = taken.first() {
                return Err(schema::taken(database, &format!("table {name} already exists")));
            }
            statements::apply(&transaction, migration).map_err(class)?;
        }
        self.busy_timeout.commit(&transaction, explain)
    }

    /// Runs `write` in one transaction, and commits it or rolls it back.
    fn write<T>(
        &self,
        commits: bool,
        explain: Explain,
        write: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let transaction = self.busy_timeout.begin(&self.connection, explain)?;
        let written = write(&transaction).map_err(|error| explain(&self.database, error))?;
        if commits {
            self.busy_timeout.commit(&transaction, explain)?;
        }
        Ok(written)
    }
}

/// What reads through a connection.
trait Queries: Send {
    /// Runs `query`, again if it must wait for another program, and explains its error.
    fn query<T>(&self, query: impl Fn(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError>;
}

impl Queries for Sqlite {
    fn query<T>(&self, query: impl Fn(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        self.busy_timeout.wait(Holder::Writer, explain, || query(&self.connection))
    }
}

impl Store for Sqlite {
    fn lock(&mut self, source: &str) -> Result<(), StoreError> {
        if !self.locks.iter().any(|lock| lock.source == source) {
            self.locks.push(Lock::take(&self.database, source)?);
        }
        Ok(())
    }

    fn lock_exclusive(&mut self, sources: &[String]) -> Result<(), StoreError> {
        sources.iter().try_for_each(|source| self.lock(source))?;
        let others = Lock::take_others(&self.database, &self.locks)?;
        self.locks.extend(others);
        Ok(())
    }

    fn forget_clips(&mut self, clips: &[String]) -> Result<u64, StoreError> {
        self.write(true, explain, |transaction| pruning::forget_clips(transaction, clips))
    }

    fn prune(&mut self, pruning: &Pruning, after: i64) -> Result<PruneReport, StoreError> {
        self.write(!pruning.dry_run, explain, |transaction| pruning::prune(transaction, pruning, after))
    }

    fn prune_runs(&mut self, pruning: &Pruning) -> Result<u64, StoreError> {
        self.write(!pruning.dry_run, explain, |transaction| pruning::prune_runs(transaction, pruning))
    }

    fn save_reviews(&mut self, reviews: &[ReviewedSpan], dry_run: bool) -> Result<ImportSummary, StoreError> {
        let (rows, embeddings) = (super::review_rows::rows(reviews), super::review_rows::embeddings(reviews));
        self.write(!dry_run, explain, |transaction| reviews::save(transaction, &rows, &embeddings))
    }

    fn reset_reviews(&mut self, reset: &ReviewReset) -> Result<u64, StoreError> {
        self.write(!reset.dry_run, explain, |transaction| reviews::reset(transaction, reset))
    }

    fn known(&mut self, lookup: &Lookup) -> Result<Known, StoreError> {
        self.query(|connection| statements::known(connection, lookup))
    }

    fn unresolved(&mut self, run: &Run) -> Result<Unresolved, StoreError> {
        self.query(|connection| statements::unresolved(connection, &run.source, &run.window))
    }

    fn save(&mut self, run: &Run) -> Result<Counts, StoreError> {
        let rows = Rows::from_run(run)?;
        if identity(&self.database.path) != Some(self.opened) {
            return Err(moved(&self.database));
        }
        self.write(true, explain_save, |transaction| statements::save(transaction, &rows))?;
        let counts = self.query(|connection| statements::counts(connection, &rows.run.id.0));
        Ok(counts.unwrap_or_else(|error| uncounted(&rows, &error)))
    }
}

/// Those of these names that exist already, in the order of the names.
fn existing_tables(connection: &Connection, names: &[&str]) -> rusqlite::Result<Vec<String>> {
    let taken = "SELECT name FROM sqlite_schema JOIN json_each(?1) ON lower(name) = value ORDER BY key";
    let mut statement = connection.prepare(taken)?;
    statement.query_map([statements::json(names)], |row| row.get(0))?.collect()
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    path.metadata().ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Creates the file if it is missing, readable by its owner only, and returns its canonical path.
fn touch(database: &DatabaseFile) -> Result<PathBuf, StoreError> {
    let path = &database.path;
    let refused = |error| explain_file(database, &format!("{database} cannot be opened"), error);
    let folder = directory_of(path);
    if database.make_folder {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(refused)?;
    }
    if !folder.is_dir() {
        return Err(StoreError::Config(
            format!(
                "{database} cannot be created: the folder {} does not exist; create it, or mount its disk",
                folder.display()
            )
            .into(),
        ));
    }
    if path.is_dir() {
        return Err(StoreError::Config(format!("{database} is a folder; name a file in it").into()));
    }
    if path.exists() && !path.is_file() {
        return Err(StoreError::Config(format!("{database} is not a regular file; name a file").into()));
    }
    OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(refused)?;
    path.canonicalize().map_err(refused)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::ZERO)?;
    // Three candidates with their embeddings fit on a page of this size, only one on SQLite's usual page. It has an
    // effect before the first table is created.
    connection.execute_batch("PRAGMA page_size = 8192; PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;")?;
    Ok(connection)
}
