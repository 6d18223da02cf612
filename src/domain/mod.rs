//! The data types that all modules share: a recording, its outcome, and the run that contains them.
//!
//! Invariant: plain data only. This module does not depend on codecs, the network, databases or terminals, and
//! imports nothing from the crate, so every other module may import it.

mod error;
mod finding;
mod missing;
mod not_audio;
mod parameters;
mod review;
mod step;
mod stored;
mod text;
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

pub use error::{Reason, RecordingError, position};
pub use finding::{Finding, Health};
pub use missing::{LEAST_ANALYZED, MissingKind, MissingRange, MissingRanges};
pub use not_audio::NotAudio;
pub use parameters::{ANALYSIS_VERSION, Analysis, DetectionParameters};
pub use review::{Review, ReviewedSpan, Verdict};
pub use step::{Stage, Step, Stop};
pub use stored::{
    Coverage, PastRun, StoredDetection, StoredFailure, StoredMissing, StoredRecording, StoredSound, StoredStatus,
};
pub use text::{escape, escape_lines, is_unsafe_char, write_bytes};
pub use words::pluralize;
pub use zone::zone_name;

/// Number of laughter classes: AudioSet indices 13 to 18.
pub const LAUGHTER_CLASSES: usize = class_count(&LAUGHTER);
/// AudioSet index of the first laughter class.
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

/// SHA-256 of a recording's bytes. It identifies a recording independently of its path.
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

/// Where a recording's start time comes from, most reliable first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartSource {
    /// The file name, in one of the patterns that recorders write.
    Filename,
    /// A date inside the file (a tag or a header).
    Metadata,
    /// A date inside the file that was written when the recording ended, minus its duration.
    MetadataEnd,
    /// The file's modification time minus its duration.
    Mtime,
}

impl StartSource {
    /// The value stored in the database and shown to people.
    pub fn as_str(self) -> &'static str {
        match self {
            StartSource::Filename => "filename",
            StartSource::Metadata => "metadata",
            StartSource::MetadataEnd => "metadata_end",
            StartSource::Mtime => "mtime",
        }
    }

    /// Parses what `as_str` returns.
    pub fn named(word: &str) -> Option<StartSource> {
        let all = [StartSource::Filename, StartSource::Metadata, StartSource::MetadataEnd, StartSource::Mtime];
        all.into_iter().find(|source| source.as_str() == word)
    }
}

/// When a recording started, and where that time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartTime {
    pub at: Timestamp,
    pub from: StartSource,
}

/// A file to analyze, with everything known about it before the analysis.
#[derive(Debug, Clone)]
pub struct Recording {
    /// Where the bytes are read from.
    pub path: PathBuf,
    /// The path relative to the scanned directory; shown to people and stored in the database.
    pub name: String,
    /// None for a file that is empty or could not be read; `name` then identifies it.
    pub content: Option<ContentHash>,
    pub bytes: u64,
    /// None only if the file's metadata could not be read.
    pub started: Option<StartTime>,
    /// The duration that the container announces; the decoded one may differ. None if it announces none.
    pub announced: Option<Duration>,
    /// The duration that the file name implies, if the name contains an end: `20251024_130000-20251024_150000.ogg` is
    /// two hours long.
    pub named: Option<Duration>,
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
    pub reason: String,
}

/// One laugh in a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    /// Offsets from the recording's first sample; `start < end <= audio`.
    pub start: Duration,
    pub end: Duration,
    /// sigmoid(v) of the patch with the highest decision value v, 0 to 1.
    pub peak: f32,
    /// Mean of sigmoid(v) over the patches of the detection, 0 to 1.
    pub mean: f32,
    /// AudioSet index (13 to 18) of the laughter class with the highest raw score.
    pub class: u16,
    /// Highest raw score of each laughter class 13 to 18 in the detection, 0 to 1.
    pub class_scores: [f32; LAUGHTER_CLASSES],
    /// Path of its clip relative to the clip directory, if one was written.
    pub clip: Option<String>,
}

impl Detection {
    /// AudioSet's name of the class with the highest score.
    pub fn class_name(&self) -> &'static str {
        let index = self.class.checked_sub(FIRST_LAUGHTER).map(usize::from);
        index.and_then(|index| LAUGHTER_NAMES.get(index)).unwrap_or(&LAUGHTER_NAMES[0])
    }
}

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

/// The half-open time interval [from, to) to scan. None means unbounded. A recording belongs to it if they overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}

/// One run, from the command line to the exit code. It is committed in one transaction.
#[derive(Debug, Clone)]
pub struct Run {
    /// Random UUID, hyphenated.
    pub id: String,
    /// The source that the recordings belong to (`--source`).
    pub source: String,
    pub started: Timestamp,
    pub ended: Timestamp,
    /// The program's version.
    pub version: String,
    pub analysis: Analysis,
    /// The time zone named in `analysis`, parsed.
    pub zone: TimeZone,
    pub window: Window,
    /// `k/n` if the run scans one shard of the recordings only (`--shard`).
    pub shard: Option<String>,
    /// The command line names files, not only directories. Their directories may contain more recordings of the
    /// window, so the run does not cover the window.
    pub explicit_files: bool,
    pub exit_code: u8,
    /// In the order in which the recordings were found.
    pub outcomes: Vec<Outcome>,
}

impl Run {
    /// The calendar day of an instant in the time zone of the run.
    pub fn local_date(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }

    pub fn analyzed(&self) -> impl Iterator<Item = (&Recording, &Analyzed)> {
        self.outcomes.iter().filter_map(|outcome| match &outcome.status {
            Status::Analyzed(analyzed) => Some((&outcome.recording, analyzed)),
            _ => None,
        })
    }

    pub fn failed(&self) -> impl Iterator<Item = (&Recording, &RecordingError)> {
        self.outcomes.iter().filter_map(|outcome| match &outcome.status {
            Status::Failed(error) => Some((&outcome.recording, error)),
            _ => None,
        })
    }

    /// Recordings that were analyzed in part.
    pub fn partial(&self) -> impl Iterator<Item = (&Recording, &Analyzed)> {
        self.analyzed().filter(|(_, analyzed)| analyzed.is_partial())
    }

    /// Name and reason of each recording that newly failed or is newly partial.
    pub fn failures(&self) -> Vec<(String, String)> {
        let failed = self.failed().map(|(recording, error)| (recording.name.clone(), error.to_string()));
        let partial =
            self.partial().map(|(recording, analyzed)| (recording.name.clone(), analyzed.missing.to_string()));
        failed.chain(partial).collect()
    }

    /// Recordings that were skipped because an earlier run found them damaged.
    pub fn known_damage(&self) -> impl Iterator<Item = &Recording> {
        self.skipped().filter(|(_, skip)| matches!(skip, Skip::KnownDamage(_))).map(|(recording, _)| recording)
    }

    /// Recordings that were analyzed but whose clips could not all be written.
    pub fn clips_failed(&self) -> impl Iterator<Item = (&Recording, &ClipsFailed)> {
        self.analyzed().filter_map(|(recording, analyzed)| Some((recording, analyzed.clips_failed.as_ref()?)))
    }

    /// Recordings in progress; the next run analyzes them.
    pub fn in_progress(&self) -> impl Iterator<Item = &Recording> {
        self.skipped().filter(|(_, skip)| **skip == Skip::InProgress).map(|(recording, _)| recording)
    }

    /// Start time of the earliest recording in progress. None if there are none, or if a start time is unknown: for
    /// a growing file, the modification time gives no start time.
    pub fn in_progress_from(&self) -> Option<Timestamp> {
        let known = |recording: &Recording| recording.started.filter(|started| started.from != StartSource::Mtime);
        let started: Option<Vec<Timestamp>> = self.in_progress().map(|recording| Some(known(recording)?.at)).collect();
        started?.into_iter().min()
    }

    pub fn skipped(&self) -> impl Iterator<Item = (&Recording, &Skip)> {
        self.outcomes.iter().filter_map(|outcome| match &outcome.status {
            Status::Skipped(skip) => Some((&outcome.recording, skip)),
            _ => None,
        })
    }
}

/// Recordings of a run's source and window that are partial or failed, no matter which run found them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Unresolved {
    pub partial: u64,
    pub failed: u64,
}

/// What the database contains for one run, counted after COMMIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    pub analyzed: u64,
    /// Analyzed in part. Included in `analyzed`.
    pub partial: u64,
    /// Analyzed before or known to be damaged, copies, and recordings in progress.
    pub skipped: u64,
    /// The part of `skipped` that is in progress.
    pub in_progress: u64,
    pub failed: u64,
    pub detections: u64,
    /// Clips of those detections that could not be written.
    pub clips_failed: u64,
}
