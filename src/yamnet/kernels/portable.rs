//! The kernels in plain safe code: the path of every other CPU, and the twin of the fast ones.
//!
//! Invariant: no intrinsic, no unsafe; loops over slices that the compiler can vectorise.

use super::grouping::{Grouping, Live};
use super::panels::Panels;
use super::{Depthwise, FirstConvolution, PADDED_WIDTH, Padded, Pointwise};
use crate::yamnet::BANDS;

/// Columns of a panel.
pub(super) const PANEL: usize = 16;

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

/// Lists what is alive in each row by itself: a row at a time shares no loads with others, so that
/// nothing is lost by it.
pub(super) fn pointwise(
    layer: &Pointwise,
    panels: &Panels,
    input: &[f32],
    output: &mut [f32],
    _: Grouping,
    live: &mut Live,
) {
    if panels.sparse {
        list_rows(layer, input, live);
    }
    for (index, panel) in panels.values.chunks_exact(layer.inputs * PANEL).enumerate() {
        let (first, panel) = (index * PANEL, panel.as_chunks().0);
        let rows = input.chunks_exact(layer.inputs).zip(output.chunks_exact_mut(layer.outputs));
        for (number, (row, output)) in rows.enumerate() {
            let output = &mut output[first..][..PANEL];
            if panels.sparse {
                let list = live.of(number).iter().map(|&k| usize::from(k));
                tile(layer, first, list.map(|k| (row[k], &panel[k])), output);
            } else {
                tile(layer, first, row.iter().copied().zip(panel), output);
            }
        }
    }
}

fn list_rows(layer: &Pointwise, input: &[f32], live: &mut Live) {
    live.begin(input.len() / layer.inputs, layer.inputs);
    for row in input.chunks_exact(layer.inputs) {
        let (room, mut count) = (&mut live.room()[..layer.inputs], 0);
        for (k, &value) in row.iter().enumerate() {
            // Written in any case and kept if alive: no branch that no processor could foresee.
            room[count] = k as u16;
            count += usize::from(value != 0.0);
        }
        live.close(count);
    }
}

/// One row by one panel, from its inputs and their weights.
fn tile<'a>(layer: &Pointwise, first: usize, terms: impl Iterator<Item = (f32, &'a [f32; PANEL])>, output: &mut [f32]) {
    let mut sums = [0.0; PANEL];
    sums.copy_from_slice(&layer.bias[first..first + PANEL]);
    for (value, weights) in terms {
        for (sum, weight) in sums.iter_mut().zip(weights) {
            *sum = multiply_add(value, *weight, *sum);
        }
    }
    if layer.relu {
        relu(&mut sums);
    }
    output.copy_from_slice(&sums);
}
