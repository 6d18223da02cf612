//! A pooler that hands out the server's connections by transaction is found out, before anything is set or locked.
//!
//! To such a pooler a lock that belongs to a session belongs to nobody, a prepared statement may be another's, and a
//! setting stays behind for whoever comes next. It shows when two of our connections meet one session of the server,
//! or one of ours meets two of them; a server itself, and a pooler that hands out whole sessions, never do that.
//!
//! Invariant: changes nothing on the server, and keeps nothing of the second connection.

use std::time::Duration;

use postgres::{Client, Error, SimpleQueryMessage};

use super::connect::{Link, again, within};
use super::error::{Trouble, connecting, pooled};
use super::server::Server;

/// As a transaction, and without prepared statements, which a pooler may lose.
const SESSION: &str = "BEGIN; SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid(); COMMIT";
/// A pool of sessions that is full lets the second connection wait: that proves nothing.
const PATIENCE: Duration = Duration::from_secs(3);

/// A session as its server knows it.
type Seen = Option<(String, Option<String>)>;

pub fn refuse(server: &Server, link: Link) -> Result<Client, Trouble> {
    let Link { mut client, target, way } = link;
    let asked = server.clone();
    let other = move || {
        let server = asked.clone();
        within(&asked, PATIENCE, move || {
            let mut other = again(&server, &target, way)?;
            seen(&mut other).map_err(|error| connecting(&server, &error))
        })?
    };
    let (client, is_pooled) = within(server, server.patience(), move || {
        let is_pooled = is_pooled(&mut client, other);
        (client, is_pooled)
    })?;
    match is_pooled {
        Ok(false) => Ok(client),
        Ok(true) => Err(Trouble::Final(pooled(server))),
        Err(error) => Err(connecting(server, &error)),
    }
}

/// The order tells also a pooler that goes round its sessions: of one, two or more of them, ours meet the same one
/// twice, or another one.
fn is_pooled(client: &mut Client, other: impl FnOnce() -> Result<Seen, Trouble>) -> Result<bool, Error> {
    let first = seen(client)?;
    match other() {
        Ok(other) if other.is_some() && other == first => return Ok(true),
        Ok(_) => {}
        Err(error) => log::debug!("whether there is a pooler is asked on one connection only: {}", error.into_error()),
    }
    Ok(seen(client)? != first || seen(client)? != first)
}

/// None where the server does not tell.
fn seen(client: &mut Client) -> Result<Seen, Error> {
    let said = client.simple_query(SESSION)?;
    Ok(said.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some((row.get(0)?.to_owned(), row.get(1).map(str::to_owned))),
        _ => None,
    }))
}
