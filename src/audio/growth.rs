//! Is a file still being written? Told by looking twice, never by its age alone: a damaged file that was
//! copied a moment ago must not pass for one that will be whole later.
//!
//! Invariant: reads what the file system says of a file, and of its bytes no more than a header and a tail.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::decode;

/// Who wrote to a file within this time may go on writing.
const FRESH: Duration = Duration::from_secs(60);

/// What a file system says of a file. If it says the same again, the bytes are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: SystemTime,
}

/// What happened to a file between two looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    None,
    /// Bytes came, and none went.
    Grew,
    /// It is as long as before and was written to, or touched, or another one took its place.
    Rewritten {
        same_file: bool,
    },
    Shrank,
}

impl Stamp {
    /// None of a file that is not there or cannot be looked at.
    pub fn of(path: &Path) -> Option<Stamp> {
        let metadata = std::fs::metadata(path).ok()?;
        let modified = metadata.modified().ok()?;
        Some(Stamp { device: metadata.dev(), inode: metadata.ino(), bytes: metadata.len(), modified })
    }

    /// What happened until `now`.
    pub fn until(&self, now: &Stamp) -> Change {
        let same_file = (self.device, self.inode) == (now.device, now.inode);
        match now.bytes.cmp(&self.bytes) {
            _ if self == now => Change::None,
            std::cmp::Ordering::Less => Change::Shrank,
            std::cmp::Ordering::Greater if same_file => Change::Grew,
            _ => Change::Rewritten { same_file },
        }
    }

    /// Whether it was written to within the last minute. Clocks of file servers are seconds off either way;
    /// a time further in the future is a wrong clock, and says nothing.
    pub fn is_fresh(&self, now: SystemTime) -> bool {
        let apart = now.duration_since(self.modified).unwrap_or_else(|error| error.duration());
        apart < FRESH
    }
}

/// Whether a recording could go on behind its last byte: its container has an end, and it was not written yet.
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
    fn two_looks_tell_what_happened() {
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
    fn a_wrong_clock_makes_no_file_fresh_for_ever() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        for (second, fresh) in [(1000, true), (941, true), (940, false), (1059, true), (1060, false), (90_000, false)] {
            assert_eq!(stamp(1, 100, second).is_fresh(now), fresh, "{second}");
        }
    }
}
