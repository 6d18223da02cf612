//! The convolutions over space, over a vector of any width. `x86` makes one set of kernels for each width.
//!
//! Invariant: pointers here are only read and written inside the slices that `mod.rs` has measured.
//! Everything is `inline(always)`: it must be compiled inside a function that has the vector's
//! instructions enabled.

#![allow(unsafe_code, reason = "written over raw pointers so that bounds are checked once, before")]

use super::{Depthwise, FirstConvolution, PADDED_WIDTH, Padded};
use crate::yamnet::BANDS;

/// A vector of f32 lanes.
///
/// # Safety
///
/// Every function needs a CPU with the vector's instructions; `load` and `store` need [`Self::LANES`]
/// floats at the pointer, aligned or not.
pub(super) unsafe trait Vector: Copy {
    const LANES: usize;
    /// Vectors that the CPU has names for.
    const REGISTERS: usize;
    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// `self * weight + sum`, rounded once.
    unsafe fn multiply_add(self, weight: Self, sum: Self) -> Self;
    unsafe fn relu(self) -> Self;
    /// Bits that are set in either.
    unsafe fn or(self, other: Self) -> Self;
    /// Writes `first` plus the numbers of the lanes that are not zero, ascending, and says how many
    /// they are. Needs room for [`Self::LANES`] at the pointer.
    unsafe fn list(self, first: u16, to: *mut u16) -> usize;
    /// Asks for the cache line at an address, which need not exist.
    fn prefetch(from: *const f32);
}

/// # Safety
/// Needs the instructions of `V`.
#[inline(always)]
pub(super) unsafe fn first_convolution<V: Vector>(
    layer: &FirstConvolution,
    input: &Padded,
    first_row: usize,
    output: &mut [f32],
) {
    let channels = layer.channels;
    let rows = output.len() / (BANDS / 2 * channels);
    for channel in (0..channels).step_by(V::LANES) {
        // SAFETY: channels are whole vectors; weights are [9, channels], bias is [channels].
        let (weights, bias) = unsafe { taps::<V>(&layer.weights, &layer.bias, channels, channel) };
        for y in 0..rows {
            let top = 2 * (first_row + y);
            for x in 0..BANDS / 2 {
                let mut sum = bias;
                for (tap, weight) in weights.iter().enumerate() {
                    let value = input[(top + tap / 3) * PADDED_WIDTH + 2 * x + tap % 3];
                    // SAFETY: register arithmetic.
                    sum = unsafe { V::splat(value).multiply_add(*weight, sum) };
                }
                let place = (y * (BANDS / 2) + x) * channels + channel;
                // SAFETY: output is [rows, 32, channels], checked by the caller.
                unsafe { sum.relu().store(output.as_mut_ptr().add(place)) };
            }
        }
    }
}

/// The nine weights and the bias of one vector of channels.
///
/// # Safety
/// Needs the instructions of `V`; `weights` [9, channels], `bias` [channels], `channel + LANES <= channels`.
#[inline(always)]
unsafe fn taps<V: Vector>(weights: &[f32], bias: &[f32], channels: usize, channel: usize) -> ([V; 9], V) {
    // SAFETY: row `tap` of [9, channels] holds a vector at `channel`.
    let weights = std::array::from_fn(|tap| unsafe { V::load(weights.as_ptr().add(tap * channels + channel)) });
    // SAFETY: as above.
    (weights, unsafe { V::load(bias.as_ptr().add(channel)) })
}

/// # Safety
/// Needs the instructions of `V`; each row is [layer.width, channels], `output` is [layer.width / stride, channels].
#[inline(always)]
pub(super) unsafe fn depthwise<V: Vector>(layer: &Depthwise, rows: [&[f32]; 3], output: &mut [f32]) {
    let (rows, output) = (rows.map(<[f32]>::as_ptr), output.as_mut_ptr());
    for channel in (0..layer.channels).step_by(V::LANES) {
        // SAFETY: channels are whole vectors, so a vector at `channel` lies in each place.
        unsafe {
            let at = rows.map(|row| row.add(channel));
            match layer.stride {
                1 => sweep_1::<V>(layer, channel, at, output.add(channel)),
                _ => sweep_2::<V>(layer, channel, at, output.add(channel)),
            }
        }
    }
}

/// A column of three values, one a row; zeros at the right of the last.
///
/// # Safety
/// Needs the instructions of `V`; each row holds [width, channels] from its pointer on.
#[inline(always)]
unsafe fn column<V: Vector>(rows: [*const f32; 3], x: usize, width: usize, channels: usize) -> [V; 3] {
    // SAFETY: x < width, so the vector lies in the row.
    unsafe { if x < width { rows.map(|row| V::load(row.add(x * channels))) } else { [V::splat(0.0); 3] } }
}

/// Bias, then the nine taps in order `ky * 3 + kx`.
///
/// # Safety
/// Needs the instructions of `V`.
#[inline(always)]
unsafe fn nine<V: Vector>(columns: [[V; 3]; 3], weights: &[V; 9], bias: V) -> V {
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
/// As for [`column`]; the output row holds [layer.width, channels].
#[inline(always)]
unsafe fn sweep_1<V: Vector>(layer: &Depthwise, channel: usize, rows: [*const f32; 3], output: *mut f32) {
    let (width, channels) = (layer.width, layer.channels);
    // SAFETY: x runs inside the row; `column` guards the right edge.
    unsafe {
        let (weights, bias) = taps::<V>(&layer.weights, &layer.bias, channels, channel);
        let (mut left, mut middle) = ([V::splat(0.0); 3], column::<V>(rows, 0, width, channels));
        for x in 0..width {
            let right = column::<V>(rows, x + 1, width, channels);
            nine([left, middle, right], &weights, bias).store(output.add(x * channels));
            (left, middle) = (middle, right);
        }
    }
}

/// One row of outputs at stride 2: the window moves by two and keeps its last column.
///
/// # Safety
/// As for [`column`]; the output row holds [layer.width / 2, channels].
#[inline(always)]
unsafe fn sweep_2<V: Vector>(layer: &Depthwise, channel: usize, rows: [*const f32; 3], output: *mut f32) {
    let (width, channels) = (layer.width, layer.channels);
    // SAFETY: 2x + 1 < width since the width is even; `column` guards the right edge.
    unsafe {
        let (weights, bias) = taps::<V>(&layer.weights, &layer.bias, channels, channel);
        let mut left = column::<V>(rows, 0, width, channels);
        for x in 0..width / 2 {
            let middle = column::<V>(rows, 2 * x + 1, width, channels);
            let right = column::<V>(rows, 2 * x + 2, width, channels);
            nine([left, middle, right], &weights, bias).store(output.add(x * channels));
            left = right;
        }
    }
}
