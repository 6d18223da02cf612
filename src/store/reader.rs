//! The store's read side: past runs, and the recordings and detections of a span of time.
//!
//! Invariant: reading creates no file, changes no row, migrates nothing, takes no lock and needs no permission to
//! write.

use std::collections::HashSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::StoreError;
use super::found::{FoundRecording, FoundRows};
use super::laughs::{self, LaughReader};
use super::review_rows::attach;
use super::scores::ScoreReader;
use crate::calendar::{Calendar, ReviewSharing};
use crate::domain::{
    Coverage, DayCount, Laugh, LaughFilter, LaughPage, PastRun, StoredCandidate, StoredDetection, StoredRecording,
    Window,
};
use crate::error::Fatal;

/// Reads what was stored. A source of None means all sources.
pub trait Reader: ScoreReader + LaughReader {
    /// Sources with at least one committed run, sorted by name.
    fn sources(&mut self) -> Result<Vec<String>, StoreError>;

    /// At most `limit` runs, the latest first.
    fn runs(&mut self, source: Option<&str>, limit: u32) -> Result<Vec<PastRun>, StoreError>;

    /// What the runs started since `since` have scanned, if their window contains all of `window`; in any order.
    fn each_coverage(
        &mut self,
        source: Option<&str>,
        window: &Window,
        since: Timestamp,
        each: &mut dyn FnMut(Coverage),
    ) -> Result<(), StoreError>;

    /// Recordings one after the other, with all their detections and reviews; sorted by source, start time and name.
    ///
    /// Only a few are in memory at a time, and nothing is locked while `each` works: a pager that waits for its user
    /// does not block a run from storing. Therefore a run committed meanwhile may be visible in part, but each
    /// recording is complete.
    fn each_recording(
        &mut self,
        wanted: &Selection,
        each: &mut dyn FnMut(StoredRecording) -> Result<(), Fatal>,
    ) -> Result<(), Fatal>;

    /// All at once; for a day or a month.
    fn recordings(&mut self, source: Option<&str>, window: &Window) -> Result<Vec<StoredRecording>, Fatal> {
        let mut all = Vec::new();
        let wanted = Selection { source, window: *window, ..Selection::default() };
        self.each_recording(&wanted, &mut |recording| {
            all.push(recording);
            Ok(())
        })?;
        Ok(all)
    }

    /// Passes the counts of each of these consecutive days of a source to `each`, in order; days without recordings and
    /// laughs are left out.
    fn each_day_count(
        &mut self,
        source: &str,
        days: &[Calendar],
        each: &mut dyn FnMut(DayCount) -> Result<(), Fatal>,
    ) -> Result<(), Fatal> {
        laughs::each_day_count(self, source, days, each)
    }

    /// The next laughs that pass a filter.
    fn laughs(&mut self, filter: &LaughFilter) -> Result<LaughPage, Fatal> {
        laughs::page(self, filter)
    }

    /// The laugh that a row of `detections` is, or is a part of; None: there is no such row any more.
    fn laugh(&mut self, id: i64) -> Result<Option<Laugh>, Fatal> {
        laughs::laugh(self, id)
    }

    /// Those of these clips that a detection or a candidate names.
    fn named_clips(&mut self, clips: &[String]) -> Result<HashSet<String>, StoreError>;
}

/// Which recordings to read.
///
/// A recording with no or unknown length counts as the instant of its start time. A failed one without a start time
/// belongs to the window of its run, and comes last.
#[derive(Debug, Clone, Copy, Default)]
pub struct Selection<'a> {
    /// None: all sources.
    pub source: Option<&'a str>,
    /// Selects recordings that overlap it.
    pub window: Window,
    /// Recordings with a start time are also selected this far around the window.
    pub margin: Duration,
    /// Omit their detections, for callers that only need names.
    pub without_laughs: bool,
    /// Add their candidates, without embeddings.
    pub with_candidates: bool,
    /// Of the candidates, only those with a clip.
    pub only_with_clip: bool,
}

impl Selection<'_> {
    /// The window with its margin.
    pub fn around(&self) -> Window {
        let moved = |at: Timestamp, by: SignedDuration| at.saturating_add(by).unwrap_or(at);
        let margin = SignedDuration::try_from(self.margin).unwrap_or(SignedDuration::MAX);
        Window {
            from: self.window.from.map(|from| moved(from, -margin)),
            to: self.window.to.map(|to| moved(to, margin)),
        }
    }

    pub fn holds(&self, recording: &FoundRecording) -> bool {
        recording.lies_in(&self.window) || recording.row.started_at.is_some() && recording.lies_in(&self.around())
    }
}

/// Attaches the detections and candidates to each recording and the reviews to each of them, including reviews of another part of
/// the same laugh.
pub struct Delivery<'a> {
    sharing: ReviewSharing,
    each: &'a mut dyn FnMut(StoredRecording) -> Result<(), Fatal>,
}

impl<'a> Delivery<'a> {
    pub fn to(each: &'a mut dyn FnMut(StoredRecording) -> Result<(), Fatal>) -> Delivery<'a> {
        Delivery { sharing: ReviewSharing::default(), each }
    }

    /// Expects recordings in output order, and detections sorted by time.
    pub fn push(&mut self, found: FoundRows) -> Result<(), Fatal> {
        let FoundRows { recording, detections, candidates, reviews } = found;
        let mut laughs: Vec<StoredDetection> = detections.into_iter().map(StoredDetection::from).collect();
        let mut candidates: Vec<StoredCandidate> = candidates.into_iter().map(StoredCandidate::from).collect();
        let reviews: Vec<_> = reviews.into_iter().map(|(_, review)| review).collect();
        attach(&mut candidates, reviews.clone());
        attach(&mut laughs, reviews);
        self.sharing.push(recording.with_laughs(laughs, candidates)).into_iter().try_for_each(&mut *self.each)
    }

    pub fn finish(mut self) -> Result<(), Fatal> {
        self.sharing.finish().into_iter().try_for_each(&mut *self.each)
    }
}
