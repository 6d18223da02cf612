//! Detects files that changed during the run: those in progress, which the next run analyzes, and those that are no
//! longer the analyzed content.
//!
//! Invariant: a file counts as in progress only if it was observed to grow; a recent modification time never excuses a
//! failure.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::audio::content;
use crate::audio::discover::File;
use crate::audio::file_stamp::{Change, Stamp, is_open_ended};
use crate::domain::{Outcome, RecordingError, Skip, Status};
use crate::stop::Stop;

/// How long a file that may be in progress is watched: streaming and copying programs write more often than that.
const MIN_OBSERVATION: Duration = Duration::from_secs(3);

/// How often to check for a signal in the meantime.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The stamps of all files before the first byte was read.
pub struct StabilityCheck {
    since: Instant,
    stamps: HashMap<PathBuf, Stamp>,
}

impl StabilityCheck {
    pub fn begin(files: &[File]) -> StabilityCheck {
        let stamps = files.iter().filter_map(|file| Some((file.path.clone(), Stamp::read(&file.path)?)));
        StabilityCheck { since: Instant::now(), stamps: stamps.collect() }
    }

    /// Updates the status of changed files. Waits, if necessary, until the watch has lasted `MIN_OBSERVATION`; most runs take
    /// longer than that anyway.
    pub fn update_outcomes(&self, outcomes: &mut [Outcome], stop: &Stop) {
        if outcomes.iter().any(|outcome| self.may_be_in_progress(outcome)) {
            while self.since.elapsed() < MIN_OBSERVATION && stop.signal().is_none() {
                thread::sleep(POLL_INTERVAL);
            }
        }
        for outcome in outcomes {
            if let Some(status) = self.new_status(outcome) {
                outcome.status = status;
            }
        }
    }

    /// Whether a file was modified so recently that it may still be written.
    fn may_be_in_progress(&self, outcome: &Outcome) -> bool {
        let path = &outcome.recording.path;
        let is_unchanged = |change| change == Change::None;
        let doubtful = || match &outcome.status {
            Status::Analyzed(analyzed) => analyzed.is_partial() || is_open_ended(path),
            Status::Failed(error) => is_of_the_bytes(error),
            Status::Redetected(_) | Status::Skipped(_) => false,
        };
        self.change(path).is_some_and(|(change, now)| is_unchanged(change) && now.is_fresh(SystemTime::now()))
            && doubtful()
    }

    /// The new status; None if it does not change.
    fn new_status(&self, outcome: &Outcome) -> Option<Status> {
        let (change, _) = self.change(&outcome.recording.path)?;
        let in_progress = || Some(Status::Skipped(Skip::InProgress));
        match (&outcome.status, change) {
            (Status::Redetected(_) | Status::Skipped(_), _) | (_, Change::None) => None,
            (Status::Failed(error), _) if !is_of_the_bytes(error) => None,
            (_, Change::Rewritten { .. }) if is_as_hashed(outcome) => None,
            (_, Change::Grew | Change::Rewritten { same_file: true }) => in_progress(),
            // Damage found while the file changed says nothing about the hashed content or the current one.
            (Status::Analyzed(_) | Status::Failed(_), _) => Some(Status::Failed(RecordingError::Changed)),
        }
    }

    /// None for a file that was removed: it was analyzed completely before.
    fn change(&self, path: &Path) -> Option<(Change, Stamp)> {
        let (before, now) = (self.stamps.get(path)?, Stamp::read(path)?);
        Some((before.until(&now), now))
    }
}

/// Whether the error depends on the file's bytes, so that more or other bytes may avoid it.
fn is_of_the_bytes(error: &RecordingError) -> bool {
    use RecordingError::{Corrupt, Empty, Ffmpeg, Truncated, Unsupported};
    matches!(error, Empty | Ffmpeg { .. } | Unsupported { .. } | Corrupt { .. } | Truncated { .. })
}

/// A file that was only touched, or replaced by a copy of itself.
fn is_as_hashed(outcome: &Outcome) -> bool {
    let recording = &outcome.recording;
    content::hash(&recording.path).is_ok_and(|(now, _)| recording.content == Some(now))
}
