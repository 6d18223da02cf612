//! What went wrong with a file, and what to do.
//!
//! Invariant: sorted by SQLite's result codes; its words are only passed on.

use std::io;

use rusqlite::ErrorCode;

use crate::store::location::DatabaseFile;
use crate::store::{StoreError, schema};

/// SQLite's own word for a file that is not where it was opened.
const MOVED: i32 = rusqlite::ffi::SQLITE_READONLY_DBMOVED;

pub fn explain(database: &DatabaseFile, error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(_) if error.sqlite_error().is_some_and(|error| error.extended_code == MOVED) => moved(database),
        Some(ErrorCode::NotADatabase) => {
            StoreError::Config(format!("{database} is not an SQLite database; name another file"))
        }
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => StoreError::Config(format!(
            "{database} cannot be written ({error}); check the permissions of the file and of its folder"
        )),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StoreError::Unreachable(format!("{database} is being written by another program; try again later"))
        }
        Some(ErrorCode::DatabaseCorrupt) => StoreError::Failed(format!(
            "{database} is damaged ({error}); restore it from a backup, or save what is left with sqlite3's .recover"
        )),
        Some(ErrorCode::DiskFull) => StoreError::Failed(no_space(database)),
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

fn no_space(database: &DatabaseFile) -> String {
    let folder = database.path.parent().unwrap_or(&database.path).display();
    format!("{database} cannot be written: no space is left on the disk of {folder}; free some, then run it again")
}

/// What a file beside SQLite's own could not be opened or written for.
pub fn explain_file(database: &DatabaseFile, what: &str, error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Failed(no_space(database)),
        _ => StoreError::Config(format!("{what}: {error}; check the path and its permissions")),
    }
}

/// The file's name leads elsewhere now: SQLite would go on writing to a file that nobody finds.
pub fn moved(database: &DatabaseFile) -> StoreError {
    StoreError::Failed(format!(
        "{database} was moved, removed or unmounted while the run was at work; nothing of it was stored. \
         Put it back, then run it again"
    ))
}

pub fn explain_save(database: &DatabaseFile, error: &rusqlite::Error) -> StoreError {
    match explain(database, error) {
        StoreError::Failed(text) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
            StoreError::Failed(format!("{text}; nothing of this run was stored"))
        }
        StoreError::Failed(_) => {
            StoreError::Failed(format!("the run could not be stored in {database}: {error}; nothing of it was stored"))
        }
        other => other,
    }
}

pub fn explain_migration(database: &DatabaseFile, error: &rusqlite::Error) -> StoreError {
    match reason(error) {
        reason if reason.contains("already exists") => schema::taken(database, &reason),
        _ => explain(database, error),
    }
}

/// Without the statement, which may be a whole migration.
fn reason(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    }
}
