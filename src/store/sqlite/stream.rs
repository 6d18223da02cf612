//! Reads recordings in batches, in SQLite's dialect.
//!
//! A running statement keeps a shared lock, which blocks the commit of a run. Therefore each batch is read in its own
//! transaction, and the next one starts after the last recording's key (keyset pagination). Sources are read one after
//! the other, each by its index: without a sorter or a temporary file, and without reading rows far outside of the
//! window.

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Params};

use super::values::instant;
use crate::store::columns::{Cursor, DetectionRow, ReviewRow, Row};
use crate::store::found::{FoundRecording, FoundRows, Numbered, numbered, selected, selected_candidates};
use crate::store::reader::Selection;

const NEXT_SOURCE: &str = "SELECT min(source) FROM recordings WHERE source > ?1";
const LONGEST: &str = "SELECT max(duration_seconds) FROM recordings WHERE source = ?1";
/// Selects up to a second too much at the start of the window; `lies_in` filters exactly.
static STARTED: LazyLock<String> = LazyLock::new(|| {
    let recording = FoundRecording::selected();
    format!(
        "SELECT {recording}, NULL, NULL FROM recordings
         WHERE source = ?1 AND (started_at, name, id) > (?2, ?3, ?4) AND started_at < ?5
            AND (?6 IS NULL OR started_at >= ?6 OR unixepoch(started_at) + duration_seconds + 1 >= unixepoch(?6))
         ORDER BY started_at, name, id"
    )
});
static WITHOUT_START_TIME: LazyLock<String> = LazyLock::new(|| {
    let recording = FoundRecording::selected();
    format!(
        "SELECT {recording}, window_from, window_to FROM recordings CROSS JOIN runs ON runs.id = run_id
         WHERE recordings.source = ?1 AND recordings.started_at IS NULL AND (name, recordings.id) > (?2, ?3)
         ORDER BY name, recordings.id"
    )
});
pub static DETECTIONS: LazyLock<String> = LazyLock::new(|| {
    let detection = selected::<DetectionRow>();
    format!("SELECT {detection} FROM detections WHERE recording_id = ?1 ORDER BY starts_at, id")
});
/// Without their embeddings.
static CANDIDATES: LazyLock<String> = LazyLock::new(|| select_candidates(false));
static CANDIDATES_WITH_CLIP: LazyLock<String> = LazyLock::new(|| {
    let candidate = selected_candidates(false);
    format!("SELECT {candidate} FROM candidates WHERE recording_id = ?1 AND clip IS NOT NULL ORDER BY first_patch, id")
});
static REVIEWS: LazyLock<String> = LazyLock::new(|| {
    let review = selected::<ReviewRow>();
    format!(
        "SELECT {review} FROM recordings CROSS JOIN reviews USING (source, content_sha256) WHERE recordings.id = ?1"
    )
});

/// Maximal number of recordings in a batch.
const RECORDINGS: usize = 256;
/// A batch ends with the recording that brings it to this many detections and candidates.
const DETECTIONS_PER_BATCH: usize = 4096;
/// Sorts after every timestamp.
const LAST: &str = "~";

pub fn select_candidates(with_embeddings: bool) -> String {
    let candidate = selected_candidates(with_embeddings);
    format!("SELECT {candidate} FROM candidates WHERE recording_id = ?1 ORDER BY first_patch, id")
}

/// The recording after which the next batch starts.
pub struct Place {
    source: String,
    /// None: among those without a start time, which come last.
    started: Option<String>,
    name: String,
    id: i64,
}

/// A batch while it is being read.
pub struct Batch<'a> {
    connection: &'a Connection,
    wanted: &'a Selection<'a>,
    found: Vec<FoundRows>,
    laughs: usize,
}

impl<'a> Batch<'a> {
    /// The recordings after a place, and the place to continue from; None: there are no more.
    pub fn read(
        connection: &'a Connection,
        wanted: &'a Selection<'a>,
        place: Option<Place>,
    ) -> rusqlite::Result<(Vec<FoundRows>, Option<Place>)> {
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
            Some(source) => self.start_of(source.to_owned()).map(Some),
            None => self.next_source(""),
        }
    }

    /// The place before the first recording of the next source.
    fn next_source(&self, source: &str) -> rusqlite::Result<Option<Place>> {
        if self.wanted.source.is_some() {
            return Ok(None);
        }
        let next: Option<String> =
            self.connection.prepare_cached(NEXT_SOURCE)?.query_row([source], |row| row.get(0))?;
        next.map(|source| self.start_of(source)).transpose()
    }

    /// The place to start at: before the window by the length of the longest recording. No earlier recording overlaps
    /// the window.
    fn start_of(&self, source: String) -> rusqlite::Result<Place> {
        let mut longest = self.connection.prepare_cached(LONGEST)?;
        let longest: Option<f64> = longest.query_row([&source], |row| row.get(0)).optional()?.flatten();
        let longest = SignedDuration::try_from_secs_f64(longest.unwrap_or_default() + 2.0);
        let longest = longest.unwrap_or(SignedDuration::MAX);
        let earliest = |from: Timestamp| from.checked_sub(longest).map(instant).unwrap_or_default();
        let started = Some(self.wanted.around().from.map(earliest).unwrap_or_default());
        Ok(Place { source, started, name: String::new(), id: i64::MIN })
    }

    /// Adds the rest of a source, until the batch is full.
    fn fill(&mut self, from: Place) -> rusqlite::Result<Option<Place>> {
        let Place { source, started, name, id } = from;
        match started {
            Some(started) => {
                let window = self.wanted.around();
                let (from, to) = (window.from.map(instant), window.to.map_or_else(|| LAST.to_owned(), instant));
                let asked = (&source, &started, &name, id, &to, &from);
                let next = self.add_all(&STARTED, asked)?;
                Ok(Some(next.unwrap_or(Place { source, started: None, name: String::new(), id: i64::MIN })))
            }
            None => match self.add_all(&WITHOUT_START_TIME, (&source, &name, id))? {
                Some(next) => Ok(Some(next)),
                None => self.next_source(&source),
            },
        }
    }

    /// Adds rows of a statement until the batch is full; then returns the place of the last row.
    fn add_all(&mut self, sql: &str, asked: impl Params) -> rusqlite::Result<Option<Place>> {
        let connection = self.connection;
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(asked)?;
        while let Some(row) = rows.next()? {
            let recording = FoundRecording::read(&mut Cursor::new(row))?;
            let (source, name, id) = (recording.source.clone(), recording.row.name.clone(), recording.id);
            let started = recording.row.started_at;
            self.add(recording)?;
            if self.is_full() {
                return Ok(Some(Place { source, started: started.map(instant), name, id }));
            }
        }
        Ok(None)
    }

    fn add(&mut self, recording: FoundRecording) -> rusqlite::Result<()> {
        if !self.wanted.holds(&recording) {
            return Ok(());
        }
        let (mut detections, mut candidates, mut reviews) = (Vec::new(), Vec::new(), Vec::new());
        if !self.wanted.without_laughs {
            detections = rows_of(self.connection, &DETECTIONS, recording.id)?;
        }
        if self.wanted.with_candidates {
            let sql = if self.wanted.only_with_clip { &CANDIDATES_WITH_CLIP } else { &CANDIDATES };
            candidates = rows_of(self.connection, sql, recording.id)?;
        }
        if !detections.is_empty() || !candidates.is_empty() {
            reviews = rows_of(self.connection, &REVIEWS, recording.id)?;
        }
        self.laughs += detections.len() + candidates.len();
        self.found.push(FoundRows { recording, detections, candidates, reviews });
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.found.len() >= RECORDINGS || self.laughs >= DETECTIONS_PER_BATCH
    }
}

/// The rows of a recording that a statement of `found::selected` finds.
pub fn rows_of<R: Row>(connection: &Connection, sql: &str, recording: i64) -> rusqlite::Result<Vec<Numbered<R>>> {
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_map([recording], |row| numbered(&mut Cursor::new(row)))?.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::tests::plan;

    #[test]
    fn recordings_are_read_by_an_index_and_in_order() {
        let of_recording = [DETECTIONS.as_str(), CANDIDATES.as_str(), CANDIDATES_WITH_CLIP.as_str()];
        for sql in [NEXT_SOURCE, LONGEST, &STARTED, &WITHOUT_START_TIME, &REVIEWS].into_iter().chain(of_recording) {
            let plan = plan(sql);
            assert!(!plan.contains("SCAN"), "{sql}\n{plan}");
            let is_sorted = of_recording.contains(&sql);
            assert!(is_sorted || !plan.contains("TEMP B-TREE"), "{sql}\n{plan}");
        }
        assert!(plan(&STARTED).contains("recordings_in_order (source=? AND (started_at,name)>(?,?) AND started_at<?)"));
    }
}
