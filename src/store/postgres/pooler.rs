//! Detects a pooler that assigns the server's connections by transaction, before anything is set or locked.
//!
//! Behind such a pooler, a session-level lock protects nothing, a prepared statement may belong to another client, and
//! a setting affects the next client. It is detected if two client connections see the same server session, or one
//! client connection sees two; neither the server itself nor a pooler that assigns connections by session does that.
//!
//! Invariant: changes nothing on the server, and closes the second connection.

use std::time::Duration;

use postgres::{Client, Error, SimpleQueryMessage};

use super::connect::{Link, again, within};
use super::error::{RetryClass, connecting, pooled};
use super::server::Server;

/// In a transaction and without prepared statements, which a pooler may lose.
const SESSION: &str = "BEGIN; SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid(); COMMIT";
/// A full session pool makes the second connection wait: that proves nothing.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

/// A session's process id and start time. None if the server does not report them.
type ServerSession = Option<(String, Option<String>)>;

pub fn refuse(server: &Server, link: Link) -> Result<Client, RetryClass> {
    let Link { mut client, target, transport } = link;
    let asked = server.clone();
    let other = move || {
        let server = asked.clone();
        within(&asked, PROBE_TIMEOUT, move || {
            let mut other = again(&server, &target, transport)?;
            server_session(&mut other).map_err(|error| connecting(&server, error))
        })?
    };
    let (client, is_pooled) = within(server, server.statement_timeout(), move || {
        let is_pooled = is_pooled(&mut client, other);
        (client, is_pooled)
    })?;
    match is_pooled {
        Ok(false) => Ok(client),
        Ok(true) => Err(RetryClass::Final(pooled(server))),
        Err(error) => Err(connecting(server, error)),
    }
}

/// The order of the queries also detects a pooler that rotates its sessions: with any number of them, either both
/// connections see the same session, or this connection sees another one later.
fn is_pooled(client: &mut Client, other: impl FnOnce() -> Result<ServerSession, RetryClass>) -> Result<bool, Error> {
    let first = server_session(client)?;
    match other() {
        Ok(other) if other.is_some() && other == first => return Ok(true),
        Ok(_) => {}
        Err(error) => log::debug!("the check for a pooler uses one connection only: {}", error.into_error()),
    }
    Ok(server_session(client)? != first || server_session(client)? != first)
}

fn server_session(client: &mut Client) -> Result<ServerSession, Error> {
    let messages = client.simple_query(SESSION)?;
    Ok(messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some((row.get(0)?.to_owned(), row.get(1).map(str::to_owned))),
        _ => None,
    }))
}
