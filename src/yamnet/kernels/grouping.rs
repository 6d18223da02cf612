//! Which rows of a pointwise layer are computed together, and which of their inputs are not zero.
//!
//! Invariant: knows no weights and no arithmetic.

use super::ROWS;
use super::panels::AHEAD;

/// Which rows are computed together. The more alike they are, the more zeros they share; the sums are the
/// same whatever rows stand beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grouping {
    /// From a row of a group to the next.
    pub(super) apart: usize,
    /// How many times `apart` the first group begins after the first row. The last goes on at the beginning.
    pub(super) shift: usize,
}

impl Grouping {
    /// Rows that follow each other.
    pub const NEIGHBOURS: Grouping = Grouping { apart: 1, shift: 0 };

    /// Rows that are `apart` from each other. Their number must be a multiple of `apart` times [`ROWS`].
    pub fn apart(apart: usize) -> Grouping {
        Grouping { apart, shift: 0 }
    }

    /// The same, begun so many rows of the first group later: at most [`ROWS`].
    pub fn shifted(self, shift: usize) -> Grouping {
        Grouping { shift, ..self }
    }

    /// Groups of `TOGETHER` of so many rows; every row is in one, if [`super::Pointwise::run`] takes so many.
    #[inline(always)]
    pub(super) fn groups<const TOGETHER: usize>(self, rows: usize) -> impl Iterator<Item = [usize; TOGETHER]> {
        const { assert!(ROWS.is_multiple_of(TOGETHER)) };
        let length = rows / self.apart;
        let round = move |place: usize| if place < length { place } else { place - length };
        (0..length).step_by(TOGETHER).flat_map(move |first| {
            let places: [usize; TOGETHER] = std::array::from_fn(|place| round(first + place + self.shift) * self.apart);
            (0..self.apart).map(move |column| places.map(|place| place + column))
        })
    }
}

/// The inputs that are alive, group after group (on the portable path, row after row): room that a worker
/// keeps from layer to layer.
#[derive(Default)]
pub struct Live {
    /// Ascending in each list. Behind the last stand those of the first again, as inputs of the
    /// panel that follows, so that [`AHEAD`] after any of them stands the one that is needed then.
    inputs: Vec<u16>,
    /// Where each group's list ends.
    ends: Vec<usize>,
}

impl Live {
    /// Begins so many lists of at most so many inputs.
    pub(super) fn begin(&mut self, lists: usize, inputs: usize) {
        let most = lists * inputs + AHEAD;
        if self.inputs.len() < most {
            self.inputs.resize(most, 0);
        }
        self.ends.clear();
    }

    /// Room for the next list and whatever comes behind it.
    #[inline(always)]
    pub(super) fn room(&mut self) -> &mut [u16] {
        let start = self.total();
        &mut self.inputs[start..]
    }

    /// The next list is the first `count` of its room.
    #[inline(always)]
    pub(super) fn close(&mut self, count: usize) {
        self.ends.push(self.total() + count);
    }

    /// After the last list, where [`Live::ahead_of`] is wanted.
    pub(super) fn finish(&mut self, inputs: usize) {
        let total = self.total();
        for ahead in 0..AHEAD {
            self.inputs[total + ahead] = self.inputs[ahead].wrapping_add(inputs as u16);
        }
    }

    /// A list, by its number.
    #[inline(always)]
    pub(super) fn of(&self, list: usize) -> &[u16] {
        &self.inputs[self.start(list)..self.ends[list]]
    }

    /// What stands [`AHEAD`] after each of a list.
    #[inline(always)]
    pub(super) fn ahead_of(&self, list: usize) -> &[u16] {
        &self.inputs[self.start(list) + AHEAD..self.ends[list] + AHEAD]
    }

    #[inline(always)]
    fn start(&self, list: usize) -> usize {
        if list == 0 { 0 } else { self.ends[list - 1] }
    }

    fn total(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }
}
