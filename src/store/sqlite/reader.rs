//! The SQL of the read side, in SQLite's dialect.
//!
//! Invariant: the file is opened without CREATE, and every statement runs with `query_only`. It is opened for writing
//! if the permissions allow it, because SQLite itself must roll back the journal of a run that was killed during a
//! commit; otherwise SQLite opens it for reading.

use std::collections::HashSet;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::config::DbConfig;
use rusqlite::types::Type;
use rusqlite::{Connection, OpenFlags, Row};

use super::error::explain_reading;
use super::stream::Batch;
use super::{BUSY, statements};
use crate::domain::{Coverage, PastRun, StoredRecording, Window};
use crate::error::Fatal;
use crate::store::location::DatabaseFile;
use crate::store::reader::{
    CoverageColumns, Delivery, DetectionColumns, Reader, RecordingColumns, RunColumns, Selection,
};
use crate::store::review_rows::ReviewColumns;
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
/// Both use their index; detections are counted only for the selected runs.
const RUNS: &str = "
    SELECT *, (SELECT count(*) FROM detections WHERE run_id = runs.id) AS detections,
        (SELECT coalesce(sum(clips_failed), 0) FROM recordings WHERE run_id = runs.id) AS clips_failed
    FROM runs WHERE {source_filter} ORDER BY started_at DESC, id LIMIT ?2";
const COVERAGE: &str = "
    SELECT source, started_at, window_from, window_to, shard, explicit_files, exit_code, in_progress, in_progress_from
    FROM runs WHERE {source_filter} AND started_at >= ?2
        AND (window_from IS NULL OR window_from <= ?3) AND (window_to IS NULL OR window_to >= ?4)";
const NAMED_CLIPS: &str = "
    SELECT DISTINCT clip FROM detections WHERE clip IN (SELECT value FROM json_each(?1)) AND clip IS NOT NULL";

fn source_filter(sql: &str, source: Option<&str>) -> String {
    sql.replace("{source_filter}", if source.is_some() { OF_SOURCE } else { OF_ALL })
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

fn connect(database: &DatabaseFile) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&database.path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.execute_batch("PRAGMA query_only = ON")?;
    // Without it, SQLite may prepare a statement again for each new parameter value, which takes two thirds of the
    // time with many sources.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

impl Reader for SqliteReader {
    fn sources(&mut self) -> Result<Vec<String>, StoreError> {
        self.read(|connection| connection.prepare(SOURCES)?.query_map([], |row| row.get(0))?.collect())
    }

    fn runs(&mut self, source: Option<&str>, limit: u32) -> Result<Vec<PastRun>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare(&source_filter(RUNS, source))?;
            statement.query_map((source, limit), |row| Ok(run(row)?.run()))?.collect()
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
        let [since, from, to] = bounds.map(statements::instant);
        self.read(|connection| {
            let mut statement = connection.prepare(&source_filter(COVERAGE, source))?;
            let runs = statement.query_map((source, since, from, to), coverage)?;
            runs.into_iter().try_for_each(|run| run.map(|run| each(run.coverage())))
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

fn coverage(row: &Row<'_>) -> rusqlite::Result<CoverageColumns> {
    Ok(CoverageColumns {
        source: row.get("source")?,
        started_at: instant(row, "started_at")?,
        window_from: maybe_instant(row, "window_from")?,
        window_to: maybe_instant(row, "window_to")?,
        shard: row.get("shard")?,
        explicit_files: row.get("explicit_files")?,
        exit_code: row.get("exit_code")?,
        in_progress: row.get("in_progress")?,
        in_progress_from: maybe_instant(row, "in_progress_from")?,
    })
}

fn run(row: &Row<'_>) -> rusqlite::Result<RunColumns> {
    Ok(RunColumns {
        id: row.get("id")?,
        source: row.get("source")?,
        started_at: instant(row, "started_at")?,
        ended_at: instant(row, "ended_at")?,
        version: row.get("version")?,
        zone: row.get("zone")?,
        window_from: maybe_instant(row, "window_from")?,
        window_to: maybe_instant(row, "window_to")?,
        shard: row.get("shard")?,
        explicit_files: row.get("explicit_files")?,
        exit_code: row.get("exit_code")?,
        analyzed: row.get("analyzed")?,
        partial: row.get("partial")?,
        skipped: row.get("skipped")?,
        in_progress: row.get("in_progress")?,
        in_progress_from: maybe_instant(row, "in_progress_from")?,
        failed: row.get("failed")?,
        audio_seconds: row.get("audio_seconds")?,
        detections: row.get("detections")?,
        clips_failed: row.get("clips_failed")?,
    })
}

pub fn recording(row: &Row<'_>) -> rusqlite::Result<RecordingColumns> {
    Ok(RecordingColumns {
        id: row.get("id")?,
        source: row.get("source")?,
        name: row.get("name")?,
        content_sha256: row.get("content_sha256")?,
        bytes: row.get("bytes")?,
        started_at: maybe_instant(row, "started_at")?,
        start_source: row.get("start_source")?,
        duration_seconds: row.get("duration_seconds")?,
        sample_rate: row.get("sample_rate")?,
        channels: row.get("channels")?,
        audio_tracks: row.get("audio_tracks")?,
        codec: row.get("codec")?,
        status: row.get("status")?,
        missing_ranges: row.get("missing_ranges")?,
        missing_count: row.get("missing_count")?,
        missing_seconds: row.get("missing_seconds")?,
        failure_kind: row.get("failure_kind")?,
        failure_reason: row.get("failure_reason")?,
        failure_position_seconds: row.get("failure_position_seconds")?,
        clips_failed: row.get("clips_failed")?,
        run_id: row.get("run_id")?,
        run_window: Window { from: maybe_instant(row, "window_from")?, to: maybe_instant(row, "window_to")? },
    })
}

pub fn detection(row: &Row<'_>) -> rusqlite::Result<DetectionColumns> {
    let date: String = row.get("local_date")?;
    Ok(DetectionColumns {
        recording_id: row.get("recording_id")?,
        local_date: date.parse::<Date>().map_err(|error| unreadable(row, "local_date", error))?,
        starts_at: instant(row, "starts_at")?,
        ends_at: instant(row, "ends_at")?,
        start_seconds: row.get("start_seconds")?,
        end_seconds: row.get("end_seconds")?,
        peak_score: row.get("peak_score")?,
        mean_score: row.get("mean_score")?,
        class_index: row.get("class_index")?,
        class_scores: row.get("class_scores")?,
        clip: row.get("clip")?,
    })
}

pub fn review(row: &Row<'_>) -> rusqlite::Result<ReviewColumns> {
    Ok(ReviewColumns {
        recording_id: row.get("recording_id")?,
        start_seconds: row.get("start_seconds")?,
        end_seconds: row.get("end_seconds")?,
        verdict: row.get("verdict")?,
        comment: row.get("comment")?,
        reviewed_at: instant(row, "reviewed_at")?,
    })
}

fn instant(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    let text: String = row.get(column)?;
    text.parse().map_err(|error: jiff::Error| unreadable(row, column, error))
}

fn maybe_instant(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| text.parse()).transpose().map_err(|error: jiff::Error| unreadable(row, column, error))
}

fn unreadable(row: &Row<'_>, column: &str, error: impl fmt::Display) -> rusqlite::Error {
    let index = row.as_ref().column_index(column).unwrap_or_default();
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, format!("{column}: {error}").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::tests::plan;

    #[test]
    fn queries_of_runs_use_an_index() {
        for source in [None, Some("neil")] {
            let coverage = plan(&source_filter(COVERAGE, source));
            assert!(!coverage.contains("SCAN") && coverage.contains("started_at>?"), "{coverage}");
            let runs = plan(&source_filter(RUNS, source));
            assert!(!runs.contains("TEMP B-TREE"), "the latest come first, and the rest is not read\n{runs}");
        }
        assert!(!plan(SOURCES).contains("SCAN runs"));
        assert!(plan(NAMED_CLIPS).contains("SEARCH detections USING COVERING INDEX detections_by_clip (clip=?)"));
    }
}
