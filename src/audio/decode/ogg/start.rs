//! Determines the start of a multiplexed stream from its first granule positions.
//!
//! Invariant: inconsistent granule positions give no start.

/// Number of granule positions that are used.
const MARKS: usize = 6;
/// Maximum start time relative to other streams, seconds.
const LATEST: i64 = 24 * 3600;

/// The first levels (see [`super::clock`]) of a stream.
#[derive(Debug, Default)]
pub struct Start {
    /// Samples so far.
    time: i64,
    levels: Vec<i64>,
    /// Pages before the first one are missing, so that its level is a gap.
    is_torn: bool,
}

impl Start {
    /// Takes the length of a page's packets and its granule position.
    pub fn push(&mut self, length: i64, granule: Option<i64>, is_after_loss: bool) {
        self.time = self.time.saturating_add(length);
        self.is_torn |= is_after_loss && self.levels.is_empty();
        if let Some(granule) = granule.filter(|_| !self.is_known()) {
            self.levels.push(granule.saturating_sub(self.time));
        }
    }

    pub fn is_known(&self) -> bool {
        self.levels.len() >= MARKS
    }

    /// The start, nanoseconds, with `rate` samples per second; None if the levels are inconsistent. In a stream of one
    /// page, a negative level is end trimming.
    pub fn nanoseconds(&self, rate: u32) -> Option<i64> {
        let first = *self.levels.first()?;
        let is_still = |pair: &&[i64]| pair[1].abs_diff(pair[0]) <= u64::from(rate / 400).max(2);
        let still = self.levels.windows(2).filter(is_still).count();
        let is_right = 2 * still >= self.levels.len() - 1 && !self.is_torn;
        let first = if self.levels.len() == 1 { first.max(0) } else { first };
        let is_possible = first.unsigned_abs() / u64::from(rate.max(1)) <= LATEST.unsigned_abs();
        let nanoseconds = i128::from(first) * 1_000_000_000 / i128::from(rate.max(1));
        i64::try_from(nanoseconds).ok().filter(|_| is_right && is_possible)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(levels: &[i64]) -> Option<i64> {
        let mut start = Start::default();
        (1..).zip(levels).for_each(|(page, level)| start.push(48_000, Some(page * 48_000 + level), false));
        start.nanoseconds(48_000)
    }

    #[test]
    fn consistent_levels_give_the_start() {
        assert_eq!(start(&[96_000; 9]), Some(2_000_000_000));
        assert_eq!(start(&[96_000, 96_000, 96_000, 500_000, 500_000, 500_000]), Some(2_000_000_000));
        assert_eq!(start(&[-24_000; 6]), Some(-500_000_000));
        assert_eq!(start(&[24_000]), Some(500_000_000));
        assert_eq!(start(&[-300]), Some(0));
    }

    #[test]
    fn inconsistent_levels_give_no_start() {
        assert_eq!(start(&[]), None);
        assert_eq!(start(&[-32_000, -64_000, -96_000, -128_000]), None);
        assert_eq!(start(&[i64::MAX / 2; 6]), None);
        let mut torn = Start::default();
        torn.push(48_000, Some(96_000), true);
        assert_eq!(torn.nanoseconds(48_000), None);
    }
}
