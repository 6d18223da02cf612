//! Classification of server errors: which ones a retry can fix, and which ones need a person.
//!
//! Invariant: texts contain the server's message and the masked address, never a password. The driver's error is their
//! cause. Where SQLSTATE does not tell, `texts` does.

use std::error::Error as _;
use std::io;

use postgres::Error;
use postgres::error::SqlState;

use super::server::Server;
use super::texts;
use super::verify::certificate_fault;
use crate::domain::Reason;
use crate::store::StoreError;

/// An error, and whether the work may be retried.
#[derive(Debug)]
pub enum RetryClass {
    /// The connection is lost: retry on a new one.
    Lost(StoreError),
    /// The transaction conflicted with another one (deadlock, serialization): retry on the same connection.
    Conflict(StoreError),
    /// A retry would fail the same way.
    Final(StoreError),
}

impl RetryClass {
    pub fn into_error(self) -> StoreError {
        match self {
            RetryClass::Lost(error) | RetryClass::Conflict(error) | RetryClass::Final(error) => error,
        }
    }
}

/// What can resolve an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    Reconnecting,
    Repeating,
    Waiting,
    Settings,
    /// A pooler that assigns connections by session.
    AnotherPool,
    Nothing,
}

/// Classifies an error while connecting: an error without SQLSTATE is a configuration error.
pub fn connecting(server: &Server, error: Error) -> RetryClass {
    match error_class(&error) {
        ErrorClass::AnotherPool => RetryClass::Final(pooled(server)),
        ErrorClass::Reconnecting | ErrorClass::Repeating | ErrorClass::Waiting => {
            RetryClass::Lost(unreachable(server, reason(error)))
        }
        ErrorClass::Nothing if error.as_db_error().is_some_and(|error| texts::is_full(error.message())) => {
            RetryClass::Lost(unreachable(server, reason(error)))
        }
        ErrorClass::Settings | ErrorClass::Nothing => {
            let (verdict, text) = match tls_reason(&error).and_then(certificate_fault) {
                Some(fault) => ("is not trusted", fault),
                None => ("refuses", text(&error)),
            };
            let text = format!("{server} {verdict}: {text}; check {}", what_to_check(&error));
            RetryClass::Final(StoreError::Config(Reason::new(text).caused_by(error)))
        }
    }
}

/// Classifies an error on an established connection.
pub fn working(server: &Server, error: Error) -> RetryClass {
    let text = text(&error);
    match error_class(&error) {
        ErrorClass::AnotherPool => RetryClass::Final(pooled(server)),
        ErrorClass::Reconnecting => RetryClass::Lost(unreachable(server, reason(error))),
        ErrorClass::Repeating => RetryClass::Conflict(busy(server, reason(error))),
        ErrorClass::Waiting => RetryClass::Final(busy(server, reason(error))),
        ErrorClass::Settings => {
            let text = format!("{server} refuses: {text}; check the permissions of the user");
            RetryClass::Final(StoreError::Config(Reason::new(text).caused_by(error)))
        }
        ErrorClass::Nothing => {
            let text = format!("{server} failed: {text}");
            RetryClass::Final(StoreError::Failed(Reason::new(text).caused_by(error)))
        }
    }
}

/// The server's words, and the driver's error as their cause.
pub fn reason(error: Error) -> Reason {
    Reason::new(text(&error)).caused_by(error)
}

pub fn unreachable(server: &Server, reason: impl Into<Reason>) -> StoreError {
    let reason = reason.into();
    StoreError::Unreachable(reason.reworded(format!("{server} cannot be reached: {reason}; try again later")))
}

pub fn read_only(server: &Server) -> StoreError {
    StoreError::Config(format!(
        "{server} is read-only, as a standby is; name the primary, or all hosts with target_session_attrs=read-write"
    ).into())
}

pub fn pooled(server: &Server) -> StoreError {
    StoreError::Config(format!(
        "{server} is a pooler that hands out connections by transaction or by statement, where the lock of a run has \
         no effect; name its port for sessions (pool_mode = session), or the server itself"
    ).into())
}

fn busy(server: &Server, reason: Reason) -> StoreError {
    StoreError::Unreachable(reason.reworded(format!("{server} is busy: {reason}; try again later")))
}

/// By SQLSTATE class. Source: PostgreSQL's manual, appendix A.
fn error_class(error: &Error) -> ErrorClass {
    let Some(state) = error.code() else {
        return error_class_without_state(error);
    };
    match (state.code(), &state.code()[..2]) {
        // A prepared statement that exists in another session, or is left over from one.
        ("42P05" | "26000", _) => ErrorClass::AnotherPool,
        // An error of a pooler itself: configuration errors and temporary ones have the same code.
        ("08P01", _) => error.as_db_error().map_or(ErrorClass::Nothing, |error| texts::class(error.message())),
        // 25006: read-only now, but not when the run started: a primary that was demoted and may return.
        ("57P01" | "57P02" | "57P03" | "57P05" | "53300" | "25006", _) | (_, "08") => ErrorClass::Reconnecting,
        ("40001" | "40P01", _) => ErrorClass::Repeating,
        // 57014: the server's own statement_timeout.
        ("55P03" | "57014", _) => ErrorClass::Waiting,
        ("3D000" | "3F000" | "42501", _) | (_, "28") => ErrorClass::Settings,
        _ => ErrorClass::Nothing,
    }
}

/// An error of the network or of TLS, not of the server.
fn error_class_without_state(error: &Error) -> ErrorClass {
    match network(error) {
        Some(_) if tls_reason(error).is_some() => ErrorClass::Settings,
        Some(_) => ErrorClass::Reconnecting,
        None if error.is_closed() => ErrorClass::Reconnecting,
        None => ErrorClass::Nothing,
    }
}

fn network(error: &Error) -> Option<&io::Error> {
    error.source().and_then(|source| source.downcast_ref())
}

fn tls_reason(error: &Error) -> Option<&rustls::Error> {
    network(error)?.get_ref().and_then(|inner| inner.downcast_ref())
}

fn what_to_check(error: &Error) -> &'static str {
    if let Some(advice) = error.as_db_error().and_then(|error| texts::advice(error.message())) {
        return advice;
    }
    match error.code() {
        Some(state) if *state == SqlState::INVALID_PASSWORD => "the password (DATABASE_URL, PGPASSWORD, ~/.pgpass)",
        Some(state) if *state == SqlState::INVALID_CATALOG_NAME => "the database's name, or create it with createdb",
        Some(state) if *state == SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            "the user, and the server's pg_hba.conf"
        }
        Some(_) => "the address, the user and their permissions",
        None if texts::lacks_password(error) => "the password (DATABASE_URL, PGPASSWORD, ~/.pgpass)",
        None => "sslmode and sslrootcert, and the server's certificate",
    }
}

/// The error and its source in one line: the driver's own text only names the stage.
pub fn text(error: &Error) -> String {
    if let Some(error) = error.as_db_error() {
        let detail = error.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
        return format!("{}{detail}", error.message());
    }
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// True if the server refused this transport (with or without TLS), not this user.
pub fn is_about_transport(error: &Error) -> bool {
    match error.code() {
        Some(state) => *state == SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
        None => matches!(error_class_without_state(error), ErrorClass::Settings),
    }
}

/// What prevents a user from creating giggles' tables, and a person can fix.
pub enum MigrationBlocker {
    /// Tables with these names exist already.
    Taken,
    /// The user may not create tables here.
    Forbidden,
}

pub fn kept_from_making_tables(error: &Error) -> Option<MigrationBlocker> {
    match error.code()? {
        state if *state == SqlState::DUPLICATE_TABLE => Some(MigrationBlocker::Taken),
        state if *state == SqlState::INSUFFICIENT_PRIVILEGE => Some(MigrationBlocker::Forbidden),
        _ => None,
    }
}
