//! The matrix product: where nine tenths of the network's work are, and half of its factors are zero.
//!
//! Inputs come from a ReLU. One that is zero in all rows of a group adds nothing to any of their sums, so
//! a kernel first lists the inputs that are alive in a group and then sums over the list. The sums are
//! the same numbers: they keep their order, and what is left out is `0 * weight`. (Adding that could turn
//! a sum of -0 into 0, no more.)
//!
//! Invariant: knows no instructions; the paths do.

#[cfg(target_arch = "x86_64")]
use super::x86;
use super::{COLUMNS, Cpu, ROWS, portable};
use crate::yamnet::aligned::Aligned;

/// A list costs more than it saves where a sum has fewer terms.
const WORTH_A_LIST: usize = 64;
/// Rows of a panel that are asked for before they are needed. A panel is larger than the nearest cache:
/// without this a single patch waits for its weights a fifth of its time.
pub(super) const AHEAD: usize = 32;

/// A matrix product: pointwise convolution, or the dense layer at the end.
pub struct Pointwise {
    pub(super) cpu: Cpu,
    pub(super) inputs: usize,
    /// A multiple of [`COLUMNS`].
    pub(super) outputs: usize,
    pub(super) relu: bool,
    /// Whether inputs of zero are left out.
    pub(super) sparse: bool,
    pub(super) tile: Tile,
    /// [outputs / columns of a tile, inputs, columns of a tile]: what the kernel reads in order.
    pub(super) panels: Aligned,
    pub(super) bias: Aligned,
}

impl Pointwise {
    /// `weights` are `inputs` rows of as many as the bias has, one for each output. Outputs are padded with zeros to
    /// whole [`COLUMNS`].
    pub fn new(
        cpu: Cpu,
        inputs: usize,
        weights: impl Iterator<Item = impl Iterator<Item = f32>>,
        bias: &[f32],
        relu: bool,
    ) -> Self {
        assert!((1..usize::from(u16::MAX) / 2).contains(&inputs), "inputs are listed in sixteen bits");
        let outputs = bias.len().next_multiple_of(COLUMNS);
        let tile = Tile::of(cpu, inputs);
        let mut padded_bias = Aligned::zeros(outputs);
        padded_bias[..bias.len()].copy_from_slice(bias);
        let (mut panels, mut row) = (Aligned::zeros(inputs * outputs), vec![0.0; outputs]);
        let (mut rows, mut finite) = (0, true);
        for weights in weights {
            assert!(rows < inputs, "a row for each input");
            let mut length = 0;
            for (to, weight) in row[..bias.len()].iter_mut().zip(weights) {
                *to = weight;
                length += 1;
            }
            assert_eq!(length, bias.len(), "a weight for each output");
            finite &= row.iter().all(|weight| weight.is_finite());
            for (panel, columns) in row.chunks_exact(tile.columns).enumerate() {
                panels[(panel * inputs + rows) * tile.columns..][..tile.columns].copy_from_slice(columns);
            }
            rows += 1;
        }
        assert_eq!(rows, inputs, "a row for each input");
        // Zero times infinity is no zero.
        let sparse = inputs >= WORTH_A_LIST && finite;
        Pointwise { cpu: cpu.checked(), inputs, outputs, relu, sparse, tile, panels, bias: padded_bias }
    }

    /// Length of an input row.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Length of an output row.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// `input` [rows, inputs] to `output` [rows, outputs]; rows as many as the grouping wants.
    pub fn run(&self, input: &[f32], output: &mut [f32], grouping: Grouping, live: &mut Live) {
        let rows = input.len() / self.inputs;
        assert_eq!((input.len(), output.len()), (rows * self.inputs, rows * self.outputs));
        assert_eq!(rows % (grouping.apart * ROWS), 0, "rows come in sixes");
        assert!(grouping.shift <= ROWS);
        dispatch!(self.cpu, pointwise(self, input, output, grouping, live));
    }
}

/// What a kernel computes at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tile {
    /// A divisor of [`ROWS`].
    pub(super) rows: usize,
    /// A panel's.
    pub(super) columns: usize,
}

impl Tile {
    /// The fewer rows, the more inputs are zero in all of them, as long as the weights come fast enough.
    fn of(cpu: Cpu, inputs: usize) -> Tile {
        match cpu {
            // The whole panel stays in the nearest cache.
            Cpu::Avx512 if inputs <= 128 => Tile { rows: 3, columns: 64 },
            Cpu::Avx512 => Tile { rows: 6, columns: 64 },
            Cpu::Avx2 => Tile { rows: 3, columns: 32 },
            Cpu::Portable => Tile { rows: 1, columns: portable::PANEL },
        }
    }
}

/// Which rows are computed together. The more alike they are, the more zeros they share; the sums are the
/// same whatever rows stand beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grouping {
    /// From a row of a group to the next.
    pub(super) apart: usize,
    /// How many times `apart` the first group begins after the first row. The last goes on at the beginning.
    shift: usize,
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

    /// Groups of `TOGETHER` of so many rows; every row is in one, if [`Pointwise::run`] takes so many.
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
