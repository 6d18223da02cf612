//! Recordings portion by portion, in Postgres' dialect.
//!
//! All portions are of one snapshot, which the server keeps: a run may be committed meanwhile, and is not seen.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use postgres::{Client, Error, IsolationLevel, Portal, Statement, Transaction};

use super::reading::{detection, note, recording};
use crate::store::noting::NoteColumns;
use crate::store::reading::{DetectionColumns, FoundRecording, RecordingColumns, Selection};

/// A second too many at the window's beginning: exactly is for `lies_in` to say. Those that began at most a day before
/// it are a range of one index, the longer ones are few and have their own.
const RECORDINGS: &str = "
    SELECT *, run_id::text AS run, missing_ranges::text AS missing,
        CASE WHEN began_at IS NULL THEN (SELECT window_from FROM runs WHERE id = run_id) END AS window_from,
        CASE WHEN began_at IS NULL THEN (SELECT window_to FROM runs WHERE id = run_id) END AS window_to,
        CASE WHEN $5 THEN 0 ELSE (SELECT count(*) FROM detections WHERE recording_id = recordings.id) END AS laughs
    FROM recordings
    WHERE ($1::text IS NULL OR source COLLATE \"C\" = $1)
        AND (began_at IS NULL
            OR began_at < coalesce($3::timestamptz, 'infinity') AND began_at >= coalesce($4::timestamptz, '-infinity')
            OR began_at < coalesce($3, 'infinity') AND duration_seconds > 86400)
        AND (began_at IS NULL OR $2::timestamptz IS NULL OR began_at >= $2
            OR extract(epoch FROM began_at) + duration_seconds + 1 >= extract(epoch FROM $2))
    ORDER BY source COLLATE \"C\", began_at NULLS LAST, name COLLATE \"C\", id";
const DETECTIONS: &str = "SELECT * FROM detections WHERE recording_id = ANY($1) ORDER BY starts_at, id";
const NOTES: &str = "
    SELECT recordings.id AS recording_id, notes.* FROM recordings JOIN notes USING (source, content_sha256)
    WHERE recordings.id = ANY($1)";

/// What counts as long: the same in the index.
const DAY: Duration = Duration::from_secs(86_400);
/// At most so many recordings of a portion.
const PORTION: i32 = 256;
/// Recordings are given together until they hold so many laughs.
const LAUGHS: i64 = 4096;

pub struct Stream<'a> {
    transaction: Transaction<'a>,
    portal: Portal,
    detections: Statement,
    notes: Statement,
    wanted: &'a Selection<'a>,
    /// Read, and not given yet; the last comes first. Each with the number of its laughs.
    read: Vec<(RecordingColumns, i64)>,
}

impl<'a> Stream<'a> {
    pub fn open(client: &'a mut Client, wanted: &'a Selection<'a>) -> Result<Stream<'a>, Error> {
        let begin = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
        let mut transaction = begin.start()?;
        let recordings = transaction.prepare(RECORDINGS)?;
        let (detections, notes) = (transaction.prepare(DETECTIONS)?, transaction.prepare(NOTES)?);
        let window = wanted.around();
        let earliest = window.from.map(|from| from.saturating_sub(DAY).unwrap_or(Timestamp::MIN));
        let asked: [&(dyn postgres::types::ToSql + Sync); 5] =
            [&wanted.source, &window.from, &window.to, &earliest, &wanted.without_laughs];
        let portal = transaction.bind(&recordings, &asked)?;
        Ok(Stream { transaction, portal, detections, notes, wanted, read: Vec::new() })
    }

    /// The next few recordings; None: there are no more.
    pub fn next(&mut self) -> Result<Option<Vec<FoundRecording>>, Error> {
        while self.read.is_empty() {
            let rows = self.transaction.query_portal(&self.portal, PORTION)?;
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
        while let Some((columns, count)) = self.read.pop_if(|_| laughs < LAUGHS) {
            laughs += count;
            some.push(columns);
        }
        self.with_laughs(some, laughs).map(Some)
    }

    fn with_laughs(&mut self, recordings: Vec<RecordingColumns>, laughs: i64) -> Result<Vec<FoundRecording>, Error> {
        let mut of: HashMap<i64, (Vec<DetectionColumns>, Vec<NoteColumns>)> = HashMap::new();
        if laughs > 0 {
            let ids: Vec<i64> = recordings.iter().map(|columns| columns.id).collect();
            for row in self.transaction.query(&self.detections, &[&ids])? {
                let detection = detection(&row)?;
                of.entry(detection.recording_id).or_default().0.push(detection);
            }
            for row in self.transaction.query(&self.notes, &[&ids])? {
                let note = note(&row)?;
                of.entry(note.recording_id).or_default().1.push(note);
            }
        }
        let found = |columns: RecordingColumns| {
            let (detections, notes) = of.remove(&columns.id).unwrap_or_default();
            FoundRecording { columns, detections, notes }
        };
        Ok(recordings.into_iter().map(found).collect())
    }
}
