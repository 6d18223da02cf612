//! Where v is lowest in a stretch of patches, without a look at each of them.
//!
//! A day can be one long event, and be cut thousands of times, each time a little off its end.

use std::cmp::Ordering;
use std::ops::Range;

use super::Score;

/// Patches whose lowest v is known beforehand: about the root of a day's.
const BLOCK: usize = 512;

pub struct Valleys<'a> {
    scores: &'a [Score],
    /// Of each block, the place of its lowest v, the first and the last if there are several.
    lows: Vec<(usize, usize)>,
}

impl<'a> Valleys<'a> {
    pub fn new(scores: &'a [Score]) -> Self {
        let mut valleys = Valleys { scores, lows: Vec::new() };
        let blocks = (0..scores.len()).step_by(BLOCK).map(|at| at..scores.len().min(at + BLOCK));
        let lows = blocks.map(|block| (valleys.low(block.clone()), valleys.low(block.rev())));
        valleys.lows = lows.map(|(first, last)| (first.unwrap_or(0), last.unwrap_or(0))).collect();
        valleys
    }

    /// By v, all numbers in one order.
    pub fn order(&self, a: usize, b: usize) -> Ordering {
        self.scores[a].v.total_cmp(&self.scores[b].v)
    }

    /// The first patch of those with the lowest v. None of an empty stretch.
    pub fn first(&self, range: Range<usize>) -> Option<usize> {
        let lows = pieces(&range).map(|piece| match piece.len() {
            BLOCK => Some(self.lows[piece.start / BLOCK].0),
            _ => self.low(piece),
        });
        self.low(lows.flatten())
    }

    /// The last patch of those with the lowest v. None of an empty stretch.
    pub fn last(&self, range: Range<usize>) -> Option<usize> {
        let lows = pieces(&range).rev().map(|piece| match piece.len() {
            BLOCK => Some(self.lows[piece.start / BLOCK].1),
            _ => self.low(piece.rev()),
        });
        self.low(lows.flatten())
    }

    /// The lowest of some patches, the one named first if several are as low.
    fn low(&self, patches: impl Iterator<Item = usize>) -> Option<usize> {
        patches.min_by(|&a, &b| self.order(a, b))
    }
}

/// A stretch, cut where blocks begin.
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
        fn a_look_at_each_patch_finds_the_same(
            values in prop::collection::vec(-3i8..3, 1..2000),
            (from, to) in (0..2000usize, 0..2000usize),
        ) {
            let score = |&v: &i8| Score { v: f32::from(v), laughter: [0.0; 6] };
            let scores: Vec<Score> = values.iter().map(score).collect();
            let (valleys, range) = (Valleys::new(&scores), from.min(scores.len())..to.min(scores.len()));
            prop_assert_eq!(valleys.first(range.clone()), range.clone().min_by_key(|&at| values[at]));
            prop_assert_eq!(valleys.last(range.clone()), range.rev().min_by_key(|&at| values[at]));
        }
    }
}
