//! The convolutions in safe code. See the formulas in `conv`.
//!
//! Invariant: no intrinsic, no unsafe; loops over slices that the compiler can vectorize.

use super::{DepthwiseArgs, FirstConvolutionArgs, PADDED_WIDTH, padding};
use crate::kernels::portable::{multiply_add, relu};
use crate::params::MEL_BANDS;

pub(in crate::kernels) fn first_convolution(args: FirstConvolutionArgs<'_>) {
    let FirstConvolutionArgs { channels, weights, bias, input, first_row, output } = args;
    for (position, sums) in output.chunks_exact_mut(channels).enumerate() {
        let (y, x) = (first_row + position / (MEL_BANDS / 2), position % (MEL_BANDS / 2));
        sums.copy_from_slice(bias);
        for (tap, weights) in weights.chunks_exact(channels).enumerate() {
            let value = input[(2 * y + tap / 3) * PADDED_WIDTH + 2 * x + tap % 3];
            sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum = multiply_add(value, *weight, *sum));
        }
        relu(sums);
    }
}

pub(in crate::kernels) fn depthwise(args: DepthwiseArgs<'_>) {
    let DepthwiseArgs { width, channels, stride, weights, bias, rows, output } = args;
    for (x, sums) in output.chunks_exact_mut(channels).enumerate() {
        sums.copy_from_slice(bias);
        for (tap, weights) in weights.chunks_exact(channels).enumerate() {
            let column = (x * stride + tap % 3).checked_sub(padding(stride));
            if let Some(column) = column.filter(|&column| column < width) {
                let values = &rows[tap / 3][column * channels..][..channels];
                for ((sum, weight), value) in sums.iter_mut().zip(weights).zip(values) {
                    *sum = multiply_add(*value, *weight, *sum);
                }
            }
        }
        relu(sums);
    }
}
