//! What happened to a recording: analyzed, skipped or failed.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::{
    Analysis, Candidate, Detection, MissingRanges, PersonalScore, Reason, Recording, RecordingError, ScoreTrack,
};

/// What happened to one recording. Every recording of a run has exactly one outcome.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub recording: Recording,
    pub status: Status,
}

#[derive(Debug, Clone)]
pub enum Status {
    Analyzed(Box<Analyzed>),
    Redetected(Box<Redetected>),
    Skipped(Skip),
    Failed(RecordingError),
}

impl Status {
    /// The laughs that this run stores.
    pub fn detections(&self) -> &[Detection] {
        match self {
            Status::Analyzed(analyzed) => &analyzed.detections,
            Status::Redetected(redetected) => &redetected.detections,
            Status::Skipped(_) | Status::Failed(_) => &[],
        }
    }

    pub fn clips_failed(&self) -> Option<&ClipsFailed> {
        match self {
            Status::Analyzed(analyzed) => analyzed.clips_failed.as_ref(),
            Status::Redetected(redetected) => redetected.clips_failed.as_ref(),
            Status::Skipped(_) | Status::Failed(_) => None,
        }
    }
}

/// The result of deciding anew from what is stored of a recording: the same as analyzing it again.
#[derive(Debug, Clone, PartialEq)]
pub struct Redetected {
    /// With other decision parameters than before, maybe.
    pub analysis: Analysis,
    /// The time zone named in `analysis`, parsed.
    pub zone: TimeZone,
    /// Length of the audio that was decoded once.
    pub audio: Duration,
    /// In order of time and disjoint. Those that were there before have their clips.
    pub detections: Vec<Detection>,
    /// For each of them: a clip stored before of sound that it overlaps.
    pub earlier_clips: Vec<Option<String>>,
    /// The candidates whose row changes.
    pub candidates: Vec<Decided>,
    /// The candidates that should have a clip although they do not count, and have none stored; and those that no longer
    /// count, with the clip of their detection.
    pub unsure: Vec<Unsure>,
    /// What was decided before.
    pub before: Vec<Detection>,
    /// Set if clips were requested and could not be written.
    pub clips_failed: Option<ClipsFailed>,
    /// Number of clips that could not be written before.
    pub clips_failed_before: u64,
}

impl Redetected {
    /// Detections without a clip.
    pub fn without_clip(&mut self) -> impl Iterator<Item = &mut Detection> {
        self.detections.iter_mut().filter(|detection| detection.clip.is_none())
    }

    /// Candidates that should have a clip and have none.
    pub fn unsure_without_clip(&mut self) -> impl Iterator<Item = &mut Candidate> {
        self.unsure.iter_mut().map(|unsure| &mut unsure.candidate).filter(|candidate| candidate.clip.is_none())
    }

    /// Gives detections whose clip was not cut anew an earlier one of the same sound. It may begin or end elsewhere.
    pub fn keep_earlier_clips(&mut self) {
        for (detection, earlier) in self.detections.iter_mut().zip(&self.earlier_clips) {
            detection.clip = detection.clip.take().or_else(|| earlier.clone());
        }
    }

    /// Whether clips are missing.
    pub fn lacks_clips(&mut self) -> bool {
        self.without_clip().next().is_some() || self.unsure_without_clip().next().is_some()
    }

    /// Clips that a later run with clips writes: those that failed, and all that are missing in a recording with clips.
    pub fn clips_pending(&self) -> u64 {
        let missing = self.detections.iter().filter(|detection| detection.clip.is_none()).count() as u64;
        let has_clips = self.clips_failed_before > 0 || self.before.iter().any(|detection| detection.clip.is_some());
        match &self.clips_failed {
            Some(failed) => failed.count,
            None if has_clips => missing,
            None => 0,
        }
    }
}

/// What a decision changes in the row of a candidate.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Decided {
    /// Number of the row.
    pub id: i64,
    pub is_detected: bool,
    pub personal: Option<PersonalScore>,
}

/// A candidate that does not count and that a person may be asked about.
#[derive(Debug, Clone, PartialEq)]
pub struct Unsure {
    /// Number of the row.
    pub id: i64,
    /// Without its embedding.
    pub candidate: Candidate,
}

/// Why a recording was not analyzed in this run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skip {
    /// The database contains its result for the same model, analysis version and detection parameters.
    AlreadyAnalyzed,
    /// The database contains its partial result or its failure for the same settings and version. The damage is
    /// permanent, so another analysis would give the same result.
    KnownDamage(Damage),
    /// This run found the same bytes under the given name.
    CopyOf(String),
    /// The recording is in progress: the file is still growing. It is not stored; the next run analyzes all of it.
    InProgress,
}

/// How much of a permanently damaged recording could be analyzed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    Partial,
    Failed,
}

/// The result of analyzing a recording to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Analyzed {
    /// Length of the audio that was decoded.
    pub audio: Duration,
    /// The file's own sampling rate in Hz.
    pub sample_rate: u32,
    pub channels: u32,
    /// Short name of the codec, e.g. `opus`, `flac`, `pcm_s16le`.
    pub codec: String,
    /// Number of audio tracks of the file; they are mixed.
    pub tracks: u32,
    /// The ranges that were not analyzed.
    pub missing: MissingRanges,
    pub track: ScoreTrack,
    /// In order of time and disjoint.
    pub candidates: Vec<Candidate>,
    /// The candidates that pass the threshold; in order of time and disjoint.
    pub detections: Vec<Detection>,
    /// Set if clips were requested and could not be written.
    pub clips_failed: Option<ClipsFailed>,
}

impl Analyzed {
    /// Whether so much is missing that the recording is partial.
    pub fn is_partial(&self) -> bool {
        self.missing.is_partial(self.audio)
    }

    /// Length of the recording, including the missing range at its end if that length is known.
    pub fn extent(&self) -> Duration {
        self.missing.end().map_or(self.audio, |end| end.max(self.audio))
    }
}

/// Clips that could not be written; a later run writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClipsFailed {
    pub count: u64,
    /// Why the first of them failed.
    pub reason: Reason,
}
