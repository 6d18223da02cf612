//! The nouns that travel from room to room: a recording, its outcome, the run that holds them.
//!
//! Invariant: this room knows no codec, no network, no database and no terminal. It imports nothing
//! from the crate, so every other room may import it.

mod error;
mod finding;
mod missing;
mod not_audio;
mod note;
mod rules;
mod signs;
mod step;
mod stored;
mod words;
mod zone;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use yamnet::classes::{LAUGHTER, NAMES, class_count};

pub use error::{RecordingError, position};
pub use finding::{Finding, Health};
pub use missing::{LEAST_ANALYZED, MissingKind, MissingRange, MissingRanges};
pub use not_audio::NotAudio;
pub use note::{Judgement, Note, Noted};
pub use rules::{ANALYSIS_VERSION, Analysis, Rules};
pub use signs::{acts, plain, plain_lines, write_bytes};
pub use step::{Stage, Step, Stop};
pub use stored::{Coverage, Laugh, PastRun, StoredFailure, StoredFate, StoredMissing, StoredRecording, StoredSound};
pub use words::several;
pub use zone::zone_name;

/// Number of laughter classes: AudioSet indices 13 to 18.
pub const LAUGHTER_CLASSES: usize = class_count(&LAUGHTER);
/// AudioSet index of the first of them.
pub const FIRST_LAUGHTER: u16 = *LAUGHTER.start() as u16;
/// AudioSet's names of the laughter classes.
pub const LAUGHTER_NAMES: [&str; LAUGHTER_CLASSES] = {
    let (mut names, mut index) = ([""; LAUGHTER_CLASSES], 0);
    while index < LAUGHTER_CLASSES {
        names[index] = NAMES[*LAUGHTER.start() + index];
        index += 1;
    }
    names
};

/// SHA-256 of a recording's bytes: what a recording is known by, wherever it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash(pub [u8; 32]);

impl fmt::Display for ContentHash {
    /// 64 lower-case hexadecimal digits, as `sha256sum` prints them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for ContentHash {
    type Err = ();

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<ContentHash, ()> {
        let mut hash = [0; 32];
        let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
        let digits = digits.filter(|digits| digits.len() == 64).ok_or(())?;
        hash.iter_mut().zip(digits.chunks_exact(2)).for_each(|(byte, pair)| *byte = pair[0] << 4 | pair[1]);
        Ok(ContentHash(hash))
    }
}

/// Which clock told when a recording began, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// The file's name, in one of the forms recorders write.
    Name,
    /// A date inside the file (a tag or a header).
    Metadata,
    /// A date inside the file that was written when the recording ended, less its duration.
    MetadataEnd,
    /// The file's modification time less its duration.
    Modified,
}

impl Clock {
    /// The word stored in the database and shown to people.
    pub fn as_str(self) -> &'static str {
        match self {
            Clock::Name => "name",
            Clock::Metadata => "metadata",
            Clock::MetadataEnd => "metadata_end",
            Clock::Modified => "modified",
        }
    }

    /// Of that word.
    pub fn named(word: &str) -> Option<Clock> {
        let all = [Clock::Name, Clock::Metadata, Clock::MetadataEnd, Clock::Modified];
        all.into_iter().find(|clock| clock.as_str() == word)
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
    /// What its name says, where that tells an end: `20251024_130000-20251024_150000.ogg` is two hours long.
    pub named: Option<Duration>,
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
    /// Audio tracks of the file that were mixed.
    pub tracks: u32,
    /// What of the recording was not analyzed.
    pub missing: MissingRanges,
    /// In order of time, disjoint.
    pub events: Vec<Event>,
    /// Clips of them that were wanted and could not be written.
    pub clips_lost: Option<ClipsLost>,
}

impl Heard {
    /// Whether so much is missing that the recording is partial.
    pub fn is_partial(&self) -> bool {
        self.missing.is_partial(self.audio)
    }

    /// Length of the recording, what is missing at its end included as far as that is known.
    pub fn extent(&self) -> Duration {
        self.missing.end().map_or(self.audio, |end| end.max(self.audio))
    }
}

/// Clips that could not be written; a later run cuts them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClipsLost {
    pub count: u64,
    /// Of the first of them.
    pub reason: String,
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
    /// Path of its clip below the folder of clips, if one was written.
    pub clip: Option<String>,
}

impl Event {
    /// AudioSet's name of the leading class.
    pub fn class_name(&self) -> &'static str {
        let index = self.class.checked_sub(FIRST_LAUGHTER).map(usize::from);
        index.and_then(|index| LAUGHTER_NAMES.get(index)).unwrap_or(&LAUGHTER_NAMES[0])
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

/// Why a recording was not heard, and need not be now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skip {
    /// The database holds its result under the same model, analysis and rules.
    AlreadyHeard,
    /// The database holds what could be analyzed of it under the same settings and version, or why nothing could:
    /// damage does not heal.
    KnownDamage(Damage),
    /// The same bytes were met in this run under the name given.
    CopyOf(String),
    /// It grew while giggles looked at it. Nothing of it is stored; the next run hears it whole.
    BeingWritten,
}

/// How far a recording that is damaged for good could be analyzed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    Partial,
    Failed,
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
    /// `k/n`, where it looked for a part of the recordings only (`--shard`).
    pub shard: Option<String>,
    /// Was given files, not only folders: others of its window may be beside them.
    pub single_files: bool,
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

    /// Analyzed, and some of their sound is missing.
    pub fn partial(&self) -> impl Iterator<Item = (&Recording, &Heard)> {
        self.heard().filter(|(_, heard)| heard.is_partial())
    }

    /// What failed or is partial, newly: its name, and why.
    pub fn failures(&self) -> Vec<(String, String)> {
        let failed = self.failed().map(|(recording, error)| (recording.name.clone(), error.to_string()));
        let partial = self.partial().map(|(recording, heard)| (recording.name.clone(), heard.missing.to_string()));
        failed.chain(partial).collect()
    }

    /// Skipped, since an earlier run found their damage.
    pub fn known_damage(&self) -> impl Iterator<Item = &Recording> {
        self.skipped().filter(|(_, skip)| matches!(skip, Skip::KnownDamage(_))).map(|(recording, _)| recording)
    }

    /// What was heard and lacks clips.
    pub fn clips_lost(&self) -> impl Iterator<Item = (&Recording, &ClipsLost)> {
        self.heard().filter_map(|(recording, heard)| Some((recording, heard.clips_lost.as_ref()?)))
    }

    /// Those still being written, which the next run hears.
    pub fn unfinished(&self) -> impl Iterator<Item = &Recording> {
        self.skipped().filter(|(_, skip)| **skip == Skip::BeingWritten).map(|(recording, _)| recording)
    }

    /// When the first of those began. None if there are none, or if one of them does not tell: of a file that grows, the
    /// modification time is no clock.
    pub fn unfinished_from(&self) -> Option<Timestamp> {
        let told = |recording: &Recording| recording.began.filter(|began| began.from != Clock::Modified);
        let began: Option<Vec<Timestamp>> = self.unfinished().map(|recording| Some(told(recording)?.at)).collect();
        began?.into_iter().min()
    }

    pub fn skipped(&self) -> impl Iterator<Item = (&Recording, &Skip)> {
        self.outcomes.iter().filter_map(|outcome| match &outcome.fate {
            Fate::Skipped(skip) => Some((&outcome.recording, skip)),
            _ => None,
        })
    }
}

/// Recordings of a run's source and window that are not analyzed whole, whichever run found them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Unresolved {
    pub partial: u64,
    pub failed: u64,
}

/// What the database holds of one run, counted there after COMMIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    pub analyzed: u64,
    /// Analyzed, and some of their sound is missing.
    pub partial: u64,
    /// Analyzed before or known to be damaged, copies, and those still being written.
    pub skipped: u64,
    /// Of those skipped, the ones still being written.
    pub unfinished: u64,
    pub failed: u64,
    pub detections: u64,
    /// Clips of those detections that could not be written.
    pub clips_lost: u64,
}
