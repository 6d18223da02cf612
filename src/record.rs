//! The nouns that travel from room to room: a recording, its outcome, the run that holds them.
//!
//! Invariant: this room knows no codec, no network, no database and no terminal. It imports nothing
//! from the crate, so every other room may import it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// Counts up whenever the same audio under the same rules may give other rows than before.
pub const ANALYSIS_VERSION: u32 = 1;

/// Number of laughter classes: AudioSet indices 13 to 18.
pub const LAUGHTER_CLASSES: usize = 6;

/// AudioSet's names of classes 13 to 18.
pub const LAUGHTER_NAMES: [&str; LAUGHTER_CLASSES] = [
    "Laughter",
    "Baby laughter",
    "Giggle",
    "Snicker",
    "Belly laugh",
    "Chuckle, chortle",
];
/// AudioSet index of the first of them.
pub const FIRST_LAUGHTER: u16 = 13;

/// SHA-256 of a recording's bytes: what a recording is known by, wherever it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash(pub [u8; 32]);

impl fmt::Display for ContentHash {
    /// 64 lower-case hexadecimal digits, as `sha256sum` prints them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Which clock told when a recording began, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Clock {
    /// The file's name, in one of the forms recorders write.
    Name,
    /// A date inside the file (a tag or a header).
    Metadata,
    /// The file's modification time less its duration.
    Modified,
}

impl Clock {
    /// The word stored in the database and shown to people.
    pub fn as_str(self) -> &'static str {
        match self {
            Clock::Name => "name",
            Clock::Metadata => "metadata",
            Clock::Modified => "modified",
        }
    }
}

/// When a recording began, and which clock said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Began {
    pub at: Timestamp,
    pub from: Clock,
}

/// One file that should be heard, with all that is known of it before it is.
#[derive(Debug, Clone)]
pub struct Recording {
    /// Where the bytes are read from.
    pub path: PathBuf,
    /// What people see and the database stores: the path below the scanned folder.
    pub name: String,
    /// None for a file that is empty or could not be read: it is then known by `name`.
    pub content: Option<ContentHash>,
    pub bytes: u64,
    /// None only when the file could not even be looked at.
    pub began: Option<Began>,
    /// What the container announces; hearing may find otherwise. None if it does not say.
    pub announced: Option<Duration>,
}

/// What one recording sounds like, once it has been heard to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// Length of the audio that was decoded.
    pub audio: Duration,
    /// The file's own sampling rate in Hz.
    pub sample_rate: u32,
    pub channels: u32,
    /// Short name of the codec, e.g. `opus`, `flac`, `pcm_s16le`.
    pub codec: String,
    /// In order of time, disjoint.
    pub events: Vec<Event>,
}

/// One laugh inside a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Offsets from the recording's first sample; `start < end <= audio`.
    pub start: Duration,
    pub end: Duration,
    /// Sigmoid of the decision value v at its highest patch, 0 to 1.
    pub peak: f32,
    /// Mean over the event's patches of sigmoid(v), 0 to 1.
    pub mean: f32,
    /// AudioSet index (13 to 18) of the laughter class with the highest raw score.
    pub class: u16,
    /// Highest raw score of each laughter class 13 to 18 inside the event, 0 to 1.
    pub laughter_peaks: [f32; LAUGHTER_CLASSES],
}

impl Event {
    /// AudioSet's name of the leading class.
    pub fn class_name(&self) -> &'static str {
        let index = self.class.checked_sub(FIRST_LAUGHTER).map(usize::from);
        index
            .and_then(|index| LAUGHTER_NAMES.get(index))
            .unwrap_or(&LAUGHTER_NAMES[0])
    }
}

/// What happened to one recording. Every recording of a run has exactly one.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub recording: Recording,
    pub fate: Fate,
}

#[derive(Debug, Clone)]
pub enum Fate {
    Heard(Heard),
    Skipped(Skip),
    Failed(RecordingError),
}

/// Why a recording needed no hearing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skip {
    /// The database holds its result under the same model, analysis and rules.
    AlreadyHeard,
    /// The same bytes were met in this run under the name given.
    CopyOf(String),
}

/// Why one recording could not be heard. It never stops the others.
///
/// The text is read at 7 in the morning: it says what happened, where, and what to do. The file's
/// name is not in it; whoever shows it puts the name in front.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordingError {
    #[error("cannot be read: {reason}; check its permissions and the disk")]
    Unreadable { reason: String },
    #[error("vanished after it was found; was the disk unmounted or the file moved?")]
    Vanished,
    #[error("is not a regular file ({what}); giggles reads files only")]
    NotAFile { what: String },
    #[error("is empty (0 bytes); the recorder wrote nothing into it")]
    Empty,
    #[error("holds no audio that giggles can decode: {what}")]
    Unsupported { what: String },
    #[error("is damaged at {}: {reason}; if the recorder still has it, copy it again", position(.at))]
    Corrupt { reason: String, at: Duration },
    #[error("ends too early, at {}: {reason}; if the recorder still has it, copy it again", position(.at))]
    Truncated { reason: String, at: Duration },
    #[error("made giggles panic at work ({message}); this is a bug, please report it with the file")]
    Panicked { message: String },
}

impl RecordingError {
    /// A stable word for the database and for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            RecordingError::Unreadable { .. } => "unreadable",
            RecordingError::Vanished => "vanished",
            RecordingError::NotAFile { .. } => "not_a_file",
            RecordingError::Empty => "empty",
            RecordingError::Unsupported { .. } => "unsupported",
            RecordingError::Corrupt { .. } => "corrupt",
            RecordingError::Truncated { .. } => "truncated",
            RecordingError::Panicked { .. } => "panicked",
        }
    }

    /// Offset in the recording up to which it could be decoded, where that is known.
    pub fn position(&self) -> Option<Duration> {
        match self {
            RecordingError::Corrupt { at, .. } | RecordingError::Truncated { at, .. } => Some(*at),
            _ => None,
        }
    }
}

/// `1:02:03.4`: hours, minutes, seconds and tenths of an offset in a recording.
pub fn position(offset: &Duration) -> String {
    let tenths = offset.as_millis() / 100;
    let (hours, minutes, seconds) = (tenths / 36_000, tenths / 600 % 60, tenths / 10 % 60);
    format!("{hours}:{minutes:02}:{seconds:02}.{}", tenths % 10)
}

/// The constants of the decision, step by step (see `laughter`). All are stored with the run.
///
/// Source of the defaults: measured on held-out days, see docs/detection.md.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// Bring the recording to one loudness before the network hears it.
    pub level: bool,
    /// An event holds a patch with v >= hi ...
    pub hi: f32,
    /// ... and reaches as far as v >= hi - drop.
    pub drop: f32,
    /// Events closer than this are one, seconds.
    pub join_seconds: f64,
    /// Fewer patches (0.48 s apart) are no event.
    pub min_patches: u32,
    /// Added on each side of an event, inside the recording, seconds.
    pub pad_seconds: f64,
    /// A longer event is cut where v is lowest, seconds.
    pub max_seconds: f64,
    /// Logits below this count as this much before they are averaged.
    pub logit_floor: f32,
    /// Weight of the loudest other human sound against laughter ...
    pub other_weight: f32,
    /// ... which counts as at least this much.
    pub other_floor: f32,
}

impl Default for Rules {
    fn default() -> Self {
        Rules {
            level: true,
            hi: 0.25,
            drop: 0.7,
            join_seconds: 1.5,
            min_patches: 2,
            pad_seconds: 0.48,
            max_seconds: 30.0,
            logit_floor: -10.0,
            other_weight: 0.75,
            other_floor: -6.0,
        }
    }
}

/// All that a recording's result depends on besides its bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    pub version: u32,
    /// SHA-256 of the model file, hexadecimal.
    pub model_sha256: String,
    pub rules: Rules,
    /// IANA zone in which a day is a day.
    pub zone: String,
    /// IANA zone of recorder names without one.
    pub name_zone: String,
}

impl Analysis {
    /// Canonical JSON: what the database stores, and compares to know a result again.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain numbers and strings always serialise")
    }
}

/// The half-open span of time [from, to) whose recordings are wanted. None means all time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}

/// One run, from the command line to the exit code: what is committed in one transaction.
#[derive(Debug, Clone)]
pub struct Run {
    /// Random UUID, hyphenated.
    pub id: String,
    /// Whose recordings these are (`--source`).
    pub source: String,
    pub started: Timestamp,
    pub ended: Timestamp,
    /// The program's version.
    pub version: String,
    pub analysis: Analysis,
    /// The zone named in `analysis`, ready for use.
    pub zone: TimeZone,
    pub window: Window,
    pub exit_code: u8,
    /// In the order in which the recordings were found.
    pub outcomes: Vec<Outcome>,
}

impl Run {
    /// The calendar day on which an instant falls for the person who wore the microphone.
    pub fn local_date(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }

    pub fn heard(&self) -> impl Iterator<Item = (&Recording, &Heard)> {
        self.outcomes.iter().filter_map(|outcome| match &outcome.fate {
            Fate::Heard(heard) => Some((&outcome.recording, heard)),
            _ => None,
        })
    }

    pub fn failed(&self) -> impl Iterator<Item = (&Recording, &RecordingError)> {
        self.outcomes.iter().filter_map(|outcome| match &outcome.fate {
            Fate::Failed(error) => Some((&outcome.recording, error)),
            _ => None,
        })
    }

    pub fn skipped(&self) -> impl Iterator<Item = (&Recording, &Skip)> {
        self.outcomes.iter().filter_map(|outcome| match &outcome.fate {
            Fate::Skipped(skip) => Some((&outcome.recording, skip)),
            _ => None,
        })
    }
}

/// What the database holds of one run, counted there after COMMIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    pub heard: u64,
    pub skipped: u64,
    pub failed: u64,
    pub detections: u64,
}

/// What the work tells whoever draws it. The core only reports; `progress` draws.
#[derive(Debug, Clone)]
pub enum Step {
    /// Files are being looked at and hashed.
    Identifying {
        files: usize,
    },
    Identified,
    /// Recordings are being heard; `audio` is the sum of what their containers announce.
    Hearing {
        recordings: usize,
        audio: Duration,
    },
    /// This much more audio has been heard, anywhere in the pool.
    Advanced {
        audio: Duration,
    },
    /// A recording's outcome is known.
    Finished {
        name: String,
        failed: bool,
    },
    Saving,
    Done,
}

/// A signal that asks the run to end. Cheap to clone and to ask, from any thread.
#[derive(Debug, Clone, Default)]
pub struct Stop(pub Arc<AtomicUsize>);

impl Stop {
    /// The number of the signal that came, if one came.
    pub fn signal(&self) -> Option<usize> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            signal => Some(signal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_read_like_a_player_shows_them() {
        assert_eq!(position(&Duration::from_millis(3_723_456)), "1:02:03.4");
        assert_eq!(position(&Duration::ZERO), "0:00:00.0");
    }
}
