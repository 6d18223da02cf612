//! The f32 GEMM in safe code.
//!
//! ```text
//! for each panel of 16 columns, for each row of A:
//!     sums = bias;  for each nonzero input p: sums += A[i, p] * B[p, panel]
//!     C[i, panel] = act(sums)
//! ```
//!
//! A row at a time shares no loads of weights with other rows, so each row skips its own zeros.
//!
//! Invariant: no intrinsic, no unsafe; loops over slices that the compiler can vectorize.

use super::nonzero::NonzeroLists;
use super::{GemmArgs, Panels};
use crate::kernels::portable::{multiply_add, relu};

/// Columns of a panel.
pub(super) const PANEL_NR: usize = 16;

pub(in crate::kernels) fn gemm(args: GemmArgs<'_, Panels>) {
    let GemmArgs { weights: panels, bias, relu, k, n, input, output, row_groups: _, scratch } = args;
    let lists = &mut scratch.nonzero;
    if panels.sparse {
        list_nonzero(k, input, lists);
    }
    for (panel, (weights, bias)) in panels.values.chunks_exact(k * PANEL_NR).zip(bias.as_chunks().0).enumerate() {
        let weights = weights.as_chunks().0;
        for (row, (input, output)) in input.chunks_exact(k).zip(output.chunks_exact_mut(n)).enumerate() {
            let output = &mut output.as_chunks_mut().0[panel];
            if panels.sparse {
                let columns = lists.list(row).iter().map(|&p| usize::from(p));
                micro_kernel(bias, columns.map(|p| (input[p], &weights[p])), relu, output);
            } else {
                micro_kernel(bias, input.iter().copied().zip(weights), relu, output);
            }
        }
    }
}

fn list_nonzero(k: usize, input: &[f32], lists: &mut NonzeroLists) {
    lists.begin(input.len() / k, k);
    for row in input.chunks_exact(k) {
        let (list, mut count) = (&mut lists.next()[..k], 0);
        for (p, &value) in row.iter().enumerate() {
            // Written in any case, and kept if it is not zero: no unpredictable branch.
            list[count] = p as u16;
            count += usize::from(value != 0.0);
        }
        lists.close(count);
    }
}

/// One row by one panel, from pairs of an input and its weights.
fn micro_kernel<'a>(
    bias: &[f32; PANEL_NR],
    terms: impl Iterator<Item = (f32, &'a [f32; PANEL_NR])>,
    is_relu: bool,
    output: &mut [f32; PANEL_NR],
) {
    let mut sums = *bias;
    for (value, weights) in terms {
        for (sum, weight) in sums.iter_mut().zip(weights) {
            *sum = multiply_add(value, *weight, *sum);
        }
    }
    if is_relu {
        relu(&mut sums);
    }
    *output = sums;
}
