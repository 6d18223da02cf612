//! The arithmetic of YAMNet for the CPU at hand.
//!
//! | family | interface | implementations |
//! |---|---|---|
//! | 3x3 convolutions | [`FirstConvolution`], [`DepthwiseConvolution`] | `conv/portable`, `conv/simd` |
//! | matrix products | [`Gemm`] | in f32 `gemm/portable`, `gemm/simd` and `gemm/neon`; in integers `gemm/int8_slices` with `gemm/amx` |
//! | sums of products, also for others | [`dot`] | `dot` in safe code |
//! | lanes of the front end | `Cpu::run` with a `LaneTask` | `lanes` in safe code, `avx2_lanes`, `neon_lanes` |
//!
//! A [`Cpu`] names a path: a set of instructions, with one function for each family (`KernelTable`). The `simd` kernels
//! are written once for a vector of any width (`vector`); `x86` and `neon` name the vectors and compile the kernels for
//! each.
//! The `portable` kernels are safe code, run on every other CPU, and are the reference in the tests of the others; they
//! in turn are tested against naive loops in f64 (`reference`).
//!
//! Activations are f32, row-major, channels last: `[height, width, channels]`. Each output is one sum in one order, or
//! a sum of integers: a result depends on the path, but never on how many patches are computed together.
//!
//! Invariant: the only module with unsafe code. Its interface is safe and checks every length. It imports `params` and
//! `aligned` alone.

#[cfg(target_arch = "x86_64")]
mod avx2_lanes;
mod conv;
mod cpu;
mod dot;
mod gemm;
mod lanes;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "aarch64")]
mod neon_lanes;
mod portable;
#[cfg(test)]
mod reference;
mod tiles;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use conv::{DepthwiseConvolution, FirstConvolution, global_average_pool};
pub use cpu::Cpu;
pub use dot::dot;
pub use gemm::{Gemm, GemmScratch, MR, NR, RowGroups};
#[cfg(test)]
pub(crate) use lanes::PortableLanes;
pub(crate) use lanes::{LaneTask, Lanes, Transpose};
pub use tiles::{KernelChoice, TileRows, TileSpeeds};

use conv::{DepthwiseArgs, FirstConvolutionArgs};
use gemm::{GemmArgs, Panels};

/// The f32 kernels of a path: one function for each family.
struct KernelTable {
    first_convolution: fn(FirstConvolutionArgs<'_>),
    depthwise: fn(DepthwiseArgs<'_>),
    gemm: fn(GemmArgs<'_, Panels>),
}
