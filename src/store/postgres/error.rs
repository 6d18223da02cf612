//! What went wrong with a server, sorted by what helps: trying again, or a person.
//!
//! Invariant: texts hold the server's words and the masked address, never a password.

use std::error::Error as _;
use std::io;

use postgres::Error;
use postgres::error::{DbError, SqlState};

use super::server::Server;
use super::verify::certificate_fault;
use crate::store::StoreError;

/// An error, and whether the work may be tried again.
#[derive(Debug)]
pub enum Trouble {
    /// The connection is gone: try again on a new one.
    Lost(StoreError),
    /// The transaction met another one (deadlock, serialisation): try again on the same connection.
    Conflict(StoreError),
    /// Trying again would end the same way.
    Final(StoreError),
}

impl Trouble {
    pub fn into_error(self) -> StoreError {
        match self {
            Trouble::Lost(error) | Trouble::Conflict(error) | Trouble::Final(error) => error,
        }
    }
}

/// Who or what can help.
enum Cure {
    Reconnecting,
    Repeating,
    Waiting,
    Settings,
    /// A pooler that keeps sessions.
    AnotherPool,
    Nothing,
}

/// An error met while connecting: what the server does not explain is a matter of settings.
pub fn connecting(server: &Server, error: &Error) -> Trouble {
    match cure(error) {
        Cure::AnotherPool => Trouble::Final(pooled(server)),
        Cure::Nothing if error.as_db_error().is_some_and(is_full) => Trouble::Lost(unreachable(server, &text(error))),
        Cure::Reconnecting | Cure::Repeating | Cure::Waiting => Trouble::Lost(unreachable(server, &text(error))),
        Cure::Settings | Cure::Nothing => {
            let (verdict, text) = match tls_reason(error).and_then(certificate_fault) {
                Some(fault) => ("is not trusted", fault),
                None => ("refuses", text(error)),
            };
            Trouble::Final(StoreError::Config(format!("{server} {verdict}: {text}; check {}", what_to_check(error))))
        }
    }
}

/// An error met on a connection that stood.
pub fn working(server: &Server, error: &Error) -> Trouble {
    let text = text(error);
    match cure(error) {
        Cure::AnotherPool => Trouble::Final(pooled(server)),
        Cure::Reconnecting => Trouble::Lost(unreachable(server, &text)),
        Cure::Repeating => Trouble::Conflict(busy(server, &text)),
        Cure::Waiting => Trouble::Final(busy(server, &text)),
        Cure::Settings => {
            Trouble::Final(StoreError::Config(format!("{server} refuses: {text}; check the permissions of the user")))
        }
        Cure::Nothing => Trouble::Final(StoreError::Failed(format!("{server} failed: {text}"))),
    }
}

pub fn unreachable(server: &Server, reason: &str) -> StoreError {
    StoreError::Unreachable(format!("{server} cannot be reached: {reason}; try again later"))
}

pub fn read_only(server: &Server) -> StoreError {
    StoreError::Config(format!(
        "{server} is read-only, as a standby is; name the primary, or all hosts with target_session_attrs=read-write"
    ))
}

pub fn pooled(server: &Server) -> StoreError {
    StoreError::Config(format!(
        "{server} is a pooler that hands out connections by transaction or by statement, to which the lock of a run \
         means nothing; name its port for sessions (pool_mode = session), or the server itself"
    ))
}

fn busy(server: &Server, reason: &str) -> StoreError {
    StoreError::Unreachable(format!("{server} is busy: {reason}; try again later"))
}

/// SQLSTATE classes: PostgreSQL's manual, appendix A.
fn cure(error: &Error) -> Cure {
    let Some(state) = error.code() else {
        return cure_without_state(error);
    };
    match (state.code(), &state.code()[..2]) {
        // A prepared statement that is another session's, or has stayed there.
        ("42P05" | "26000", _) => Cure::AnotherPool,
        // What a pooler itself says, of settings and of bad moments alike.
        ("08P01", _) => error.as_db_error().map_or(Cure::Nothing, |said| of_pooler(said.message())),
        // 25006: read-only, which it was not when the run began: a primary that fell back, and may come again.
        ("57P01" | "57P02" | "57P03" | "57P05" | "53300" | "25006", _) | (_, "08") => Cure::Reconnecting,
        ("40001" | "40P01", _) => Cure::Repeating,
        // 57014: the server's own statement_timeout.
        ("55P03" | "57014", _) => Cure::Waiting,
        ("3D000" | "3F000" | "42501", _) | (_, "28") => Cure::Settings,
        _ => Cure::Nothing,
    }
}

/// pgbouncer has one code for all that it refuses, and words of its own. A cached failure of its own login to the
/// server names its cause.
fn of_pooler(message: &str) -> Cure {
    const MOMENTS: [&str; 12] = [
        "cannot connect",
        "timeout",
        "no more connections",
        "shut",
        "try again",
        "closed",
        "crash",
        "disabled",
        "too many",
        "paused",
        "exhaust",
        "dropped",
    ];
    let is_about = |words: &[&str]| words.iter().any(|words| message.contains(words));
    match message {
        _ if is_about(&["statement pooling", "transaction pooling"]) => Cure::AnotherPool,
        _ if is_about(&["authentication failed", "does not exist", "pg_hba.conf"]) => Cure::Settings,
        _ if is_about(&MOMENTS) => Cure::Reconnecting,
        _ => Cure::Settings,
    }
}

/// Supavisor's and pgcat's words for a pool without a free connection, for which their codes say nothing.
fn is_full(said: &DbError) -> bool {
    let message = said.message().to_lowercase();
    ["max client", "maxclients", "could not get connection", "all servers down"]
        .iter()
        .any(|words| message.contains(words))
}

/// The server did not speak: the network or TLS did.
fn cure_without_state(error: &Error) -> Cure {
    match network(error) {
        Some(_) if tls_reason(error).is_some() => Cure::Settings,
        Some(_) => Cure::Reconnecting,
        None if error.is_closed() => Cure::Reconnecting,
        None => Cure::Nothing,
    }
}

fn network(error: &Error) -> Option<&io::Error> {
    error.source().and_then(|source| source.downcast_ref())
}

fn tls_reason(error: &Error) -> Option<&rustls::Error> {
    network(error)?.get_ref().and_then(|inner| inner.downcast_ref())
}

fn what_to_check(error: &Error) -> &'static str {
    match error.code() {
        _ if text(error).contains("unsupported startup parameter") => {
            "the address and PGOPTIONS: leave the parameter out, or name it in the pooler's ignore_startup_parameters"
        }
        _ if text(error).contains("no such database") => "the database's name, and the pooler's list of databases",
        Some(state) if *state == SqlState::INVALID_PASSWORD => "the password (DATABASE_URL, PGPASSWORD, ~/.pgpass)",
        Some(state) if *state == SqlState::INVALID_CATALOG_NAME => "the database's name, or create it with createdb",
        Some(state) if *state == SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "the user, and the server's pg_hba.conf"
        }
        Some(_) => "the address, the user and their permissions",
        None if text(error).contains("password") => "the password (DATABASE_URL, PGPASSWORD, ~/.pgpass)",
        None => "sslmode and sslrootcert, and the server's certificate",
    }
}

/// The whole chain in one line: the driver's own text names only the stage.
pub fn text(error: &Error) -> String {
    if let Some(said) = error.as_db_error() {
        let detail = said.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
        return format!("{}{detail}", said.message());
    }
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// True where the server turned away this way of connecting (with or without TLS), not this user.
pub fn is_about_the_way(error: &Error) -> bool {
    match error.code() {
        Some(state) => *state == SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
        None => matches!(cure_without_state(error), Cure::Settings),
    }
}

/// What keeps a user from making giggles' tables, that a person can mend.
pub enum Hindrance {
    /// Others have tables of these names.
    Taken,
    /// The user may not make tables here.
    Forbidden,
}

pub fn kept_from_making_tables(error: &Error) -> Option<Hindrance> {
    match error.code()? {
        state if *state == SqlState::DUPLICATE_TABLE => Some(Hindrance::Taken),
        state if *state == SqlState::INSUFFICIENT_PRIVILEGE => Some(Hindrance::Forbidden),
        _ => None,
    }
}
