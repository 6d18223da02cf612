//! Error texts for a database file: what failed, and what to do.
//!
//! Invariant: errors are classified by SQLite's result codes; its messages are only quoted, and the error is the cause.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use rusqlite::ErrorCode;

use crate::domain::Reason;
use crate::store::StoreError;
use crate::store::location::DatabaseFile;

/// SQLite's result code for a file that was moved after it was opened.
const MOVED: i32 = rusqlite::ffi::SQLITE_READONLY_DBMOVED;

/// Converts an error of SQLite.
pub type Explain = fn(&DatabaseFile, rusqlite::Error) -> StoreError;

/// What another program does with the file.
#[derive(Debug, Clone, Copy)]
pub enum Holder {
    Reader,
    Writer,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Holder::Reader => "is being read by another program, which keeps it from being written",
            Holder::Writer => "is being written by another program",
        })
    }
}

pub fn held(database: &DatabaseFile, holder: Holder, waited: Duration) -> StoreError {
    StoreError::Unreachable(format!(
        "{database} {holder}, for {} s now; nothing was stored. End that program (fuser or lsof shows it), or try again \
         later",
        waited.as_secs()
    ).into())
}

/// The extended result code; None for an error of rusqlite itself.
fn result_code(error: &rusqlite::Error) -> Option<(ErrorCode, i32)> {
    error.sqlite_error().map(|error| (error.code, error.extended_code))
}

pub fn explain(database: &DatabaseFile, error: rusqlite::Error) -> StoreError {
    let kind: fn(Reason) -> StoreError;
    let text = match result_code(&error) {
        Some((_, MOVED)) => return moved(database),
        Some((ErrorCode::NotADatabase, _)) => {
            kind = StoreError::Config;
            format!("{database} is not an SQLite database; name another file")
        }
        Some((ErrorCode::ReadOnly | ErrorCode::CannotOpen, _)) if is_wal(&database.path) => {
            return wal(database, error);
        }
        Some((ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied, _)) => {
            kind = StoreError::Config;
            format!("{database} cannot be written ({error}); check the permissions of the file and of its folder")
        }
        Some((ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _)) => {
            kind = StoreError::Unreachable;
            format!("{database} is being written by another program; try again later")
        }
        Some((ErrorCode::DatabaseCorrupt, _)) => {
            kind = StoreError::Failed;
            format!(
                "{database} is damaged ({error}); restore it from a backup, or save what is left with sqlite3's .recover"
            )
        }
        Some((ErrorCode::DiskFull, _)) => {
            kind = StoreError::Failed;
            no_space(database)
        }
        _ => {
            kind = StoreError::Failed;
            format!("{database} failed: {error}")
        }
    };
    kind(Reason::new(text).caused_by(error))
}

/// Like `explain`, for read-only access.
pub fn explain_reading(database: &DatabaseFile, error: rusqlite::Error) -> StoreError {
    let text = match result_code(&error) {
        Some((ErrorCode::ReadOnly | ErrorCode::CannotOpen, _)) if is_wal(&database.path) => {
            return wal(database, error);
        }
        Some((ErrorCode::ReadOnly, _)) => format!(
            "{database} was left half-written by a run that was killed, and this user may not write to it; \
             the next `giggles scan` repairs it"
        ),
        Some((ErrorCode::CannotOpen | ErrorCode::PermissionDenied, _)) => {
            format!("{database} cannot be read ({error}); check the permissions of the file and of its folder")
        }
        _ => return explain(database, error),
    };
    StoreError::Config(Reason::new(text).caused_by(error))
}

/// Reading a file in WAL mode creates two more files beside it, or writes to them.
fn wal(database: &DatabaseFile, error: rusqlite::Error) -> StoreError {
    let file = database.path.display();
    let text = format!(
        "{database} is in SQLite's WAL mode, which another program has set, and can then be read only where its folder \
         can be written ({error}); let this user write to the folder and to {file}-wal and {file}-shm, or, as a user who \
         may: sqlite3 {file} 'PRAGMA journal_mode=DELETE'"
    );
    StoreError::Config(Reason::new(text).caused_by(error))
}

/// Whether the file is in WAL mode. Source: SQLite's file format, "File format version numbers": read version 2.
fn is_wal(path: &Path) -> bool {
    let mut header = [0; 20];
    File::open(path).and_then(|mut file| file.read_exact(&mut header)).is_ok_and(|()| header[19] == 2)
}

fn no_space(database: &DatabaseFile) -> String {
    let folder = database.path.parent().unwrap_or(&database.path).display();
    format!("{database} cannot be written: no space is left on the disk of {folder}; free some, then run it again")
}

/// The error for a file of giggles (database or lock) that could not be opened or written.
pub fn explain_file(database: &DatabaseFile, what: &str, error: io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            StoreError::Failed(Reason::new(no_space(database)).caused_by(error))
        }
        _ => {
            let text = format!("{what}: {error}; check the path and its permissions");
            StoreError::Config(Reason::new(text).caused_by(error))
        }
    }
}

/// The path no longer refers to the opened file: SQLite would write to a file that no longer has this name.
pub fn moved(database: &DatabaseFile) -> StoreError {
    StoreError::Failed(
        format!(
            "{database} was moved, removed or unmounted during the run; nothing of it was stored. \
         Put it back, then run it again"
        )
        .into(),
    )
}

/// The error of a run that could not be stored.
pub fn explain_save(database: &DatabaseFile, error: rusqlite::Error) -> StoreError {
    let is_full = error.sqlite_error_code() == Some(ErrorCode::DiskFull);
    let refused = format!("the run could not be stored in {database}: {error}; nothing of it was stored");
    match explain(database, error) {
        StoreError::Failed(reason) if is_full => {
            StoreError::Failed(reason.reworded(format!("{reason}; nothing of this run was stored")))
        }
        StoreError::Failed(reason) => StoreError::Failed(reason.reworded(refused)),
        other => other,
    }
}
