//! The lock of a source, held across hosts: a session-level advisory lock.
//!
//! Invariant: the server releases the lock when the session ends, however it ends.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use postgres::{Client, Error};

use super::error::{RetryClass, working};
use super::server::Server;
use crate::store::StoreError;

/// Includes the schema: each schema (`options=-csearch_path=…`) is a separate giggles database.
const KEY: &str = "SELECT hashtextextended('giggles ' || coalesce(current_schema(), '') || ' ' || $1, 0) AS key";
const TAKE: &str = "SELECT pg_try_advisory_lock($1)";
/// pg_locks shows the 64 bits of an advisory lock as two halves.
const HOLDER: &str = "
    SELECT a.pid, a.backend_start, coalesce(host(a.client_addr), 'this server') AS host
    FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (l.classid::bigint << 32) | l.objid::bigint = $1";
const END: &str = "SELECT pg_terminate_backend($1, $2)";
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection's identity on the server: process ids are reused, but not with the same start time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    process: i32,
    /// None if the server hides it (another user's session).
    started: Option<Timestamp>,
}

impl Session {
    pub fn current(client: &mut Client) -> Result<Session, Error> {
        let row =
            client.query_one("SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()", &[])?;
        Ok(Session { process: row.get(0), started: row.get(1) })
    }
}

struct Holder {
    session: Session,
    host: String,
}

pub fn take(client: &mut Client, server: &Server, source: &str) -> Result<(), RetryClass> {
    match try_take(client, source).map_err(|error| working(server, error))? {
        Ok(()) => Ok(()),
        Err(holder) => Err(RetryClass::Final(held(server, source, holder))),
    }
}

/// Releases all locks of this session.
pub fn release(client: &mut Client) -> Result<(), Error> {
    client.batch_execute("SELECT pg_advisory_unlock_all()")
}

/// Like `take`, for a run that lost its connection. The server may take hours to notice that the earlier session is
/// dead; that session is terminated if, and only if, it still holds the lock.
pub fn reacquire(client: &mut Client, server: &Server, source: &str, lost: &Session) -> Result<(), RetryClass> {
    let class = |error| working(server, error);
    let mut taken = try_take(client, source).map_err(class)?;
    if let Err(Some(holder)) = &taken
        && holder.session == *lost
    {
        let timeout = i64::try_from(END_TIMEOUT.as_millis()).unwrap_or(i64::MAX);
        client.execute(END, &[&lost.process, &timeout]).map_err(class)?;
        taken = try_take(client, source).map_err(class)?;
    }
    // Another run may hold it by now; it may also end soon.
    taken.map_err(|holder| RetryClass::Lost(held(server, source, holder)))
}

/// Ok(Err) contains the holder; None if the lock was released in between.
fn try_take(client: &mut Client, source: &str) -> Result<Result<(), Option<Holder>>, Error> {
    let key = key(client, source)?;
    let is_taken: bool = client.query_one(TAKE, &[&key])?.get(0);
    if is_taken { Ok(Ok(())) } else { Ok(Err(find_holder(client, key)?)) }
}

fn key(client: &mut Client, source: &str) -> Result<i64, Error> {
    client.query_one(KEY, &[&source])?.try_get(0)
}

/// The holder of the lock, as far as this user may see it.
fn find_holder(client: &mut Client, key: i64) -> Result<Option<Holder>, Error> {
    let row = client.query_opt(HOLDER, &[&key])?;
    Ok(row.map(|row| Holder {
        session: Session { process: row.get("pid"), started: row.get("backend_start") },
        host: row.get("host"),
    }))
}

/// The current holder of the lock. Does not try to take the lock, which could make a run fail.
pub fn holder(client: &mut Client, source: &str) -> Result<Option<String>, Error> {
    let key = key(client, source)?;
    Ok(find_holder(client, key)?.map(|holder| holder.to_string()))
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "server process {}, from {}", self.session.process, self.host)?;
        self.session.started.map_or(Ok(()), |at| write!(f, " since {at:.0}"))
    }
}

fn held(server: &Server, source: &str, holder: Option<Holder>) -> StoreError {
    let who = holder.map_or_else(String::new, |holder| format!(" ({holder})"));
    StoreError::Locked(
        format!("another giggles{who} is running on the source '{source}' in {server}; try again when it has ended")
            .into(),
    )
}
