//! Files that changed while they were looked at and heard: which are still being written and left for the
//! next run, and which are no longer what was heard.
//!
//! Invariant: nothing is taken for unfinished unless it was seen to grow; a fault is never excused by a
//! file's age.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::audio::content;
use crate::audio::find::File;
use crate::audio::growth::{Change, Stamp, is_open_ended};
use crate::record::{Fate, Outcome, RecordingError, Skip, Stop};

/// How long a file is watched that may still be written: whoever streams or copies writes more often than that.
const WATCH: Duration = Duration::from_secs(3);

/// How often a signal is looked for meanwhile.
const MOMENT: Duration = Duration::from_millis(50);

/// All files as they were before the first of their bytes was read.
pub struct Watch {
    since: Instant,
    stamps: HashMap<PathBuf, Stamp>,
}

impl Watch {
    pub fn begin(files: &[File]) -> Watch {
        let stamps = files.iter().filter_map(|file| Some((file.path.clone(), Stamp::of(&file.path)?)));
        Watch { since: Instant::now(), stamps: stamps.collect() }
    }

    /// Sets the fate of what changed. Waits, if it must, until the watch has lasted `WATCH`; a night's run has
    /// long been at work by then.
    pub fn settle(&self, outcomes: &mut [Outcome], stop: &Stop) {
        if outcomes.iter().any(|outcome| self.may_be_unfinished(outcome)) {
            while self.since.elapsed() < WATCH && stop.signal().is_none() {
                thread::sleep(MOMENT);
            }
        }
        for outcome in outcomes {
            if let Some(fate) = self.settled(outcome) {
                outcome.fate = fate;
            }
        }
    }

    /// Of a file that was written to a moment ago: whether another moment would tell more.
    fn may_be_unfinished(&self, outcome: &Outcome) -> bool {
        let path = &outcome.recording.path;
        let is_calm = |change| change == Change::None;
        let doubtful = || match &outcome.fate {
            Fate::Heard(heard) => heard.is_partial() || is_open_ended(path),
            Fate::Failed(error) => is_of_the_bytes(error),
            Fate::Skipped(_) => false,
        };
        self.change(path).is_some_and(|(change, now)| is_calm(change) && now.is_fresh(SystemTime::now())) && doubtful()
    }

    /// None where the fate stays.
    fn settled(&self, outcome: &Outcome) -> Option<Fate> {
        let (change, _) = self.change(&outcome.recording.path)?;
        let unfinished = || Some(Fate::Skipped(Skip::BeingWritten));
        match (&outcome.fate, change) {
            (Fate::Skipped(_), _) | (_, Change::None) => None,
            (Fate::Failed(error), _) if !is_of_the_bytes(error) => None,
            (_, Change::Rewritten { .. }) if is_as_hashed(outcome) => None,
            (_, Change::Grew | Change::Rewritten { same_file: true }) => unfinished(),
            // Damage that was found while the file changed says nothing of what was hashed, or is there now.
            (Fate::Heard(_) | Fate::Failed(_), _) => Some(Fate::Failed(RecordingError::Changed)),
        }
    }

    /// None of a file that is gone: what was heard of it was whole.
    fn change(&self, path: &Path) -> Option<(Change, Stamp)> {
        let (before, now) = (self.stamps.get(path)?, Stamp::of(path)?);
        Some((before.until(&now), now))
    }
}

/// Whether more bytes, or others, could have been heard.
fn is_of_the_bytes(error: &RecordingError) -> bool {
    use RecordingError::{Corrupt, Empty, Ffmpeg, Truncated, Unsupported};
    matches!(error, Empty | Ffmpeg { .. } | Unsupported { .. } | Corrupt { .. } | Truncated { .. })
}

/// A file that was only touched, or replaced by a copy of itself.
fn is_as_hashed(outcome: &Outcome) -> bool {
    let recording = &outcome.recording;
    content::hash(&recording.path).is_ok_and(|(now, _)| recording.content == Some(now))
}
