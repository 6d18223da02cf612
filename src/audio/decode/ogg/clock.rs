//! Derives gaps and end trimming from granule positions.
//!
//! The time of a packet is the sum of the lengths of all earlier packets and gaps. The *level* of a page is its granule
//! position minus that sum at its end. The level is constant in a correct stream; each kind of error changes it in a
//! different way:
//!
//! ```text
//! first level                                -> the start time of a late stream; no effect on the audio
//!     (but pages are missing before it)      -> a gap of that length
//! no granule position (-1, 0, negative)      -> none; the page's packets count for the next page that has one
//! step = level - previous level
//! step within 2.5 ms                         -> none (clock drift)
//! step down, end-of-stream page              -> trim that much at the end, at most the page's length,
//!                                               if the clock was correct before and does not lag by a page
//! the next levels are back at the old one    -> an invalid value: ignored
//! the next levels agree on another one       -> the same, unless both steps are up
//! step up, and any of                        -> a gap
//!     half of the next steps are 0           (the clock continues correctly), the next levels are not lower, and
//!                                            it is not the end-of-stream page
//!     pages of about that length are missing here
//!     packets are lost regularly             (the steps are whole packets, or differ widely,
//!                                             and the ratio of step to length is not constant)
//! any other step (restarts, wraps, clocks that are too fast or too slow, more than a day)
//!                                            -> ignored; the new level becomes the reference
//! pages are missing, and no step shows the length -> a gap of that many pages of the usual length
//! ```
//!
//! Invariant: every packet is returned, in order; memory is bounded by [`MAX_QUEUE`].

use std::collections::VecDeque;
use std::time::Duration;

use super::counts::Counts;

/// Number of granule positions after a step that are examined before it is accepted.
const AHEAD: usize = 6;
/// Maximum number of pages and bytes that are queued for that.
const MAX_QUEUE: (usize, usize) = (64, 1 << 20);
/// Maximum total length of the gaps of a file.
pub const LONGEST_GAPS: Duration = Duration::from_secs(24 * 3600);
/// Maximum number of consecutive missing pages; a larger jump of the sequence number is invalid.
pub const MAX_LOST: u32 = 600;

/// An audio packet.
#[derive(Debug, Clone, Default)]
pub struct Sound {
    pub data: Vec<u8>,
    /// Samples, without discarded ones.
    pub length: i64,
    /// Samples that the decoder returns before those, which are discarded.
    pub discard: i64,
}

/// The packets that end on one page.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    pub packets: Vec<Sound>,
    pub granule: Option<i64>,
    /// If pages are missing before this one: about how many.
    pub lost: Option<u32>,
    pub is_last: bool,
}

impl Batch {
    pub fn length(&self) -> i64 {
        self.packets.iter().fold(0, |sum, packet| sum.saturating_add(packet.length))
    }

    fn bytes(&self) -> usize {
        self.packets.iter().map(|packet| packet.data.len()).sum()
    }
}

/// Packets with their times.
#[derive(Debug)]
pub struct Placed {
    pub packets: Vec<Sound>,
    /// Time of the first packet, samples.
    pub start: i64,
    /// Samples to be trimmed at their end.
    pub trim: i64,
}

/// The clock of one stream.
#[derive(Debug, Default)]
pub struct Clock {
    /// Samples per second.
    rate: u32,
    /// The length of every packet is a multiple of this; 0 if unknown.
    unit: i64,
    queue: VecDeque<Batch>,
    bytes: usize,
    /// End of the last returned packet.
    time: i64,
    level: Option<i64>,
    /// Number of consecutive pages without a step.
    still: u32,
    /// Number of consecutive ignored steps.
    wrong: u32,
    pages: u64,
    /// Length of the previous page.
    usual: i64,
}

/// What to do with the first queued page.
enum Verdict {
    Wait,
    Follow,
    /// Ignore the granule position.
    Stray,
    /// Ignore the step; the new level becomes the reference.
    Rebase,
    Gap(i64),
}

/// A page's granule position relative to the first queued page.
#[derive(Clone, Copy)]
struct Mark {
    level: i64,
    /// Samples since the previous granule position.
    length: i64,
    is_last: bool,
}

impl Clock {
    pub fn new(rate: u32, unit: i64) -> Clock {
        Clock { rate, unit, ..Clock::default() }
    }

    pub fn push(&mut self, batch: Batch) {
        self.bytes += batch.bytes();
        self.pages += 1;
        self.queue.push_back(batch);
    }

    /// The next packets whose time is certain; at the end of the stream, all. `gap_budget` is the remaining length of gaps.
    pub fn pop(&mut self, at_end: bool, gap_budget: &mut Duration, counts: &mut Counts) -> Option<Placed> {
        let lost = self.queue.front()?.lost;
        let must = at_end || self.queue.len() >= MAX_QUEUE.0 || self.bytes >= MAX_QUEUE.1;
        let timed = self.queue.iter().position(|batch| batch.granule.is_some());
        let (verdict, mark) = match timed {
            // The length of a loss before it is known after the next granule position.
            None if lost.is_some() && !must => (Verdict::Wait, None),
            Some(0) => self.judge(must, counts),
            Some(_) if lost.is_some() => self.judge(must, counts),
            None | Some(_) => (Verdict::Follow, None),
        };
        let gap = match verdict {
            Verdict::Wait => return None,
            Verdict::Gap(gap) if self.fits(gap, gap_budget) => gap,
            Verdict::Gap(_) | Verdict::Rebase => {
                let gap = self.estimate(lost, gap_budget, counts);
                self.ignore(mark, timed == Some(0), gap, counts);
                gap
            }
            Verdict::Stray => {
                counts.odd_granules += 1;
                self.estimate(lost, gap_budget, counts)
            }
            Verdict::Follow if mark.is_none() => self.estimate(lost, gap_budget, counts),
            Verdict::Follow => 0,
        };
        self.leave(gap, counts)
    }

    /// Decides about the step at the first queued granule position.
    fn judge(&mut self, must: bool, counts: &mut Counts) -> (Verdict, Option<Mark>) {
        let marks = self.marks();
        let Some((&first, ahead)) = marks.split_first() else { return (Verdict::Follow, None) };
        let lost = self.queue.front().and_then(|batch| batch.lost);
        let Some(before) = self.level else {
            let is_gap = first.level > 0 && self.is_as_long_as_lost(first.level, lost);
            self.level = Some(if is_gap { 0 } else { first.level });
            self.still = u32::from(first.level == 0);
            return (if is_gap { Verdict::Gap(first.level) } else { Verdict::Follow }, Some(first));
        };
        let step = first.level.saturating_sub(before);
        // If the clock is always wrong, a constant level does not mean that no pages are missing.
        let is_blind = self.wrong > 1 && lost.is_some_and(|lost| lost > 0);
        if step.abs() < self.tolerance() && !is_blind {
            self.wrong = 0;
            self.still = if step.abs() <= 1 { self.still.saturating_add(1) } else { 0 };
            return (Verdict::Follow, Some(first));
        }
        if step < 0 && first.is_last {
            return (Verdict::Follow, Some(first));
        }
        if ahead.len() < AHEAD && !must {
            return (Verdict::Wait, None);
        }
        let at = |level: i64| ahead.iter().filter(|mark| mark.level.abs_diff(level) < 2).count();
        let is_back = 2 * at(before) >= ahead.len() && at(before) > at(first.level);
        let verdict = if is_back {
            counts.odd_granules += 1;
            Verdict::Follow
        } else if is_stray(step, first.level, ahead) {
            Verdict::Stray
        } else if step > 0 && self.is_gap(step, first, ahead, lost) {
            Verdict::Gap(step)
        } else {
            Verdict::Rebase
        };
        (verdict, Some(first))
    }

    /// The queued granule positions, up to the number that is examined.
    fn marks(&self) -> Vec<Mark> {
        let (mut time, mut length, mut marks) = (self.time, 0i64, Vec::new());
        for batch in &self.queue {
            time = time.saturating_add(batch.length());
            length = length.saturating_add(batch.length());
            if let Some(granule) = batch.granule {
                marks.push(Mark { level: granule.saturating_sub(time), length, is_last: batch.is_last });
                length = 0;
            }
            if marks.len() > AHEAD {
                break;
            }
        }
        marks
    }

    fn is_gap(&self, step: i64, first: Mark, ahead: &[Mark], lost: Option<u32>) -> bool {
        let mut level = first.level;
        let mut steps = vec![(step, first.length)];
        for mark in ahead {
            let next = mark.level.saturating_sub(level);
            level = mark.level;
            // A step there is end trimming.
            if next >= 0 || !mark.is_last {
                steps.push((next, mark.length));
            }
        }
        let next = &steps[1..];
        let still = next.iter().filter(|(step, _)| step.abs() <= 1).count();
        let is_held = 2 * ahead.iter().filter(|mark| mark.level >= first.level - 1).count() + 1 >= ahead.len();
        // One page alone does not show whether the clock continues; a clock that lags by a page steps up at the end.
        let goes_on = match next {
            [] => self.still > 0 && !first.is_last,
            _ => 2 * still >= next.len() && is_held,
        };
        goes_on || self.is_as_long_as_lost(step, lost) || self.is_lossy(&steps)
    }

    /// Whether a step has about the length of this many pages. Only needed if the clock is not otherwise correct.
    fn is_as_long_as_lost(&self, step: i64, lost: Option<u32>) -> bool {
        let pages = self.usual().saturating_mul(i64::from(lost.unwrap_or(0)));
        let twice = step.saturating_mul(2);
        pages > 0 && (pages..=pages.saturating_mul(3)).contains(&twice)
    }

    /// The usual length of a page: that of the previous or of the next one.
    fn usual(&self) -> i64 {
        if self.usual > 0 { self.usual } else { self.queue.front().map_or(0, Batch::length) }
    }

    /// Whether packets are lost regularly: then every page has a step. A clock that is too fast also steps at every
    /// page, but with a constant ratio.
    fn is_lossy(&self, steps: &[(i64, i64)]) -> bool {
        let up: Vec<(i64, i64)> = steps.iter().copied().filter(|&(step, _)| step >= self.tolerance()).collect();
        if up.len() < 3 || steps.iter().any(|&(step, _)| step < -1) {
            return false;
        }
        let ratio = |&(step, length): &(i64, i64)| step as f64 / length.max(1) as f64;
        let prevails = up.iter().any(|one| {
            let same = up.iter().filter(|other| (ratio(one) / ratio(other) - 1.0).abs() < 0.002).count();
            3 * same >= 2 * up.len()
        });
        let (least, most) = up.iter().map(ratio).fold((f64::MAX, 0.0), |(a, b), r| (r.min(a), r.max(b)));
        let are_whole = self.unit > 0 && up.iter().all(|(step, _)| step % self.unit == 0);
        !prevails && (are_whole || most > 1.5 * least)
    }

    /// Counts a step that is not a gap. Its page may be a later one in the queue.
    fn ignore(&mut self, mark: Option<Mark>, is_first: bool, gap: i64, counts: &mut Counts) {
        self.still = 0;
        self.wrong = self.wrong.saturating_add(1);
        if is_first && let Some(mark) = mark {
            self.level = Some(mark.level.saturating_sub(gap));
            counts.odd_granules += 1;
        }
    }

    /// The estimated gap if only the number of missing pages is known.
    fn estimate(&mut self, lost: Option<u32>, gap_budget: &mut Duration, counts: &mut Counts) -> i64 {
        let gap = self.usual().saturating_mul(i64::from(lost.unwrap_or(0).min(MAX_LOST)));
        if gap > 0 && self.fits(gap, gap_budget) {
            counts.estimated_gaps += 1;
            return gap;
        }
        0
    }

    /// Whether a gap is within the remaining total length of gaps, from which it is then subtracted.
    fn fits(&self, gap: i64, gap_budget: &mut Duration) -> bool {
        let seconds = u64::try_from(gap).unwrap_or(0).div_ceil(u64::from(self.rate.max(1)));
        let left = gap_budget.checked_sub(Duration::from_secs(seconds));
        left.inspect(|left| *gap_budget = *left).is_some()
    }

    fn leave(&mut self, gap: i64, counts: &mut Counts) -> Option<Placed> {
        let batch = self.queue.pop_front()?;
        self.bytes -= batch.bytes();
        let start = self.time.saturating_add(gap);
        let before = std::mem::replace(&mut self.usual, batch.length());
        self.time = start.saturating_add(self.usual);
        let trim = self.trim(&batch, before);
        counts.gaps += u64::from(gap > 0);
        Some(Placed { packets: batch.packets, start, trim })
    }

    /// Samples after the granule position of an end-of-stream page; `before` is the level of the previous page.
    fn trim(&self, batch: &Batch, before: i64) -> i64 {
        let (true, Some(granule), Some(level)) = (batch.is_last, batch.granule, self.level) else { return 0 };
        let length = batch.length();
        let over = match self.pages {
            // For a single page, only its level is known; with a clock that is too slow, most of it would be trimmed.
            1 => {
                let longest = batch.packets.iter().map(|packet| packet.length).max().unwrap_or(0);
                let over = self.time.saturating_sub(granule);
                if over < longest.max(length / 2) { over } else { 0 }
            }
            // Each page has the position of the previous one.
            _ if before > 0 && level.saturating_add(before).abs() < self.tolerance() => 0,
            _ if self.still > 0 => self.time.saturating_add(level).saturating_sub(granule),
            _ => 0,
        };
        if (0..=length).contains(&over) { over } else { 0 }
    }

    /// Smaller steps are drift, samples.
    fn tolerance(&self) -> i64 {
        i64::from(self.rate / 400).max(2)
    }
}

/// Whether the levels after a step agree on another level. Two steps up are two gaps.
fn is_stray(step: i64, level: i64, ahead: &[Mark]) -> bool {
    let same = |level: i64| ahead.iter().filter(|mark| mark.level.abs_diff(level) < 2).count();
    let consensus = ahead.iter().map(|mark| mark.level).max_by_key(|level| same(*level));
    consensus.is_some_and(|consensus| {
        let is_one = same(consensus) >= 2 && 2 * same(consensus) >= ahead.len() && same(consensus) > same(level);
        is_one && consensus.abs_diff(level) >= 2 && (step < 0 || consensus < level)
    })
}
