//! The kernels in plain safe code: the path of every other CPU, and the twin of the fast ones.
//!
//! Invariant: no intrinsic, no unsafe; loops over slices that the compiler can vectorise.

use super::{Depthwise, FirstConvolution, PADDED_WIDTH, Padded, Pointwise, ROWS};
use crate::yamnet::BANDS;

/// Columns of a panel; what [`super::Cpu::panel`] says of this path.
const PANEL: usize = 16;

/// `a * b + c`: one rounding where the target has the instruction, two elsewhere. A call of libm's
/// fma would be a hundred times slower than either.
#[inline(always)]
fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
    if cfg!(any(target_feature = "fma", target_arch = "aarch64")) { a.mul_add(b, c) } else { a * b + c }
}

fn add_scaled(sums: &mut [f32], weights: &[f32], values: &[f32]) {
    for ((sum, weight), value) in sums.iter_mut().zip(weights).zip(values) {
        *sum = multiply_add(*value, *weight, *sum);
    }
}

fn relu(values: &mut [f32]) {
    values.iter_mut().for_each(|value| *value = value.max(0.0));
}

pub(super) fn first_convolution(layer: &FirstConvolution, input: &Padded, first_row: usize, output: &mut [f32]) {
    for (place, sums) in output.chunks_exact_mut(layer.channels).enumerate() {
        let (y, x) = (first_row + place / (BANDS / 2), place % (BANDS / 2));
        sums.copy_from_slice(&layer.bias);
        for (tap, weights) in layer.weights.chunks_exact(layer.channels).enumerate() {
            let value = input[(2 * y + tap / 3) * PADDED_WIDTH + 2 * x + tap % 3];
            sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum = multiply_add(value, *weight, *sum));
        }
        relu(sums);
    }
}

pub(super) fn depthwise(layer: &Depthwise, rows: [&[f32]; 3], output: &mut [f32]) {
    let channels = layer.channels;
    for (x, sums) in output.chunks_exact_mut(channels).enumerate() {
        sums.copy_from_slice(&layer.bias);
        for (tap, weights) in layer.weights.chunks_exact(channels).enumerate() {
            let column = (x * layer.stride + tap % 3).checked_sub(layer.padding());
            if let Some(column) = column.filter(|&column| column < layer.width) {
                add_scaled(sums, weights, &rows[tap / 3][column * channels..][..channels]);
            }
        }
        relu(sums);
    }
}

pub(super) fn pointwise(layer: &Pointwise, input: &[f32], output: &mut [f32]) {
    for (index, panel) in layer.panels.chunks_exact(layer.inputs * PANEL).enumerate() {
        let rows = input.chunks_exact(ROWS * layer.inputs);
        for (rows, output) in rows.zip(output.chunks_exact_mut(ROWS * layer.outputs)) {
            tile(layer, index * PANEL, panel, rows, output);
        }
    }
}

/// Six rows by one panel.
fn tile(layer: &Pointwise, first: usize, panel: &[f32], rows: &[f32], output: &mut [f32]) {
    for (row, output) in rows.chunks_exact(layer.inputs).zip(output.chunks_exact_mut(layer.outputs)) {
        let mut sums = [0.0; PANEL];
        sums.copy_from_slice(&layer.bias[first..first + PANEL]);
        for (value, weights) in row.iter().zip(panel.as_chunks::<PANEL>().0) {
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum = multiply_add(*value, *weight, *sum);
            }
        }
        if layer.relu {
            relu(&mut sums);
        }
        output[first..first + PANEL].copy_from_slice(&sums);
    }
}
