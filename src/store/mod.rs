//! Where a run ends up: one trait, two databases (SQLite, Postgres), one contract test over both.
//!
//! Invariant: this room knows rows and transactions; it does not know audio, scores' making, outputs
//! or the command line. A run is committed in one transaction or not at all.
//!
//! What a database holds of a source, and how a run changes it:
//!
//! - A recording is known by its content. Heard again, its row and its detections are replaced.
//! - A failure is stored under the recording's name, and only the latest: whatever a run meets under
//!   a name (analyzed, skipped or failed) removes the failures stored earlier under that name or
//!   content. What is still being written was not met yet, and damage that is known stays stored.
//! - A partial recording is replaced by its whole file: another content of the same name and beginning.
//! - A failure never removes laughs: where the same content was heard before (under other rules), the
//!   heard row stays and the failure shows in the run's own count and exit code.
//! - What people said of laughs (`noting`) is never changed by a run.

mod checkup;
mod known;
mod location;
mod noting;
mod postgres;
mod pruning;
mod reading;
mod rows;
mod schema;
mod sqlite;

pub use checkup::{Checkup, Remark, Way};
pub use known::{Known, Lookup};
pub use location::{DatabaseFile, Location};
pub use noting::{Kept, distinct};
pub use pruning::{Pruned, Pruning};
pub use reading::{Reader, Selection};

use crate::exit::Fatal;
use crate::record::{Counts, Noted, Run, Stop, Unresolved};

/// A database that holds runs, recordings and detections.
pub trait Store: Send {
    /// Keeps other runs away from this source in this database until the store is dropped.
    ///
    /// Asking twice for the same source is harmless. `StoreError::Locked` says who holds it.
    fn lock(&mut self, source: &str) -> Result<(), StoreError>;

    /// Of these recordings, those whose result is stored under exactly this analysis. See [`Lookup`].
    fn known(&mut self, lookup: &Lookup) -> Result<Known, StoreError>;

    /// Commits the run, its recordings and their detections in one transaction, or nothing at all.
    ///
    /// The counts are read back from the database after COMMIT.
    fn save(&mut self, run: &Run) -> Result<Counts, StoreError>;

    /// Counts the recordings of the source, in the run's window, that are stored as partial or failed.
    fn unresolved(&mut self, run: &Run) -> Result<Unresolved, StoreError>;

    /// Locks these sources, and makes sure that no other run is at work in this database, also on another source
    /// or a shard. Runs of these sources are kept away until the store is dropped.
    fn lock_out(&mut self, sources: &[String]) -> Result<(), StoreError>;

    /// Forgets clips that are gone, as `detections.clip` names them: rows stay and name none from now on. How many did.
    ///
    /// Where the connection is lost with the answer to COMMIT, this and the next two are done again and find less to do.
    fn forget_clips(&mut self, clips: &[String]) -> Result<u64, StoreError>;

    /// Removes what is old of the next few recordings behind this one, in one transaction.
    fn prune(&mut self, pruning: &Pruning, after: i64) -> Result<Pruned, StoreError>;

    /// Removes old runs that nothing refers to, once their recordings are. How many.
    fn prune_runs(&mut self, pruning: &Pruning) -> Result<u64, StoreError>;

    /// Keeps what people said of laughs, in one transaction; see the rules at the top of `noting`. A dry run does
    /// all of it and rolls it back.
    ///
    /// Where the connection is lost with the answer to COMMIT, it is done again and finds less to do.
    fn keep_notes(&mut self, notes: &[Noted], dry_run: bool) -> Result<Kept, StoreError>;
}

/// Connects, and brings the tables to this program's version.
pub fn open(location: &Location) -> Result<Box<dyn Store>, StoreError> {
    open_until(location, &Stop::default())
}

/// The same; a signal ends the waiting for a file that another program holds.
pub fn open_until(location: &Location, stop: &Stop) -> Result<Box<dyn Store>, StoreError> {
    match location {
        Location::Sqlite(file) => Ok(Box::new(sqlite::Sqlite::open(file, stop)?)),
        Location::Postgres(server) => Ok(Box::new(postgres::Postgres::open(server)?)),
    }
}

/// Looks into a database. None: nothing has ever been stored there.
pub fn read(location: &Location) -> Result<Option<Box<dyn Reader>>, StoreError> {
    match location {
        Location::Sqlite(file) => Ok(sqlite::Past::open(file)?.map(|past| Box::new(past) as Box<dyn Reader>)),
        Location::Postgres(server) => postgres::read(server),
    }
}

/// Looks whether a night could use the database, and who holds the lock of the source.
pub fn examine(location: &Location, source: &str) -> Result<Checkup, StoreError> {
    match location {
        Location::Sqlite(file) => sqlite::examine(file, source),
        Location::Postgres(server) => postgres::examine(server, source),
    }
}

/// The counts of a run that was committed and cannot be counted. That is no failure of the run: its rows
/// are there, and an exit code of failure would say that they are not.
fn uncounted(rows: &rows::Rows, reason: &dyn std::fmt::Display) -> Counts {
    log::error!("the run is stored, but its counts cannot be read back and are shown as sent: {reason}");
    rows.counts()
}

/// Why the database would not do. The text says what to do next and never holds a password.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A setting is wrong: address, password, permissions, certificates, the file.
    #[error("{0}")]
    Config(String),
    /// The database cannot be reached or used now; later it may.
    #[error("{0}")]
    Unreachable(String),
    /// Another run holds the lock.
    #[error("{0}")]
    Locked(String),
    /// The tables were made by a later version.
    #[error("{database} was written by a newer giggles (schema {found}, this one knows {known}): update giggles")]
    Newer { database: String, found: i64, known: i64 },
    /// The database refused the rows.
    #[error("{0}")]
    Failed(String),
    /// A signal came while the database was waited for. Nothing was stored.
    #[error("ended by signal {0} while the database was waited for")]
    Stopped(usize),
}

impl From<StoreError> for Fatal {
    fn from(error: StoreError) -> Fatal {
        let text = error.to_string();
        match error {
            StoreError::Config(_) | StoreError::Newer { .. } => Fatal::Unusable(text),
            StoreError::Unreachable(_) => Fatal::TryAgain(text),
            StoreError::Locked(_) => Fatal::Locked(text),
            StoreError::Failed(_) => Fatal::Failed(text),
            StoreError::Stopped(signal) => Fatal::Signal(signal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_ends_with_the_number_of_the_convention() {
        let newer = StoreError::Newer { database: "sqlite:a.db".into(), found: 7, known: 1 };
        let table = [
            (StoreError::Config(String::new()), 78),
            (newer, 78),
            (StoreError::Unreachable(String::new()), 75),
            (StoreError::Locked(String::new()), 75),
            (StoreError::Failed(String::new()), 1),
            (StoreError::Stopped(2), 130),
        ];
        for (error, code) in table {
            assert_eq!(Fatal::from(error).exit().code(), code);
        }
    }

    #[test]
    fn a_newer_database_says_what_to_do() {
        let newer = StoreError::Newer { database: "sqlite:a.db".into(), found: 7, known: 1 };
        let text = "sqlite:a.db was written by a newer giggles (schema 7, this one knows 1): update giggles";
        assert_eq!(newer.to_string(), text);
    }
}
