//! What granule positions say beyond the lengths of packets: gaps, and the samples to cut off the end.
//!
//! The time of a packet is the sum of the lengths before it, and of the gaps. A page's *level* is its granule position
//! less that sum at its end. It is the same for all pages of a stream that is right; each kind of fault moves it in a
//! way of its own:
//!
//! ```text
//! first level                                -> the start of a stream that begins late; it moves no sound
//!     (but pages are missing before it)      -> a gap of the level
//! no granule position (-1, 0, negative)      -> nothing; the page's packets count for the next one that has any
//! step = level - level before
//! step within 2.5 ms                         -> nothing (a clock that drifts)
//! step down, end-of-stream page              -> that much is cut off its end, never more than the page holds,
//!                                               if the clock was right before it and does not lag by a page
//! the next levels are back at the old one    -> a value that makes no sense: ignored
//! the next levels agree on another one       -> the same, unless both steps lead up
//! step up, and any of                        -> a gap
//!     half of the next steps are 0           (the clock goes on, and is right), the next levels are no lower, and
//!                                            it is not the end-of-stream page
//!     pages are missing here, about as long
//!     packets are lost all the time          (the steps are whole packets, or differ widely,
//!                                             and no ratio of step to length prevails)
//! any other step (restarts, wraps, clocks that count too fast or too slow, more than a day)
//!                                            -> ignored; what follows is measured from the new level
//! pages are missing, and no step says how long -> a gap of as many pages of the usual length
//! ```
//!
//! Invariant: as many packets leave as came in, in their order; memory is bounded by [`MAX_QUEUE`].

use std::collections::VecDeque;
use std::time::Duration;

use super::counts::Counts;

/// Granule positions that are looked at behind a step before it is believed.
const AHEAD: usize = 6;
/// Pages and bytes that wait for those at most.
const MAX_QUEUE: (usize, usize) = (64, 1 << 20);
/// All gaps of a file together.
pub const LONGEST_GAPS: Duration = Duration::from_secs(24 * 3600);
/// Page numbers that are missing one after the other; more is a number that makes no sense.
pub const MAX_LOST: u32 = 600;

/// A packet of sound.
#[derive(Debug, Clone, Default)]
pub struct Sound {
    pub data: Vec<u8>,
    /// Samples, without the discarded ones.
    pub length: i64,
    /// Samples that the decoder gives before those.
    pub discard: i64,
}

/// The packets that end on one page.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    pub packets: Vec<Sound>,
    pub granule: Option<i64>,
    /// Something is missing before it: about as many pages.
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

/// Packets with their place in time.
#[derive(Debug)]
pub struct Placed {
    pub packets: Vec<Sound>,
    /// Time of the first packet, samples.
    pub start: i64,
    /// Samples to be cut off their end.
    pub trim: i64,
}

/// The clock of one stream.
#[derive(Debug, Default)]
pub struct Clock {
    /// Samples a second.
    rate: u32,
    /// Every packet lasts a multiple of this, 0 if that says nothing.
    unit: i64,
    queue: VecDeque<Batch>,
    bytes: usize,
    /// End of the last packet that left.
    time: i64,
    level: Option<i64>,
    /// Pages in a row that left the level as it was.
    still: u32,
    /// Steps in a row that were ignored.
    wrong: u32,
    pages: u64,
    /// Length of the page before.
    usual: i64,
}

/// What to do with the first page that waits.
enum Verdict {
    Wait,
    Follow,
    /// Ignore the granule position.
    Stray,
    /// Ignore the step, and measure from the new level.
    Rebase,
    Gap(i64),
}

/// A page's granule position seen from the first one that waits.
#[derive(Clone, Copy)]
struct Mark {
    level: i64,
    /// Samples since the granule position before it.
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

    /// The next packets whose place is certain; at the end of the stream, all. `room` is what gaps may still last.
    pub fn pop(&mut self, at_end: bool, room: &mut Duration, counts: &mut Counts) -> Option<Placed> {
        let lost = self.queue.front()?.lost;
        let must = at_end || self.queue.len() >= MAX_QUEUE.0 || self.bytes >= MAX_QUEUE.1;
        let timed = self.queue.iter().position(|batch| batch.granule.is_some());
        let (verdict, mark) = match timed {
            // What is missing before it is known when the next granule position is.
            None if lost.is_some() && !must => (Verdict::Wait, None),
            Some(0) => self.judge(must, counts),
            Some(_) if lost.is_some() => self.judge(must, counts),
            None | Some(_) => (Verdict::Follow, None),
        };
        let gap = match verdict {
            Verdict::Wait => return None,
            Verdict::Gap(gap) if self.take(gap, room) => gap,
            Verdict::Gap(_) | Verdict::Rebase => {
                let gap = self.estimate(lost, room, counts);
                self.ignore(mark, timed == Some(0), gap, counts);
                gap
            }
            Verdict::Stray => {
                counts.odd_granules += 1;
                self.estimate(lost, room, counts)
            }
            Verdict::Follow if mark.is_none() => self.estimate(lost, room, counts),
            Verdict::Follow => 0,
        };
        self.leave(gap, counts)
    }

    /// Decides on the step at the first granule position that waits.
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
        // Of a clock that is wrong all the time, a level that stays says nothing of pages that are missing.
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

    /// The granule positions that wait, as many as are looked at.
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
            // The end is cut off there.
            if next >= 0 || !mark.is_last {
                steps.push((next, mark.length));
            }
        }
        let next = &steps[1..];
        let still = next.iter().filter(|(step, _)| step.abs() <= 1).count();
        let is_held = 2 * ahead.iter().filter(|mark| mark.level >= first.level - 1).count() + 1 >= ahead.len();
        // Of one page alone nothing tells whether the clock goes on; a clock that lags by a page steps up at the end.
        let goes_on = match next {
            [] => self.still > 0 && !first.is_last,
            _ => 2 * still >= next.len() && is_held,
        };
        goes_on || self.is_as_long_as_lost(step, lost) || self.is_lossy(&steps)
    }

    /// Whether a step is about as long as so many pages. A clock that is right need not say so by this.
    fn is_as_long_as_lost(&self, step: i64, lost: Option<u32>) -> bool {
        let pages = self.usual().saturating_mul(i64::from(lost.unwrap_or(0)));
        let twice = step.saturating_mul(2);
        pages > 0 && (pages..=pages.saturating_mul(3)).contains(&twice)
    }

    /// Length of a page as far as it is known: of the one before, or of the next one.
    fn usual(&self) -> i64 {
        if self.usual > 0 { self.usual } else { self.queue.front().map_or(0, Batch::length) }
    }

    /// Whether packets are lost all the time: then every page is a step. A clock that counts too fast is one, too, but
    /// by the same ratio everywhere.
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

    /// Counts a step that is no gap. The page whose granule position it is may come later.
    fn ignore(&mut self, mark: Option<Mark>, is_first: bool, gap: i64, counts: &mut Counts) {
        self.still = 0;
        self.wrong = self.wrong.saturating_add(1);
        if is_first && let Some(mark) = mark {
            self.level = Some(mark.level.saturating_sub(gap));
            counts.odd_granules += 1;
        }
    }

    /// A gap where only the number of missing pages is known.
    fn estimate(&mut self, lost: Option<u32>, room: &mut Duration, counts: &mut Counts) -> i64 {
        let gap = self.usual().saturating_mul(i64::from(lost.unwrap_or(0).min(MAX_LOST)));
        if gap > 0 && self.take(gap, room) {
            counts.estimated_gaps += 1;
            return gap;
        }
        0
    }

    /// Takes a gap out of what gaps may last.
    fn take(&self, gap: i64, room: &mut Duration) -> bool {
        let seconds = u64::try_from(gap).unwrap_or(0).div_ceil(u64::from(self.rate.max(1)));
        let left = room.checked_sub(Duration::from_secs(seconds));
        left.inspect(|left| *room = *left).is_some()
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

    /// Samples behind the granule position of an end-of-stream page; the page before it has `before`.
    fn trim(&self, batch: &Batch, before: i64) -> i64 {
        let (true, Some(granule), Some(level)) = (batch.is_last, batch.granule, self.level) else { return 0 };
        let length = batch.length();
        let over = match self.pages {
            // The only page, whose level says it alone: of a clock that counts too slowly, most would be cut off.
            1 => {
                let longest = batch.packets.iter().map(|packet| packet.length).max().unwrap_or(0);
                let over = self.time.saturating_sub(granule);
                if over < longest.max(length / 2) { over } else { 0 }
            }
            // Each page has the position of the one before.
            _ if before > 0 && level.saturating_add(before).abs() < self.tolerance() => 0,
            _ if self.still > 0 => self.time.saturating_add(level).saturating_sub(granule),
            _ => 0,
        };
        if (0..=length).contains(&over) { over } else { 0 }
    }

    /// Steps below this are drift, samples.
    fn tolerance(&self) -> i64 {
        i64::from(self.rate / 400).max(2)
    }
}

/// Whether the levels behind a step agree on one that it does not lead to. Two steps up are two gaps.
fn is_stray(step: i64, level: i64, ahead: &[Mark]) -> bool {
    let same = |level: i64| ahead.iter().filter(|mark| mark.level.abs_diff(level) < 2).count();
    let settled = ahead.iter().map(|mark| mark.level).max_by_key(|level| same(*level));
    settled.is_some_and(|settled| {
        let is_one = same(settled) >= 2 && 2 * same(settled) >= ahead.len() && same(settled) > same(level);
        is_one && settled.abs_diff(level) >= 2 && (step < 0 || settled < level)
    })
}
