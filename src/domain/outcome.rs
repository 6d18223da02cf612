//! What happened to a recording: analyzed, skipped or failed.

use std::time::Duration;

use super::{Detection, MissingRanges, Reason, Recording, RecordingError};

/// What happened to one recording. Every recording of a run has exactly one outcome.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub recording: Recording,
    pub status: Status,
}

#[derive(Debug, Clone)]
pub enum Status {
    Analyzed(Analyzed),
    Skipped(Skip),
    Failed(RecordingError),
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
    /// In order of time and disjoint.
    pub detections: Vec<Detection>,
    /// Set if clips of the detections were requested and could not be written.
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
