//! The table of texts of poolers and of the driver that decide something. A server says what happened by SQLSTATE; a
//! pooler has one SQLSTATE (08P01, or 58000) for everything, and the driver has no kind for a missing password.
//!
//! Each row says who sends the text, and how that is known: *provoked* rows by a test with a real pgbouncer
//! (`tests/it/postgres/poolers.rs`), the others by the place in the source of the pooler. An error without a row has the
//! kind of a setting, and its message is shown as it came.

use std::error::Error as _;

use postgres::Error;

use super::error::ErrorClass;

/// A part of a text, who sends it when, and what it means.
type Row<M> = (&'static str, &'static str, M);

/// Errors with SQLSTATE 08P01, first match first. A cached failure of the pooler's own login to the server includes the
/// server's words. A text without a row is a setting: pgbouncer refuses what its file does not allow.
const PROTOCOL_VIOLATIONS: [Row<ErrorClass>; 11] = [
    ("statement pooling", "pgbouncer: a transaction with pool_mode = statement; provoked", ErrorClass::AnotherPool),
    ("authentication failed", "the server, cached by pgbouncer (check_fast_fail): its password", ErrorClass::Settings),
    ("does not exist", "the same: the database or the user, of the server", ErrorClass::Settings),
    ("pg_hba.conf", "the same: the server does not admit the pooler", ErrorClass::Settings),
    (
        "server_login_retry",
        "pgbouncer, objects.c, check_fast_fail: the login to the server fails",
        ErrorClass::Reconnecting,
    ),
    ("timeout", "pgbouncer: query_wait_timeout (provoked) and other limits", ErrorClass::Reconnecting),
    ("no more connections", "pgbouncer: max_client_conn is reached; provoked", ErrorClass::Reconnecting),
    ("disabled", "pgbouncer: DISABLE, for maintenance; provoked", ErrorClass::Reconnecting),
    (
        "server conn crashed",
        "pgbouncer, server.c, server_proto: the server's connection broke",
        ErrorClass::Reconnecting,
    ),
    ("server connection closed", "the same, closed between two statements", ErrorClass::Reconnecting),
    ("pooler is shutting down", "pgbouncer, while it is stopped", ErrorClass::Reconnecting),
];

/// Errors of a full pool with any other SQLSTATE, in lower case.
const FULL: [Row<()>; 2] = [
    ("max client", "Supavisor (XX000), lib/supavisor/client_handler/error.ex", ()),
    ("could not get connection", "pgcat (58000), src/client.rs", ()),
];

/// What to check, for errors of settings.
const ADVICE: [Row<&str>; 2] = [
    (
        "unsupported startup parameter",
        "pgbouncer: a parameter that it does not track; provoked",
        "the address and PGOPTIONS: leave the parameter out, or name it in the pooler's ignore_startup_parameters",
    ),
    (
        "no such database",
        "pgbouncer: its [databases] lacks the name; provoked",
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages as they are sent; those of pgbouncer 1.18 are provoked in `tests/it/postgres/poolers.rs` as well.
    #[test]
    fn messages_have_their_class() {
        for (message, expected) in [
            ("transaction blocks not allowed in statement pooling mode", ErrorClass::AnotherPool),
            ("server login has been failing, try again later (server_login_retry)", ErrorClass::Reconnecting),
            (
                "server login has been failing, cached error: connect failed (server_login_retry)",
                ErrorClass::Reconnecting,
            ),
            (
                "server login has been failing, cached error: password authentication failed for user \"neil\" \
                 (server_login_retry)",
                ErrorClass::Settings,
            ),
            (
                "server login has been failing, cached error: database \"laughs\" does not exist (server_login_retry)",
                ErrorClass::Settings,
            ),
            ("query_wait_timeout", ErrorClass::Reconnecting),
            ("no more connections allowed (max_client_conn)", ErrorClass::Reconnecting),
            ("database \"laughs\" is disabled", ErrorClass::Reconnecting),
            ("server conn crashed?", ErrorClass::Reconnecting),
            ("pooler is shutting down", ErrorClass::Reconnecting),
            ("unsupported startup parameter: search_path", ErrorClass::Settings),
        ] {
            assert_eq!(class(message), expected, "{message}");
        }
        for message in [
            "Max client connections reached",
            "MaxClientsInSessionMode: max clients reached - in Session mode max clients are limited to pool_size",
            "could not get connection from the pool - AllServersDown",
        ] {
            assert!(is_full(message), "{message}");
        }
    }
}
