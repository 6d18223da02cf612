//! Range minimum queries on v: finds the lowest v in a range of patches without scanning all of them.
//!
//! ```text
//! new:    split the values into blocks of BLOCK patches; store the first and last minimum of each block
//! query:  compare the stored minima of whole blocks, and scan the partial blocks at both ends
//! ```
//!
//! A query takes O(n / BLOCK + BLOCK) steps. A day can be one long run that is split thousands of times, each time
//! close to its end, so that scanning every patch would take quadratic time.

use std::cmp::Ordering;
use std::ops::Range;

/// Patches per block: about the square root of the number of patches of a day.
const BLOCK: usize = 512;

pub struct RangeMin<'a> {
    v: &'a [f32],
    /// Per block, the first and the last index of its lowest v.
    lows: Vec<(usize, usize)>,
}

impl<'a> RangeMin<'a> {
    pub fn new(v: &'a [f32]) -> Self {
        let mut range_min = RangeMin { v, lows: Vec::new() };
        let blocks = (0..v.len()).step_by(BLOCK).map(|at| at..v.len().min(at + BLOCK));
        let lows = blocks.map(|block| (range_min.low(block.clone()), range_min.low(block.rev())));
        range_min.lows = lows.map(|(first, last)| (first.unwrap_or(0), last.unwrap_or(0))).collect();
        range_min
    }

    /// Compares two patches by v, in the total order of floats.
    pub fn order(&self, a: usize, b: usize) -> Ordering {
        self.v[a].total_cmp(&self.v[b])
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
            let v: Vec<f32> = values.iter().map(|&v| f32::from(v)).collect();
            let (range_min, range) = (RangeMin::new(&v), from.min(v.len())..to.min(v.len()));
            prop_assert_eq!(range_min.first(range.clone()), range.clone().min_by_key(|&at| values[at]));
            prop_assert_eq!(range_min.last(range.clone()), range.rev().min_by_key(|&at| values[at]));
        }
    }
}
