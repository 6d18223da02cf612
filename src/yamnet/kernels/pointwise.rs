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
    /// From a row of a group to the next: 1, or the width of the picture.
    pub(super) apart: usize,
    /// Whether inputs of zero are left out.
    pub(super) sparse: bool,
    /// [outputs / panel, inputs, panel]: what the kernel reads in order.
    pub(super) panels: Aligned,
    pub(super) bias: Aligned,
}

impl Pointwise {
    /// `weights` [inputs, outputs] row-major. Outputs are padded with zeros to whole [`COLUMNS`].
    pub fn new(cpu: Cpu, inputs: usize, outputs: usize, weights: &[f32], bias: &[f32], relu: bool) -> Self {
        assert_eq!((weights.len(), bias.len()), (inputs * outputs, outputs));
        assert!(inputs < usize::from(u16::MAX) / 2, "inputs are listed in sixteen bits");
        let padded = outputs.next_multiple_of(COLUMNS);
        let mut padded_bias = Aligned::zeros(padded);
        padded_bias[..outputs].copy_from_slice(bias);
        Pointwise {
            cpu,
            inputs,
            outputs: padded,
            relu,
            apart: 1,
            // Zero times infinity is no zero.
            sparse: inputs >= WORTH_A_LIST && weights.iter().all(|weight| weight.is_finite()),
            panels: pack(weights, inputs, outputs, padded, cpu.panel()),
            bias: padded_bias,
        }
    }

    /// Groups rows that are `apart` from each other, not neighbours: the more alike the rows of a group,
    /// the more zeros they share. Their number must then be a multiple of `apart` times [`ROWS`].
    pub fn grouping(self, apart: usize) -> Self {
        Pointwise { apart, ..self }
    }

    /// Length of an input row.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Length of an output row.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// `input` [rows, inputs] to `output` [rows, outputs]; rows a multiple of [`ROWS`].
    pub fn run(&self, input: &[f32], output: &mut [f32], live: &mut Live) {
        assert_eq!(input.len() % (ROWS * self.apart * self.inputs), 0, "rows come in sixes");
        assert_eq!(output.len(), input.len() / self.inputs * self.outputs);
        dispatch!(self.cpu, pointwise(self, input, output, live));
    }

    /// The first row of a group.
    pub(super) fn first_row(&self, group: usize) -> usize {
        group / self.apart * (ROWS * self.apart) + group % self.apart
    }
}

fn pack(weights: &[f32], inputs: usize, outputs: usize, padded: usize, panel: usize) -> Aligned {
    let mut panels = Aligned::zeros(inputs * padded);
    for (first, packed) in (0..outputs).step_by(panel).zip(panels.chunks_exact_mut(inputs * panel)) {
        for (row, packed) in weights.chunks_exact(outputs).zip(packed.chunks_exact_mut(panel)) {
            let columns = &row[first..(first + panel).min(outputs)];
            packed[..columns.len()].copy_from_slice(columns);
        }
    }
    panels
}

/// The inputs that are alive, group after group (on the portable path, row after row): room that a worker
/// keeps from layer to layer.
#[derive(Default)]
pub struct Live {
    /// Ascending in each group. Behind the last group stand those of the first again, as inputs of the
    /// panel that follows, so that [`AHEAD`] after any of them stands the one that is needed then.
    inputs: Vec<u16>,
    /// Where each group's list ends.
    ends: Vec<usize>,
}

impl Live {
    /// Begins the lists of so many groups of rows that are `inputs` long.
    pub(super) fn begin(&mut self, groups: usize, inputs: usize) {
        let most = groups * inputs + AHEAD;
        if self.inputs.len() < most {
            self.inputs.resize(most, 0);
        }
        self.ends.clear();
    }

    /// Room for the next group's list and whatever comes behind it.
    #[inline(always)]
    pub(super) fn room(&mut self) -> &mut [u16] {
        let start = self.total();
        &mut self.inputs[start..]
    }

    /// The next group's list is the first `count` of its room.
    #[inline(always)]
    pub(super) fn close(&mut self, count: usize) {
        self.ends.push(self.total() + count);
    }

    /// After the last group, where [`Live::ahead_of`] is wanted.
    pub(super) fn finish(&mut self, inputs: usize) {
        let total = self.total();
        for ahead in 0..AHEAD {
            self.inputs[total + ahead] = self.inputs[ahead].wrapping_add(inputs as u16);
        }
    }

    /// A group's list.
    #[inline(always)]
    pub(super) fn of(&self, group: usize) -> &[u16] {
        &self.inputs[self.start(group)..self.ends[group]]
    }

    /// What stands [`AHEAD`] after each of a group's list.
    #[inline(always)]
    pub(super) fn ahead_of(&self, group: usize) -> &[u16] {
        &self.inputs[self.start(group) + AHEAD..self.ends[group] + AHEAD]
    }

    #[inline(always)]
    fn start(&self, group: usize) -> usize {
        if group == 0 { 0 } else { self.ends[group - 1] }
    }

    fn total(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }
}
