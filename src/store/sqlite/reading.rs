//! The SQL of looking back, in SQLite's dialect.
//!
//! Invariant: the file is opened without CREATE and every statement runs under `query_only`. It is opened for
//! writing where that is allowed, since SQLite itself must clean up after a run that was killed while it
//! committed; where it is not, SQLite opens it for reading.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::types::Type;
use rusqlite::{Connection, OpenFlags, Row};

use super::error::explain_reading;
use super::{BUSY, statements};
use crate::record::{PastRun, StoredRecording, Window};
use crate::store::location::DatabaseFile;
use crate::store::noting::NoteColumns;
use crate::store::reading::{DetectionColumns, Reader, RecordingColumns, RunColumns, together};
use crate::store::{StoreError, schema};

const RUNS: &str = "
    SELECT *, (SELECT count(*) FROM detections WHERE run_id = runs.id) AS detections,
        (SELECT coalesce(sum(clips_lost), 0) FROM recordings WHERE run_id = runs.id) AS clips_lost
    FROM runs
    WHERE ?1 IS NULL OR source = ?1 ORDER BY started_at DESC, id LIMIT ?2";
/// A second too many at the window's beginning: exactly is for `lies_in` to say.
const RECORDINGS: &str = "
    SELECT recordings.*, window_from, window_to FROM recordings JOIN runs ON runs.id = run_id
    WHERE (?1 IS NULL OR recordings.source = ?1) AND (began_at IS NULL OR (?3 IS NULL OR began_at < ?3)
        AND (?2 IS NULL OR began_at >= ?2 OR unixepoch(began_at) + duration_seconds + 1 >= unixepoch(?2)))
    ORDER BY recordings.source, began_at IS NULL, began_at, name";
const DETECTIONS: &str = "
    SELECT * FROM detections WHERE recording_id IN (SELECT value FROM json_each(?1)) ORDER BY starts_at, id";
const NOTES: &str = "
    SELECT recordings.id AS recording_id, notes.* FROM recordings JOIN notes USING (source, content_sha256)
    WHERE recordings.id IN (SELECT value FROM json_each(?1))";

pub struct Past {
    connection: Connection,
    database: DatabaseFile,
}

impl Past {
    /// None where there is no file yet, or one without tables.
    pub fn open(database: &DatabaseFile) -> Result<Option<Past>, StoreError> {
        match database.path.metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Ok(found) if found.is_dir() => {
                return Err(StoreError::Config(format!("{database} is a folder; name a file in it")));
            }
            _ => {}
        }
        let past = Past::look_at(database)?;
        Ok(schema::is_readable(database, past.schema()?)?.then_some(past))
    }

    /// Whatever its tables are.
    pub fn look_at(database: &DatabaseFile) -> Result<Past, StoreError> {
        let connection = connect(database).map_err(|error| explain_reading(database, &error))?;
        Ok(Past { connection, database: database.clone() })
    }

    /// Version of the tables; 0 where there are none.
    pub fn schema(&self) -> Result<i64, StoreError> {
        self.look(statements::version)
    }

    /// Which of these names are taken.
    pub fn in_the_way(&self, names: &[&str]) -> Result<Vec<String>, StoreError> {
        let taken =
            "SELECT name FROM sqlite_schema WHERE lower(name) IN (SELECT value FROM json_each(?1)) ORDER BY name";
        self.look(|connection| {
            let mut statement = connection.prepare(taken)?;
            statement.query_map([statements::json(names)], |row| row.get(0))?.collect()
        })
    }

    /// What is wrong with the file itself, and what to do.
    pub fn damage(&self) -> Result<Option<(String, String)>, StoreError> {
        let said: String =
            self.look(|connection| connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)))?;
        let advice = "restore it from a backup, or save what is left with sqlite3's .recover";
        Ok((said != "ok").then(|| (format!("it is damaged ({})", said.replace('\n', " ")), advice.to_owned())))
    }

    fn look<T>(&self, look: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        look(&self.connection).map_err(|error| explain_reading(&self.database, &error))
    }
}

fn connect(database: &DatabaseFile) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&database.path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.execute_batch("PRAGMA query_only = ON")?;
    Ok(connection)
}

impl Reader for Past {
    fn sources(&mut self) -> Result<Vec<String>, StoreError> {
        self.look(|connection| {
            let mut statement = connection.prepare("SELECT DISTINCT source FROM runs ORDER BY source")?;
            statement.query_map([], |row| row.get(0))?.collect()
        })
    }

    fn runs(&mut self, source: Option<&str>, limit: u32) -> Result<Vec<PastRun>, StoreError> {
        self.look(|connection| {
            let mut statement = connection.prepare(RUNS)?;
            statement.query_map((source, limit), |row| Ok(run(row)?.run()))?.collect()
        })
    }

    fn recordings(&mut self, source: Option<&str>, window: &Window) -> Result<Vec<StoredRecording>, StoreError> {
        let (from, to) = (window.from.map(statements::instant), window.to.map(statements::instant));
        self.look(|connection| {
            let mut statement = connection.prepare(RECORDINGS)?;
            let found = statement.query_map((source, from, to), recording)?;
            let mut found = found.collect::<rusqlite::Result<Vec<_>>>()?;
            found.retain(|columns| columns.lies_in(window));
            let ids = statements::json(&found.iter().map(|columns| columns.id).collect::<Vec<_>>());
            let mut statement = connection.prepare(DETECTIONS)?;
            let laughs = statement.query_map([&ids], detection)?.collect::<rusqlite::Result<Vec<_>>>()?;
            let mut statement = connection.prepare(NOTES)?;
            let notes = statement.query_map([&ids], note)?.collect::<rusqlite::Result<_>>()?;
            Ok(together(found, &laughs, notes))
        })
    }
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
        single_files: row.get("single_files")?,
        exit_code: row.get("exit_code")?,
        heard: row.get("heard")?,
        skipped: row.get("skipped")?,
        unfinished: row.get("unfinished")?,
        unfinished_from: maybe_instant(row, "unfinished_from")?,
        failed: row.get("failed")?,
        audio_seconds: row.get("audio_seconds")?,
        detections: row.get("detections")?,
        clips_lost: row.get("clips_lost")?,
    })
}

fn recording(row: &Row<'_>) -> rusqlite::Result<RecordingColumns> {
    Ok(RecordingColumns {
        id: row.get("id")?,
        source: row.get("source")?,
        name: row.get("name")?,
        content_sha256: row.get("content_sha256")?,
        bytes: row.get("bytes")?,
        began_at: maybe_instant(row, "began_at")?,
        began_from: row.get("began_from")?,
        duration_seconds: row.get("duration_seconds")?,
        sample_rate: row.get("sample_rate")?,
        channels: row.get("channels")?,
        codec: row.get("codec")?,
        failure_kind: row.get("failure_kind")?,
        failure_reason: row.get("failure_reason")?,
        failure_position_seconds: row.get("failure_position_seconds")?,
        clips_lost: row.get("clips_lost")?,
        run_id: row.get("run_id")?,
        run_window: Window { from: maybe_instant(row, "window_from")?, to: maybe_instant(row, "window_to")? },
    })
}

fn detection(row: &Row<'_>) -> rusqlite::Result<DetectionColumns> {
    let date: String = row.get("local_date")?;
    let [a, b, c, d, e, f] = ["laughter", "baby_laughter", "giggle", "snicker", "belly_laugh", "chuckle"];
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
        peaks: [row.get(a)?, row.get(b)?, row.get(c)?, row.get(d)?, row.get(e)?, row.get(f)?],
        clip: row.get("clip")?,
    })
}

fn note(row: &Row<'_>) -> rusqlite::Result<NoteColumns> {
    Ok(NoteColumns {
        recording_id: row.get("recording_id")?,
        start_seconds: row.get("start_seconds")?,
        end_seconds: row.get("end_seconds")?,
        verdict: row.get("verdict")?,
        note: row.get("note")?,
        noted_at: instant(row, "noted_at")?,
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
