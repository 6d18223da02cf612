//! What went wrong with a file, and what to do.
//!
//! Invariant: sorted by SQLite's result codes; its words are only passed on.

use rusqlite::ErrorCode;

use crate::store::location::DatabaseFile;
use crate::store::{StoreError, schema};

pub fn explain(database: &DatabaseFile, error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => {
            StoreError::Config(format!("{database} is not an SQLite database; name another file"))
        }
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => StoreError::Config(format!(
            "{database} cannot be written ({error}); check the permissions of the file and of its folder"
        )),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StoreError::Unreachable(format!("{database} is being written by another program; try again later"))
        }
        _ => StoreError::Failed(format!("{database} failed: {error}")),
    }
}

/// As `explain`, for whoever only reads.
pub fn explain_reading(database: &DatabaseFile, error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::ReadOnly) => StoreError::Config(format!(
            "{database} was left half-written by a run that was killed, and may not be written here; \
             the next `giggles scan` puts it right"
        )),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => StoreError::Config(format!(
            "{database} cannot be read ({error}); check the permissions of the file and of its folder"
        )),
        _ => explain(database, error),
    }
}

pub fn explain_save(database: &DatabaseFile, error: &rusqlite::Error) -> StoreError {
    match explain(database, error) {
        StoreError::Failed(_) => {
            StoreError::Failed(format!("the run could not be stored in {database}: {error}; nothing of it was stored"))
        }
        other => other,
    }
}

pub fn explain_migration(database: &DatabaseFile, error: &rusqlite::Error) -> StoreError {
    match error.to_string() {
        reason if reason.contains("already exists") => schema::taken(database, &reason),
        _ => explain(database, error),
    }
}
