//! Which timestamps of a track's blocks are believed.
//!
//! ```text
//! step = timestamp - end of the block before
//! step within 20 ms                              -> believed (timestamps are rounded to milliseconds)
//! the next blocks go on where the block before it
//!     ended, and not behind this one             -> this timestamp makes no sense: ignored
//! first block of a cluster, and the next cluster
//!     takes the same step back                   -> the cluster's timestamp makes no sense: ignored
//! last block, and the file ends before its time  -> ignored
//! any other step                                 -> believed
//! ```
//!
//! Invariant: no timestamp moves another block than its own.

/// Steps below this are rounding and jitter, nanoseconds.
const TOLERANCE: i64 = 20_000_000;

/// Steps that differ by less are alike, nanoseconds.
const STEADY: u64 = 3_000_000;

/// A first block so much earlier than the next ones is wrong, nanoseconds: a changed sign of 16 bits of milliseconds.
const FIRST_PAUSE: u64 = 32_000_000_000;

/// Timestamps that are looked at behind a step before it is believed.
pub const AHEAD: usize = 8;

/// A block seen from outside; times in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    pub time: i64,
    /// None if only decoding will tell.
    pub length: Option<i64>,
    /// Its cluster, by number.
    pub cluster: u64,
}

/// The blocks behind the one at hand: the next few, and around the end of its cluster.
#[derive(Debug, Default)]
pub struct Ahead {
    pub next: Vec<Mark>,
    /// Last block of this cluster, and first one of the next cluster.
    pub border: Option<(Mark, Mark)>,
}

#[derive(Debug, Default)]
pub struct Clock {
    /// End of the block before.
    expected: Option<i64>,
    /// Length of the block before, as far as timestamps tell.
    usual: i64,
    before: i64,
    /// What is taken off the times of a cluster.
    shift: (u64, i64),
    /// Where the file ends by its header.
    pub end: Option<i64>,
    /// Timestamps that were ignored.
    pub ignored: u64,
}

impl Clock {
    /// Whether a block's time is believed at once: else it is to be looked ahead.
    pub fn is_plain(&self, mark: &Mark) -> bool {
        let time = self.shifted(mark);
        let near = |expected: i64| time.abs_diff(expected) <= TOLERANCE.unsigned_abs();
        // Of lengths that are wrong everywhere, the steps are all alike.
        let is_steady = self.usual > 0 && time.abs_diff(self.before.saturating_add(self.usual)) < STEADY;
        self.expected.is_some_and(|expected| near(expected) || is_steady)
    }

    /// Whether a block is the first of its cluster.
    pub fn opens_cluster(&self, mark: &Mark) -> bool {
        self.shift.0 != mark.cluster
    }

    /// Time of the next block.
    pub fn place(&mut self, mark: Mark, ahead: &Ahead) -> i64 {
        let mut time = self.shifted(&mark);
        match self.expected {
            Some(expected) if !self.is_plain(&mark) => {
                if self.is_alone(time, expected, &mark, ahead) {
                    (time, self.ignored) = (expected, self.ignored + 1);
                } else if self.opens_cluster(&mark) && self.steps_back(time.saturating_sub(expected), ahead) {
                    self.shift = (mark.cluster, time.saturating_sub(expected));
                    (time, self.ignored) = (expected, self.ignored + 1);
                }
            }
            None => time = self.first(time, &mark, ahead),
            Some(_) => (),
        }
        if self.opens_cluster(&mark) {
            self.shift = (mark.cluster, 0);
        }
        self.usual = if self.expected.is_some() { time.saturating_sub(self.before).max(0) } else { 0 };
        self.before = time;
        self.expected = Some(time.saturating_add(mark.length.unwrap_or(self.usual)));
        time
    }

    /// A block's time without what its cluster's timestamp is off.
    fn shifted(&self, mark: &Mark) -> i64 {
        let shift = if self.shift.0 == mark.cluster { self.shift.1 } else { 0 };
        mark.time.saturating_sub(shift)
    }

    /// Whether the next blocks follow the one before this one.
    fn is_alone(&self, time: i64, expected: i64, mark: &Mark, ahead: &Ahead) -> bool {
        if ahead.next.is_empty() {
            return time > expected && self.end.is_some_and(|end| mark.time > end.saturating_add(1_000_000_000));
        }
        let levels = self.levels(mark, ahead);
        match levels.as_slice() {
            // Of lengths that are not known, timestamps say only that they rise.
            [(next, false), (after, _), ..] => {
                let is_close = self.usual.saturating_mul(2).saturating_add(TOLERANCE);
                *next <= time && after.saturating_sub(*next) < is_close.max(time.saturating_sub(expected) / 2)
            }
            [(next, false)] => *next <= time,
            levels => {
                let is_back = |&&(level, _): &&(i64, bool)| level.abs_diff(expected) < level.abs_diff(time);
                2 * levels.iter().filter(is_back).count() > levels.len()
            }
        }
    }

    /// When this block would begin by the time of each of the next ones; their own times, where lengths are not known.
    fn levels(&self, mark: &Mark, ahead: &Ahead) -> Vec<(i64, bool)> {
        let mut length = mark.length;
        let level = |next: &Mark| {
            let time = self.shifted(next);
            let level = (time.saturating_sub(length.unwrap_or(0)), length.is_some());
            length = length.zip(next.length).map(|(sum, next)| sum.saturating_add(next));
            level
        };
        ahead.next.iter().map(level).collect()
    }

    /// Whether the next cluster takes back the step of this one.
    fn steps_back(&self, step: i64, ahead: &Ahead) -> bool {
        let Some((last, first)) = &ahead.border else { return false };
        let back = first.time.saturating_sub(last.time).saturating_sub(last.length.unwrap_or(self.usual));
        back.saturating_add(step).unsigned_abs() < step.unsigned_abs() / 4
    }

    /// Time of the first block: where the next ones put it, if they agree.
    fn first(&mut self, time: i64, mark: &Mark, ahead: &Ahead) -> i64 {
        let levels = self.levels(mark, ahead);
        let Some(&(level, known)) = levels.first() else { return time };
        let near = |a: i64, b: i64| a.abs_diff(b) <= TOLERANCE.unsigned_abs();
        let agree = levels.iter().filter(|(other, _)| near(*other, level)).count();
        let is_alone = known && !near(time, level) && 2 * agree > levels.len();
        // Else a pause may follow the first block.
        let is_wrong = if level > time {
            is_alone && level.abs_diff(time) > FIRST_PAUSE
        } else {
            is_alone || (!known && level < time)
        };
        self.ignored += u64::from(is_wrong);
        if is_wrong { level } else { time }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    /// Times given to blocks of 20 ms, ten in a cluster, with these times in milliseconds.
    fn placed(times: &[i64], length: Option<i64>) -> Vec<i64> {
        let mark = |(number, time): (usize, &i64)| Mark { time: time * MS, length, cluster: 1 + number as u64 / 10 };
        let marks: Vec<Mark> = times.iter().enumerate().map(mark).collect();
        let mut clock = Clock::default();
        let place = |number: usize| {
            let (mark, rest) = (marks[number], &marks[number + 1..]);
            let border = marks[number..].windows(2).find(|pair| pair[0].cluster != pair[1].cluster);
            let ahead = Ahead {
                next: rest.iter().copied().take(AHEAD).collect(),
                border: border.map(|pair| (pair[0], pair[1])),
            };
            clock.place(mark, &ahead) / MS
        };
        (0..marks.len()).map(place).collect()
    }

    fn steady() -> Vec<i64> {
        (0..50).map(|number| number * 20).collect()
    }

    #[test]
    fn a_timestamp_that_the_next_ones_do_not_confirm_moves_nothing() {
        for wrong in [0, 1, 10, 15, 19, 20, 48] {
            for step in [64, 4096, 16384, -32, -32_768].into_iter().filter(|step| wrong > 0 || *step != -32) {
                let mut times = steady();
                times[wrong] += step;
                assert_eq!(placed(&times, Some(20 * MS)), steady(), "block {wrong} is {step} ms off");
            }
            let mut times = steady();
            times[wrong] += 4096;
            let found = placed(&times, None);
            assert!(found.iter().zip(steady()).all(|(a, b)| a.abs_diff(b) <= 20), "block {wrong}: {found:?}");
        }
    }

    #[test]
    fn a_clusters_timestamp_that_the_next_one_takes_back_moves_nothing() {
        for length in [Some(20 * MS), None] {
            for step in [512, 1 << 20, -128] {
                let mut times = steady();
                times[20..30].iter_mut().for_each(|time| *time += step);
                assert_eq!(placed(&times, length), steady(), "{step} ms, {length:?}");
            }
        }
    }

    #[test]
    fn pauses_are_believed() {
        for length in [Some(20 * MS), None] {
            for at in [1, 20, 27, 30, 48, 49] {
                let mut times = steady();
                times[at..].iter_mut().for_each(|time| *time += 5000);
                assert_eq!(placed(&times, length), times, "at {at}");
            }
            // Packets are lost all the time.
            let lossy: Vec<i64> = (0..50).map(|number| number * 20 + number / 3 * 40).collect();
            assert_eq!(placed(&lossy, length), lossy);
        }
    }

    #[test]
    fn a_wrong_default_duration_is_not_believed() {
        assert_eq!(placed(&steady(), Some(60 * MS)), steady());
        assert_eq!(placed(&steady(), Some(5 * MS)), steady());
    }
}
