//! The state of one day of one source: which times were analyzed, failed or not recorded, and whether it is complete.
//!
//! A day is complete if it has recordings, none of them failed, the day is over, and a run has scanned all of it since
//! then. Gaps do not matter: people switch microphones off.
//!
//! Invariant: pure. The analyzed, failed and unrecorded spans are disjoint and cover the day up to now.

mod coverage;
mod fleet;
pub mod history;
mod merged;
mod sharing;
pub mod span;
pub mod trends;
mod uncounted;

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

pub use self::coverage::{CoverageByDay, ScanCoverage};
pub use self::fleet::{Fleet, State};
pub use self::merged::{EDGE, MergedDetection, SEAM, merged};
pub use self::sharing::ReviewSharing;
pub use self::span::Span;
pub use self::uncounted::{Reviewing, Uncounted};

use self::span::{union, without};
use crate::domain::{StoredFailure, StoredMissing, StoredRecording};
use crate::exit::Exit;

/// A calendar day in a time zone: 23, 24 or 25 hours.
#[derive(Debug, Clone)]
pub struct Calendar {
    pub date: Date,
    pub zone: TimeZone,
    pub span: Span,
}

/// One day of one source.
#[derive(Debug, Clone)]
pub struct Day {
    pub source: String,
    pub calendar: Calendar,
    /// Recordings that overlap the day; one across midnight belongs to both days.
    pub recordings: Vec<StoredRecording>,
    /// Recordings that end where the day starts, or start where it ends: a laugh may continue in them.
    pub neighbours: Vec<StoredRecording>,
    /// Analyzed times, as a union: overlapping recordings count once.
    pub analyzed: Vec<Span>,
    /// Times that are only in failed recordings (by their announced duration) or in missing ranges.
    pub failed: Vec<Span>,
    /// Times up to now that are in no recording.
    pub gaps: Vec<Span>,
    pub is_over: bool,
    /// What runs have scanned since the day ended.
    pub coverage: ScanCoverage,
    /// Empty unless it was asked for.
    pub reviewing: Reviewing,
    /// Whether rejected laughs count as well.
    pub include_rejected: bool,
}

/// Whether a day is complete, or why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// No recordings are stored.
    Empty,
    /// The numbers of failed and of partial recordings.
    Damaged {
        failed: usize,
        partial: usize,
    },
    /// It is not over.
    Running,
    /// It is over, and no run has scanned all of it since then.
    NotScanned,
    /// The number of recordings that were in progress when the last run scanned the day.
    InProgress(u64),
    Complete,
}

impl Completeness {
    pub fn exit(self) -> Exit {
        match self {
            Completeness::Empty => Exit::Empty,
            Completeness::Damaged { .. } | Completeness::NotScanned | Completeness::InProgress(_) => Exit::Partial,
            Completeness::Running | Completeness::Complete => Exit::Complete,
        }
    }
}

impl Day {
    /// From a source's recordings of the day and the coverage by its runs.
    pub fn new(
        source: &str,
        calendar: &Calendar,
        recordings: Vec<StoredRecording>,
        coverage: ScanCoverage,
        now: Timestamp,
    ) -> Day {
        let analyzed = analyzed(&recordings, &calendar.span);
        let failed = without(&missing(&recordings, &calendar.span), &analyzed);
        let until_now = Span { to: calendar.span.to.min(now), ..calendar.span };
        let gaps = without(&without(&[until_now], &analyzed), &failed);
        let is_over = calendar.span.to <= now;
        let coverage = if is_over { coverage } else { ScanCoverage::Never };
        let (source, calendar, neighbours) = (source.to_owned(), calendar.clone(), Vec::new());
        let reviewing = Reviewing::default();
        let include_rejected = false;
        Day {
            source,
            calendar,
            recordings,
            neighbours,
            analyzed,
            failed,
            gaps,
            is_over,
            coverage,
            reviewing,
            include_rejected,
        }
    }

    pub fn completeness(&self) -> Completeness {
        match (self.recordings.len(), self.failures().count(), self.partial().count()) {
            (0, ..) => Completeness::Empty,
            (_, failed, partial) if failed + partial > 0 => Completeness::Damaged { failed, partial },
            _ if !self.is_over => Completeness::Running,
            _ => match self.coverage {
                ScanCoverage::Never => Completeness::NotScanned,
                ScanCoverage::InProgress(count) => Completeness::InProgress(count),
                ScanCoverage::Whole(_) => Completeness::Complete,
            },
        }
    }

    /// When the first run (or the last shard) that scanned all of this day after its end started.
    pub fn scanned_at(&self) -> Option<Timestamp> {
        match self.coverage {
            ScanCoverage::Whole(at) => Some(at),
            _ => None,
        }
    }

    /// The number of recordings in progress, which a later run must scan again.
    pub fn in_progress(&self) -> u64 {
        match self.coverage {
            ScanCoverage::InProgress(count) => count,
            _ => 0,
        }
    }

    pub fn failures(&self) -> impl Iterator<Item = (&StoredRecording, &StoredFailure)> {
        self.recordings.iter().filter_map(|recording| Some((recording, recording.failure()?)))
    }

    pub fn partial(&self) -> impl Iterator<Item = (&StoredRecording, &StoredMissing)> {
        self.recordings.iter().filter_map(|recording| Some((recording, recording.partial()?)))
    }

    /// Counts rejected laughs as well, if that is wanted.
    pub fn including_rejected(self, include_rejected: bool) -> Day {
        Day { include_rejected, ..self }
    }

    /// Adds the recordings around the day, in which a laugh at its start or end may continue.
    pub fn with_neighbours(self, neighbours: Vec<StoredRecording>) -> Day {
        Day { neighbours, ..self }
    }

    /// Gaps between recordings of the day.
    pub fn gaps_between(&self) -> Vec<Span> {
        let recorded = self.recorded();
        self.gaps
            .iter()
            .filter(|gap| recorded.is_some_and(|all| all.from < gap.from && gap.to < all.to))
            .copied()
            .collect()
    }

    /// Gaps before the first recording and after the last one; without recordings, the day up to now.
    pub fn gaps_around(&self) -> Vec<Span> {
        let between = self.gaps_between();
        self.gaps.iter().filter(|gap| !between.contains(gap)).copied().collect()
    }

    /// From the start of the first recording to the end of the last one.
    fn recorded(&self) -> Option<Span> {
        let spans = || self.analyzed.iter().chain(&self.failed);
        Some(Span { from: spans().map(|span| span.from).min()?, to: spans().map(|span| span.to).max()? })
    }

    /// Laughs that start on this day and count, sorted by time. A laugh split across recordings counts once.
    pub fn laughs(&self) -> Vec<MergedDetection<'_>> {
        let mut laughs = self.all_laughs();
        laughs.retain(|laugh| self.include_rejected || laugh.counts());
        laughs
    }

    /// Those that do not count, because their review rejects them.
    pub fn rejected(&self) -> Vec<MergedDetection<'_>> {
        let mut laughs = self.all_laughs();
        laughs.retain(|laugh| !self.include_rejected && !laugh.counts());
        laughs
    }

    fn all_laughs(&self) -> Vec<MergedDetection<'_>> {
        let mut laughs = merged(self.recordings.iter().chain(&self.neighbours));
        laughs.retain(|laugh| self.calendar.span.holds(laugh.starts()));
        laughs
    }
}

/// The analyzed times within a span, as a union of all recordings.
fn analyzed<'a>(recordings: impl IntoIterator<Item = &'a StoredRecording>, whole: &Span) -> Vec<Span> {
    let part = |recording: &'a StoredRecording| {
        let span = Span { from: recording.started?.at, to: recording.ended()? };
        Some(without(&union([span.within(whole)]), &missing(std::slice::from_ref(recording), whole)))
    };
    union(recordings.into_iter().filter_map(part).flatten())
}

/// How much of a span is analyzed.
pub fn analyzed_time<'a>(recordings: impl IntoIterator<Item = &'a StoredRecording>, whole: &Span) -> Duration {
    span::length(&analyzed(recordings, whole))
}

/// The missing times of these recordings within a span.
fn missing(recordings: &[StoredRecording], whole: &Span) -> Vec<Span> {
    let ranges = recordings.iter().flat_map(StoredRecording::missing);
    union(ranges.map(|(from, to)| Span { from, to }.within(whole)))
}

/// The exit code for these days.
pub fn exit(days: &[Day]) -> Exit {
    let mut fleet = Fleet::default();
    days.iter().for_each(|day| fleet.add(day));
    fleet.exit()
}

#[cfg(test)]
mod tests;
