//! The store in one file, for one machine and no server.
//!
//! Invariant: the only place that knows rusqlite.
//!
//! The journal is SQLite's default (DELETE) with `synchronous = FULL`: there is one writer a night,
//! so WAL's concurrency buys nothing, while its two side files would make a plain `cp giggles.db`
//! lose rows and do not work on network shares.

mod lock;

use std::collections::{HashMap, HashSet};
use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior, named_params};

use self::lock::Lock;
use super::location::DatabaseFile;
use super::rows::{DetectionRow, RecordingRow, Rows, RunRow};
use super::{Store, StoreError, schema};
use crate::record::{Analysis, ContentHash, Counts, Run};

/// How long another program may write before it is said to be busy.
const BUSY: Duration = Duration::from_secs(15);

pub struct Sqlite {
    connection: Connection,
    database: DatabaseFile,
    locks: Vec<Lock>,
}

impl Sqlite {
    pub fn open(database: &DatabaseFile) -> Result<Sqlite, StoreError> {
        let mut database = database.clone();
        database.path = touch(&database)?;
        let connection = connect(&database.path).map_err(|error| explain(&database, &error))?;
        let mut store = Sqlite {
            connection,
            database,
            locks: Vec::new(),
        };
        store.check_writable()?;
        while store.migrate_once()? {}
        Ok(store)
    }

    fn check_writable(&self) -> Result<(), StoreError> {
        match self
            .connection
            .is_readonly("main")
            .map_err(|error| explain(&self.database, &error))?
        {
            true => Err(StoreError::Config(format!(
                "{} is read-only; make it writable",
                self.database
            ))),
            false => Ok(()),
        }
    }

    /// Applies the next migration if one is lacking. Two programs may do this at once.
    fn migrate_once(&mut self) -> Result<bool, StoreError> {
        let current = version(&self.connection).map_err(|error| explain(&self.database, &error))?;
        if schema::next(&self.database, current)?.is_none() {
            return Ok(false);
        }
        let (connection, database) = (&mut self.connection, &self.database);
        let trouble = |error| explain(database, &error);
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(trouble)?;
        // Asked again: another program may have migrated while this one waited for the file.
        let current = version(&transaction).map_err(trouble)?;
        if let Some(migration) = schema::next(database, current)? {
            apply(&transaction, migration).map_err(|error| explain_migration(database, &error))?;
        }
        transaction.commit().map_err(trouble)?;
        Ok(true)
    }
}

impl Store for Sqlite {
    fn lock(&mut self, source: &str) -> Result<(), StoreError> {
        if !self.locks.iter().any(|lock| lock.source == source) {
            self.locks.push(Lock::take(&self.database, source)?);
        }
        Ok(())
    }

    fn known(
        &mut self,
        source: &str,
        analysis: &Analysis,
        contents: &[ContentHash],
    ) -> Result<HashSet<ContentHash>, StoreError> {
        let by_text: HashMap<String, ContentHash> =
            contents.iter().map(|content| (content.to_string(), *content)).collect();
        let asked: Vec<&String> = by_text.keys().collect();
        let stored = stored_contents(&self.connection, source, &analysis.to_json(), &json(&asked))
            .map_err(|error| explain(&self.database, &error))?;
        Ok(stored.iter().filter_map(|text| by_text.get(text).copied()).collect())
    }

    fn save(&mut self, run: &Run) -> Result<Counts, StoreError> {
        let rows = Rows::of(run)?;
        commit(&mut self.connection, &rows).map_err(|error| explain_save(&self.database, &error))?;
        counts(&self.connection, &rows.run.id).map_err(|error| {
            StoreError::Failed(format!(
                "the run was stored in {}, but cannot be read back: {error}",
                self.database
            ))
        })
    }
}

/// Makes the file where it is missing, for nobody else to read, and gives its one real path.
fn touch(database: &DatabaseFile) -> Result<PathBuf, StoreError> {
    let path = &database.path;
    let refused = |error| {
        StoreError::Config(format!(
            "{database} cannot be opened: {error}; check the path and its permissions"
        ))
    };
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    if database.make_folder {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(refused)?;
    }
    if !folder.is_dir() {
        return Err(StoreError::Config(format!(
            "{database} cannot be made: there is no folder {}; make it, or mount its disk",
            folder.display()
        )));
    }
    if path.is_dir() {
        return Err(StoreError::Config(format!("{database} is a folder; name a file in it")));
    }
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .map_err(refused)?;
    path.canonicalize().map_err(refused)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;")?;
    Ok(connection)
}

/// 0 for a fresh database.
fn version(connection: &Connection) -> rusqlite::Result<i64> {
    let tables = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'giggles_schema'";
    match connection.query_row(tables, [], |row| row.get(0))? {
        0 => Ok(0),
        _ => connection.query_row("SELECT coalesce(max(version), 0) FROM giggles_schema", [], |row| {
            row.get(0)
        }),
    }
}

fn apply(transaction: &Transaction<'_>, migration: &schema::Migration) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS giggles_schema (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL)",
    )?;
    transaction.execute_batch(migration.sqlite)?;
    transaction.execute(
        "INSERT INTO giggles_schema (version, applied_at) VALUES (?1, ?2)",
        (migration.version, instant(Timestamp::now())),
    )?;
    Ok(())
}

fn stored_contents(
    connection: &Connection,
    source: &str,
    analysis: &str,
    contents: &str,
) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(
        "SELECT content_sha256 FROM recordings WHERE source = ?1 AND status = 'heard' AND analysis = ?2
         AND content_sha256 IN (SELECT value FROM json_each(?3))",
    )?;
    statement
        .query_map((source, analysis, contents), |row| row.get(0))?
        .collect()
}

/// Dropping the transaction on any error rolls all of it back.
fn commit(connection: &mut Connection, rows: &Rows) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    insert_run(&transaction, &rows.run)?;
    clear(&transaction, rows)?;
    insert_recordings(&transaction, rows)?;
    insert_detections(&transaction, rows)?;
    transaction.commit()
}

fn insert_run(transaction: &Transaction<'_>, run: &RunRow) -> rusqlite::Result<usize> {
    transaction.execute(
        "INSERT INTO runs (id, source, started_at, ended_at, version, analysis, model_sha256, zone,
            window_from, window_to, exit_code, heard, skipped, failed, audio_seconds)
         VALUES (:id, :source, :started_at, :ended_at, :version, :analysis, :model_sha256, :zone,
            :window_from, :window_to, :exit_code, :heard, :skipped, :failed, :audio_seconds)",
        named_params! {
            ":id": run.id, ":source": run.source, ":started_at": instant(run.started_at),
            ":ended_at": instant(run.ended_at), ":version": run.version, ":analysis": run.analysis,
            ":model_sha256": run.model_sha256, ":zone": run.zone, ":window_from": run.window_from.map(instant),
            ":window_to": run.window_to.map(instant), ":exit_code": run.exit_code, ":heard": run.heard,
            ":skipped": run.skipped, ":failed": run.failed, ":audio_seconds": run.audio_seconds,
        },
    )
}

/// Removes what this run replaces; see the rules at the top of `store`.
fn clear(transaction: &Transaction<'_>, rows: &Rows) -> rusqlite::Result<usize> {
    transaction.execute(
        "DELETE FROM recordings WHERE source = ?1 AND (
            content_sha256 IN (SELECT value FROM json_each(?2))
            OR status = 'failed' AND (name IN (SELECT value FROM json_each(?3))
                OR content_sha256 IN (SELECT value FROM json_each(?4))))",
        (
            &rows.run.source,
            json(&rows.heard_contents()),
            json(&rows.names),
            json(&rows.contents),
        ),
    )
}

/// What is still there after `clear` was heard before and failed now: it stays.
fn insert_recordings(transaction: &Transaction<'_>, rows: &Rows) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare(
        "INSERT INTO recordings (source, content_sha256, name, bytes, began_at, began_from, duration_seconds,
            sample_rate, channels, codec, status, failure_kind, failure_reason, failure_position_seconds,
            analysis, run_id)
         VALUES (:source, :content_sha256, :name, :bytes, :began_at, :began_from, :duration_seconds,
            :sample_rate, :channels, :codec, :status, :failure_kind, :failure_reason, :failure_position_seconds,
            :analysis, :run_id)
         ON CONFLICT (source, content_sha256) WHERE content_sha256 IS NOT NULL DO NOTHING",
    )?;
    rows.recordings
        .iter()
        .try_for_each(|row| insert_recording(&mut statement, &rows.run, row))
}

fn insert_recording(statement: &mut rusqlite::Statement<'_>, run: &RunRow, row: &RecordingRow) -> rusqlite::Result<()> {
    statement.execute(named_params! {
        ":source": run.source, ":content_sha256": row.content_sha256, ":name": row.name, ":bytes": row.bytes,
        ":began_at": row.began_at.map(instant), ":began_from": row.began_from,
        ":duration_seconds": row.duration_seconds, ":sample_rate": row.sample_rate, ":channels": row.channels,
        ":codec": row.codec, ":status": row.status, ":failure_kind": row.failure_kind,
        ":failure_reason": row.failure_reason, ":failure_position_seconds": row.failure_position_seconds,
        ":analysis": run.analysis, ":run_id": run.id,
    })?;
    Ok(())
}

/// A detection whose recording is not there has no `recording_id`, which its NOT NULL refuses.
fn insert_detections(transaction: &Transaction<'_>, rows: &Rows) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare(
        "INSERT INTO detections (recording_id, run_id, local_date, starts_at, ends_at, start_seconds, end_seconds,
            peak_score, mean_score, class_index, class_name, laughter, baby_laughter, giggle, snicker, belly_laugh,
            chuckle)
         VALUES ((SELECT id FROM recordings WHERE source = :source AND content_sha256 = :content_sha256),
            :run_id, :local_date, :starts_at, :ends_at, :start_seconds, :end_seconds,
            :peak_score, :mean_score, :class_index, :class_name, :laughter, :baby_laughter, :giggle, :snicker,
            :belly_laugh, :chuckle)",
    )?;
    rows.detections
        .iter()
        .try_for_each(|row| insert_detection(&mut statement, &rows.run, row))
}

fn insert_detection(statement: &mut rusqlite::Statement<'_>, run: &RunRow, row: &DetectionRow) -> rusqlite::Result<()> {
    statement.execute(named_params! {
        ":source": run.source, ":content_sha256": row.content_sha256, ":run_id": run.id,
        ":local_date": row.local_date.to_string(), ":starts_at": instant(row.starts_at),
        ":ends_at": instant(row.ends_at), ":start_seconds": row.start_seconds, ":end_seconds": row.end_seconds,
        ":peak_score": row.peak_score, ":mean_score": row.mean_score, ":class_index": row.class_index,
        ":class_name": row.class_name, ":laughter": row.laughter, ":baby_laughter": row.baby_laughter,
        ":giggle": row.giggle, ":snicker": row.snicker, ":belly_laugh": row.belly_laugh, ":chuckle": row.chuckle,
    })?;
    Ok(())
}

fn counts(connection: &Connection, run: &str) -> rusqlite::Result<Counts> {
    connection.query_row(
        "SELECT heard, skipped, failed, (SELECT count(*) FROM detections WHERE run_id = runs.id)
         FROM runs WHERE id = ?1",
        [run],
        |row| {
            let count = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
            Ok(Counts {
                heard: count(0)?,
                skipped: count(1)?,
                failed: count(2)?,
                detections: count(3)?,
            })
        },
    )
}

/// ISO 8601 in UTC with six decimals: sorts as text, and SQLite's own date functions read it.
fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// A list as SQLite's json_each reads it.
fn json<T: serde::Serialize>(list: &[T]) -> String {
    serde_json::to_string(list).expect("strings always serialise")
}

fn explain(database: &DatabaseFile, error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => {
            StoreError::Config(format!("{database} is not an SQLite database; name another file"))
        }
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => StoreError::Config(format!(
            "{database} cannot be written ({error}); check the permissions of the file and of its folder"
        )),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Unreachable(format!(
            "{database} is being written by another program; try again later"
        )),
        _ => StoreError::Failed(format!("{database} failed: {error}")),
    }
}

fn explain_save(database: &DatabaseFile, error: &rusqlite::Error) -> StoreError {
    match explain(database, error) {
        StoreError::Failed(_) => StoreError::Failed(format!(
            "the run could not be stored in {database}: {error}; nothing of it was stored"
        )),
        other => other,
    }
}

fn explain_migration(database: &DatabaseFile, error: &rusqlite::Error) -> StoreError {
    match error.to_string() {
        reason if reason.contains("already exists") => schema::taken(database, &reason),
        _ => explain(database, error),
    }
}
