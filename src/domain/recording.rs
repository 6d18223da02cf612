//! A recording before its analysis: its file, content and start time.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
    /// The time of the object's upload minus its duration: the latest possible start.
    Upload,
}

impl StartSource {
    /// The value stored in the database and shown to people.
    pub fn as_str(self) -> &'static str {
        match self {
            StartSource::Filename => "filename",
            StartSource::Metadata => "metadata",
            StartSource::MetadataEnd => "metadata_end",
            StartSource::Mtime => "mtime",
            StartSource::Upload => "upload",
        }
    }

    /// Parses what `as_str` returns.
    pub fn named(word: &str) -> Option<StartSource> {
        use StartSource::{Filename, Metadata, MetadataEnd, Mtime, Upload};
        let all = [Filename, Metadata, MetadataEnd, Mtime, Upload];
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
#[derive(Debug, Clone, PartialEq)]
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
    /// The start time was read from a text without a time zone, and no setting names the zone of such texts.
    pub zone_is_assumed: bool,
}
