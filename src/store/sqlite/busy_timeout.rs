//! Waits for a file that another program has locked.
//!
//! SQLite's own `busy_timeout` cannot be interrupted by a signal and does not distinguish the two cases: a reader
//! blocks a commit, a writer blocks the start of a transaction. Therefore giggles retries itself. While a commit waits,
//! SQLite admits no new readers (its PENDING lock), so the commit succeeds once the current readers have finished.

use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use super::error::{Explain, Holder, held};
use crate::stop::Stop;
use crate::store::StoreError;
use crate::store::location::DatabaseFile;

/// Longest wait for another program; long, because the results of a run depend on it.
pub const LONGEST_WAIT: Duration = Duration::from_secs(90);
/// Delay between two attempts: the longest reaction time to a signal or a released file.
const INTERVAL: Duration = Duration::from_millis(50);
/// A longer wait is reported.
const UNREPORTED: Duration = Duration::from_secs(2);

pub struct BusyTimeout {
    pub database: DatabaseFile,
    pub longest: Duration,
    pub stop: Stop,
}

impl BusyTimeout {
    /// Begins a write transaction. It is rolled back when dropped.
    pub fn begin<'a>(&self, connection: &'a Connection, explain: Explain) -> Result<Transaction<'a>, StoreError> {
        let begin = || Transaction::new_unchecked(connection, TransactionBehavior::Immediate);
        self.wait(Holder::Writer, explain, begin)
    }

    /// The transaction stays open between the attempts: nothing is repeated, and no other program can write in between.
    pub fn commit(&self, transaction: &Transaction<'_>, explain: Explain) -> Result<(), StoreError> {
        self.wait(Holder::Reader, explain, || transaction.execute_batch("COMMIT"))
    }

    /// Runs `work`, and retries it while another program has locked the file.
    ///
    /// # Errors
    /// `Unreachable` after the longest wait, `Stopped` by a signal.
    pub fn wait<T>(
        &self,
        holder: Holder,
        explain: Explain,
        mut work: impl FnMut() -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let begun = Instant::now();
        let mut is_reported = false;
        loop {
            match work() {
                Err(error) if is_held(&error) => {}
                done => return done.map_err(|error| explain(&self.database, error)),
            }
            let waited = begun.elapsed();
            match self.stop.signal() {
                Some(signal) => return Err(StoreError::Stopped(signal)),
                None if waited > self.longest => return Err(held(&self.database, holder, waited)),
                None => {}
            }
            if waited > UNREPORTED && !is_reported {
                is_reported = true;
                log::warn!("{} {holder}; waiting for it, at most {} s", self.database, self.longest.as_secs());
            }
            thread::sleep(INTERVAL);
        }
    }
}

fn is_held(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

#[cfg(test)]
mod tests {
    use super::super::error::explain;
    use super::*;

    struct Held {
        folder: tempfile::TempDir,
        connection: Connection,
    }

    impl Held {
        fn new() -> Held {
            let folder = tempfile::tempdir().unwrap();
            let connection = Connection::open(folder.path().join("a.db")).unwrap();
            connection.execute_batch("CREATE TABLE t (x)").unwrap();
            Held { folder, connection }
        }

        /// The error of inserting one more row while the file is locked.
        fn write(&self, stop: Stop) -> StoreError {
            let path = self.folder.path().join("a.db");
            let database = DatabaseFile { path, make_folder: false };
            let connection = Connection::open(&database.path).unwrap();
            connection.busy_timeout(Duration::ZERO).unwrap();
            let busy_timeout = BusyTimeout { database, longest: Duration::from_millis(200), stop };
            let transaction = match busy_timeout.begin(&connection, explain) {
                Ok(transaction) => transaction,
                Err(error) => return error,
            };
            transaction.execute_batch("INSERT INTO t VALUES (1)").unwrap();
            busy_timeout.commit(&transaction, explain).unwrap_err()
        }
    }

    #[test]
    fn a_reader_and_a_writer_that_hold_the_file_are_distinguished() {
        let held = Held::new();
        held.connection.execute_batch("BEGIN; SELECT * FROM t").unwrap();
        assert!(
            matches!(held.write(Stop::default()), StoreError::Unreachable(text) if text.to_string().contains("is being read by"))
        );
        held.connection.execute_batch("COMMIT; BEGIN IMMEDIATE").unwrap();
        assert!(
            matches!(held.write(Stop::default()), StoreError::Unreachable(text) if text.to_string().contains("being written by"))
        );
        let stop = Stop::default();
        stop.0.store(15, std::sync::atomic::Ordering::Relaxed);
        assert!(matches!(held.write(stop), StoreError::Stopped(15)));
        held.connection.execute_batch("COMMIT").unwrap();
        let rows: i64 = held.connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0, "what could not be committed is rolled back");
    }
}
