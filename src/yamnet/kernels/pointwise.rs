//! The matrix product: where nine tenths of the network's work are.
//!
//! Either in floats, leaving out what is zero (`panels`), or in whole numbers (`digits`).
//!
//! Invariant: knows no instructions; the paths do.

use super::grouping::{Grouping, Live};
use super::panels::Panels;
use super::{COLUMNS, Cpu, ROWS, portable};
#[cfg(target_arch = "x86_64")]
use super::{amx, digits, x86};
use crate::yamnet::aligned::Aligned;

/// A matrix product: pointwise convolution, or the dense layer at the end.
pub struct Pointwise {
    cpu: Cpu,
    pub(super) inputs: usize,
    /// A multiple of [`COLUMNS`].
    pub(super) outputs: usize,
    pub(super) relu: bool,
    pub(super) bias: Aligned,
    pub(super) weights: Packed,
}

/// The weights as a kernel reads them.
pub(super) enum Packed {
    Panels(Panels),
    #[cfg(target_arch = "x86_64")]
    Digits(digits::Weights),
}

/// What a worker keeps from layer to layer.
#[derive(Default)]
pub struct Workspace {
    pub(super) live: Live,
    #[cfg(target_arch = "x86_64")]
    digits: digits::Inputs,
}

impl Pointwise {
    /// `weights` are `inputs` rows of as many as the bias has, one for each output. Outputs are padded with zeros to
    /// whole [`COLUMNS`].
    pub fn new(
        cpu: Cpu,
        inputs: usize,
        weights: impl Iterator<Item = impl Iterator<Item = f32>> + Clone,
        bias: &[f32],
        relu: bool,
    ) -> Self {
        let cpu = cpu.checked();
        let mut padded_bias = Aligned::zeros(bias.len().next_multiple_of(COLUMNS));
        padded_bias[..bias.len()].copy_from_slice(bias);
        let rows = Rows::new(inputs, bias.len(), weights);
        let (outputs, bias, weights) = (padded_bias.len(), padded_bias, Packed::new(cpu, rows));
        Pointwise { cpu, inputs, outputs, relu, bias, weights }
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
    pub fn run(&self, input: &[f32], output: &mut [f32], grouping: Grouping, workspace: &mut Workspace) {
        let rows = input.len() / self.inputs;
        assert_eq!((input.len(), output.len()), (rows * self.inputs, rows * self.outputs));
        assert_eq!(rows % (grouping.apart * ROWS), 0, "rows come in sixes");
        assert!(grouping.shift <= ROWS);
        match &self.weights {
            Packed::Panels(panels) => {
                dispatch!(self.cpu, pointwise(self, panels, input, output, grouping, &mut workspace.live));
            }
            #[cfg(target_arch = "x86_64")]
            Packed::Digits(weights) => amx::pointwise(self, weights, input, output, &mut workspace.digits),
        }
    }
}

impl Packed {
    fn new(cpu: Cpu, rows: Rows<impl Iterator<Item = impl Iterator<Item = f32>> + Clone>) -> Packed {
        #[cfg(target_arch = "x86_64")]
        if cpu == Cpu::Amx
            && let Some(digits) = amx::pack(rows.clone())
        {
            return Packed::Digits(digits);
        }
        Packed::Panels(Panels::pack(cpu, rows))
    }
}

/// The rows of a layer's weights, one for each input.
#[derive(Clone)]
pub(super) struct Rows<W> {
    pub(super) count: usize,
    /// Weights in a row.
    pub(super) width: usize,
    weights: W,
}

impl<R: Iterator<Item = f32>, W: Iterator<Item = R>> Rows<W> {
    pub(super) fn new(count: usize, width: usize, weights: W) -> Self {
        Rows { count, width, weights }
    }

    /// Hands on each row with its number, padded with zeros to whole [`COLUMNS`].
    #[inline(always)]
    pub(super) fn each(self, mut take: impl FnMut(usize, &[f32])) {
        let mut row = vec![0.0; self.width.next_multiple_of(COLUMNS)];
        let mut rows = 0;
        for weights in self.weights {
            let mut length = 0;
            for (to, weight) in row[..self.width].iter_mut().zip(weights) {
                *to = weight;
                length += 1;
            }
            assert_eq!(length, self.width, "a weight for each output");
            assert!(rows < self.count, "a row for each input");
            take(rows, &row);
            rows += 1;
        }
        assert_eq!(rows, self.count, "a row for each input");
    }
}
