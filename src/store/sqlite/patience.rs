//! Waiting for a file that another program holds.
//!
//! SQLite's own waiting (`busy_timeout`) is not cut short by a signal and does not tell who is waited for: one that
//! reads keeps a transaction from being committed, one that writes keeps it from beginning. So giggles asks again and
//! again itself. While a commit waits, SQLite lets no new reader in (its PENDING lock), so that readers run out.

use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use super::error::{Explain, Holder, held};
use crate::record::Stop;
use crate::store::StoreError;
use crate::store::location::DatabaseFile;

/// As long as a server is waited for that does not answer: a night's work may hang on it.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// Between two tries: within this time a signal is obeyed, and the file taken.
const TRY: Duration = Duration::from_millis(50);
/// From here on somebody may wonder what giggles is doing.
const SILENCE: Duration = Duration::from_secs(2);

pub struct Patience {
    pub database: DatabaseFile,
    pub longest: Duration,
    pub stop: Stop,
}

impl Patience {
    /// Begins a transaction that writes. Dropped, it is rolled back.
    pub fn begin<'a>(&self, connection: &'a Connection, explain: Explain) -> Result<Transaction<'a>, StoreError> {
        let begin = || Transaction::new_unchecked(connection, TransactionBehavior::Immediate);
        self.wait(Holder::Writer, explain, begin)
    }

    /// The transaction stays open from try to try: nothing is done twice, and nobody writes in between.
    pub fn commit(&self, transaction: &Transaction<'_>, explain: Explain) -> Result<(), StoreError> {
        self.wait(Holder::Reader, explain, || transaction.execute_batch("COMMIT"))
    }

    /// Does the work, again and again while the file is held.
    ///
    /// # Errors
    /// `Unreachable` if it is held too long, `Stopped` by a signal.
    pub fn wait<T>(
        &self,
        holder: Holder,
        explain: Explain,
        mut work: impl FnMut() -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let begun = Instant::now();
        let mut is_told = false;
        loop {
            match work() {
                Err(error) if is_held(&error) => {}
                done => return done.map_err(|error| explain(&self.database, &error)),
            }
            let waited = begun.elapsed();
            match self.stop.signal() {
                Some(signal) => return Err(StoreError::Stopped(signal)),
                None if waited > self.longest => return Err(held(&self.database, holder, waited)),
                None => {}
            }
            if waited > SILENCE && !is_told {
                is_told = true;
                log::warn!("{} {holder}; waiting for it, at most {} s", self.database, self.longest.as_secs());
            }
            thread::sleep(TRY);
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

        /// What comes of one more row, if nobody lets go.
        fn write(&self, stop: Stop) -> StoreError {
            let path = self.folder.path().join("a.db");
            let database = DatabaseFile { path, make_folder: false };
            let connection = Connection::open(&database.path).unwrap();
            connection.busy_timeout(Duration::ZERO).unwrap();
            let patience = Patience { database, longest: Duration::from_millis(200), stop };
            let transaction = match patience.begin(&connection, explain) {
                Ok(transaction) => transaction,
                Err(error) => return error,
            };
            transaction.execute_batch("INSERT INTO t VALUES (1)").unwrap();
            patience.commit(&transaction, explain).unwrap_err()
        }
    }

    #[test]
    fn who_holds_the_file_is_told_apart() {
        let held = Held::new();
        held.connection.execute_batch("BEGIN; SELECT * FROM t").unwrap();
        assert!(
            matches!(held.write(Stop::default()), StoreError::Unreachable(text) if text.contains("is being read by"))
        );
        held.connection.execute_batch("COMMIT; BEGIN IMMEDIATE").unwrap();
        assert!(
            matches!(held.write(Stop::default()), StoreError::Unreachable(text) if text.contains("being written by"))
        );
        let stop = Stop::default();
        stop.0.store(15, std::sync::atomic::Ordering::Relaxed);
        assert!(matches!(held.write(stop), StoreError::Stopped(15)));
        held.connection.execute_batch("COMMIT").unwrap();
        let rows: i64 = held.connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0, "what could not be committed is rolled back");
    }
}
