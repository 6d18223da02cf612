//! Rows that a query has found, as the values of the program. Serves both databases.
//!
//! Each function reads the columns of a list, from left to right; the list is beside it.

use std::time::Duration;

use jiff::Timestamp;

use super::columns::{CandidateRow, Cells, Cursor, DetectionRow, RecordingRow, ReviewRow, Row, RunRow, Uuid};
use crate::domain::{
    Candidate, ContentHash, Counts, Coverage, Detection, Embedding, PastRun, RunCommand, StartSource, StartTime,
    StoredCandidate, StoredDetection, StoredFailure, StoredMissing, StoredRecording, StoredSound, StoredStatus,
    Unresolved, Window,
};

/// The numbers of a run that are counted in other tables: its detections that no later run has replaced, and clips that
/// could not be written.
pub const COUNTED: &str = "(SELECT count(*) FROM detections WHERE run_id = runs.id),
    (SELECT CAST(coalesce(sum(clips_failed), 0) AS bigint) FROM recordings WHERE run_id = runs.id)";
/// What [`counts`] reads, from `runs`.
pub const COUNTS: &str = "analyzed, partial, redetected, skipped, in_progress, failed";
/// What [`coverage`] reads, from `runs`.
pub const COVERAGE: &str =
    "source, started_at, window_from, window_to, shard, explicit_files, exit_code, in_progress, in_progress_from";
/// Reads [`COUNTS`] and [`COUNTED`].
pub fn counts<C: Cells>(cells: &C) -> Result<Counts, C::Error> {
    let mut cells = Cursor::new(cells);
    let mut count = || cells.next::<i64>().map(i64::cast_unsigned);
    Ok(Counts {
        analyzed: count()?,
        partial: count()?,
        redetected: count()?,
        skipped: count()?,
        in_progress: count()?,
        failed: count()?,
        detections: count()?,
        clips_failed: count()?,
    })
}

/// Reads the numbers of partial and of failed recordings.
pub fn unresolved<C: Cells>(cells: &C) -> Result<Unresolved, C::Error> {
    let mut cells = Cursor::new(cells);
    let mut count = || cells.next::<i64>().map(i64::cast_unsigned);
    Ok(Unresolved { partial: count()?, failed: count()? })
}

/// Reads the fields of a [`RunRow`] and [`COUNTED`].
pub fn past_run<C: Cells>(cells: &C) -> Result<PastRun, C::Error> {
    let mut cells = Cursor::new(cells);
    let run = RunRow::read(&mut cells)?;
    let stored = [run.analyzed, run.partial, run.redetected, run.skipped, run.in_progress, run.failed];
    let [analyzed, partial, redetected, skipped, in_progress, failed] = stored.map(i64::cast_unsigned);
    let [detections, clips_failed] = [cells.next()?, cells.next()?].map(i64::cast_unsigned);
    Ok(PastRun {
        id: run.id.0,
        external_id: run.external_id,
        source: run.source,
        command: RunCommand::named(&run.command).unwrap_or_default(),
        started: run.started_at,
        ended: run.ended_at,
        version: run.version,
        zone: run.zone,
        window: Window { from: run.window_from, to: run.window_to },
        shard: run.shard,
        explicit_files: run.explicit_files,
        exit_code: run.exit_code.try_into().unwrap_or(u8::MAX),
        counts: Counts { analyzed, partial, redetected, skipped, in_progress, failed, detections, clips_failed },
        in_progress_from: run.in_progress_from,
        audio: duration(run.audio_seconds),
    })
}

/// Reads [`COVERAGE`].
pub fn coverage<C: Cells>(cells: &C) -> Result<Coverage, C::Error> {
    let mut cells = Cursor::new(cells);
    Ok(Coverage {
        source: cells.next()?,
        started: cells.next()?,
        window: Window { from: cells.next()?, to: cells.next()? },
        shard: cells.next()?,
        explicit_files: cells.next()?,
        exit_code: cells.next::<i32>()?.try_into().unwrap_or(u8::MAX),
        in_progress: cells.next::<i64>()?.cast_unsigned(),
        in_progress_from: cells.next()?,
    })
}

/// A row of `recordings`, with its keys and the window of its run.
pub struct FoundRecording {
    pub id: i64,
    pub source: String,
    run: Uuid,
    /// Needed only for a recording without a start time.
    run_window: Window,
    pub row: RecordingRow,
}

/// A row and its number.
pub type Numbered<R> = (i64, R);

/// A recording with its detections and candidates, both sorted by time, and its reviews.
pub struct FoundRows {
    pub recording: FoundRecording,
    pub detections: Vec<Numbered<DetectionRow>>,
    pub candidates: Vec<Numbered<CandidateRow>>,
    pub reviews: Vec<Numbered<ReviewRow>>,
}

/// What [`numbered`] reads.
pub fn selected<R: Row>() -> String {
    format!("{}, {}.id", R::selected(), R::TABLE)
}

/// Reads [`selected`].
pub fn numbered<R: Row, C: Cells>(cells: &mut Cursor<'_, C>) -> Result<Numbered<R>, C::Error> {
    let row = R::read(cells)?;
    Ok((cells.next()?, row))
}

/// What [`numbered`] reads of candidates; their embeddings are read as NULL unless they are wanted, because they are large.
pub fn selected_candidates(with_embeddings: bool) -> String {
    let all = selected::<CandidateRow>();
    if with_embeddings { all } else { all.replace("candidates.embedding", "NULL") }
}

impl FoundRecording {
    /// What `read` expects; the window of the run follows.
    pub fn selected() -> String {
        format!("{}, recordings.id, recordings.source, recordings.run_id", RecordingRow::selected())
    }

    pub fn read<C: Cells>(cells: &mut Cursor<'_, C>) -> Result<FoundRecording, C::Error> {
        Ok(FoundRecording {
            row: RecordingRow::read(cells)?,
            id: cells.next()?,
            source: cells.next()?,
            run: cells.next()?,
            run_window: Window { from: cells.next()?, to: cells.next()? },
        })
    }

    pub fn lies_in(&self, window: &Window) -> bool {
        let Some(started) = self.row.started_at else {
            return meet(&self.run_window, window);
        };
        let length = self.row.duration_seconds.map(duration).unwrap_or_default();
        let ended = started.saturating_add(length).unwrap_or(Timestamp::MAX);
        let not_over = |from| if length.is_zero() { started >= from } else { ended > from };
        window.to.is_none_or(|to| started < to) && window.from.is_none_or(not_over) && meet(window, window)
    }

    pub fn with_laughs(self, laughs: Vec<StoredDetection>, candidates: Vec<StoredCandidate>) -> StoredRecording {
        let FoundRecording { id, source, run, row, .. } = self;
        StoredRecording {
            id,
            source,
            started: start_time(&row),
            content: row.content_sha256.as_deref().and_then(|text| text.parse::<ContentHash>().ok()),
            bytes: row.bytes.cast_unsigned(),
            duration: row.duration_seconds.map(duration),
            status: match row.failure_kind {
                Some(kind) => StoredStatus::Failed(StoredFailure {
                    kind: kind.into_owned(),
                    reason: row.failure_reason.unwrap_or_default(),
                    position: row.failure_position_seconds.map(duration),
                }),
                None => StoredStatus::Analyzed(StoredSound {
                    sample_rate: row.sample_rate.map(whole).unwrap_or_default(),
                    channels: row.channels.map(whole).unwrap_or_default(),
                    audio_tracks: row.audio_tracks.map(whole).unwrap_or_default(),
                    codec: row.codec.unwrap_or_default(),
                    missing: StoredMissing {
                        is_partial: row.status == "partial",
                        ranges: row.missing_ranges.map(|ranges| ranges.0).unwrap_or_default(),
                        count: row.missing_count.cast_unsigned(),
                        total: duration(row.missing_seconds),
                    },
                    laughs,
                    candidates,
                    clips_failed: row.clips_failed.cast_unsigned(),
                }),
            },
            name: row.name,
            run: run.0,
        }
    }
}

impl From<DetectionRow> for Detection {
    fn from(row: DetectionRow) -> Detection {
        Detection {
            start: duration(row.start_seconds),
            end: duration(row.end_seconds),
            peak: row.peak_score as f32,
            mean: row.mean_score as f32,
            class: u16::try_from(row.class_index).unwrap_or_default(),
            class_scores: row.class_scores.0.0,
            clip: row.clip,
        }
    }
}

impl From<Numbered<DetectionRow>> for StoredDetection {
    fn from((id, row): Numbered<DetectionRow>) -> StoredDetection {
        let (starts, ends, local_date) = (row.starts_at, row.ends_at, row.local_date);
        StoredDetection { id, detection: row.into(), starts, ends, local_date, review: None }
    }
}

impl From<CandidateRow> for Candidate {
    fn from(row: CandidateRow) -> Candidate {
        Candidate {
            first: row.first_patch.try_into().unwrap_or_default(),
            last: row.last_patch.try_into().unwrap_or_default(),
            peak_v: row.peak_v as f32,
            mean_v: row.mean_v as f32,
            class_scores: row.class_scores.0.0,
            embedding: row.embedding.and_then(|bytes| Embedding::from_bytes(&bytes.0)),
            personal: row.personal.map(|personal| personal.0),
            clip: row.clip,
        }
    }
}

impl From<Numbered<CandidateRow>> for StoredCandidate {
    fn from((id, row): Numbered<CandidateRow>) -> StoredCandidate {
        StoredCandidate { id, is_detected: row.is_detected, candidate: row.into(), review: None }
    }
}

/// When a recording started, and how this is known.
pub fn start_time(row: &RecordingRow) -> Option<StartTime> {
    let from = row.start_source.as_deref().and_then(StartSource::named);
    row.started_at.map(|at| StartTime { at, from: from.unwrap_or(StartSource::Mtime) })
}

/// Whether two half-open spans have an instant in common.
fn meet(a: &Window, b: &Window) -> bool {
    let before = |from: Option<Timestamp>, to: Option<Timestamp>| from.zip(to).is_none_or(|(from, to)| from < to);
    before(a.from, b.to) && before(b.from, a.to)
}

/// The tables' constraints exclude negative values; a value that another program wrote is not a reason to fail.
pub fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

fn whole(number: i64) -> u32 {
    u32::try_from(number).unwrap_or_default()
}
