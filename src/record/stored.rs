//! What a database tells of past runs: a run that was committed, a recording and its laughs as stored.
//!
//! Invariant: plain values, read back as they were written; instants to the microsecond.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;

use super::{Began, ContentHash, Counts, Event, Note, Window};

/// A run that was committed. One that failed was rolled back and has left nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct PastRun {
    /// Random UUID, hyphenated.
    pub id: String,
    pub source: String,
    pub started: Timestamp,
    pub ended: Timestamp,
    /// The program's version.
    pub version: String,
    /// Name of the zone in which its days were cut; an IANA name unless the system had none.
    pub zone: String,
    pub window: Window,
    /// `k/n`, where it looked for a part of the recordings only.
    pub shard: Option<String>,
    /// Was given files, not only folders.
    pub single_files: bool,
    pub exit_code: u8,
    /// `detections` are those that no later run has replaced.
    pub counts: Counts,
    /// When the first of the unfinished began. None if there are none, or if one of them does not tell.
    pub unfinished_from: Option<Timestamp>,
    /// Length of the audio that this run heard.
    pub audio: Duration,
}

/// Of a committed run, what tells whether it has looked for all recordings of a day.
#[derive(Debug, Clone, PartialEq)]
pub struct Coverage {
    pub source: String,
    pub started: Timestamp,
    pub window: Window,
    /// `k/n`, where it looked for a part of the recordings only.
    pub shard: Option<String>,
    /// Was given files, not only folders.
    pub single_files: bool,
    pub exit_code: u8,
    /// Recordings that were still being written.
    pub in_progress: u64,
    /// When the first of those began. None if there are none, or if one of them does not tell.
    pub in_progress_from: Option<Timestamp>,
}

/// A recording as the latest run that met it left it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRecording {
    pub source: String,
    /// The path below the scanned folder.
    pub name: String,
    /// None where the content could not be read.
    pub content: Option<ContentHash>,
    pub bytes: u64,
    /// None only for a failed one that could not even be looked at.
    pub began: Option<Began>,
    /// Of audio that was decoded; of a failed one what its container announced.
    pub duration: Option<Duration>,
    pub fate: StoredFate,
    /// The run that stored it.
    pub run: String,
}

#[derive(Debug, Clone, PartialEq)]
pub enum StoredFate {
    Heard(StoredSound),
    Failed(StoredFailure),
}

/// What was heard.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredSound {
    /// The file's own sampling rate in Hz.
    pub sample_rate: u32,
    pub channels: u32,
    pub codec: String,
    /// In order of time.
    pub laughs: Vec<Laugh>,
    /// How many of them lack a clip because it could not be written.
    pub clips_lost: u64,
}

/// Why a recording could not be heard.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredFailure {
    /// A stable word, see `RecordingError::kind`.
    pub kind: String,
    /// What went wrong and what to do, for people.
    pub reason: String,
    /// How far it could be decoded.
    pub position: Option<Duration>,
}

/// A laugh, in its recording and on the calendar.
#[derive(Debug, Clone, PartialEq)]
pub struct Laugh {
    pub event: Event,
    pub starts: Timestamp,
    pub ends: Timestamp,
    /// The calendar day of `starts` in the zone of the run that stored it.
    pub local_date: Date,
    /// What somebody said of it last; None if nobody ever did.
    pub note: Option<Note>,
}

impl StoredRecording {
    /// When it ended, as far as its beginning and length are known.
    pub fn ended(&self) -> Option<Timestamp> {
        let began = self.began?.at;
        Some(began.saturating_add(self.duration.unwrap_or_default()).unwrap_or(Timestamp::MAX))
    }

    pub fn sound(&self) -> Option<&StoredSound> {
        match &self.fate {
            StoredFate::Heard(sound) => Some(sound),
            StoredFate::Failed(_) => None,
        }
    }

    pub fn failure(&self) -> Option<&StoredFailure> {
        match &self.fate {
            StoredFate::Failed(failure) => Some(failure),
            StoredFate::Heard(_) => None,
        }
    }

    /// None at all for a failed one: nobody listened.
    pub fn laughs(&self) -> &[Laugh] {
        match &self.fate {
            StoredFate::Heard(sound) => &sound.laughs,
            StoredFate::Failed(_) => &[],
        }
    }

    pub fn laughs_mut(&mut self) -> &mut [Laugh] {
        match &mut self.fate {
            StoredFate::Heard(sound) => &mut sound.laughs,
            StoredFate::Failed(_) => &mut [],
        }
    }
}
