//! The f32 GEMM of NEON, skipping zeros.
//!
//! ```text
//! for each group of mr rows: list the columns p of A that are not zero in all of them
//!                            pack A: [p of the list, mr]
//! for each panel of nr columns:                        (packed B: [k, nr])
//!     for each group of mr rows:
//!         c[0..mr][0..nr] = bias                       (registers)
//!         for each p of the list:
//!             a[0..mr] = packed A                      (one or two registers)
//!             c[i][..] = fma(B[p, ..], a[i], c[i][..])   for i in 0..mr
//!         C[rows, panel] = act(c)
//! ```
//!
//! As `simd`, but with the packing of `A` that is left out there. A NEON multiply-add takes its factor from a lane of a
//! register: a vector that is loaded once serves four rows. Repeating a value in all lanes as it is loaded, as `simd`
//! does, needs a load for each row, and on many cores a slot of the units that multiply besides.
//!
//! Both tiles have 24 sums of the 32 registers, enough for the latency (4 cycles) of four units. Loads of a register a
//! multiply-add: 6 x 16 has (2 + 4) / 24 = 0.25, 3 x 32 has (1 + 8) / 24 = 0.375, and leaves out more zeros. (8 x 12 has
//! 5 / 24, but neither 12 columns nor groups of 8 rows divide what a layer has.)
//!
//! Invariant: pointers are read and written only inside the slices whose lengths [`super::Gemm::run`] has checked, and
//! the packed `A`, which is made here.

#![allow(unsafe_code, reason = "written over raw pointers so that bounds are checked once, before")]

use std::arch::aarch64::{float32x4_t, vfmaq_laneq_f32, vld1q_f32};

use super::listing::list_nonzero;
use super::nonzero::NonzeroLists;
use super::panels::MicroTile;
use super::{GemmArgs, GemmScratch, Panels, RowGroups};
use crate::aligned::CACHE_LINE_FLOATS;
use crate::kernels::vector::Vector;

const LANES: usize = <float32x4_t as Vector>::LANES;

/// # Safety
/// The panels' tile is `MR` by `VECTORS` vectors; the lengths are as [`GemmArgs`] says.
pub(in crate::kernels) unsafe fn gemm<const MR: usize, const VECTORS: usize>(args: GemmArgs<'_, Panels>) {
    // Rows fit two vectors; sums, these two and a vector of weights fit the registers.
    const { assert!(MR <= 2 * LANES && MR * VECTORS + 3 <= <float32x4_t as Vector>::REGISTERS) };
    let GemmArgs { weights: panels, bias, relu, k, n, input, output, row_groups, scratch } = args;
    let (nr, m) = (VECTORS * LANES, input.len() / k);
    debug_assert_eq!(panels.tile, MicroTile { mr: MR, nr });
    let GemmScratch { nonzero: lists, packed_input } = scratch;
    if panels.sparse {
        // SAFETY: the target has NEON; the lengths are as the caller says.
        unsafe { list_nonzero::<float32x4_t, MR>(k, input, row_groups, lists) };
    } else {
        lists.list_all(m / MR, k);
    }
    pack::<MR>(k, input, row_groups, lists, packed_input);
    let output = output.as_mut_ptr();
    for (panel, weights) in panels.values.chunks_exact(k * nr).enumerate() {
        let bias = &bias[panel * nr..][..nr];
        let micro_kernel = MicroKernel { weights: weights.as_ptr(), bias: bias.as_ptr(), relu };
        let mut a = packed_input.as_ptr();
        for (group, rows) in row_groups.groups::<MR>(m).enumerate() {
            let list = lists.list(group);
            // SAFETY: these are rows of `output`, and `panel` is a panel of its columns. The columns of a list are rows
            // of the panel, and `a` are the values that `pack` has written for just this list.
            unsafe {
                let c = rows.map(|row| output.add(row * n + panel * nr));
                micro_kernel.run::<MR, VECTORS>(a, list, lists.prefetch_list(group), c);
                a = a.add(list.len() * MR);
            }
        }
    }
}

/// Writes for each group the columns of its list, `MR` values each. The buffer is a vector longer, since a load of whole
/// vectors reads beyond the last one.
fn pack<const MR: usize>(k: usize, input: &[f32], row_groups: RowGroups, lists: &NonzeroLists, packed: &mut Vec<f32>) {
    let length = lists.total() * MR + LANES;
    if packed.len() < length {
        packed.resize(length, 0.0);
    }
    let mut columns = packed.as_chunks_mut::<MR>().0.iter_mut();
    for (group, rows) in row_groups.groups::<MR>(input.len() / k).enumerate() {
        let rows = rows.map(|row| &input[row * k..][..k]);
        for (&p, column) in lists.list(group).iter().zip(columns.by_ref()) {
            for (value, row) in column.iter_mut().zip(rows) {
                *value = row[usize::from(p)];
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
    /// A tile of `C`: one pass over the columns of a list.
    ///
    /// # Safety
    /// `a` is `[list, MR]` with a vector behind it; columns of the list are rows of the panel; at each of `c` lie the
    /// panel's columns of a row of `C`.
    #[inline(always)]
    unsafe fn run<const MR: usize, const VECTORS: usize>(
        &self,
        a: *const f32,
        list: &[u16],
        prefetch_list: &[u16],
        c: [*mut f32; MR],
    ) {
        let nr = VECTORS * LANES;
        // SAFETY: as the caller says.
        unsafe {
            let mut sums = [std::array::from_fn::<_, VECTORS, _>(|v| vld1q_f32(self.bias.add(v * LANES))); MR];
            let mut a = a;
            for (&p, &ahead) in list.iter().zip(prefetch_list) {
                for line in (0..nr).step_by(CACHE_LINE_FLOATS) {
                    float32x4_t::prefetch(self.weights.wrapping_add(usize::from(ahead) * nr + line));
                }
                let weights = self.weights.add(usize::from(p) * nr);
                // The second vector is only there for rows beyond the fourth.
                let values = [vld1q_f32(a), if MR > LANES { vld1q_f32(a.add(LANES)) } else { vld1q_f32(a) }];
                for v in 0..VECTORS {
                    let weight = vld1q_f32(weights.add(v * LANES));
                    for (i, sums) in sums.iter_mut().enumerate() {
                        sums[v] = multiply_add_lane(sums[v], weight, values[i / LANES], i % LANES);
                    }
                }
                a = a.add(MR);
            }
            for (row, sums) in c.iter().zip(&sums) {
                for (v, sum) in sums.iter().enumerate() {
                    let sum = if self.relu { sum.relu() } else { *sum };
                    sum.store(row.add(v * LANES));
                }
            }
        }
    }
}

/// `sum + weight * values[lane]`, rounded once. `lane` is a constant wherever this is inlined.
#[inline(always)]
fn multiply_add_lane(sum: float32x4_t, weight: float32x4_t, values: float32x4_t, lane: usize) -> float32x4_t {
    // SAFETY: the target has NEON.
    unsafe {
        match lane {
            0 => vfmaq_laneq_f32::<0>(sum, weight, values),
            1 => vfmaq_laneq_f32::<1>(sum, weight, values),
            2 => vfmaq_laneq_f32::<2>(sum, weight, values),
            _ => vfmaq_laneq_f32::<3>(sum, weight, values),
        }
    }
}
