//! Rows read from the database: committed runs, recordings and their laughs.
//!
//! Invariant: plain values that are read back as they were written; timestamps have microsecond precision.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;

use super::missing::describe;
use super::{
    Analysis, Candidate, ContentHash, Counts, Detection, MissingRange, Reason, Recording, Review, RunCommand,
    ScoreTrack, StartTime, Window,
};

/// A committed run. A failed run is rolled back and leaves no row.
#[derive(Debug, Clone, PartialEq)]
pub struct PastRun {
    /// Random UUID, hyphenated.
    pub id: String,
    /// The id that a scheduler or queue gave (`--run-id`).
    pub external_id: Option<String>,
    pub source: String,
    pub command: RunCommand,
    pub started: Timestamp,
    pub ended: Timestamp,
    /// The program's version.
    pub version: String,
    /// Name of the time zone of its calendar days; an IANA name unless the system had none.
    pub zone: String,
    pub window: Window,
    /// `k/n` if it scanned one shard of the recordings only.
    pub shard: Option<String>,
    /// The command line named files, not only directories.
    pub explicit_files: bool,
    pub exit_code: u8,
    /// `detections` counts those that no later run has replaced.
    pub counts: Counts,
    /// Start time of the earliest recording in progress. None if there are none, or if a start time is unknown.
    pub in_progress_from: Option<Timestamp>,
    /// Length of the audio that this run analyzed.
    pub audio: Duration,
}

/// The columns of a committed run that tell whether it covered all recordings of a day.
#[derive(Debug, Clone, PartialEq)]
pub struct Coverage {
    pub source: String,
    pub started: Timestamp,
    pub window: Window,
    /// `k/n` if it scanned one shard of the recordings only.
    pub shard: Option<String>,
    /// The command line named files, not only directories.
    pub explicit_files: bool,
    pub exit_code: u8,
    /// Number of recordings in progress.
    pub in_progress: u64,
    /// Start time of the earliest of them. None if there are none, or if a start time is unknown.
    pub in_progress_from: Option<Timestamp>,
}

/// A recording as stored by the latest run that found it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRecording {
    /// Number of its row; another one after the recording was analyzed again.
    pub id: i64,
    pub source: String,
    /// The path relative to the scanned directory.
    pub name: String,
    /// None if the content could not be read.
    pub content: Option<ContentHash>,
    pub bytes: u64,
    /// None only for a failed recording whose metadata could not be read.
    pub started: Option<StartTime>,
    /// Includes missing ranges; for a failed recording, the duration that its container announced.
    pub duration: Option<Duration>,
    pub status: StoredStatus,
    /// The run that stored it.
    pub run: String,
}

#[derive(Debug, Clone, PartialEq)]
pub enum StoredStatus {
    Analyzed(StoredSound),
    Failed(StoredFailure),
}

/// The result of an analyzed recording.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredSound {
    /// The file's own sampling rate in Hz.
    pub sample_rate: u32,
    pub channels: u32,
    /// Number of audio tracks of the file; they are mixed.
    pub audio_tracks: u32,
    pub codec: String,
    /// The ranges that were not analyzed.
    pub missing: StoredMissing,
    /// In order of time.
    pub laughs: Vec<StoredDetection>,
    /// In order of time; empty unless they were selected.
    pub candidates: Vec<StoredCandidate>,
    /// Number of laughs whose clip could not be written.
    pub clips_failed: u64,
}

/// The ranges of a recording that were not analyzed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoredMissing {
    /// Whether enough is missing to make the recording partial.
    pub is_partial: bool,
    /// In order of time.
    pub ranges: Vec<MissingRange>,
    /// The number of ranges before neighbours were merged.
    pub count: u64,
    /// The sum of the known lengths.
    pub total: Duration,
}

impl fmt::Display for StoredMissing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe(f, &self.ranges, self.count, self.total)
    }
}

/// Why a recording could not be analyzed.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredFailure {
    /// A stable identifier, see `RecordingError::kind`.
    pub kind: String,
    /// What went wrong and what to do, for people.
    pub reason: String,
    /// Offset up to which it could be decoded.
    pub position: Option<Duration>,
}

/// A laugh, with its offsets in the recording and its calendar time.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredDetection {
    /// Number of its row; another one after the recording was analyzed or decided again.
    pub id: i64,
    pub detection: Detection,
    pub starts: Timestamp,
    pub ends: Timestamp,
    /// The calendar day of `starts` in the zone of the run that stored it.
    pub local_date: Date,
    /// The latest review; None if there is none.
    pub review: Option<Review>,
}

/// An event that may be a laugh, whether it counts or not.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredCandidate {
    /// Number of its row; another one after the recording was analyzed again.
    pub id: i64,
    /// Without its embedding.
    pub candidate: Candidate,
    /// Whether a detection overlaps it.
    pub is_detected: bool,
    /// The latest review that belongs to it; None if there is none.
    pub review: Option<Review>,
}

/// What is stored of an analyzed recording to decide again without its audio.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredRecording {
    pub source: String,
    /// As it was identified; the path is unknown and has the name.
    pub recording: Recording,
    pub analysis: Analysis,
    /// Length of the audio that was decoded.
    pub audio: Duration,
    pub is_partial: bool,
    /// False if the stored track is damaged: the recording can only be analyzed again.
    pub is_readable: bool,
    pub track: ScoreTrack,
    /// In order of time and disjoint.
    pub candidates: Vec<ScoredCandidate>,
    /// What was decided before, in order of time.
    pub detections: Vec<Detection>,
    /// Number of these whose clip could not be written.
    pub clips_failed: u64,
}

impl ScoredRecording {
    /// An error that names the recording, if its stored track is damaged.
    pub fn check(&self) -> Result<(), Reason> {
        if self.is_readable {
            return Ok(());
        }
        let name = &self.recording.name;
        Err(Reason::new(format!(
            "{name}: its stored scores are damaged: their number does not fit its length, or they cannot be read; scan it \
             again with --force"
        )))
    }
}

/// A candidate with the number of its row and the earlier decision.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredCandidate {
    pub id: i64,
    pub candidate: Candidate,
    pub is_detected: bool,
}

/// How much is stored of a source to decide again.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct ScoreTotals {
    pub source: String,
    /// Recordings with a score track.
    pub recordings: u64,
    pub track_bytes: u64,
    pub candidates: u64,
    /// Candidates with an embedding.
    pub embeddings: u64,
    pub embedding_bytes: u64,
    /// Reviews with a verdict.
    pub reviewed: u64,
}

impl StoredDetection {
    /// Whether it counts: its review does not reject it.
    pub fn counts(&self) -> bool {
        !self.review.as_ref().is_some_and(Review::is_rejected)
    }
}

impl StoredRecording {
    /// When it ended; None if its start time is unknown.
    pub fn ended(&self) -> Option<Timestamp> {
        let started = self.started?.at;
        Some(started.saturating_add(self.duration.unwrap_or_default()).unwrap_or(Timestamp::MAX))
    }

    /// The instant of an offset; None if its start time is unknown.
    pub fn instant(&self, offset: Duration) -> Option<Timestamp> {
        self.started?.at.saturating_add(offset).ok()
    }

    pub fn sound(&self) -> Option<&StoredSound> {
        match &self.status {
            StoredStatus::Analyzed(sound) => Some(sound),
            StoredStatus::Failed(_) => None,
        }
    }

    /// The time spans that were not analyzed: the whole recording if it failed. Ranges of unknown length are left out.
    pub fn missing(&self) -> Vec<(Timestamp, Timestamp)> {
        let (Some(started), Some(ended)) = (self.started, self.ended()) else { return Vec::new() };
        let at = |offset| started.at.saturating_add(offset).unwrap_or(Timestamp::MAX);
        match &self.status {
            StoredStatus::Failed(_) => vec![(started.at, ended)],
            StoredStatus::Analyzed(sound) => {
                let ranges = sound.missing.ranges.iter();
                ranges.filter_map(|range| Some((at(range.start), at(range.end?)))).collect()
            }
        }
    }

    /// The missing ranges if the recording is partial.
    pub fn partial(&self) -> Option<&StoredMissing> {
        self.sound().map(|sound| &sound.missing).filter(|missing| missing.is_partial)
    }

    /// Its status as stored in the database.
    pub fn status(&self) -> &'static str {
        match &self.status {
            StoredStatus::Failed(_) => "failed",
            StoredStatus::Analyzed(sound) if sound.missing.is_partial => "partial",
            StoredStatus::Analyzed(_) => "analyzed",
        }
    }

    pub fn failure(&self) -> Option<&StoredFailure> {
        match &self.status {
            StoredStatus::Failed(failure) => Some(failure),
            StoredStatus::Analyzed(_) => None,
        }
    }

    /// Empty for a failed recording.
    pub fn laughs(&self) -> &[StoredDetection] {
        match &self.status {
            StoredStatus::Analyzed(sound) => &sound.laughs,
            StoredStatus::Failed(_) => &[],
        }
    }

    /// Empty for a failed recording, and unless they were selected.
    pub fn candidates(&self) -> &[StoredCandidate] {
        self.sound().map_or(&[], |sound| &sound.candidates)
    }

    /// Without the laughs that do not count.
    pub fn without_rejected(mut self) -> StoredRecording {
        if let StoredStatus::Analyzed(sound) = &mut self.status {
            sound.laughs.retain(StoredDetection::counts);
        }
        self
    }

    pub fn laughs_mut(&mut self) -> &mut [StoredDetection] {
        match &mut self.status {
            StoredStatus::Analyzed(sound) => &mut sound.laughs,
            StoredStatus::Failed(_) => &mut [],
        }
    }
}
