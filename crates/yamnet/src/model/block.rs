//! A block of MobileNet v1: a depthwise 3x3 convolution, then a pointwise convolution, each with batch normalization
//! (folded into the weights) and ReLU.
//!
//! ```text
//! scratch [positions, channels] = depthwise(feature map)
//! output  [positions, outputs]  = gemm(scratch)
//! ```
//!
//! Invariant: knows neither patches nor how they overlap; the caller says which rows to compute.

use super::weights::{ModelError, Weights};
use crate::aligned::AlignedBuffer;
use crate::kernels::{DepthwiseConvolution, Gemm, GemmScratch, KernelChoice, MR, RowGroups};

/// Positions that go through both convolutions together, about: few enough that what lies between stays in the core's
/// cache, and enough to share each load of the weights.
const POSITIONS_TOGETHER: usize = 216;

pub(super) struct Block {
    depthwise: DepthwiseConvolution,
    pointwise: Gemm,
    /// Groups of the positions of six feature maps, where feature maps go together.
    row_groups: RowGroups,
}

/// Buffers of a block.
#[derive(Default)]
pub(super) struct BlockScratch {
    pub(super) depthwise_output: AlignedBuffer,
    pub(super) gemm: GemmScratch,
}

impl Block {
    /// Reads `layer`. `shape` is its input's, `[height, width, channels]`.
    pub(super) fn read(
        weights: &Weights<'_>,
        kernels: KernelChoice,
        layer: usize,
        shape: [usize; 3],
        stride: usize,
        outputs: usize,
    ) -> Result<Block, ModelError> {
        let inputs = shape[2];
        let depthwise = weights.folded_convolution(&format!("layer{layer}.depthwise"), 9, inputs)?;
        let pointwise = weights.folded_convolution(&format!("layer{layer}.pointwise"), inputs, outputs)?;
        let depthwise = DepthwiseConvolution::new(kernels.cpu, shape, stride, &depthwise.to_vec(), depthwise.bias());
        let pointwise = Gemm::new(kernels, inputs, pointwise.rows(), pointwise.bias(), true);
        Ok(Block { depthwise, pointwise, row_groups: RowGroups::CONSECUTIVE })
    }

    /// Groups the positions of one band at consecutive times. Six of them are the later half of a feature map and the
    /// earlier half of the next: in half-overlapping patches the same times, seen twice.
    pub(super) fn grouped_by_band(self) -> Block {
        let [height, width, _] = self.depthwise.output_shape();
        Block { row_groups: RowGroups::strided(width).with_offset(height / 2), ..self }
    }

    /// Groups one position of consecutive feature maps.
    pub(super) fn grouped_by_position(self) -> Block {
        let [height, width, _] = self.depthwise.output_shape();
        Block { row_groups: RowGroups::strided(height * width), ..self }
    }

    /// Groups within one feature map. If it has six rows, a group is a column: one band at six times has more zeros in
    /// common than neighbouring bands.
    fn row_groups_of_one(&self) -> RowGroups {
        let [height, width, _] = self.depthwise.output_shape();
        if height == MR { RowGroups::strided(width) } else { RowGroups::CONSECUTIVE }
    }

    fn input_length(&self) -> usize {
        self.depthwise.input_shape().iter().product()
    }

    /// `[height, width, channels]` of the output.
    pub(super) fn output_shape(&self) -> [usize; 3] {
        let [height, width, _] = self.depthwise.output_shape();
        [height, width, self.pointwise.n()]
    }

    pub(super) fn output_length(&self) -> usize {
        self.output_shape().iter().product()
    }

    /// Values in a row of the output.
    pub(super) fn output_row_length(&self) -> usize {
        let [_, width, channels] = self.output_shape();
        width * channels
    }

    /// Length of the buffer for `rows` rows of the output: the GEMM writes a multiple of [`MR`] positions.
    pub(super) fn buffer_length(&self, rows: usize) -> usize {
        (rows * self.depthwise.output_shape()[1]).next_multiple_of(MR) * self.pointwise.n()
    }

    /// Patches that go through both convolutions together.
    fn patches_together(&self) -> usize {
        let [height, width, _] = self.depthwise.output_shape();
        (POSITIONS_TOGETHER / (height * width) / MR).max(1) * MR
    }

    /// Values between the convolutions of so many patches.
    pub(super) fn scratch_length(&self, patches: usize) -> usize {
        patches.min(self.patches_together()) * self.depthwise.output_shape().iter().product::<usize>()
    }

    /// Replaces feature maps `[patches, input]` by their outputs, `[patches, output]`, in place.
    pub(super) fn run(&self, patches: usize, feature_maps: &mut [f32], scratch: &mut BlockScratch) {
        assert!(self.output_length() <= self.input_length(), "feature maps are replaced one after the other");
        let most = self.patches_together();
        let length: usize = self.depthwise.output_shape().iter().product();
        let BlockScratch { depthwise_output, gemm } = scratch;
        depthwise_output.grow(self.scratch_length(patches));
        let mut first = 0;
        while first < patches {
            // Those left over from whole sixes are grouped one by one.
            let (count, row_groups) = match patches - first {
                left @ MR.. => (most.min(left / MR * MR), self.row_groups),
                left => (left, self.row_groups_of_one()),
            };
            let inputs = feature_maps[first * self.input_length()..].chunks_exact(self.input_length());
            for (input, output) in inputs.zip(depthwise_output.chunks_exact_mut(length)).take(count) {
                self.depthwise.run(input, output);
            }
            // An output is not longer than an input: it overwrites only inputs that were read.
            let output = &mut feature_maps[first * self.output_length()..][..count * self.output_length()];
            self.pointwise.run(&depthwise_output[..count * length], output, row_groups, gemm);
            first += count;
        }
    }

    /// Some rows of one output, one after the other, from the input's rows as `input` gives them. `output` is as long
    /// as [`Self::buffer_length`] says.
    pub(super) fn run_rows<'a>(
        &self,
        rows: impl Iterator<Item = usize>,
        input: impl Fn(usize) -> &'a [f32],
        scratch: &mut BlockScratch,
        output: &mut [f32],
    ) {
        let row_length = self.depthwise.output_row_length();
        let length = output.len() / self.pointwise.n() * self.pointwise.k();
        let BlockScratch { depthwise_output, gemm } = scratch;
        depthwise_output.grow(length);
        for (row, output) in rows.zip(depthwise_output.chunks_exact_mut(row_length)) {
            let receptive_rows = self.depthwise.receptive_rows(row).map(|row| row.map(&input));
            self.depthwise.run_row(receptive_rows, output);
        }
        let is_whole = length == self.depthwise.output_shape().iter().product::<usize>();
        let row_groups = if is_whole { self.row_groups_of_one() } else { RowGroups::CONSECUTIVE };
        self.pointwise.run(&depthwise_output[..length], output, row_groups, gemm);
    }
}
