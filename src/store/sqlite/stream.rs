//! Recordings batch by batch, in SQLite's dialect.
//!
//! A statement that is being stepped keeps a shared lock, and a run that wants to commit waits for its end. So each
//! batch is read in a transaction of its own, and the next one begins behind the last recording's key. Sources are
//! read one after the other, each along its index: no sorter, no temporary file, and no row is met that lies long
//! before or behind what is wanted.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::reading::{detection, note, recording};
use super::statements::instant;
use crate::store::noting::NoteColumns;
use crate::store::reading::{DetectionColumns, FoundRecording, RecordingColumns, Selection};

const NEXT_SOURCE: &str = "SELECT min(source) FROM recordings WHERE source > ?1";
const LONGEST: &str = "SELECT max(duration_seconds) FROM recordings WHERE source = ?1";
/// A second too many at the window's beginning: exactly is for `lies_in` to say.
const BEGUN: &str = "
    SELECT *, NULL AS window_from, NULL AS window_to FROM recordings
    WHERE source = ?1 AND (began_at, name, id) > (?2, ?3, ?4) AND began_at < ?5
        AND (?6 IS NULL OR began_at >= ?6 OR unixepoch(began_at) + duration_seconds + 1 >= unixepoch(?6))
    ORDER BY began_at, name, id";
const OF_NO_TIME: &str = "
    SELECT recordings.*, window_from, window_to FROM recordings CROSS JOIN runs ON runs.id = run_id
    WHERE recordings.source = ?1 AND began_at IS NULL AND (name, recordings.id) > (?2, ?3)
    ORDER BY name, recordings.id";
const DETECTIONS: &str = "SELECT * FROM detections WHERE recording_id = ?1 ORDER BY starts_at, id";
const NOTES: &str = "
    SELECT recordings.id AS recording_id, notes.* FROM recordings CROSS JOIN notes USING (source, content_sha256)
    WHERE recordings.id = ?1";

/// At most so many of a batch.
const RECORDINGS: usize = 256;
/// A batch ends with the recording that brings it to so many.
const LAUGHS: usize = 4096;
/// Sorts behind every instant.
const LAST: &str = "~";

/// Behind which recording the next batch begins.
pub struct Place {
    source: String,
    /// None: among those that tell no time, which come last.
    began: Option<String>,
    name: String,
    id: i64,
}

/// What a batch has come to.
pub struct Batch<'a> {
    connection: &'a Connection,
    wanted: &'a Selection<'a>,
    found: Vec<FoundRecording>,
    laughs: usize,
}

impl<'a> Batch<'a> {
    /// The recordings behind a place, and where to go on; None: there are no more.
    pub fn read(
        connection: &'a Connection,
        wanted: &'a Selection<'a>,
        place: Option<Place>,
    ) -> rusqlite::Result<(Vec<FoundRecording>, Option<Place>)> {
        let transaction = connection.unchecked_transaction()?;
        let mut batch = Batch { connection: &transaction, wanted, found: Vec::new(), laughs: 0 };
        let mut place = match place {
            Some(place) => Some(place),
            None => batch.first()?,
        };
        while let Some(from) = place {
            place = batch.fill(from)?;
            if batch.is_full() {
                break;
            }
        }
        let found = batch.found;
        transaction.commit()?;
        Ok((found, place))
    }

    fn first(&self) -> rusqlite::Result<Option<Place>> {
        match self.wanted.source {
            Some(source) => self.beginning(source.to_owned()).map(Some),
            None => self.behind(""),
        }
    }

    /// Before the first recording of the next source; with a name that is empty there is none.
    fn behind(&self, source: &str) -> rusqlite::Result<Option<Place>> {
        if self.wanted.source.is_some() {
            return Ok(None);
        }
        let next: Option<String> =
            self.connection.prepare_cached(NEXT_SOURCE)?.query_row([source], |row| row.get(0))?;
        next.map(|source| self.beginning(source)).transpose()
    }

    /// No recording that began earlier than the longest one before the window lasts into it.
    fn beginning(&self, source: String) -> rusqlite::Result<Place> {
        let mut longest = self.connection.prepare_cached(LONGEST)?;
        let longest: Option<f64> = longest.query_row([&source], |row| row.get(0)).optional()?.flatten();
        let longest = SignedDuration::try_from_secs_f64(longest.unwrap_or_default() + 2.0);
        let longest = longest.unwrap_or(SignedDuration::MAX);
        let earliest = |from: Timestamp| from.checked_sub(longest).map(instant).unwrap_or_default();
        let began = Some(self.wanted.around().from.map(earliest).unwrap_or_default());
        Ok(Place { source, began, name: String::new(), id: i64::MIN })
    }

    /// The rest of a source, until the batch is full.
    fn fill(&mut self, from: Place) -> rusqlite::Result<Option<Place>> {
        let Place { source, began, name, id } = from;
        match began {
            Some(began) => {
                let window = self.wanted.around();
                let (from, to) = (window.from.map(instant), window.to.map_or_else(|| LAST.to_owned(), instant));
                let asked = (&source, &began, &name, id, &to, &from);
                let next = self.add_all(BEGUN, asked)?;
                Ok(Some(next.unwrap_or(Place { source, began: None, name: String::new(), id: i64::MIN })))
            }
            None => match self.add_all(OF_NO_TIME, (&source, &name, id))? {
                Some(next) => Ok(Some(next)),
                None => self.behind(&source),
            },
        }
    }

    /// Rows of a statement until the batch is full, and then the place of the last of them.
    fn add_all(&mut self, sql: &str, asked: impl Params) -> rusqlite::Result<Option<Place>> {
        let connection = self.connection;
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(asked)?;
        while let Some(row) = rows.next()? {
            let columns = recording(row)?;
            let (source, name, id) = (columns.source.clone(), columns.name.clone(), columns.id);
            self.add(columns)?;
            if self.is_full() {
                return Ok(Some(Place { source, began: row.get("began_at")?, name, id }));
            }
        }
        Ok(None)
    }

    fn add(&mut self, columns: RecordingColumns) -> rusqlite::Result<()> {
        if !self.wanted.holds(&columns) {
            return Ok(());
        }
        let (mut detections, mut notes): (Vec<DetectionColumns>, Vec<NoteColumns>) = (Vec::new(), Vec::new());
        if !self.wanted.without_laughs {
            detections = self.of(DETECTIONS, columns.id, detection)?;
        }
        if !detections.is_empty() {
            notes = self.of(NOTES, columns.id, note)?;
        }
        self.laughs += detections.len();
        self.found.push(FoundRecording { columns, detections, notes });
        Ok(())
    }

    fn of<T>(&self, sql: &str, recording: i64, read: fn(&Row<'_>) -> rusqlite::Result<T>) -> rusqlite::Result<Vec<T>> {
        self.connection.prepare_cached(sql)?.query_map([recording], read)?.collect()
    }

    fn is_full(&self) -> bool {
        self.found.len() >= RECORDINGS || self.laughs >= LAUGHS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::tests::plan;

    #[test]
    fn a_recording_is_found_by_an_index_and_in_order() {
        for sql in [NEXT_SOURCE, LONGEST, BEGUN, OF_NO_TIME, DETECTIONS, NOTES] {
            let plan = plan(sql);
            assert!(!plan.contains("SCAN"), "{sql}\n{plan}");
            assert!(sql == DETECTIONS || !plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
        }
        assert!(plan(BEGUN).contains("recordings_in_order (source=? AND (began_at,name)>(?,?) AND began_at<?)"));
    }
}
