//! Decides which timestamps of a track's blocks are used.
//!
//! ```text
//! step = timestamp - end of the previous block
//! step within 20 ms                              -> used (timestamps are rounded to milliseconds)
//! the next blocks continue at the end of the
//!     previous block, not after this one         -> the timestamp is wrong: ignored
//! first block of a cluster, and the next cluster
//!     takes the same step back                   -> the cluster's timestamp is wrong: ignored
//! last block, and the file ends before its time  -> ignored
//! any other step                                 -> used
//! ```
//!
//! Invariant: a timestamp affects the time of its own block only.

/// Smaller steps are rounding and jitter, nanoseconds.
const TOLERANCE: i64 = 20_000_000;

/// Steps that differ by less are equal, nanoseconds.
const STEADY: u64 = 3_000_000;

/// A first block that is earlier than the next ones by this much is wrong, nanoseconds: a changed sign of a 16-bit
/// number of milliseconds.
const FIRST_PAUSE: u64 = 32_000_000_000;

/// Number of timestamps after a step that are examined before it is used.
pub const AHEAD: usize = 8;

/// Properties of a block; times in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    pub time: i64,
    /// None if unknown before decoding.
    pub length: Option<i64>,
    /// Number of its cluster.
    pub cluster: u64,
}

/// The blocks after the current one: the next few, and those around the end of its cluster.
#[derive(Debug, Default)]
pub struct Ahead {
    pub next: Vec<Mark>,
    /// The last block of this cluster, and the first one of the next cluster.
    pub border: Option<(Mark, Mark)>,
}

#[derive(Debug, Default)]
pub struct Clock {
    /// End of the previous block.
    expected: Option<i64>,
    /// Length of the previous block according to timestamps.
    usual: i64,
    before: i64,
    /// Correction that is subtracted from the times of a cluster.
    shift: (u64, i64),
    /// End of the file according to its header.
    pub end: Option<i64>,
    /// Number of ignored timestamps.
    pub ignored: u64,
}

impl Clock {
    /// Whether a block's time can be used without looking ahead.
    pub fn is_plain(&self, mark: &Mark) -> bool {
        let time = self.shifted(mark);
        let near = |expected: i64| time.abs_diff(expected) <= TOLERANCE.unsigned_abs();
        // If lengths are wrong everywhere, all steps are equal.
        let is_steady = self.usual > 0 && time.abs_diff(self.before.saturating_add(self.usual)) < STEADY;
        self.expected.is_some_and(|expected| near(expected) || is_steady)
    }

    /// Whether a block is the first of its cluster.
    pub fn opens_cluster(&self, mark: &Mark) -> bool {
        self.shift.0 != mark.cluster
    }

    /// The time of the next block.
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

    /// A block's time with the correction of its cluster.
    fn shifted(&self, mark: &Mark) -> i64 {
        let shift = if self.shift.0 == mark.cluster { self.shift.1 } else { 0 };
        mark.time.saturating_sub(shift)
    }

    /// Whether the next blocks follow the previous block and not this one.
    fn is_alone(&self, time: i64, expected: i64, mark: &Mark, ahead: &Ahead) -> bool {
        if ahead.next.is_empty() {
            return time > expected && self.end.is_some_and(|end| mark.time > end.saturating_add(1_000_000_000));
        }
        let levels = self.levels(mark, ahead);
        match levels.as_slice() {
            // If lengths are unknown, timestamps only have to increase.
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

    /// The start of this block derived from each of the next ones; their own times if lengths are unknown.
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

    /// Whether the next cluster reverses the step of this one.
    fn steps_back(&self, step: i64, ahead: &Ahead) -> bool {
        let Some((last, first)) = &ahead.border else { return false };
        let back = first.time.saturating_sub(last.time).saturating_sub(last.length.unwrap_or(self.usual));
        back.saturating_add(step).unsigned_abs() < step.unsigned_abs() / 4
    }

    /// The time of the first block: derived from the next ones, if they agree.
    fn first(&mut self, time: i64, mark: &Mark, ahead: &Ahead) -> i64 {
        let levels = self.levels(mark, ahead);
        let Some(&(level, known)) = levels.first() else { return time };
        let near = |a: i64, b: i64| a.abs_diff(b) <= TOLERANCE.unsigned_abs();
        let agree = levels.iter().filter(|(other, _)| near(*other, level)).count();
        let is_alone = known && !near(time, level) && 2 * agree > levels.len();
        // Otherwise a pause may follow the first block.
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

    /// The resulting times of blocks of 20 ms, ten per cluster, with these timestamps in milliseconds.
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
    fn a_timestamp_that_the_next_ones_contradict_is_ignored() {
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
    fn a_cluster_timestamp_that_the_next_one_reverses_is_ignored() {
        for length in [Some(20 * MS), None] {
            for step in [512, 1 << 20, -128] {
                let mut times = steady();
                times[20..30].iter_mut().for_each(|time| *time += step);
                assert_eq!(placed(&times, length), steady(), "{step} ms, {length:?}");
            }
        }
    }

    #[test]
    fn pauses_are_kept() {
        for length in [Some(20 * MS), None] {
            for at in [1, 20, 27, 30, 48, 49] {
                let mut times = steady();
                times[at..].iter_mut().for_each(|time| *time += 5000);
                assert_eq!(placed(&times, length), times, "at {at}");
            }
            // Packets are lost regularly.
            let lossy: Vec<i64> = (0..50).map(|number| number * 20 + number / 3 * 40).collect();
            assert_eq!(placed(&lossy, length), lossy);
        }
    }

    #[test]
    fn a_wrong_default_duration_is_ignored() {
        assert_eq!(placed(&steady(), Some(60 * MS)), steady());
        assert_eq!(placed(&steady(), Some(5 * MS)), steady());
    }
}
