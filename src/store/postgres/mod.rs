//! The store on a Postgres server, 15 and newer (tested on 15 and 18), for many machines.
//!
//! Invariant: only this module and its submodules use the `postgres` crate.
//!
//! Hours may pass between `lock` and `save`, and the connection may be lost in between. Then giggles reconnects and
//! takes the lock again before anything else. The holder of the lock knows that no earlier session of this run is
//! active, so a query for the run's row determines for certain whether a COMMIT without an answer has succeeded.
//!
//! The lock belongs to the session. A connection pool between giggles and Postgres therefore works only if it assigns
//! connections by session; one that assigns them by transaction is detected and refused (`pooler`).

mod address;
mod algorithms;
mod candidates;
mod connect;
mod driver;
mod encoding;
mod error;
mod hosts;
mod laughs;
mod lock;
mod parameters;
mod password;
mod pooler;
mod probe;
mod pruning;
mod reader;
mod redetected;
mod reviews;
mod scores;
mod server;
mod service;
mod session;
mod statements;
mod stream;
mod texts;
mod tls;
mod values;
mod verify;

pub use parameters::described as connection_parameters;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use postgres::{Client, GenericClient};

pub use self::probe::examine;
pub use self::reader::read;
pub use self::server::Server;

use self::encoding::Encoding;
use self::error::{MigrationBlocker, RetryClass, working};
use self::lock::Session;
use super::rows::Rows;
use super::{ImportSummary, Known, Lookup, PruneReport, Pruning, ReviewReset, Store, StoreError, schema, uncounted};
use crate::domain::{Counts, Reason, ReviewedSpan, Run, Unresolved};

/// Delays between the attempts after a lost connection or a conflict with another transaction; half a minute in total,
/// the time that a server takes to restart.
const WAITS: [Duration; 6] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
];

pub struct Postgres {
    server: Server,
    /// None after the connection was lost.
    client: Option<Client>,
    /// The latest session, also after it was lost: the server may not have noticed yet.
    session: Session,
    encoding: Encoding,
    locked: Vec<String>,
}

impl Postgres {
    pub fn open(server: &Server) -> Result<Postgres, StoreError> {
        let client = connect::connect(server).map_err(RetryClass::into_error)?;
        let (asked, statement_timeout) = (server.clone(), server.statement_timeout());
        connect::within(server, statement_timeout, move || prepared(client, asked)).map_err(RetryClass::into_error)?
    }

    /// Runs `work` on the connection, with all locks held; reconnects first if the connection was lost. If `work`
    /// takes too long, both are abandoned.
    fn ask<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Client, &Server) -> Result<T, RetryClass> + Send + 'static,
    ) -> Result<T, RetryClass> {
        let mut client = match self.client.take().filter(|client| !client.is_closed()) {
            Some(client) => client,
            None => self.reconnect()?,
        };
        let server = self.server.clone();
        let (client, done) = connect::within(&self.server, self.server.statement_timeout(), move || {
            let done = work(&mut client, &server);
            (client, done)
        })?;
        self.client = Some(client);
        done
    }

    fn reconnect(&mut self) -> Result<Client, RetryClass> {
        let mut client = connect::reconnect(&self.server)?;
        let (server, locked, lost) = (self.server.clone(), self.locked.clone(), self.session);
        let encoding = self.encoding.clone();
        let (client, session) = connect::within(&self.server, self.server.statement_timeout(), move || {
            for source in &locked {
                let source = encoding.escaped(&mut client, source).map_err(|error| working(&server, error))?;
                lock::reacquire(&mut client, &server, &source, &lost)?;
            }
            let session = Session::current(&mut client).map_err(|error| working(&server, error))?;
            Ok((client, session))
        })??;
        self.session = session;
        Ok(client)
    }

    fn retrying<T>(&mut self, mut work: impl FnMut(&mut Self) -> Result<T, RetryClass>) -> Result<T, StoreError> {
        let mut waits = WAITS.iter();
        loop {
            let class = match work(self) {
                Ok(done) => return Ok(done),
                Err(class) => class,
            };
            if let RetryClass::Lost(_) = class {
                self.client = None;
            }
            match (class, waits.next()) {
                (RetryClass::Lost(error) | RetryClass::Conflict(error), Some(wait)) => {
                    log::warn!("{error} (giggles itself tries again in {} s)", wait.as_secs_f32());
                    thread::sleep(*wait);
                }
                (class, _) => return Err(class.into_error()),
            }
        }
    }

    /// Like `ask`, but repeats `work` if the connection is lost; for idempotent work.
    fn asking<T: Send + 'static>(
        &mut self,
        work: impl Fn(&mut Client) -> Result<T, postgres::Error> + Send + Sync + 'static,
    ) -> Result<T, StoreError> {
        let work = Arc::new(work);
        self.retrying(|store| {
            let work = work.clone();
            store.ask(move |client, server| work(client).map_err(|error| working(server, error)))
        })
    }

    fn try_save(&mut self, rows: &Arc<Rows>, may_be_stored: bool) -> Result<(), RetryClass> {
        let (rows, encoding) = (rows.clone(), self.encoding.clone());
        self.ask(move |client, server| {
            let class = |error| working(server, error);
            if may_be_stored && statements::has_run(client, &rows.run.id.0).map_err(class)? {
                return Ok(());
            }
            statements::commit(client, &rows, &encoding).map_err(class)
        })
    }
}

/// The store on a new connection, after checking that it may write and migrating its tables.
fn prepared(mut client: Client, server: Server) -> Result<Postgres, StoreError> {
    let class = |error| working(&server, error).into_error();
    if statements::is_read_only(&mut client).map_err(class)? {
        return Err(error::read_only(&server));
    }
    while migrate_once(&mut client, &server)? {}
    let session = Session::current(&mut client).map_err(class)?;
    let encoding = Encoding::fetch(&mut client).map_err(class)?;
    Ok(Postgres { server, client: Some(client), session, encoding, locked: Vec::new() })
}

impl Store for Postgres {
    fn lock(&mut self, source: &str) -> Result<(), StoreError> {
        if self.locked.iter().any(|locked| locked == source) {
            return Ok(());
        }
        let (asked, encoding) = (source.to_owned(), self.encoding.clone());
        let taken = self.ask(move |client, server| {
            let asked = encoding.escaped(client, &asked).map_err(|error| working(server, error))?;
            lock::take(client, server, &asked)
        });
        taken.map_err(RetryClass::into_error)?;
        self.locked.push(source.to_owned());
        Ok(())
    }

    fn lock_exclusive(&mut self, sources: &[String]) -> Result<(), StoreError> {
        sources.iter().try_for_each(|source| self.lock(source))?;
        let other = self.ask(|client, server| {
            let other = client.query_opt(pruning::OTHERS, &[]).map_err(|error| working(server, error))?;
            Ok(other.map(|row| row.get::<_, i32>(0)))
        });
        other.map_err(RetryClass::into_error)?.map_or(Ok(()), |process| {
            let server = &self.server;
            Err(StoreError::Locked(
                format!(
                    "another giggles (server process {process}) is running in {server}; try again when it has ended"
                )
                .into(),
            ))
        })
    }

    fn forget_clips(&mut self, clips: &[String]) -> Result<u64, StoreError> {
        let (gone, encoding): (Arc<[String]>, _) = (clips.into(), self.encoding.clone());
        self.asking(move |client| pruning::forget_clips(client, &gone, &encoding))
    }

    fn prune(&mut self, pruning: &Pruning, after: i64) -> Result<PruneReport, StoreError> {
        let (wanted, encoding) = (pruning.clone(), self.encoding.clone());
        self.asking(move |client| pruning::prune(client, &wanted, after, &encoding))
    }

    fn prune_runs(&mut self, pruning: &Pruning) -> Result<u64, StoreError> {
        let (wanted, encoding) = (pruning.clone(), self.encoding.clone());
        self.asking(move |client| pruning::prune_runs(client, &wanted, &encoding))
    }

    fn save_reviews(&mut self, reviews: &[ReviewedSpan], dry_run: bool) -> Result<ImportSummary, StoreError> {
        let (rows, embeddings) = (super::review_rows::rows(reviews), super::review_rows::embeddings(reviews));
        let encoding = self.encoding.clone();
        self.asking(move |client| reviews::save(client, &rows, &embeddings, &encoding, dry_run))
    }

    fn reset_reviews(&mut self, reset: &ReviewReset) -> Result<u64, StoreError> {
        let (reset, encoding) = (reset.clone(), self.encoding.clone());
        self.asking(move |client| reviews::reset(client, &reset, &encoding))
    }

    fn known(&mut self, lookup: &Lookup) -> Result<Known, StoreError> {
        let asked = Arc::new(lookup.clone());
        self.retrying(|store| {
            let (asked, encoding) = (asked.clone(), store.encoding.clone());
            store.ask(move |client, server| {
                statements::known(client, &asked, &encoding).map_err(|error| working(server, error))
            })
        })
    }

    fn unresolved(&mut self, run: &Run) -> Result<Unresolved, StoreError> {
        self.retrying(|store| {
            let (source, window, encoding) = (run.source.clone(), run.window, store.encoding.clone());
            store.ask(move |client, server| {
                let source = encoding.escaped(client, &source).map_err(|error| working(server, error))?;
                statements::unresolved(client, &source, &window, &encoding).map_err(|error| working(server, error))
            })
        })
    }

    fn save(&mut self, run: &Run) -> Result<Counts, StoreError> {
        let rows = Arc::new(Rows::from_run(run)?);
        let mut tries = 0;
        self.retrying(|store| {
            tries += 1;
            store.try_save(&rows, tries > 1)
        })
        .map_err(with_consequence)?;
        let counts = self.retrying(|store| {
            let (id, encoding) = (rows.run.id.0.clone(), store.encoding.clone());
            store.ask(move |client, server| {
                statements::counts(client, &id, &encoding).map_err(|error| working(server, error))
            })
        });
        Ok(counts.unwrap_or_else(|error| uncounted(&rows, &error)))
    }
}

impl Drop for Postgres {
    /// The server releases the lock when it notices that the session has ended, which may be after the next run
    /// requests it; so it is released explicitly.
    fn drop(&mut self) {
        if let Some(client) = self.client.as_mut().filter(|client| !client.is_closed() && !self.locked.is_empty())
            && let Err(error) = lock::release(client)
        {
            log::debug!("the lock was not released, the server will release it: {error}");
        }
    }
}

/// Adds to the error of a failed save what it means for the run.
fn with_consequence(error: StoreError) -> StoreError {
    match error {
        StoreError::Failed(reason) => {
            StoreError::Failed(reason.reworded(format!("{reason}; nothing of this run was stored")))
        }
        StoreError::Unreachable(reason) => StoreError::Unreachable(
            reason.reworded(format!("{reason}; run it again: if this run was stored after all, it is skipped")),
        ),
        other => other,
    }
}

/// Applies the next migration, if any. Two programs may do this at the same time; a user without the permission to
/// create tables can still use existing ones.
fn migrate_once(client: &mut Client, server: &Server) -> Result<bool, StoreError> {
    let class = |error| working(server, error).into_error();
    if schema::next(server, version(client).map_err(class)?)?.is_none() {
        return Ok(false);
    }
    let mut transaction = client.transaction().map_err(class)?;
    transaction.execute(statements::MIGRATION_LOCK, &[]).map_err(class)?;
    // Queried again: another program may have migrated while this one waited for the lock.
    let current = version(&mut transaction).map_err(class)?;
    if let Some(migration) = schema::next(server, current)? {
        statements::apply(&mut transaction, migration).map_err(|error| {
            match error::kept_from_making_tables(&error) {
                Some(MigrationBlocker::Taken) => {
                    schema::taken(server, &error.as_db_error().map(ToString::to_string).unwrap_or_default())
                }
                Some(MigrationBlocker::Forbidden) => not_the_owner(server, error, migration.version),
                None => class(error),
            }
        })?;
    }
    transaction.commit().map_err(class)?;
    Ok(true)
}

/// The error for a role that may only write rows, if the tables are missing or older than this program.
fn not_the_owner(server: &Server, error: postgres::Error, version: i64) -> StoreError {
    let message = error.as_db_error().map(|error| error.message()).unwrap_or_default();
    let text = format!(
        "{server} refuses: {message}; the tables are to be brought to version {version} by their owner: run this \
         giggles once with the owner's URL, then grant this user its rights (deploy/postgres/role.sql)"
    );
    StoreError::Config(Reason::new(text).caused_by(error))
}

/// 0 for a new database. Queries the catalog's rows, not `to_regclass`, which may answer from a cache filled before
/// another program's migration was committed.
fn version(client: &mut impl GenericClient) -> Result<i64, postgres::Error> {
    let exists: bool = client.query_one(statements::IS_MIGRATED, &[])?.get(0);
    if !exists {
        return Ok(0);
    }
    Ok(client.query_one("SELECT coalesce(max(version), 0) FROM giggles_schema", &[])?.get(0))
}
