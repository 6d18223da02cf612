//! The table of texts of poolers and of the driver that decide something. A server says what happened by SQLSTATE; a
//! pooler has one SQLSTATE (08P01, or 58000) for everything, and the driver has no kind for a missing password.
//!
//! Pooling modes, refused parameters, unknown databases and an unreachable server are provoked from a real pgbouncer
//! (`tests/it/postgres/poolers.rs`). The other rows are from the sources of pgbouncer and Supavisor; if such a text
//! changes, the error has the kind of a setting, and its message is shown as it came.

use std::error::Error as _;

use postgres::Error;

use super::error::ErrorClass;

/// A part of a text, who sends it when, and what it means.
type Row<M> = (&'static str, &'static str, M);

/// Errors with SQLSTATE 08P01, first match first. A cached failure of the pooler's own login to the server includes the
/// server's words. A text without a row is a setting: pgbouncer refuses what its file does not allow.
const PROTOCOL_VIOLATIONS: [Row<ErrorClass>; 17] = [
    ("statement pooling", "pgbouncer: a transaction with pool_mode = statement", ErrorClass::AnotherPool),
    ("transaction pooling", "pgbouncer: a prepared statement with pool_mode = transaction", ErrorClass::AnotherPool),
    ("authentication failed", "the server, cached by pgbouncer: its password is wrong", ErrorClass::Settings),
    ("does not exist", "the server, cached by pgbouncer: the database or the user", ErrorClass::Settings),
    ("pg_hba.conf", "the server, cached by pgbouncer: it does not admit the pooler", ErrorClass::Settings),
    ("cannot connect", "pgbouncer: the server is not reached", ErrorClass::Reconnecting),
    ("timeout", "pgbouncer: query_wait_timeout and other limits", ErrorClass::Reconnecting),
    ("no more connections", "pgbouncer: max_client_conn is reached", ErrorClass::Reconnecting),
    ("shut", "pgbouncer: it, or the server, is shutting down", ErrorClass::Reconnecting),
    ("try again", "pgbouncer: the login to the server fails repeatedly", ErrorClass::Reconnecting),
    ("closed", "pgbouncer: the server closed the connection", ErrorClass::Reconnecting),
    ("crash", "pgbouncer: the server's connection broke off", ErrorClass::Reconnecting),
    ("disabled", "pgbouncer: DISABLE, for maintenance", ErrorClass::Reconnecting),
    ("too many", "hosted poolers only: connections of the user or database", ErrorClass::Reconnecting),
    ("paused", "hosted poolers only: a database that sleeps", ErrorClass::Reconnecting),
    ("exhaust", "hosted poolers only: the pool", ErrorClass::Reconnecting),
    ("dropped", "hosted poolers only: the connection to the server", ErrorClass::Reconnecting),
];

/// Errors of a full pool with any other SQLSTATE, in lower case.
const FULL: [Row<()>; 4] = [
    ("max client", "hosted poolers only: Supavisor", ()),
    ("maxclients", "hosted poolers only: Supavisor", ()),
    ("could not get connection", "hosted poolers only: pgcat", ()),
    ("all servers down", "hosted poolers only: pgcat", ()),
];

/// What to check, for errors of settings.
const ADVICE: [Row<&str>; 2] = [
    (
        "unsupported startup parameter",
        "pgbouncer: a parameter that it does not track",
        "the address and PGOPTIONS: leave the parameter out, or name it in the pooler's ignore_startup_parameters",
    ),
    (
        "no such database",
        "pgbouncer: its [databases] lacks the name",
        "the database's name, and the pooler's list of databases",
    ),
];

/// The cause of the driver's error, if the server asks for a password and none is known: tokio-postgres, connect_raw.
const NO_PASSWORD: &str = "password missing";

fn find<M: Copy>(rows: &[Row<M>], text: &str) -> Option<M> {
    rows.iter().find(|(part, ..)| text.contains(part)).map(|(.., meaning)| *meaning)
}

/// What can resolve a pooler's error with SQLSTATE 08P01.
pub fn class(message: &str) -> ErrorClass {
    find(&PROTOCOL_VIOLATIONS, message).unwrap_or(ErrorClass::Settings)
}

/// Whether a pool has no free connection, according to an error with another SQLSTATE.
pub fn is_full(message: &str) -> bool {
    find(&FULL, &message.to_lowercase()).is_some()
}

/// What to check, if a pooler refuses a setting.
pub fn advice(message: &str) -> Option<&'static str> {
    find(&ADVICE, message)
}

/// Whether the server asked for a password and there was none.
pub fn lacks_password(error: &Error) -> bool {
    error.source().is_some_and(|cause| cause.to_string() == NO_PASSWORD)
}
