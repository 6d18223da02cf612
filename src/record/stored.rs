//! What a database tells of past runs: a run that was committed, a recording and its laughs as stored.
//!
//! Invariant: plain values, read back as they were written; instants to the microsecond.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;

use super::missing::describe;
use super::{Began, ContentHash, Counts, Event, MissingRange, Note, Window};

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
    /// Missing ranges included; of a failed one what its container announced.
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
    /// Audio tracks of the file, which were mixed.
    pub audio_tracks: u32,
    pub codec: String,
    /// What was not analyzed.
    pub missing: StoredMissing,
    /// In order of time.
    pub laughs: Vec<Laugh>,
    /// How many of them lack a clip because it could not be written.
    pub clips_lost: u64,
}

/// What of a recording was not analyzed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoredMissing {
    /// So much that the recording is partial.
    pub is_partial: bool,
    /// In order of time.
    pub ranges: Vec<MissingRange>,
    /// How many there were before near ones were joined.
    pub count: u64,
    /// Their length together, as far as it is known.
    pub total: Duration,
}

impl fmt::Display for StoredMissing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe(f, &self.ranges, self.count, self.total)
    }
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

    /// What was not analyzed of it, in time: all of a failed one. Ranges of no known length are not among them.
    pub fn missing(&self) -> Vec<(Timestamp, Timestamp)> {
        let (Some(began), Some(ended)) = (self.began, self.ended()) else { return Vec::new() };
        let at = |offset| began.at.saturating_add(offset).unwrap_or(Timestamp::MAX);
        match &self.fate {
            StoredFate::Failed(_) => vec![(began.at, ended)],
            StoredFate::Heard(sound) => {
                let ranges = sound.missing.ranges.iter();
                ranges.filter_map(|range| Some((at(range.start), at(range.end?)))).collect()
            }
        }
    }

    /// What is missing of a recording that was analyzed in part.
    pub fn partial(&self) -> Option<&StoredMissing> {
        self.sound().map(|sound| &sound.missing).filter(|missing| missing.is_partial)
    }

    /// Its status in a word, as stored.
    pub fn status(&self) -> &'static str {
        match &self.fate {
            StoredFate::Failed(_) => "failed",
            StoredFate::Heard(sound) if sound.missing.is_partial => "partial",
            StoredFate::Heard(_) => "analyzed",
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
