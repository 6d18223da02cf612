//! The f32 GEMM over a vector of any width, skipping zeros.
//!
//! ```text
//! for each group of mr rows: list the columns p of A that are not zero in all of them
//! for each panel of nr columns:                        (packed B: [k, nr])
//!     for each group of mr rows:
//!         c[0..mr][0..nr] = bias                       (registers)
//!         for p in the list:
//!             prefetch the weights of a later p
//!             c[i][..] = fma(A[i, p], B[p, ..], c[i][..])   for i in 0..mr
//!         C[rows, panel] = act(c)
//! ```
//!
//! The outer-product micro-kernel of GotoBLAS (Goto, van de Geijn, "Anatomy of High-Performance Matrix Multiplication",
//! 2008) without its packing of `A`. The fewer the rows, the more columns are skipped, and the more often each weight
//! is loaded; so tiles differ by layer (`MicroTile`).
//!
//! Invariant: pointers are read and written only inside the slices whose lengths [`super::Gemm::run`] has checked.
//! Everything is `inline(always)`: it must be compiled inside a function that has the vector's instructions enabled.

#![allow(unsafe_code, reason = "written over raw pointers so that bounds are checked once, before")]

use super::listing::list_nonzero;
use super::panels::{MicroTile, PREFETCH_DISTANCE};
use super::{GemmArgs, Panels};
use crate::aligned::CACHE_LINE_FLOATS;
use crate::kernels::vector::Vector;

/// # Safety
/// Needs the instructions of `V`; the panels' tile is `MR` by `VECTORS` vectors; the lengths are as [`GemmArgs`] says.
#[inline(always)]
pub(in crate::kernels) unsafe fn gemm<V: Vector, const MR: usize, const VECTORS: usize>(args: GemmArgs<'_, Panels>) {
    let GemmArgs { weights: panels, bias, relu, k, n, input, output, row_groups, scratch } = args;
    let (nr, m, lists) = (VECTORS * V::LANES, input.len() / k, &mut scratch.nonzero);
    debug_assert_eq!(panels.tile, MicroTile { mr: MR, nr });
    if panels.sparse {
        // SAFETY: as the caller says.
        unsafe { list_nonzero::<V, MR>(k, input, row_groups, lists) };
    }
    let (input, output) = (input.as_ptr(), output.as_mut_ptr());
    for (panel, weights) in panels.values.chunks_exact(k * nr).enumerate() {
        let bias = &bias[panel * nr..][..nr];
        let micro_kernel = MicroKernel { weights: weights.as_ptr(), bias: bias.as_ptr(), relu };
        for (group, rows) in row_groups.groups::<MR>(m).enumerate() {
            // SAFETY: these are rows of `input` and `output`, and `panel` is a panel of the output's columns. Terms are
            // all columns, or those of a list that `list_nonzero` has made of just these rows.
            unsafe {
                let a = rows.map(|row| input.add(row * k));
                let c = rows.map(|row| output.add(row * n + panel * nr));
                if panels.sparse {
                    let terms = lists.list(group).iter().zip(lists.prefetch_list(group));
                    let terms = terms.map(|(&p, &ahead)| (p.into(), ahead.into()));
                    micro_kernel.run::<V, MR, VECTORS>(a, terms, c);
                } else {
                    let terms = (0..k).map(|p| (p, p + PREFETCH_DISTANCE));
                    micro_kernel.run::<V, MR, VECTORS>(a, terms, c);
                }
            }
        }
    }
}

/// One panel of `B` with its bias.
struct MicroKernel {
    /// `[k, nr]`
    weights: *const f32,
    /// `[nr]`
    bias: *const f32,
    relu: bool,
}

impl MicroKernel {
    /// A tile of `C`: one pass over `terms`, pairs of a column of `A` and the row of weights to prefetch meanwhile.
    ///
    /// # Safety
    /// Needs the instructions of `V`; at each of `a` lies a row of `A`, at each of `c` the panel's columns of a row of
    /// `C`; terms are columns of `A`.
    #[inline(always)]
    unsafe fn run<V: Vector, const MR: usize, const VECTORS: usize>(
        &self,
        a: [*const f32; MR],
        terms: impl Iterator<Item = (usize, usize)>,
        c: [*mut f32; MR],
    ) {
        let nr = VECTORS * V::LANES;
        // SAFETY: p is a row of the panel and a column of each row of A; offsets stay in the panel's columns.
        unsafe {
            let mut sums = [std::array::from_fn::<V, VECTORS, _>(|v| V::load(self.bias.add(v * V::LANES))); MR];
            for (p, ahead) in terms {
                for line in (0..nr).step_by(CACHE_LINE_FLOATS) {
                    V::prefetch(self.weights.wrapping_add(ahead * nr + line));
                }
                self.rank_1_update(p, a, &mut sums);
            }
            for (row, sums) in c.iter().zip(&sums) {
                for (v, sum) in sums.iter().enumerate() {
                    let sum = if self.relu { sum.relu() } else { *sum };
                    sum.store(row.add(v * V::LANES));
                }
            }
        }
    }

    /// Adds column `p` of `A` times row `p` of `B` to the sums. The weights stay in registers while the rows pass by;
    /// or, where sums and weights do not fit the registers, the rows' values stay while the weights pass by.
    ///
    /// # Safety
    /// Needs the instructions of `V`; `p` is a row of the panel and a column of each row of `A`.
    #[inline(always)]
    unsafe fn rank_1_update<V: Vector, const MR: usize, const VECTORS: usize>(
        &self,
        p: usize,
        a: [*const f32; MR],
        sums: &mut [[V; VECTORS]; MR],
    ) {
        // SAFETY: as the caller says.
        unsafe {
            let weights = self.weights.add(p * VECTORS * V::LANES);
            if MR * VECTORS + VECTORS < V::REGISTERS {
                let weights: [V; VECTORS] = std::array::from_fn(|v| V::load(weights.add(v * V::LANES)));
                for (row, sums) in a.iter().zip(sums) {
                    let value = V::splat(*row.add(p));
                    for (sum, weight) in sums.iter_mut().zip(&weights) {
                        *sum = value.multiply_add(*weight, *sum);
                    }
                }
            } else {
                let values = a.map(|row| V::splat(*row.add(p)));
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
