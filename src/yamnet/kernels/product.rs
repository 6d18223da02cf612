//! The matrix product over a vector of any width.
//!
//! A tile is some rows by one panel of columns: that many sums in registers, and one pass over the inputs
//! that are alive in one of the rows. The fewer the rows, the more inputs are left out, and the more often
//! each weight is loaded; so tiles differ by layer ([`Tile`]).
//!
//! Invariant: pointers here are only read and written inside the slices that `pointwise.rs` has measured.
//! Everything is `inline(always)`: it must be compiled inside a function that has the vector's
//! instructions enabled.

#![allow(unsafe_code, reason = "written over raw pointers so that bounds are checked once, before")]

use super::Pointwise;
use super::grouping::{Grouping, Live};
use super::panels::{AHEAD, Panels, Tile};
use super::simd::Vector;
use crate::yamnet::aligned::CACHE_LINE;

/// # Safety
/// Needs the instructions of `V`; the panels' tile is of `ROWS` by `VECTORS`; `input` and `output` are rows of
/// the layer, as many as the grouping wants.
#[inline(always)]
pub(super) unsafe fn pointwise<V: Vector, const ROWS: usize, const VECTORS: usize>(
    layer: &Pointwise,
    panels: &Panels,
    input: &[f32],
    output: &mut [f32],
    grouping: Grouping,
    live: &mut Live,
) {
    let (columns, count) = (VECTORS * V::LANES, input.len() / layer.inputs);
    debug_assert_eq!(panels.tile, Tile { rows: ROWS, columns });
    if panels.sparse {
        // SAFETY: as the caller says.
        unsafe { list_groups::<V, ROWS>(layer.inputs, input, grouping, live) };
    }
    let (input, output) = (input.as_ptr(), output.as_mut_ptr());
    for (index, weights) in panels.values.chunks_exact(layer.inputs * columns).enumerate() {
        let bias = &layer.bias[index * columns..][..columns];
        let panel = Panel { weights: weights.as_ptr(), bias: bias.as_ptr(), relu: layer.relu };
        for (group, rows) in grouping.groups::<ROWS>(count).enumerate() {
            // SAFETY: these are rows of `input` and `output`, and `index` is a panel of the output's columns.
            // Inputs are all there are, or those of a list that `list_groups` has made of just these rows.
            unsafe {
                let rows_in = rows.map(|row| input.add(row * layer.inputs));
                let rows_out = rows.map(|row| output.add(row * layer.outputs + index * columns));
                if panels.sparse {
                    let terms = live.of(group).iter().zip(live.ahead_of(group));
                    let terms = terms.map(|(&k, &ahead)| (k.into(), ahead.into()));
                    panel.tile::<V, ROWS, VECTORS>(rows_in, terms, rows_out);
                } else {
                    let terms = (0..layer.inputs).map(|k| (k, k + AHEAD));
                    panel.tile::<V, ROWS, VECTORS>(rows_in, terms, rows_out);
                }
            }
        }
    }
}

/// Lists for each group of rows the inputs that are not zero in all of them.
///
/// # Safety
/// Needs the instructions of `V`; `input` is rows of `inputs`, as many as the grouping wants.
#[inline(always)]
unsafe fn list_groups<V: Vector, const ROWS: usize>(inputs: usize, input: &[f32], grouping: Grouping, live: &mut Live) {
    let count = input.len() / inputs;
    let whole = inputs / V::LANES * V::LANES;
    live.begin(count / ROWS, inputs);
    for rows in grouping.groups::<ROWS>(count) {
        let rows = rows.map(|row| &input[row * inputs..][..inputs]);
        let (room, mut count) = (&mut live.room()[..inputs], 0);
        for k in (0..whole).step_by(V::LANES) {
            // SAFETY: k + LANES <= inputs, so the vectors lie in the group's rows; and count <= k, so
            // that one more vector of numbers has room.
            unsafe {
                let mut any = V::load(rows[0].as_ptr().add(k));
                for row in &rows[1..] {
                    any = any.or(V::load(row.as_ptr().add(k)));
                }
                count += any.list(k as u16, room.as_mut_ptr().add(count));
            }
        }
        for k in whole..inputs {
            room[count] = k as u16;
            count += usize::from(rows.iter().any(|row| row[k] != 0.0));
        }
        live.close(count);
    }
    live.finish(inputs);
}

/// What is done to every group of rows.
struct Panel {
    /// [inputs, columns]
    weights: *const f32,
    /// [columns]
    bias: *const f32,
    relu: bool,
}

impl Panel {
    /// A group of rows: one pass over `terms`, the inputs to sum over, each with the one whose weights will
    /// be needed soon.
    ///
    /// # Safety
    /// Needs the instructions of `V`; at each of `input` lies a row of the layer, at each of `output` the
    /// panel's columns of one; terms are inputs of the layer.
    #[inline(always)]
    unsafe fn tile<V: Vector, const ROWS: usize, const VECTORS: usize>(
        &self,
        input: [*const f32; ROWS],
        terms: impl Iterator<Item = (usize, usize)>,
        output: [*mut f32; ROWS],
    ) {
        let columns = VECTORS * V::LANES;
        // SAFETY: k is one of the panel's rows and a place in each row of the input; offsets stay in the
        // panel's columns.
        unsafe {
            let mut sums = [std::array::from_fn::<V, VECTORS, _>(|v| V::load(self.bias.add(v * V::LANES))); ROWS];
            for (k, ahead) in terms {
                for line in (0..columns).step_by(CACHE_LINE) {
                    V::prefetch(self.weights.wrapping_add(ahead * columns + line));
                }
                self.add(k, input, &mut sums);
            }
            for (row, sums) in output.iter().zip(&sums) {
                for (v, sum) in sums.iter().enumerate() {
                    let sum = if self.relu { sum.relu() } else { *sum };
                    sum.store(row.add(v * V::LANES));
                }
            }
        }
    }

    /// One input's part of all sums. Its weights stay in registers while the rows pass by, or where they
    /// and the sums have no room there, the rows' values while the weights do.
    ///
    /// # Safety
    /// Needs the instructions of `V`; `k` is one of the panel's rows and a place in each row of the input.
    #[inline(always)]
    unsafe fn add<V: Vector, const ROWS: usize, const VECTORS: usize>(
        &self,
        k: usize,
        input: [*const f32; ROWS],
        sums: &mut [[V; VECTORS]; ROWS],
    ) {
        // SAFETY: as the caller says.
        unsafe {
            let weights = self.weights.add(k * VECTORS * V::LANES);
            if ROWS * VECTORS + VECTORS < V::REGISTERS {
                let weights: [V; VECTORS] = std::array::from_fn(|v| V::load(weights.add(v * V::LANES)));
                for (row, sums) in input.iter().zip(sums) {
                    let value = V::splat(*row.add(k));
                    for (sum, weight) in sums.iter_mut().zip(&weights) {
                        *sum = value.multiply_add(*weight, *sum);
                    }
                }
            } else {
                let values = input.map(|row| V::splat(*row.add(k)));
                for v in 0..VECTORS {
                    let weight = V::load(weights.add(v * V::LANES));
                    for (value, sums) in values.iter().zip(sums.iter_mut()) {
                        sums[v] = value.multiply_add(weight, sums[v]);
                    }
                }
            }
        }
    }
}
