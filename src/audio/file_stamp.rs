//! Detects files that are still being written, by comparing their metadata at two times.
//!
//! The age of a file alone is not enough: a damaged file that was copied a moment ago must not be treated as one that
//! is still in progress.
//!
//! Invariant: reads file metadata, and of the content at most a header and a tail.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::decode;

/// A file modified within this time may still be written to.
const FRESH: Duration = Duration::from_secs(60);

/// Metadata of a file at one time. If two stamps are equal, the content is assumed to be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: SystemTime,
}

/// How a file changed between two stamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    None,
    /// Bytes were appended.
    Grew,
    /// The size is the same but the file was written to, touched or replaced; or a larger file replaced it.
    Rewritten {
        same_file: bool,
    },
    Shrank,
}

impl Stamp {
    /// None if the file does not exist or its metadata cannot be read.
    pub fn read(path: &Path) -> Option<Stamp> {
        let metadata = std::fs::metadata(path).ok()?;
        let modified = metadata.modified().ok()?;
        Some(Stamp { device: metadata.dev(), inode: metadata.ino(), bytes: metadata.len(), modified })
    }

    /// How the file changed until `now`.
    pub fn until(&self, now: &Stamp) -> Change {
        let same_file = (self.device, self.inode) == (now.device, now.inode);
        match now.bytes.cmp(&self.bytes) {
            _ if self == now => Change::None,
            std::cmp::Ordering::Less => Change::Shrank,
            std::cmp::Ordering::Greater if same_file => Change::Grew,
            _ => Change::Rewritten { same_file },
        }
    }

    /// Whether the file was modified within the last minute. The clock of a file server may differ by seconds in either
    /// direction; a time further in the future comes from a wrong clock and does not count as fresh.
    pub fn is_fresh(&self, now: SystemTime) -> bool {
        let apart = now.duration_since(self.modified).unwrap_or_else(|error| error.duration());
        apart < FRESH
    }
}

/// Whether a recording may still grow: its container format has an end marker or a length that is not written yet.
pub fn is_open_ended(path: &Path) -> bool {
    decode::is_open_ended(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(inode: u64, bytes: u64, second: u64) -> Stamp {
        Stamp { device: 1, inode, bytes, modified: SystemTime::UNIX_EPOCH + Duration::from_secs(second) }
    }

    #[test]
    fn two_stamps_classify_the_change() {
        let before = stamp(1, 100, 50);
        for (now, change) in [
            (stamp(1, 100, 50), Change::None),
            (stamp(1, 101, 51), Change::Grew),
            (stamp(1, 101, 40), Change::Grew), // the clock was set back
            (stamp(1, 100, 51), Change::Rewritten { same_file: true }),
            (stamp(2, 100, 50), Change::Rewritten { same_file: false }),
            (stamp(2, 200, 50), Change::Rewritten { same_file: false }),
            (stamp(1, 99, 50), Change::Shrank),
            (stamp(2, 99, 51), Change::Shrank),
        ] {
            assert_eq!(before.until(&now), change, "{now:?}");
        }
    }

    #[test]
    fn a_wrong_clock_does_not_make_a_file_fresh_forever() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        for (second, fresh) in [(1000, true), (941, true), (940, false), (1059, true), (1060, false), (90_000, false)] {
            assert_eq!(stamp(1, 100, second).is_fresh(now), fresh, "{second}");
        }
    }
}
