//! Storage of runs: one trait, two databases (SQLite, Postgres), one contract test that runs on both.
//!
//! Invariant: this module handles rows and transactions; it does not depend on decoding, scoring, outputs or the
//! command line. A run is committed in one transaction or not at all.
//!
//! How a run changes the rows of its source:
//!
//! - A recording is identified by its content. When it is analyzed again, its row and its detections are replaced.
//! - A failure is stored under the recording's name, and only the latest one: every outcome for a name (analyzed,
//!   skipped or failed) removes the failures stored earlier under that name or content. Two outcomes keep them:
//!   recordings in progress, and recordings skipped because their damage is known.
//! - A partial recording is replaced by its complete file: another content with the same name and start time.
//! - A failure never removes detections: if the same content was analyzed before (with other detection parameters), the
//!   analyzed row stays and the failure only appears in the run's counts and exit code.
//! - A redetected recording keeps its row, score track and candidates; its detections are replaced, and what was decided
//!   about its candidates.
//! - A run never changes what `reviews` say. It stores the embeddings of reviewed stretches there, and removes old
//!   embeddings of candidates without a review.

pub mod columns;
mod found;
mod known;
pub mod laughs;
mod location;
mod postgres;
mod probe;
mod pruning;
mod reader;
mod review_rows;
mod rows;
mod schema;
mod score_rows;
mod scores;
mod sqlite;

pub use known::{Earlier, Known, Lookup};
pub use location::{DatabaseFile, Location, is_plain_path};
pub use postgres::connection_parameters;
pub use probe::{Issue, Probe, Transport};
pub use pruning::{PruneReport, Pruning};
pub use reader::{Reader, Selection};
pub use review_rows::{ImportSummary, ReviewReset, distinct};
pub use scores::{ScoreReader, ScoredKey, ScoredSelection};

use crate::domain::{Counts, Reason, ReviewedSpan, Run, Unresolved};
use crate::error::Fatal;
use crate::stop::Stop;

/// A database that holds runs, recordings and detections.
pub trait Store: ScoreReader {
    /// Locks this source against other runs in this database until the store is dropped.
    ///
    /// Locking the same source twice is harmless. `StoreError::Locked` names the holder of the lock.
    fn lock(&mut self, source: &str) -> Result<(), StoreError>;

    /// Returns which of these recordings have a stored result of exactly this analysis. See [`Lookup`].
    fn known(&mut self, lookup: &Lookup) -> Result<Known, StoreError>;

    /// Commits the run, its recordings and their detections in one transaction, or nothing at all.
    ///
    /// The counts are read back from the database after COMMIT.
    fn save(&mut self, run: &Run) -> Result<Counts, StoreError>;

    /// Counts the recordings of the source, in the run's window, that are stored as partial or failed.
    fn unresolved(&mut self, run: &Run) -> Result<Unresolved, StoreError>;

    /// Locks these sources, and fails if any other run uses this database, including runs of other sources and of
    /// shards. The sources stay locked until the store is dropped.
    fn lock_exclusive(&mut self, sources: &[String]) -> Result<(), StoreError>;

    /// Sets `clip` of detections and candidates to NULL for these removed clips. Returns the number of rows changed.
    ///
    /// If the connection is lost before the answer to COMMIT arrives, this method and the next two run again; the
    /// second attempt then counts fewer rows.
    fn forget_clips(&mut self, clips: &[String]) -> Result<u64, StoreError>;

    /// Removes the old rows among the next recordings after the id `after`, in one transaction.
    fn prune(&mut self, pruning: &Pruning, after: i64) -> Result<PruneReport, StoreError>;

    /// Removes old runs that no row refers to, after their recordings were removed. Returns their number.
    fn prune_runs(&mut self, pruning: &Pruning) -> Result<u64, StoreError>;

    /// Stores reviews in one transaction; the module documentation of `review_rows` has the rules. A dry run performs
    /// the whole transaction and rolls it back.
    ///
    /// If the connection is lost before the answer to COMMIT arrives, it runs again and counts fewer changes.
    fn save_reviews(&mut self, reviews: &[ReviewedSpan], dry_run: bool) -> Result<ImportSummary, StoreError>;

    /// Sets `reviews.is_personal` of what was reviewed before an instant; the verdicts stay. Returns the number of
    /// verdicts that this changes.
    ///
    /// If the connection is lost before the answer to COMMIT arrives, it runs again and counts fewer changes.
    fn reset_reviews(&mut self, reset: &ReviewReset) -> Result<u64, StoreError>;
}

/// Connects, and migrates the tables to this program's schema version.
pub fn open(location: &Location) -> Result<Box<dyn Store>, StoreError> {
    open_until(location, &Stop::default())
}

/// Like [`open`]; a signal ends the wait for a file that another program has locked.
pub fn open_until(location: &Location, stop: &Stop) -> Result<Box<dyn Store>, StoreError> {
    match location {
        Location::Sqlite(file) => Ok(Box::new(sqlite::Sqlite::open(file, stop)?)),
        Location::Postgres(server) => Ok(Box::new(postgres::Postgres::open(server)?)),
    }
}

/// Opens a database for reading. None: nothing has ever been stored in it.
pub fn read(location: &Location) -> Result<Option<Box<dyn Reader>>, StoreError> {
    match location {
        Location::Sqlite(file) => {
            Ok(sqlite::SqliteReader::open(file)?.map(|reader| Box::new(reader) as Box<dyn Reader>))
        }
        Location::Postgres(server) => postgres::read(server),
    }
}

/// Checks whether a run could use the database, and who holds the lock of the source.
pub fn examine(location: &Location, source: &str) -> Result<Probe, StoreError> {
    match location {
        Location::Sqlite(file) => sqlite::examine(file, source),
        Location::Postgres(server) => postgres::examine(server, source),
    }
}

/// The counts of a committed run that cannot be read back. The run has not failed: its rows are stored, and a failure
/// exit code would claim that they are not.
fn uncounted(rows: &rows::Rows, reason: &dyn std::fmt::Display) -> Counts {
    log::error!("the run is stored, but its counts cannot be read back and are shown as sent: {reason}");
    rows.counts()
}

/// Why the database cannot be used. The text says what to do next and never contains a password.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A setting is wrong: address, password, permissions, certificates, the file.
    #[error(transparent)]
    Config(Reason),
    /// The database cannot be reached or used now; a later attempt may succeed.
    #[error(transparent)]
    Unreachable(Reason),
    /// Another run holds the lock.
    #[error(transparent)]
    Locked(Reason),
    /// The tables were made by a later version.
    #[error("{database} was written by a newer giggles (schema {found}, this one knows {known}): update giggles")]
    Newer { database: String, found: i64, known: i64 },
    /// The database refused the rows.
    #[error(transparent)]
    Failed(Reason),
    /// A signal arrived during a wait for the database. Nothing was stored.
    #[error("ended by signal {0} while the database was waited for")]
    Stopped(usize),
}

impl From<StoreError> for Fatal {
    fn from(error: StoreError) -> Fatal {
        match error {
            StoreError::Newer { .. } => Fatal::Unusable(Reason::wrap(error)),
            StoreError::Config(reason) => Fatal::Unusable(reason),
            StoreError::Unreachable(reason) => Fatal::TryAgain(reason),
            StoreError::Locked(reason) => Fatal::Locked(reason),
            StoreError::Failed(reason) => Fatal::Failed(reason),
            StoreError::Stopped(signal) => Fatal::Signal(signal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_documented_exit_code() {
        let newer = StoreError::Newer { database: "sqlite:a.db".into(), found: 7, known: 1 };
        let table = [
            (StoreError::Config("".into()), 78),
            (newer, 78),
            (StoreError::Unreachable("".into()), 75),
            (StoreError::Locked("".into()), 75),
            (StoreError::Failed("".into()), 1),
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
