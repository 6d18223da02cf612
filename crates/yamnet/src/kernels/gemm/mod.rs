//! The matrix product with bias and ReLU: nine tenths of the network's work.
//!
//! ```text
//! C[i, j] = act(bias[j] + sum over p of A[i, p] * B[p, j]),   i < m, p < k, j < n
//! ```
//!
//! `A` is the input (m positions of k channels), `B` the weights, `C` the output; `act` is ReLU or the identity.
//! Letters as in BLIS (Van Zee, van de Geijn, "BLIS: A Framework for Rapidly Instantiating BLAS Functionality", 2015),
//! as are the register block of [`MR`] by [`NR`] values of `C` and the packing of `B` into panels.
//!
//! | module | what it does |
//! |---|---|
//! | `panels` | packs `B` for the f32 kernels |
//! | `row_groups` | which rows of `A` a micro-kernel takes together |
//! | `nonzero`, `listing` | the columns of `A` that are not zero in all rows of a group |
//! | `simd`, `neon`, `portable` | the f32 kernels, which skip zeros |
//! | `int8_slices`, `amx` | the kernel in integers, where a CPU multiplies tiles of bytes |
//!
//! All kernels have one interface: they take a [`GemmArgs`] with the weights as they were packed for it.
//!
//! Invariant: [`Gemm::run`] checks every length before a kernel runs.

#![cfg_attr(
    not(any(target_arch = "x86_64", target_arch = "aarch64")),
    allow(dead_code, reason = "groups of rows, tiles and prefetching are for vectors")
)]

#[cfg(target_arch = "x86_64")]
pub(super) mod amx;
#[cfg(target_arch = "x86_64")]
mod int8_slices;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod listing;
#[cfg(target_arch = "aarch64")]
pub(super) mod neon;
mod nonzero;
mod panels;
pub(super) mod portable;
mod row_groups;
#[cfg(target_arch = "x86_64")]
pub(super) mod simd;
#[cfg(test)]
mod tests;

pub(super) use panels::Panels;
pub use row_groups::RowGroups;

use super::{Cpu, KernelChoice, KernelTable};
use crate::aligned::AlignedBuffer;
use nonzero::NonzeroLists;

/// Rows of `A` are a multiple of this. A micro-kernel takes this many at a time, or a divisor of it.
pub const MR: usize = 6;
/// Columns of `C` are padded with zeros to a multiple of this.
pub const NR: usize = 64;

/// A matrix product with its weights, packed for a path.
pub struct Gemm {
    kernels: &'static KernelTable,
    k: usize,
    /// A multiple of [`NR`].
    n: usize,
    relu: bool,
    /// `[n]`
    bias: AlignedBuffer,
    weights: PackedWeights,
}

/// The weights in the layout that a kernel reads.
enum PackedWeights {
    F32(Panels),
    #[cfg(target_arch = "x86_64")]
    Int8(int8_slices::Weights),
}

/// Arguments of a GEMM kernel, whose weights are packed as a `W`.
pub(super) struct GemmArgs<'a, W> {
    /// `B`
    pub(super) weights: &'a W,
    /// `[n]`
    bias: &'a [f32],
    relu: bool,
    /// Columns of `A`.
    k: usize,
    /// Columns of `C`, a multiple of [`NR`].
    n: usize,
    /// `A`, `[m, k]`
    input: &'a [f32],
    /// `C`, `[m, n]`
    output: &'a mut [f32],
    row_groups: RowGroups,
    scratch: &'a mut GemmScratch,
}

/// Buffers that a thread keeps from one matrix product to the next.
#[derive(Default)]
pub struct GemmScratch {
    nonzero: NonzeroLists,
    /// What `neon` packs of `A`.
    #[cfg(target_arch = "aarch64")]
    packed_input: Vec<f32>,
    #[cfg(target_arch = "x86_64")]
    int8_input: int8_slices::Input,
}

impl Gemm {
    /// `weights` are `k` rows of as many values as `bias` has, one for each output; outputs are padded with zeros to a
    /// multiple of [`NR`].
    ///
    /// Panics if the rows are not `k` rows of that length, or if this machine does not have the path.
    pub fn new(
        kernels: impl Into<KernelChoice>,
        k: usize,
        weights: impl Iterator<Item = impl Iterator<Item = f32>> + Clone,
        bias: &[f32],
        relu: bool,
    ) -> Self {
        let choice = kernels.into();
        let weights = PackedWeights::pack(choice, WeightRows::new(k, bias.len(), weights));
        Gemm::with_weights(choice.cpu, k, weights, bias, relu)
    }

    /// As [`Gemm::new`], in f32 on every path.
    pub(super) fn in_f32(
        choice: KernelChoice,
        k: usize,
        weights: impl Iterator<Item = impl Iterator<Item = f32>>,
        bias: &[f32],
        relu: bool,
    ) -> Self {
        let weights = PackedWeights::F32(Panels::pack(choice, WeightRows::new(k, bias.len(), weights)));
        Gemm::with_weights(choice.cpu, k, weights, bias, relu)
    }

    fn with_weights(cpu: Cpu, k: usize, weights: PackedWeights, bias: &[f32], relu: bool) -> Self {
        let mut padded_bias = AlignedBuffer::zeros(bias.len().next_multiple_of(NR));
        padded_bias[..bias.len()].copy_from_slice(bias);
        Gemm { kernels: cpu.kernels(), k, n: padded_bias.len(), relu, bias: padded_bias, weights }
    }

    /// Columns of the input.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Columns of the output, those of the padding among them.
    pub fn n(&self) -> usize {
        self.n
    }

    /// `input` `[m, k]` to `output` `[m, n]`.
    ///
    /// Panics if the lengths do not fit, or if `m` is not a multiple of [`MR`] times the stride of the groups.
    pub fn run(&self, input: &[f32], output: &mut [f32], row_groups: RowGroups, scratch: &mut GemmScratch) {
        let m = input.len() / self.k;
        assert_eq!((input.len(), output.len()), (m * self.k, m * self.n));
        row_groups.check(m);
        match &self.weights {
            PackedWeights::F32(panels) => {
                (self.kernels.gemm)(self.args(panels, input, output, row_groups, scratch));
            }
            #[cfg(target_arch = "x86_64")]
            PackedWeights::Int8(slices) => amx::gemm(self.args(slices, input, output, row_groups, scratch)),
        }
    }

    fn args<'a, W>(
        &'a self,
        weights: &'a W,
        input: &'a [f32],
        output: &'a mut [f32],
        row_groups: RowGroups,
        scratch: &'a mut GemmScratch,
    ) -> GemmArgs<'a, W> {
        let Gemm { k, n, relu, ref bias, .. } = *self;
        GemmArgs { weights, bias, relu, k, n, input, output, row_groups, scratch }
    }
}

impl PackedWeights {
    fn pack(
        choice: KernelChoice,
        rows: WeightRows<impl Iterator<Item = impl Iterator<Item = f32>> + Clone>,
    ) -> PackedWeights {
        #[cfg(target_arch = "x86_64")]
        if choice.cpu == Cpu::Amx
            && let Some(slices) = amx::pack(rows.clone())
        {
            return PackedWeights::Int8(slices);
        }
        PackedWeights::F32(Panels::pack(choice, rows))
    }
}

/// The rows of `B` before they are packed: `k` rows of `width` values.
#[derive(Clone)]
struct WeightRows<W> {
    k: usize,
    width: usize,
    weights: W,
}

impl<R: Iterator<Item = f32>, W: Iterator<Item = R>> WeightRows<W> {
    fn new(k: usize, width: usize, weights: W) -> Self {
        WeightRows { k, width, weights }
    }

    /// Calls `pack` with the index of each row and its values, padded with zeros to a multiple of [`NR`].
    #[inline(always)]
    fn for_each(self, mut pack: impl FnMut(usize, &[f32])) {
        let mut row = vec![0.0; self.width.next_multiple_of(NR)];
        let mut rows = 0;
        for weights in self.weights {
            let mut length = 0;
            for (to, weight) in row[..self.width].iter_mut().zip(weights) {
                *to = weight;
                length += 1;
            }
            assert_eq!(length, self.width, "a weight for each output");
            assert!(rows < self.k, "a row for each input");
            pack(rows, &row);
            rows += 1;
        }
        assert_eq!(rows, self.k, "a row for each input");
    }
}
