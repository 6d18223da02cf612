//! What is stored to decide again without audio: score tracks, candidates, and the embeddings of reviews.
//!
//! ```text
//! each_scored: ids of the selected recordings, then a portion after the other, each in a transaction of its own
//! evidence:    reviews with verdict and embedding, and candidates to compare with
//! ```
//!
//! Invariant: `each_scored` has one portion in memory, and nothing is locked while the caller works.

use std::time::Duration;

use super::StoreError;
use super::columns::{Bytes, CandidateRow};
use super::columns::{Cells, Cursor, DetectionRow, RecordingRow, ReviewRow, Row, TrackRow};
use super::found::{Numbered, duration, numbered, selected, start_time};
use crate::domain::{
    ContentHash, Embedding, Evidence, Recording, RowSpan, ScoreTotals, ScoreTrack, ScoredCandidate, ScoredRecording,
    ShownVerdicts, SpanId, StoredReview, Verdict, Window,
};
use crate::error::Fatal;

/// Offsets of a candidate `c`, seconds; the same as `Candidate::start` and `Candidate::end`.
pub const STARTS: &str = "(c.first_patch * 0.48 + 0.24)";
pub const ENDS: &str = "(c.last_patch * 0.48 + 0.72)";
/// The most reviews, and the most candidates beside them, that the personal score compares with: the latest.
pub const EVIDENCE: i64 = 2000;
/// Recordings in a portion, at most.
const PORTION: usize = 64;
/// Bytes of score tracks after which a portion ends: a week of audio.
const PORTION_BYTES: u64 = 2_500_000;

/// Which recordings to read. Only analyzed recordings have scores.
#[derive(Debug, Clone, Default)]
pub struct ScoredSelection {
    /// None: all sources.
    pub source: Option<String>,
    /// Selects recordings that overlap it.
    pub window: Window,
    /// None: any.
    pub contents: Option<Vec<ContentHash>>,
    /// Read the embeddings of candidates, too.
    pub with_embeddings: bool,
}

/// Number of a recording, and the bytes of its score track.
pub type ScoredKey = (i64, u64);

/// Reads what decisions are made from.
pub trait ScoreReader: Send {
    /// The selected recordings, sorted by source, start time and name.
    fn scored_keys(&mut self, wanted: &ScoredSelection) -> Result<Vec<ScoredKey>, StoreError>;

    /// Those of these recordings that are still stored, in the order of the numbers.
    fn scored(&mut self, ids: &[i64], with_embeddings: bool) -> Result<Vec<ScoredRecording>, StoreError>;

    /// The selected recordings one after the other, sorted by source, start time and name.
    fn each_scored(
        &mut self,
        wanted: &ScoredSelection,
        each: &mut dyn FnMut(ScoredRecording) -> Result<(), Fatal>,
    ) -> Result<(), Fatal> {
        for ids in portions(self.scored_keys(wanted)?) {
            self.scored(&ids, wanted.with_embeddings)?.into_iter().try_for_each(&mut *each)?;
        }
        Ok(())
    }

    /// What the personal score of a source compares with.
    fn evidence(&mut self, source: &str) -> Result<Evidence, StoreError>;

    /// All reviews of a source, also those that were withdrawn or belong to no stored recording; sorted by the time of the
    /// reviewed span.
    fn reviews(&mut self, source: &str) -> Result<Vec<StoredReview>, StoreError>;

    /// The verdicts on the last reviewed laughs that are shown, of each source that has any, sorted by source. None: all
    /// sources.
    fn shown_verdicts(&mut self, source: Option<&str>) -> Result<Vec<ShownVerdicts>, StoreError>;

    /// The part of a recording that a row is about; None if the row is not stored any more.
    fn row_span(&mut self, id: SpanId) -> Result<Option<RowSpan>, StoreError>;

    /// How much is stored of each source with scores or reviews, sorted by source. None: all sources.
    fn score_totals(&mut self, source: Option<&str>) -> Result<Vec<ScoreTotals>, StoreError>;
}

fn portions(keys: Vec<ScoredKey>) -> Vec<Vec<i64>> {
    let (mut portions, mut bytes) = (Vec::<Vec<i64>>::new(), 0);
    for (id, track) in keys {
        match portions.last_mut().filter(|portion| portion.len() < PORTION && bytes + track <= PORTION_BYTES) {
            Some(portion) => portion.push(id),
            None => {
                portions.push(vec![id]);
                bytes = 0;
            }
        }
        bytes += track;
    }
    portions
}

/// What [`FoundScores::read`] expects.
pub fn selected_scores() -> String {
    let (recording, track) = (RecordingRow::selected(), TrackRow::selected());
    format!("{recording}, recordings.id, recordings.source, recordings.analysis, {track}")
}

/// A recording with its score track.
pub struct FoundScores {
    pub id: i64,
    source: String,
    analysis: String,
    row: RecordingRow,
    track: TrackRow,
}

impl FoundScores {
    pub fn read<C: Cells>(cells: &C) -> Result<FoundScores, C::Error> {
        let mut cells = Cursor::new(cells);
        Ok(FoundScores {
            row: RecordingRow::read(&mut cells)?,
            id: cells.next()?,
            source: cells.next()?,
            analysis: cells.next()?,
            track: TrackRow::read(&mut cells)?,
        })
    }

    /// None if another program or version wrote what cannot be read; such a recording can only be analyzed again.
    pub fn with(
        self,
        candidates: Vec<Numbered<CandidateRow>>,
        detections: Vec<Numbered<DetectionRow>>,
    ) -> Option<ScoredRecording> {
        let FoundScores { source, analysis, row, track: TrackRow { audio_seconds, v }, .. } = self;
        let candidate = |(id, row): Numbered<CandidateRow>| ScoredCandidate {
            id,
            is_detected: row.is_detected,
            candidate: row.into(),
        };
        let track = ScoreTrack::from_bytes(&v.0).filter(|track| track.values().iter().all(|v| !v.is_nan()));
        Some(ScoredRecording {
            source,
            analysis: serde_json::from_str(&analysis).ok()?,
            audio: duration(audio_seconds),
            is_partial: row.status == "partial",
            is_readable: track.as_ref().is_some_and(|track| is_whole(track, &candidates, duration(audio_seconds))),
            track: track.unwrap_or_default(),
            candidates: candidates.into_iter().map(candidate).collect(),
            detections: detections.into_iter().map(|(_, row)| row.into()).collect(),
            clips_failed: row.clips_failed.cast_unsigned(),
            recording: Recording {
                path: (&row.name).into(),
                started: start_time(&row),
                content: Some(row.content_sha256?.parse().ok()?),
                bytes: row.bytes.cast_unsigned(),
                announced: None,
                named: None,
                zone_is_assumed: false,
                name: row.name,
            },
        })
    }
}

/// Whether a track has all its patches, and those of the candidates.
fn is_whole(track: &ScoreTrack, candidates: &[Numbered<CandidateRow>], audio: Duration) -> bool {
    let is_inside = |row: &CandidateRow| usize::try_from(row.last_patch).is_ok_and(|last| last < track.len());
    track.fits(audio) && candidates.iter().all(|(_, row)| row.first_patch <= row.last_patch && is_inside(row))
}

/// Reads number, verdict and embedding of a review; None if they cannot be read.
pub fn review_evidence<C: Cells>(cells: &C) -> Result<Option<(i64, Verdict, Embedding)>, C::Error> {
    let mut cells = Cursor::new(cells);
    let (id, verdict, bytes): (i64, String, Bytes) = (cells.next()?, cells.next()?, cells.next()?);
    Ok(Verdict::named(&verdict)
        .zip(Embedding::from_bytes(&bytes.0))
        .map(|(verdict, embedding)| (id, verdict, embedding)))
}

/// The condition in SQL that no later review is one of the same sound, as other settings delimited it: one covers at least
/// half of the other. `least` and `greatest`: the functions of two numbers.
pub fn is_latest(least: &str, greatest: &str) -> String {
    format!(
        "NOT EXISTS (SELECT 1 FROM reviews AS later
            WHERE later.source = reviews.source AND later.content_sha256 = reviews.content_sha256
                AND later.verdict IS NOT NULL
                AND (later.reviewed_at > reviews.reviewed_at
                    OR later.reviewed_at = reviews.reviewed_at AND later.id > reviews.id)
                AND 2 * ({least}(later.end_seconds, reviews.end_seconds)
                        - {greatest}(later.start_seconds, reviews.start_seconds))
                    >= {least}(later.end_seconds - later.start_seconds, reviews.end_seconds - reviews.start_seconds))"
    )
}

/// Reads an embedding.
pub fn embedding<C: Cells>(cells: &C) -> Result<Option<Embedding>, C::Error> {
    Ok(Embedding::from_bytes(&cells.bytes(0)?))
}

/// What [`stored_review`] reads.
pub fn selected_reviews() -> String {
    format!("{}, reviews.is_personal, reviews.embedding IS NOT NULL", selected::<ReviewRow>())
}

pub fn stored_review<C: Cells>(cells: &C) -> Result<Option<StoredReview>, C::Error> {
    let mut cells = Cursor::new(cells);
    let (id, row): Numbered<ReviewRow> = numbered(&mut cells)?;
    let (is_personal, has_embedding) = (cells.next()?, cells.next()?);
    Ok(row.into_span().map(|span| StoredReview { id, span, is_personal, has_embedding }))
}

/// Reads source, recordings, bytes of tracks, candidates, embeddings and reviews.
pub fn totals<C: Cells>(cells: &C) -> Result<ScoreTotals, C::Error> {
    let mut cells = Cursor::new(cells);
    let source = cells.next()?;
    let mut count = || cells.next::<i64>().map(i64::cast_unsigned);
    let [recordings, track_bytes, candidates, embeddings, reviewed] =
        [count()?, count()?, count()?, count()?, count()?];
    let embedding_bytes = embeddings * Embedding::BYTES as u64;
    Ok(ScoreTotals { source, recordings, track_bytes, candidates, embeddings, embedding_bytes, reviewed })
}

/// The SQL of [`totals`], with the function that returns the length of bytes. $1: the source, or NULL.
pub fn select_totals(length: &str, source: &str) -> String {
    let of_source = |column: &str| format!("({source} IS NULL OR {column} = {source})");
    let (of_recordings, of_reviews) = (of_source("recordings.source"), of_source("reviews.source"));
    format!(
        "SELECT source, CAST(sum(tracks) AS bigint), CAST(sum(bytes) AS bigint), CAST(sum(candidates) AS bigint),
            CAST(sum(embeddings) AS bigint), CAST(sum(reviewed) AS bigint)
         FROM (
            SELECT recordings.source, 1 AS tracks, {length}(v) AS bytes,
                (SELECT count(*) FROM candidates WHERE recording_id = recordings.id) AS candidates,
                (SELECT count(*) FROM candidates WHERE recording_id = recordings.id AND embedding IS NOT NULL) AS embeddings,
                0 AS reviewed
            FROM recordings JOIN score_tracks ON score_tracks.recording_id = recordings.id WHERE {of_recordings}
            UNION ALL
            SELECT reviews.source, 0, 0, 0, 0, 1 FROM reviews WHERE verdict IS NOT NULL AND {of_reviews}) AS kept
         GROUP BY source"
    )
}

/// The SQL of [`shown_verdicts`]. $1: the source, or NULL.
pub fn select_shown_verdicts(source: &str) -> String {
    let last = ShownVerdicts::LAST;
    format!(
        "SELECT source, count(*), CAST(sum(CASE verdict WHEN 'rejected' THEN 1 ELSE 0 END) AS bigint) FROM (
            SELECT source, verdict, row_number() OVER (PARTITION BY source ORDER BY reviewed_at DESC, id DESC) AS place
            FROM reviews WHERE verdict IS NOT NULL AND is_personal AND ({source} IS NULL OR source = {source})
                AND EXISTS (SELECT 1 FROM recordings AS r JOIN detections AS laugh ON laugh.recording_id = r.id
                    WHERE r.source = reviews.source AND r.content_sha256 = reviews.content_sha256
                        AND laugh.start_seconds < reviews.end_seconds AND laugh.end_seconds > reviews.start_seconds)
            ) AS shown
         WHERE place <= {last} GROUP BY source"
    )
}

/// Reads source, reviews and rejected reviews.
pub fn shown_verdicts<C: Cells>(cells: &C) -> Result<ShownVerdicts, C::Error> {
    let mut cells = Cursor::new(cells);
    let source = cells.next()?;
    let [reviewed, rejected] = [cells.next::<i64>()?, cells.next()?].map(i64::cast_unsigned);
    Ok(ShownVerdicts { source, reviewed, rejected })
}

/// The SQL of [`row_span`], and its parameter.
pub fn select_row_span(id: SpanId, parameter: &str) -> (String, i64) {
    match id {
        SpanId::Detection(id) => {
            (format!("SELECT recording_id, start_seconds, end_seconds FROM detections WHERE id = {parameter}"), id)
        }
        SpanId::Candidate(id) => {
            let (starts, ends) = (STARTS, ENDS);
            let span = format!("CAST({starts} AS double precision), CAST({ends} AS double precision)");
            (format!("SELECT recording_id, {span} FROM candidates AS c WHERE id = {parameter}"), id)
        }
    }
}

/// Reads the recording and both offsets.
pub fn row_span<C: Cells>(cells: &C) -> Result<RowSpan, C::Error> {
    let mut cells = Cursor::new(cells);
    Ok(RowSpan { recording: cells.next()?, start: duration(cells.next()?), end: duration(cells.next()?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portion_is_bounded_by_recordings_and_by_bytes() {
        let lengths = |keys| portions(keys).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(lengths((0..130).map(|id| (id, 15_000)).collect()), [64, 64, 2]);
        assert_eq!(lengths((0..5).map(|id| (id, 1_250_000)).collect()), [2, 2, 1]);
        assert_eq!(lengths((0..2).map(|id| (id, 9_000_000)).collect()), [1, 1], "a longer one is a portion of its own");
        assert!(portions(Vec::new()).is_empty());
    }
}
