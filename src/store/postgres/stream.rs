//! Reads recordings in batches, in Postgres' dialect.
//!
//! All batches are of one snapshot: a run committed meanwhile is not visible.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use postgres::{Client, Error, IsolationLevel, Portal, Statement, Transaction};

use super::encoding::Encoding;
use super::values::Decoded;
use crate::store::columns::{CandidateRow, Cursor, DetectionRow, ReviewRow, Row};
use crate::store::found::{FoundRecording, FoundRows, Numbered, numbered, selected, selected_candidates};
use crate::store::reader::Selection;

/// Selects up to a second too much at the start of the window; `lies_in` filters exactly. Recordings that started at
/// most a day before it are a range of one index; longer ones are few and have their own index.
fn select_recordings() -> String {
    let recording = FoundRecording::selected();
    format!(
        "SELECT {recording},
            CASE WHEN started_at IS NULL THEN (SELECT window_from FROM runs WHERE id = run_id) END,
            CASE WHEN started_at IS NULL THEN (SELECT window_to FROM runs WHERE id = run_id) END,
            CASE WHEN $5 THEN 0 ELSE (SELECT count(*) FROM detections WHERE recording_id = recordings.id) END
                + CASE WHEN $6 THEN (SELECT count(*) FROM candidates WHERE recording_id = recordings.id) ELSE 0 END
         FROM recordings
         WHERE ($1::text IS NULL OR source COLLATE \"C\" = $1)
            AND (started_at IS NULL
                OR started_at < coalesce($3::timestamptz, 'infinity') AND started_at >= coalesce($4::timestamptz, '-infinity')
                OR started_at < coalesce($3, 'infinity') AND duration_seconds > 86400)
            AND (started_at IS NULL OR $2::timestamptz IS NULL OR started_at >= $2
                OR extract(epoch FROM started_at) + duration_seconds + 1 >= extract(epoch FROM $2))
         ORDER BY source COLLATE \"C\", started_at NULLS LAST, name COLLATE \"C\", id"
    )
}

/// The id of the recording follows.
pub fn select_detections() -> String {
    let detection = selected::<DetectionRow>();
    format!("SELECT {detection}, recording_id FROM detections WHERE recording_id = ANY($1) ORDER BY starts_at, id")
}

/// The id of the recording follows.
pub fn select_candidates(with_embeddings: bool) -> String {
    let candidate = selected_candidates(with_embeddings);
    format!("SELECT {candidate}, recording_id FROM candidates WHERE recording_id = ANY($1) ORDER BY first_patch, id")
}

/// The id of the recording follows.
fn select_reviews() -> String {
    let review = selected::<ReviewRow>();
    format!(
        "SELECT {review}, recordings.id FROM recordings JOIN reviews USING (source, content_sha256)
         WHERE recordings.id = ANY($1)"
    )
}

/// The limit of `recordings_longer_than_a_day`; the same as in the index.
const DAY: Duration = Duration::from_secs(86_400);
/// Maximal number of recordings in a batch.
const BATCH: i32 = 256;
/// A batch of recordings is returned once it has this many detections and candidates.
const DETECTIONS_PER_BATCH: i64 = 4096;

pub struct Stream<'a> {
    transaction: Transaction<'a>,
    portal: Portal,
    detections: Statement,
    candidates: Statement,
    reviews: Statement,
    wanted: &'a Selection<'a>,
    encoding: &'a Encoding,
    /// Read but not returned yet, in reverse order, each with the number of its detections.
    read: Vec<(FoundRecording, i64)>,
}

impl<'a> Stream<'a> {
    pub fn open(
        client: &'a mut Client,
        wanted: &'a Selection<'a>,
        encoding: &'a Encoding,
    ) -> Result<Stream<'a>, Error> {
        let begin = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
        let mut transaction = begin.start()?;
        let recordings = transaction.prepare(&select_recordings())?;
        let mut select_candidates = select_candidates(false);
        if wanted.only_with_clip {
            select_candidates = select_candidates.replace(" ORDER BY", " AND clip IS NOT NULL ORDER BY");
        }
        let (detections, candidates) =
            (transaction.prepare(&select_detections())?, transaction.prepare(&select_candidates)?);
        let reviews = transaction.prepare(&select_reviews())?;
        let window = wanted.around();
        let earliest = window.from.map(|from| from.saturating_sub(DAY).unwrap_or(Timestamp::MIN));
        let asked: [&(dyn postgres::types::ToSql + Sync); 6] =
            [&wanted.source, &window.from, &window.to, &earliest, &wanted.without_laughs, &wanted.with_candidates];
        let portal = transaction.bind(&recordings, &asked)?;
        Ok(Stream { transaction, portal, detections, candidates, reviews, wanted, encoding, read: Vec::new() })
    }

    /// The next batch of recordings; None: there are no more.
    pub fn next(&mut self) -> Result<Option<Vec<FoundRows>>, Error> {
        let encoding = self.encoding;
        while self.read.is_empty() {
            let rows = self.transaction.query_portal(&self.portal, BATCH)?;
            if rows.is_empty() {
                return Ok(None);
            }
            for row in rows.iter().rev() {
                let row = Decoded { row, encoding };
                let mut cells = Cursor::new(&row);
                let recording = FoundRecording::read(&mut cells)?;
                let count = cells.next()?;
                if self.wanted.holds(&recording) {
                    self.read.push((recording, count));
                }
            }
        }
        let (mut some, mut laughs) = (Vec::new(), 0);
        while let Some((recording, count)) = self.read.pop_if(|_| laughs < DETECTIONS_PER_BATCH) {
            laughs += count;
            some.push(recording);
        }
        self.with_laughs(some, laughs).map(Some)
    }

    fn with_laughs(&mut self, recordings: Vec<FoundRecording>, laughs: i64) -> Result<Vec<FoundRows>, Error> {
        let (mut detections, mut candidates, mut reviews) = (HashMap::new(), HashMap::new(), HashMap::new());
        if laughs > 0 {
            let ids: Vec<i64> = recordings.iter().map(|recording| recording.id).collect();
            if !self.wanted.without_laughs {
                detections =
                    by_recording::<DetectionRow>(&mut self.transaction, &self.detections, &ids, self.encoding)?;
            }
            if self.wanted.with_candidates {
                candidates =
                    by_recording::<CandidateRow>(&mut self.transaction, &self.candidates, &ids, self.encoding)?;
            }
            reviews = by_recording::<ReviewRow>(&mut self.transaction, &self.reviews, &ids, self.encoding)?;
        }
        let found = |recording: FoundRecording| {
            let detections = detections.remove(&recording.id).unwrap_or_default();
            let reviews = reviews.remove(&recording.id).unwrap_or_default();
            let candidates = candidates.remove(&recording.id).unwrap_or_default();
            FoundRows { recording, detections, candidates, reviews }
        };
        Ok(recordings.into_iter().map(found).collect())
    }
}

/// The rows that belong to each of these recordings.
pub fn by_recording<R: Row>(
    transaction: &mut Transaction<'_>,
    statement: &Statement,
    ids: &[i64],
    encoding: &Encoding,
) -> Result<HashMap<i64, Vec<Numbered<R>>>, Error> {
    let mut rows: HashMap<i64, Vec<Numbered<R>>> = HashMap::new();
    for row in transaction.query(statement, &[&ids])? {
        let row = Decoded { row: &row, encoding };
        let mut cells = Cursor::new(&row);
        let found = numbered(&mut cells)?;
        rows.entry(cells.next()?).or_default().push(found);
    }
    Ok(rows)
}
