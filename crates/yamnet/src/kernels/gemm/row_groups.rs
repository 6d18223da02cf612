//! Which rows of `A` a micro-kernel takes together.
//!
//! Invariant: no weights and no arithmetic here; the sums are the same for any grouping.

use super::MR;

/// Which rows are computed together. The more alike they are, the more zeros they have in common.
///
/// With stride `s` and offset `o`, group `g` of column `c < s` has the rows `s * (MR g + o + i) + c`, `i < MR`, modulo
/// the number of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowGroups {
    /// Distance of two consecutive rows of a group.
    stride: usize,
    /// First row of the first group, in strides. The last group continues at the beginning.
    offset: usize,
}

impl RowGroups {
    /// Groups of consecutive rows.
    pub const CONSECUTIVE: RowGroups = RowGroups { stride: 1, offset: 0 };

    /// Groups of rows that are `stride` apart. The number of rows must be a multiple of `stride` times [`MR`].
    pub fn strided(stride: usize) -> RowGroups {
        RowGroups { stride, offset: 0 }
    }

    /// The same groups, beginning `offset` strides later: at most [`MR`].
    pub fn with_offset(self, offset: usize) -> RowGroups {
        RowGroups { offset, ..self }
    }

    /// Panics unless every one of `m` rows is in exactly one group.
    pub(super) fn check(self, m: usize) {
        assert_eq!(m % (self.stride * MR), 0, "rows are a multiple of MR times the stride");
        assert!(self.offset <= MR, "an offset of at most MR");
    }

    /// The groups of `SIZE` of `m` rows.
    #[inline(always)]
    pub(super) fn groups<const SIZE: usize>(self, m: usize) -> impl Iterator<Item = [usize; SIZE]> {
        const { assert!(MR.is_multiple_of(SIZE)) };
        let length = m / self.stride;
        let wrap = move |index: usize| if index < length { index } else { index - length };
        (0..length).step_by(SIZE).flat_map(move |first| {
            let rows: [usize; SIZE] = std::array::from_fn(|i| wrap(first + i + self.offset) * self.stride);
            (0..self.stride).map(move |column| rows.map(|row| row + column))
        })
    }
}
