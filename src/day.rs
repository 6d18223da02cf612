//! What is known of one day of one source: heard, failed, neither; and whether that is all.
//!
//! A day is complete if it holds recordings, none of them failed, it is over, and a run has looked for
//! recordings of it since. Gaps do not count: people switch microphones off.
//!
//! Invariant: pure. What was heard, what only failed and the gaps tile the day, as far as it is over.

pub mod history;
mod joined;
mod look;
mod sharing;
pub mod span;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

pub use self::joined::{Joined, SEAM, joined};
pub use self::look::{Look, Looks};
pub use self::sharing::NoteSharing;
pub use self::span::Span;

use self::span::{union, without};
use crate::exit::Exit;
use crate::record::{StoredFailure, StoredMissing, StoredRecording};

/// A calendar day in a zone: 23, 24 or 25 hours.
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
    /// Those of which a part lies in the day; one across midnight belongs to both days.
    pub recordings: Vec<StoredRecording>,
    /// Those that end where the day begins, or begin where it ends: a laugh may go on in them.
    pub neighbours: Vec<StoredRecording>,
    /// What somebody listened to, once however many recordings hold it.
    pub heard: Vec<Span>,
    /// What is in failed recordings only, as long as they say they are, and what is missing of the others.
    pub failed: Vec<Span>,
    /// What is in no recording, up to now.
    pub gaps: Vec<Span>,
    pub is_over: bool,
    /// What runs have looked for since it ended.
    pub look: Look,
}

/// What to think of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// No recordings are stored.
    Empty,
    /// So many recordings failed, and so many are partial.
    Damaged {
        failed: usize,
        partial: usize,
    },
    /// It is not over.
    Running,
    /// It is over, and no run has looked for the rest of its recordings.
    Unfinished,
    /// So many recordings were still being written when the last run looked.
    BeingWritten(u64),
    Complete,
}

impl Verdict {
    pub fn exit(self) -> Exit {
        match self {
            Verdict::Empty => Exit::Empty,
            Verdict::Damaged { .. } | Verdict::Unfinished | Verdict::BeingWritten(_) => Exit::Partial,
            Verdict::Running | Verdict::Complete => Exit::Complete,
        }
    }
}

impl Day {
    /// From a source's recordings of the day and what its runs have seen of it.
    pub fn of(source: &str, calendar: &Calendar, recordings: Vec<StoredRecording>, look: Look, now: Timestamp) -> Day {
        let heard = analyzed(&recordings, &calendar.span);
        let failed = without(&missing(&recordings, &calendar.span), &heard);
        let until_now = Span { to: calendar.span.to.min(now), ..calendar.span };
        let gaps = without(&without(&[until_now], &heard), &failed);
        let is_over = calendar.span.to <= now;
        let look = if is_over { look } else { Look::Never };
        let (source, calendar, neighbours) = (source.to_owned(), calendar.clone(), Vec::new());
        Day { source, calendar, recordings, neighbours, heard, failed, gaps, is_over, look }
    }

    pub fn verdict(&self) -> Verdict {
        match (self.recordings.len(), self.failures().count(), self.partial().count()) {
            (0, ..) => Verdict::Empty,
            (_, failed, partial) if failed + partial > 0 => Verdict::Damaged { failed, partial },
            _ if !self.is_over => Verdict::Running,
            _ => match self.look {
                Look::Never => Verdict::Unfinished,
                Look::BeingWritten(count) => Verdict::BeingWritten(count),
                Look::Whole(_) => Verdict::Complete,
            },
        }
    }

    /// When runs had first looked for all of this day after it was over.
    pub fn looked_at(&self) -> Option<Timestamp> {
        match self.look {
            Look::Whole(at) => Some(at),
            _ => None,
        }
    }

    /// Recordings for which a later run must look once more.
    pub fn unfinished(&self) -> u64 {
        match self.look {
            Look::BeingWritten(count) => count,
            _ => 0,
        }
    }

    pub fn failures(&self) -> impl Iterator<Item = (&StoredRecording, &StoredFailure)> {
        self.recordings.iter().filter_map(|recording| Some((recording, recording.failure()?)))
    }

    pub fn partial(&self) -> impl Iterator<Item = (&StoredRecording, &StoredMissing)> {
        self.recordings.iter().filter_map(|recording| Some((recording, recording.partial()?)))
    }

    /// With the recordings around the day, in which a laugh of its first or last second goes on.
    pub fn beside(self, neighbours: Vec<StoredRecording>) -> Day {
        Day { neighbours, ..self }
    }

    /// Gaps between recordings: somebody recorded before and after.
    pub fn gaps_between(&self) -> Vec<Span> {
        let recorded = self.recorded();
        self.gaps
            .iter()
            .filter(|gap| recorded.is_some_and(|all| all.from < gap.from && gap.to < all.to))
            .copied()
            .collect()
    }

    /// Before the first recording and after the last one; all that is over where there is none.
    pub fn gaps_around(&self) -> Vec<Span> {
        let between = self.gaps_between();
        self.gaps.iter().filter(|gap| !between.contains(gap)).copied().collect()
    }

    /// From the beginning of the first recording to the end of the last one.
    fn recorded(&self) -> Option<Span> {
        let spans = || self.heard.iter().chain(&self.failed);
        Some(Span { from: spans().map(|span| span.from).min()?, to: spans().map(|span| span.to).max()? })
    }

    /// Those that begin on this day, in order of time. One that the recorder cut in two is one.
    pub fn laughs(&self) -> Vec<Joined<'_>> {
        let mut laughs = joined(self.recordings.iter().chain(&self.neighbours));
        laughs.retain(|laugh| self.calendar.span.holds(laugh.starts()));
        laughs
    }
}

/// What was analyzed of a stretch of time, once however many recordings hold it.
fn analyzed(recordings: &[StoredRecording], whole: &Span) -> Vec<Span> {
    let part = |recording: &StoredRecording| {
        let span = Span { from: recording.began?.at, to: recording.ended()? };
        Some(without(&union([span.within(whole)]), &missing(std::slice::from_ref(recording), whole)))
    };
    union(recordings.iter().filter_map(part).flatten())
}

/// What was not, of their recordings.
fn missing(recordings: &[StoredRecording], whole: &Span) -> Vec<Span> {
    let ranges = recordings.iter().flat_map(StoredRecording::missing);
    union(ranges.map(|(from, to)| Span { from, to }.within(whole)))
}

/// How to end after all sources' days: as the worst of those that hold recordings.
#[derive(Debug, Default)]
pub struct Worst {
    is_any_full: bool,
    is_any_partial: bool,
}

impl Worst {
    pub fn add(&mut self, verdict: Verdict) {
        self.is_any_full |= verdict != Verdict::Empty;
        self.is_any_partial |= verdict.exit() == Exit::Partial;
    }

    pub fn exit(&self) -> Exit {
        match (self.is_any_full, self.is_any_partial) {
            (false, _) => Exit::Empty,
            (true, true) => Exit::Partial,
            (true, false) => Exit::Complete,
        }
    }
}

/// How to end after these.
pub fn exit(days: &[Day]) -> Exit {
    let mut worst = Worst::default();
    days.iter().for_each(|day| worst.add(day.verdict()));
    worst.exit()
}

#[cfg(test)]
mod tests;
