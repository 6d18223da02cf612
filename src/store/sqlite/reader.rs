//! The SQL of the read side, in SQLite's dialect.
//!
//! Invariant: the file is opened without CREATE, and every statement runs with `query_only`. It is opened for writing
//! if the permissions allow it, because SQLite itself must roll back the journal of a run that was killed during a
//! commit; otherwise SQLite opens it for reading.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::explain_reading;
use super::stream::Batch;
use super::values::instant;
use super::{Queries, READER_TIMEOUT, laughs, statements};
use crate::calendar::Span;
use crate::domain::{Coverage, PastRun, StoredRecording, Window};
use crate::error::Fatal;
use crate::store::columns::{DetectionRow, Row, RunRow};
use crate::store::found::{self, COUNTED, COVERAGE, FoundRecording, Numbered};
use crate::store::laughs::{LaughReader, LaughRow, ReviewScope, ReviewedRow, RowSelection, SpanCount};
use crate::store::location::DatabaseFile;
use crate::store::reader::{Delivery, Reader, Selection};
use crate::store::{StoreError, schema};

/// One index seek per source, however many runs it has.
const SOURCES: &str = "
    WITH RECURSIVE found (source) AS (
        SELECT min(source) FROM runs
        UNION ALL
        SELECT (SELECT min(source) FROM runs WHERE source > found.source) FROM found WHERE found.source IS NOT NULL)
    SELECT source FROM found WHERE source IS NOT NULL ORDER BY source";
/// The two conditions on `runs`: an index serves each of them, but none serves their combination with OR.
const OF_SOURCE: &str = "source = ?1";
const OF_ALL: &str = "?1 IS NULL";
const NAMED_CLIPS: &str = "
    SELECT clip FROM detections WHERE clip IN (SELECT value FROM json_each(?1)) AND clip IS NOT NULL
    UNION SELECT clip FROM candidates WHERE clip IN (SELECT value FROM json_each(?1)) AND clip IS NOT NULL";

fn of_source(source: Option<&str>) -> &'static str {
    if source.is_some() { OF_SOURCE } else { OF_ALL }
}

/// Uses an index; detections are counted only for the selected runs.
fn select_runs(source: Option<&str>) -> String {
    let (fields, of_source) = (RunRow::selected(), of_source(source));
    format!("SELECT {fields}, {COUNTED} FROM runs WHERE {of_source} ORDER BY started_at DESC, id LIMIT ?2")
}

/// Uses an index.
fn select_coverage(source: Option<&str>) -> String {
    let of_source = of_source(source);
    format!(
        "SELECT {COVERAGE} FROM runs WHERE {of_source} AND started_at >= ?2 AND command = 'scan'
            AND (window_from IS NULL OR window_from <= ?3) AND (window_to IS NULL OR window_to >= ?4)"
    )
}

pub struct SqliteReader {
    connection: Connection,
    database: DatabaseFile,
}

impl SqliteReader {
    /// None if there is no file yet, or a file without tables.
    pub fn open(database: &DatabaseFile) -> Result<Option<SqliteReader>, StoreError> {
        match database.path.metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Ok(found) if found.is_dir() => {
                return Err(StoreError::Config(format!("{database} is a folder; name a file in it").into()));
            }
            _ => {}
        }
        let reader = SqliteReader::open_unchecked(database)?;
        Ok(schema::is_readable(database, reader.schema()?)?.then_some(reader))
    }

    /// Opens the file without checking its schema version.
    pub fn open_unchecked(database: &DatabaseFile) -> Result<SqliteReader, StoreError> {
        let connection = connect(database).map_err(|error| explain_reading(database, error))?;
        Ok(SqliteReader { connection, database: database.clone() })
    }

    /// Schema version of the tables; 0 if there are none.
    pub fn schema(&self) -> Result<i64, StoreError> {
        self.read(statements::version)
    }

    /// Those of these names that exist already.
    pub fn existing_tables(&self, names: &[&str]) -> Result<Vec<String>, StoreError> {
        self.read(|connection| super::existing_tables(connection, names))
    }

    /// Message and hint if the file itself is damaged.
    pub fn damage(&self) -> Result<Option<(String, String)>, StoreError> {
        let result: String =
            self.read(|connection| connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)))?;
        let advice = "restore it from a backup, or save what is left with sqlite3's .recover";
        Ok((result != "ok").then(|| (format!("it is damaged ({})", result.replace('\n', " ")), advice.to_owned())))
    }

    fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        query(&self.connection).map_err(|error| explain_reading(&self.database, error))
    }
}

impl Queries for SqliteReader {
    fn query<T>(&self, query: impl Fn(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        self.read(query)
    }
}

fn connect(database: &DatabaseFile) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&database.path, flags)?;
    connection.busy_timeout(READER_TIMEOUT)?;
    connection.execute_batch("PRAGMA query_only = ON")?;
    // Without it, SQLite may prepare a statement again for each new parameter value, which takes two thirds of the
    // time with many sources.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

impl LaughReader for SqliteReader {
    fn span_counts(&mut self, source: &str, spans: &[Span]) -> Result<Vec<SpanCount>, StoreError> {
        self.read(|connection| laughs::span_counts(connection, source, spans))
    }

    fn recordings_cut_at_start(&mut self, source: &str, span: &Span) -> Result<Vec<i64>, StoreError> {
        self.read(|connection| laughs::recordings_cut_at_start(connection, source, span))
    }

    fn edge_rows(&mut self, recordings: &[i64]) -> Result<Vec<(i64, Numbered<DetectionRow>)>, StoreError> {
        self.read(|connection| laughs::edge_rows(connection, recordings))
    }

    fn reviewed_rows(&mut self, scope: &ReviewScope) -> Result<Vec<ReviewedRow>, StoreError> {
        self.read(|connection| laughs::reviewed_rows(connection, scope))
    }

    fn next_rows(&mut self, wanted: &RowSelection) -> Result<Vec<LaughRow>, StoreError> {
        self.read(|connection| laughs::next_rows(connection, wanted))
    }

    fn rows_by_id(&mut self, ids: &[i64]) -> Result<Vec<LaughRow>, StoreError> {
        self.read(|connection| laughs::rows_by_id(connection, ids))
    }

    fn rows_of_recordings(&mut self, recordings: &[i64]) -> Result<Vec<LaughRow>, StoreError> {
        self.read(|connection| laughs::rows_of_recordings(connection, recordings))
    }

    fn names(&mut self, source: &str) -> Result<Vec<(i64, String)>, StoreError> {
        self.read(|connection| laughs::names(connection, source))
    }

    fn full_rows(&mut self, ids: &[i64]) -> Result<Vec<(FoundRecording, Numbered<DetectionRow>)>, StoreError> {
        self.read(|connection| laughs::full_rows(connection, ids))
    }

    /// The file may also be replaced by another one.
    fn change_token(&mut self) -> Result<String, StoreError> {
        let version = self.read(laughs::change_token)?;
        let file =
            super::identity(&self.database.path).map_or(String::new(), |(disk, file)| format!("{disk:x}-{file:x}-"));
        Ok(file + &version)
    }
}

impl Reader for SqliteReader {
    fn sources(&mut self) -> Result<Vec<String>, StoreError> {
        self.read(|connection| connection.prepare(SOURCES)?.query_map([], |row| row.get(0))?.collect())
    }

    fn runs(&mut self, source: Option<&str>, limit: u32) -> Result<Vec<PastRun>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare(&select_runs(source))?;
            statement.query_map((source, limit), |row| found::past_run(row))?.collect()
        })
    }

    fn each_coverage(
        &mut self,
        source: Option<&str>,
        window: &Window,
        since: Timestamp,
        each: &mut dyn FnMut(Coverage),
    ) -> Result<(), StoreError> {
        let bounds = [since, window.from.unwrap_or(Timestamp::MIN), window.to.unwrap_or(Timestamp::MAX)];
        let [since, from, to] = bounds.map(instant);
        self.read(|connection| {
            let mut statement = connection.prepare(&select_coverage(source))?;
            let mut runs = statement.query_map((source, since, from, to), |row| found::coverage(row))?;
            runs.try_for_each(|run| run.map(&mut *each))
        })
    }

    fn each_recording(
        &mut self,
        wanted: &Selection,
        each: &mut dyn FnMut(StoredRecording) -> Result<(), Fatal>,
    ) -> Result<(), Fatal> {
        let mut delivery = Delivery::to(each);
        let mut place = None;
        loop {
            let (found, next) = self.read(|connection| Batch::read(connection, wanted, place))?;
            found.into_iter().try_for_each(|recording| delivery.push(recording))?;
            place = next;
            if place.is_none() {
                return delivery.finish();
            }
        }
    }

    fn named_clips(&mut self, clips: &[String]) -> Result<HashSet<String>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(NAMED_CLIPS)?;
            statement.query_map([statements::json(clips)], |row| row.get(0))?.collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::tests::plan;

    #[test]
    fn queries_of_runs_use_an_index() {
        for source in [None, Some("neil")] {
            let coverage = plan(&select_coverage(source));
            assert!(!coverage.contains("SCAN") && coverage.contains("started_at>?"), "{coverage}");
            let runs = plan(&select_runs(source));
            assert!(!runs.contains("TEMP B-TREE"), "the latest come first, and the rest is not read\n{runs}");
        }
        assert!(!plan(SOURCES).contains("SCAN runs"));
        for table in ["detections", "candidates"] {
            let search = format!("SEARCH {table} USING COVERING INDEX {table}_by_clip (clip=?)");
            assert!(plan(NAMED_CLIPS).contains(&search), "{}", plan(NAMED_CLIPS));
        }
    }
}
