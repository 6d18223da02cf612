//! The convolutions over a vector of any width. See the formulas in `conv`.
//!
//! ```text
//! for each vector of channels:
//!     load the nine weights and the bias
//!     for each row and column of the output:
//!         sum = bias;  for each tap: sum = fma(value, weight, sum);  store relu(sum)
//! ```
//!
//! The depthwise kernel keeps a window of three columns in registers and moves it along the row.
//!
//! Invariant: pointers are read and written only inside the slices whose lengths `conv` has checked. Everything is
//! `inline(always)`: it must be compiled inside a function that has the vector's instructions enabled.

#![allow(unsafe_code, reason = "written over raw pointers so that bounds are checked once, before")]

use super::{DepthwiseArgs, FirstConvolutionArgs, PADDED_WIDTH};
use crate::kernels::vector::Vector;
use crate::params::MEL_BANDS;

/// # Safety
/// Needs the instructions of `V`.
#[inline(always)]
pub(in crate::kernels) unsafe fn first_convolution<V: Vector>(args: FirstConvolutionArgs<'_>) {
    let FirstConvolutionArgs { channels, weights, bias, input, first_row, output } = args;
    let rows = output.len() / (MEL_BANDS / 2 * channels);
    for channel in (0..channels).step_by(V::LANES) {
        // SAFETY: channels are whole vectors; weights are [9, channels], bias is [channels].
        let (weights, bias) = unsafe { load_taps::<V>(weights, bias, channels, channel) };
        for y in 0..rows {
            let top = 2 * (first_row + y);
            for x in 0..MEL_BANDS / 2 {
                let mut sum = bias;
                for (tap, weight) in weights.iter().enumerate() {
                    let value = input[(top + tap / 3) * PADDED_WIDTH + 2 * x + tap % 3];
                    // SAFETY: register arithmetic.
                    sum = unsafe { V::splat(value).multiply_add(*weight, sum) };
                }
                let offset = (y * (MEL_BANDS / 2) + x) * channels + channel;
                // SAFETY: output is [rows, 32, channels], checked by the caller.
                unsafe { sum.relu().store(output.as_mut_ptr().add(offset)) };
            }
        }
    }
}

/// The nine weights and the bias of one vector of channels.
///
/// # Safety
/// Needs the instructions of `V`; `weights` [9, channels], `bias` [channels], `channel + LANES <= channels`.
#[inline(always)]
unsafe fn load_taps<V: Vector>(weights: &[f32], bias: &[f32], channels: usize, channel: usize) -> ([V; 9], V) {
    // SAFETY: row `tap` of [9, channels] holds a vector at `channel`.
    let weights = std::array::from_fn(|tap| unsafe { V::load(weights.as_ptr().add(tap * channels + channel)) });
    // SAFETY: as above.
    (weights, unsafe { V::load(bias.as_ptr().add(channel)) })
}

/// # Safety
/// Needs the instructions of `V`; lengths are as [`DepthwiseArgs`] says.
#[inline(always)]
pub(in crate::kernels) unsafe fn depthwise<V: Vector>(args: DepthwiseArgs<'_>) {
    let DepthwiseArgs { width, channels, stride, weights, bias, rows, output } = args;
    let (rows, output) = (rows.map(<[f32]>::as_ptr), output.as_mut_ptr());
    for channel in (0..channels).step_by(V::LANES) {
        // SAFETY: channels are whole vectors, so a vector at `channel` lies in each position.
        unsafe {
            let taps = load_taps::<V>(weights, bias, channels, channel);
            let (rows, output) = (rows.map(|row| row.add(channel)), output.add(channel));
            if stride == 1 {
                row_stride_1::<V>(taps, width, channels, rows, output);
            } else {
                row_stride_2::<V>(taps, width, channels, rows, output);
            }
        }
    }
}

/// A column of three values, one of each row; zeros behind the last column.
///
/// # Safety
/// Needs the instructions of `V`; each row holds [width, channels] from its pointer on.
#[inline(always)]
unsafe fn column<V: Vector>(rows: [*const f32; 3], x: usize, width: usize, channels: usize) -> [V; 3] {
    // SAFETY: x < width, so the vector lies in the row.
    unsafe { if x < width { rows.map(|row| V::load(row.add(x * channels))) } else { [V::splat(0.0); 3] } }
}

/// ReLU of the bias plus the nine taps in order `3 ky + kx`.
///
/// # Safety
/// Needs the instructions of `V`.
#[inline(always)]
unsafe fn sum_taps<V: Vector>(columns: [[V; 3]; 3], weights: &[V; 9], bias: V) -> V {
    let mut sum = bias;
    for (tap, weight) in weights.iter().enumerate() {
        // SAFETY: register arithmetic.
        sum = unsafe { columns[tap % 3][tap / 3].multiply_add(*weight, sum) };
    }
    // SAFETY: register arithmetic.
    unsafe { sum.relu() }
}

/// One row of outputs at stride 1: the window of three columns moves by one.
///
/// # Safety
/// As for [`column`]; the output row holds [width, channels].
#[inline(always)]
unsafe fn row_stride_1<V: Vector>(
    (weights, bias): ([V; 9], V),
    width: usize,
    channels: usize,
    rows: [*const f32; 3],
    output: *mut f32,
) {
    // SAFETY: x runs inside the row; `column` guards the right edge.
    unsafe {
        let (mut left, mut centre) = ([V::splat(0.0); 3], column::<V>(rows, 0, width, channels));
        for x in 0..width {
            let right = column::<V>(rows, x + 1, width, channels);
            sum_taps([left, centre, right], &weights, bias).store(output.add(x * channels));
            (left, centre) = (centre, right);
        }
    }
}

/// One row of outputs at stride 2: the window moves by two and keeps its last column.
///
/// # Safety
/// As for [`column`]; the output row holds [width / 2, channels].
#[inline(always)]
unsafe fn row_stride_2<V: Vector>(
    (weights, bias): ([V; 9], V),
    width: usize,
    channels: usize,
    rows: [*const f32; 3],
    output: *mut f32,
) {
    // SAFETY: 2x + 1 < width since the width is even; `column` guards the right edge.
    unsafe {
        let mut left = column::<V>(rows, 0, width, channels);
        for x in 0..width / 2 {
            let centre = column::<V>(rows, 2 * x + 1, width, channels);
            let right = column::<V>(rows, 2 * x + 2, width, channels);
            sum_taps([left, centre, right], &weights, bias).store(output.add(x * channels));
            left = right;
        }
    }
}
