//! Range minimum queries on v: finds the lowest v in a range of patches without scanning all of them.
//!
//! ```text
//! new:    split the scores into blocks of BLOCK patches; store the first and last minimum of each block
//! query:  compare the stored minima of whole blocks, and scan the partial blocks at both ends
//! ```
//!
//! A query takes O(n / BLOCK + BLOCK) steps. A day can be one long run that is split thousands of times, each time
//! close to its end, so that scanning every patch would take quadratic time.

use std::cmp::Ordering;
use std::ops::Range;

use super::Score;

/// Patches per block: about the square root of the number of patches of a day.
const BLOCK: usize = 512;

pub struct RangeMin<'a> {
    scores: &'a [Score],
    /// Per block, the first and the last index of its lowest v.
    lows: Vec<(usize, usize)>,
}

impl<'a> RangeMin<'a> {
    pub fn new(scores: &'a [Score]) -> Self {
        let mut range_min = RangeMin { scores, lows: Vec::new() };
        let blocks = (0..scores.len()).step_by(BLOCK).map(|at| at..scores.len().min(at + BLOCK));
        let lows = blocks.map(|block| (range_min.low(block.clone()), range_min.low(block.rev())));
        range_min.lows = lows.map(|(first, last)| (first.unwrap_or(0), last.unwrap_or(0))).collect();
        range_min
    }

    /// Compares two patches by v, in the total order of floats.
    pub fn order(&self, a: usize, b: usize) -> Ordering {
        self.scores[a].v.total_cmp(&self.scores[b].v)
    }

    /// The first patch with the lowest v in a range. None if the range is empty.
    pub fn first(&self, range: Range<usize>) -> Option<usize> {
        let lows = pieces(&range).map(|piece| match piece.len() {
            BLOCK => Some(self.lows[piece.start / BLOCK].0),
            _ => self.low(piece),
        });
        self.low(lows.flatten())
    }

    /// The last patch with the lowest v in a range. None if the range is empty.
    pub fn last(&self, range: Range<usize>) -> Option<usize> {
        let lows = pieces(&range).rev().map(|piece| match piece.len() {
            BLOCK => Some(self.lows[piece.start / BLOCK].1),
            _ => self.low(piece.rev()),
        });
        self.low(lows.flatten())
    }

    /// The patch with the lowest v; the first in iteration order if several are equal.
    fn low(&self, patches: impl Iterator<Item = usize>) -> Option<usize> {
        patches.min_by(|&a, &b| self.order(a, b))
    }
}

/// Splits a range at block boundaries.
fn pieces(range: &Range<usize>) -> impl DoubleEndedIterator<Item = Range<usize>> {
    let Range { start, end } = *range;
    let blocks = if start < end { start / BLOCK..(end - 1) / BLOCK + 1 } else { 0..0 };
    blocks.map(move |block| start.max(block * BLOCK)..end.min((block + 1) * BLOCK))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_result_equals_a_linear_scan(
            values in prop::collection::vec(-3i8..3, 1..2000),
            (from, to) in (0..2000usize, 0..2000usize),
        ) {
            let score = |&v: &i8| Score { v: f32::from(v), laughter: [0.0; 6] };
            let scores: Vec<Score> = values.iter().map(score).collect();
            let (range_min, range) = (RangeMin::new(&scores), from.min(scores.len())..to.min(scores.len()));
            prop_assert_eq!(range_min.first(range.clone()), range.clone().min_by_key(|&at| values[at]));
            prop_assert_eq!(range_min.last(range.clone()), range.rev().min_by_key(|&at| values[at]));
        }
    }
}
