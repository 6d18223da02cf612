//! Reads recordings in batches, in Postgres' dialect.
//!
//! All batches are of one snapshot: a run committed meanwhile is not visible.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use postgres::{Client, Error, IsolationLevel, Portal, Statement, Transaction};

use super::reader::{detection, recording, review};
use crate::store::reader::{DetectionColumns, FoundRecording, RecordingColumns, Selection};
use crate::store::review_rows::ReviewColumns;

/// Selects up to a second too much at the start of the window; `lies_in` filters exactly. Recordings that started at
/// most a day before it are a range of one index; longer ones are few and have their own index.
const RECORDINGS: &str = "
    SELECT *, run_id::text AS run, missing_ranges::text AS missing,
        CASE WHEN started_at IS NULL THEN (SELECT window_from FROM runs WHERE id = run_id) END AS window_from,
        CASE WHEN started_at IS NULL THEN (SELECT window_to FROM runs WHERE id = run_id) END AS window_to,
        CASE WHEN $5 THEN 0 ELSE (SELECT count(*) FROM detections WHERE recording_id = recordings.id) END AS laughs
    FROM recordings
    WHERE ($1::text IS NULL OR source COLLATE \"C\" = $1)
        AND (started_at IS NULL
            OR started_at < coalesce($3::timestamptz, 'infinity') AND started_at >= coalesce($4::timestamptz, '-infinity')
            OR started_at < coalesce($3, 'infinity') AND duration_seconds > 86400)
        AND (started_at IS NULL OR $2::timestamptz IS NULL OR started_at >= $2
            OR extract(epoch FROM started_at) + duration_seconds + 1 >= extract(epoch FROM $2))
    ORDER BY source COLLATE \"C\", started_at NULLS LAST, name COLLATE \"C\", id";
const DETECTIONS: &str =
    "SELECT *, class_scores::text AS scores FROM detections WHERE recording_id = ANY($1) ORDER BY starts_at, id";
const REVIEWS: &str = "
    SELECT recordings.id AS recording_id, reviews.* FROM recordings JOIN reviews USING (source, content_sha256)
    WHERE recordings.id = ANY($1)";

/// The limit of `recordings_longer_than_a_day`; the same as in the index.
const DAY: Duration = Duration::from_secs(86_400);
/// Maximal number of recordings in a batch.
const BATCH: i32 = 256;
/// A batch of recordings is returned once it has this many detections.
const DETECTIONS_PER_BATCH: i64 = 4096;

pub struct Stream<'a> {
    transaction: Transaction<'a>,
    portal: Portal,
    detections: Statement,
    reviews: Statement,
    wanted: &'a Selection<'a>,
    /// Read but not returned yet, in reverse order, each with the number of its detections.
    read: Vec<(RecordingColumns, i64)>,
}

impl<'a> Stream<'a> {
    pub fn open(client: &'a mut Client, wanted: &'a Selection<'a>) -> Result<Stream<'a>, Error> {
        let begin = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
        let mut transaction = begin.start()?;
        let recordings = transaction.prepare(RECORDINGS)?;
        let (detections, reviews) = (transaction.prepare(DETECTIONS)?, transaction.prepare(REVIEWS)?);
        let window = wanted.around();
        let earliest = window.from.map(|from| from.saturating_sub(DAY).unwrap_or(Timestamp::MIN));
        let asked: [&(dyn postgres::types::ToSql + Sync); 5] =
            [&wanted.source, &window.from, &window.to, &earliest, &wanted.without_laughs];
        let portal = transaction.bind(&recordings, &asked)?;
        Ok(Stream { transaction, portal, detections, reviews, wanted, read: Vec::new() })
    }

    /// The next batch of recordings; None: there are no more.
    pub fn next(&mut self) -> Result<Option<Vec<FoundRecording>>, Error> {
        while self.read.is_empty() {
            let rows = self.transaction.query_portal(&self.portal, BATCH)?;
            if rows.is_empty() {
                return Ok(None);
            }
            for row in rows.iter().rev() {
                self.read.push((recording(row)?, row.try_get("laughs")?));
            }
            let wanted = self.wanted;
            self.read.retain(|(columns, _)| wanted.holds(columns));
        }
        let (mut some, mut laughs) = (Vec::new(), 0);
        while let Some((columns, count)) = self.read.pop_if(|_| laughs < DETECTIONS_PER_BATCH) {
            laughs += count;
            some.push(columns);
        }
        self.with_laughs(some, laughs).map(Some)
    }

    fn with_laughs(&mut self, recordings: Vec<RecordingColumns>, laughs: i64) -> Result<Vec<FoundRecording>, Error> {
        let mut by_id: HashMap<i64, (Vec<DetectionColumns>, Vec<ReviewColumns>)> = HashMap::new();
        if laughs > 0 {
            let ids: Vec<i64> = recordings.iter().map(|columns| columns.id).collect();
            for row in self.transaction.query(&self.detections, &[&ids])? {
                let detection = detection(&row)?;
                by_id.entry(detection.recording_id).or_default().0.push(detection);
            }
            for row in self.transaction.query(&self.reviews, &[&ids])? {
                let review = review(&row)?;
                by_id.entry(review.recording_id).or_default().1.push(review);
            }
        }
        let found = |columns: RecordingColumns| {
            let (detections, reviews) = by_id.remove(&columns.id).unwrap_or_default();
            FoundRecording { columns, detections, reviews }
        };
        Ok(recordings.into_iter().map(found).collect())
    }
}
