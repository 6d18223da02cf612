//! Conversion of what is kept to decide again, and of what was decided again, to the rows that both databases store.
//!
//! Invariant: pure. Bytes are made row by row, while the rows are stored.

use jiff::Timestamp;

use super::columns::{Bytes, CandidateRow, ClassScores, Json, TrackRow};
use super::rows::{microseconds, stored_text};
use crate::domain::{Analyzed, Candidate, Recording, Redetected, ScoreTrack, StartTime, Unsure};
use crate::text::shortest_f64;

/// What is kept of an analyzed recording to decide again. It becomes rows when it is stored, which bounds the memory.
pub struct Scores {
    /// The recording's content.
    pub content_sha256: String,
    audio_seconds: f64,
    track: ScoreTrack,
    candidates: Vec<Candidate>,
    is_detected: Vec<bool>,
}

impl Scores {
    pub fn new(content: &str, analyzed: &Analyzed) -> Scores {
        Scores {
            content_sha256: content.to_owned(),
            audio_seconds: analyzed.audio.as_secs_f64(),
            track: analyzed.track.clone(),
            candidates: analyzed.candidates.clone(),
            is_detected: analyzed.candidates.iter().map(|one| one.is_detected(&analyzed.detections)).collect(),
        }
    }

    pub fn track(&self) -> TrackRow {
        TrackRow { audio_seconds: self.audio_seconds, v: Bytes(self.track.to_bytes()) }
    }

    pub fn candidates(&self) -> impl Iterator<Item = CandidateRow> {
        let rows = self.candidates.iter().zip(&self.is_detected);
        rows.map(|(candidate, &is_detected)| CandidateRow::new(candidate, is_detected))
    }
}

/// What changes in the row of a recording that was decided anew, identified by its content.
#[derive(serde::Serialize)]
pub struct RedetectedRow {
    pub content_sha256: String,
    pub name: String,
    pub started_at: Timestamp,
    pub start_source: &'static str,
    pub clips_failed: i64,
    pub clips_cut: bool,
    pub analysis: String,
}

impl RedetectedRow {
    pub fn new(
        content_sha256: String,
        (recording, started): (&Recording, StartTime),
        redetected: &Redetected,
        clips_cut: bool,
    ) -> RedetectedRow {
        RedetectedRow {
            content_sha256,
            name: stored_text(&recording.name),
            started_at: microseconds(started.at),
            start_source: started.from.as_str(),
            clips_failed: redetected.clips_pending().cast_signed(),
            clips_cut,
            analysis: redetected.analysis.to_json(),
        }
    }
}

/// A clip of a candidate that had none.
#[derive(serde::Serialize)]
pub struct CandidateClip {
    /// Number of the row.
    pub id: i64,
    pub clip: String,
}

impl CandidateClip {
    pub fn new(unsure: &Unsure) -> Option<CandidateClip> {
        Some(CandidateClip { id: unsure.id, clip: stored_text(unsure.candidate.clip.as_deref()?) })
    }
}

impl CandidateRow {
    fn new(candidate: &Candidate, is_detected: bool) -> CandidateRow {
        CandidateRow {
            first_patch: i32::try_from(candidate.first).unwrap_or(i32::MAX),
            last_patch: i32::try_from(candidate.last).unwrap_or(i32::MAX),
            peak_v: shortest_f64(finite(candidate.peak_v)),
            mean_v: shortest_f64(finite(candidate.mean_v)),
            class_scores: Json(ClassScores(candidate.class_scores)),
            is_detected,
            personal: candidate.personal.clone().map(Json),
            embedding: candidate.embedding.as_ref().map(|embedding| Bytes(embedding.to_bytes())),
            clip: candidate.clip.as_deref().map(stored_text),
        }
    }
}

/// JSON has no infinite numbers.
fn finite(v: f32) -> f32 {
    v.clamp(f32::MIN, f32::MAX)
}
