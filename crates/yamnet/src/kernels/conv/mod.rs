//! The 3x3 convolutions and the pooling at the end.
//!
//! ```text
//! first:      out[y, x, c] = relu(bias[c] + sum over ky, kx of in[2 y + ky, 2 x + kx]           * w[3 ky + kx, c])
//! depthwise:  out[y, x, c] = relu(bias[c] + sum over ky, kx of in[s y + ky - p, s x + kx - p, c] * w[3 ky + kx, c])
//! pool:       out[c] = mean over y, x of in[y, x, c]
//! ```
//!
//! `s` is the stride, `p` the padding before the first row and column. SAME padding on even sizes: at stride 1 `p` is 1
//! and there is one row and column behind the last; at stride 2 `p` is 0 and only those behind the last are there. What
//! lies outside counts as zero. The bias is the first summand, then the nine taps in order.
//!
//! Invariant: the structs here check every length before a kernel runs.

pub(super) mod portable;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) mod simd;
#[cfg(test)]
mod tests;

use super::{Cpu, KernelTable};
use crate::aligned::AlignedBuffer;
use crate::params::{MEL_BANDS, PATCH_FRAMES};

/// Channels are a multiple of this: the lanes of the widest vector.
const CHANNEL_MULTIPLE: usize = 16;

/// The first layer: a 3x3 convolution at stride 2 from a log-mel patch to many channels, with ReLU.
pub struct FirstConvolution {
    kernels: &'static KernelTable,
    channels: usize,
    /// `[9, channels]`
    weights: AlignedBuffer,
    bias: AlignedBuffer,
}

/// A log-mel patch with a row of zeros below and a column of zeros at the right, so that no tap is outside.
type PaddedPatch = [f32; (PATCH_FRAMES + 1) * PADDED_WIDTH];
const PADDED_WIDTH: usize = MEL_BANDS + 1;

/// Arguments of a kernel of the first convolution: computes the rows of the output from `first_row` on.
pub(super) struct FirstConvolutionArgs<'a> {
    channels: usize,
    /// `[9, channels]`
    weights: &'a [f32],
    /// `[channels]`
    bias: &'a [f32],
    input: &'a PaddedPatch,
    first_row: usize,
    /// `[rows, 32, channels]`
    output: &'a mut [f32],
}

impl FirstConvolution {
    /// `weights` `[9, channels]`, row `3 ky + kx`; `bias` `[channels]`.
    ///
    /// Panics if the channels are not a multiple of 16, or if this machine does not have the path.
    pub fn new(cpu: Cpu, channels: usize, weights: &[f32], bias: &[f32]) -> Self {
        assert_eq!((weights.len(), bias.len()), (9 * channels, channels));
        assert!(channels.is_multiple_of(CHANNEL_MULTIPLE), "whole vectors of channels");
        FirstConvolution { kernels: cpu.kernels(), channels, weights: weights.into(), bias: bias.into() }
    }

    /// Channels of the output.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// A patch `[96, 64]` to `output` `[rows, 32, channels]`: the rows from `first_row` on, of 48.
    ///
    /// Panics if the lengths do not fit.
    pub fn run(&self, patch: &[f32], first_row: usize, output: &mut [f32]) {
        let row_length = MEL_BANDS / 2 * self.channels;
        assert_eq!((patch.len(), output.len() % row_length), (PATCH_FRAMES * MEL_BANDS, 0));
        assert!(first_row + output.len() / row_length <= PATCH_FRAMES / 2);
        let mut padded: PaddedPatch = [0.0; (PATCH_FRAMES + 1) * PADDED_WIDTH];
        for (row, frame) in padded.chunks_exact_mut(PADDED_WIDTH).zip(patch.chunks_exact(MEL_BANDS)) {
            row[..MEL_BANDS].copy_from_slice(frame);
        }
        let FirstConvolution { channels, ref weights, ref bias, .. } = *self;
        let args = FirstConvolutionArgs { channels, weights, bias, input: &padded, first_row, output };
        (self.kernels.first_convolution)(args);
    }
}

/// A depthwise 3x3 convolution (each channel by itself) with ReLU.
pub struct DepthwiseConvolution {
    kernels: &'static KernelTable,
    /// Size of the input.
    height: usize,
    width: usize,
    channels: usize,
    /// 1 or 2.
    stride: usize,
    /// `[9, channels]`
    weights: AlignedBuffer,
    bias: AlignedBuffer,
    /// Stands in for the rows outside the input.
    zero_row: AlignedBuffer,
}

/// Arguments of a depthwise kernel: computes one row of the output.
pub(super) struct DepthwiseArgs<'a> {
    /// Of the input.
    width: usize,
    channels: usize,
    /// 1 or 2.
    stride: usize,
    /// `[9, channels]`
    weights: &'a [f32],
    /// `[channels]`
    bias: &'a [f32],
    /// The rows of the input under the three rows of taps, `[width, channels]` each.
    rows: [&'a [f32]; 3],
    /// `[width / stride, channels]`
    output: &'a mut [f32],
}

impl DepthwiseConvolution {
    /// `shape` is the input's, `[height, width, channels]`; `weights` `[9, channels]`, row `3 ky + kx`; `bias`
    /// `[channels]`.
    ///
    /// Panics if the channels are not a multiple of 16, if the stride is not 1, or 2 with an even height and width, or
    /// if this machine does not have the path.
    pub fn new(cpu: Cpu, shape: [usize; 3], stride: usize, weights: &[f32], bias: &[f32]) -> Self {
        let [height, width, channels] = shape;
        assert_eq!((weights.len(), bias.len()), (9 * channels, channels));
        assert!(channels.is_multiple_of(CHANNEL_MULTIPLE), "whole vectors of channels");
        assert!(stride == 1 || stride == 2 && height.is_multiple_of(2) && width.is_multiple_of(2));
        DepthwiseConvolution {
            kernels: cpu.kernels(),
            height,
            width,
            channels,
            stride,
            weights: weights.into(),
            bias: bias.into(),
            zero_row: AlignedBuffer::zeros(width * channels),
        }
    }

    /// `[height, width, channels]` of the input.
    pub fn input_shape(&self) -> [usize; 3] {
        [self.height, self.width, self.channels]
    }

    /// `[height, width, channels]` of the output.
    pub fn output_shape(&self) -> [usize; 3] {
        [self.height / self.stride, self.width / self.stride, self.channels]
    }

    /// Values in a row of the input.
    pub fn input_row_length(&self) -> usize {
        self.width * self.channels
    }

    /// Values in a row of the output.
    pub fn output_row_length(&self) -> usize {
        self.width / self.stride * self.channels
    }

    /// All rows.
    ///
    /// Panics if the lengths are not those of the shapes.
    pub fn run(&self, input: &[f32], output: &mut [f32]) {
        assert_eq!(input.len(), self.height * self.width * self.channels);
        assert_eq!(output.len(), self.output_shape().iter().product::<usize>());
        let row = |y: usize| &input[y * self.input_row_length()..][..self.input_row_length()];
        for (y, output) in output.chunks_exact_mut(self.output_row_length()).enumerate() {
            self.run_row(self.receptive_rows(y).map(|y| y.map(row)), output);
        }
    }

    /// One row of the output from its [`Self::receptive_rows`]; `None` stands for zeros.
    ///
    /// Panics if the lengths are not those of rows.
    pub fn run_row(&self, rows: [Option<&[f32]>; 3], output: &mut [f32]) {
        let rows = rows.map(|row| row.unwrap_or(&self.zero_row));
        assert!(rows.iter().all(|row| row.len() == self.input_row_length()));
        assert!(output.len() == self.output_row_length());
        let DepthwiseConvolution { width, channels, stride, ref weights, ref bias, .. } = *self;
        (self.kernels.depthwise)(DepthwiseArgs { width, channels, stride, weights, bias, rows, output });
    }

    /// The rows of the input that a row of the output depends on; `None` where they are outside.
    pub fn receptive_rows(&self, output_row: usize) -> [Option<usize>; 3] {
        [0, 1, 2].map(|tap| {
            let row = (output_row * self.stride + tap).checked_sub(padding(self.stride));
            row.filter(|&row| row < self.height)
        })
    }
}

/// Rows and columns of zeros before the first.
fn padding(stride: usize) -> usize {
    if stride == 1 { 1 } else { 0 }
}

/// The mean over height and width: `[positions, channels]` to `[channels]`.
pub fn global_average_pool(input: &[f32], output: &mut [f32]) {
    output.fill(0.0);
    for position in input.chunks_exact(output.len()) {
        output.iter_mut().zip(position).for_each(|(sum, value)| *sum += value);
    }
    let positions = (input.len() / output.len()) as f32;
    output.iter_mut().for_each(|sum| *sum /= positions);
}
