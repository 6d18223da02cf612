//! The vector of 64-bit Arm, and the kernels compiled for it.
//!
//! Invariant: compiled only for a target whose baseline has NEON, as that of every 64-bit Arm with an operating system;
//! so the compiler may use these instructions anywhere, and nothing is detected at run time.

#![allow(unsafe_code, reason = "intrinsics, which read and write through pointers")]

use std::arch::aarch64::{
    float32x4_t, vadd_u16, vaddvq_u32, vbicq_u32, vceqzq_f32, vdup_n_u16, vdupq_n_f32, vfmaq_f32, vld1_u16, vld1q_f32,
    vld1q_u32, vmaxnmq_f32, vorrq_u32, vreinterpretq_f32_u32, vreinterpretq_u32_f32, vst1_u16, vst1q_f32,
};
use std::arch::asm;

use super::KernelTable;
use super::conv::{self, DepthwiseArgs, FirstConvolutionArgs};
use super::gemm::{self, GemmArgs, Panels};
use super::vector::{Vector, lanes_in_mask};

pub(super) static KERNELS: KernelTable = KernelTable { first_convolution, depthwise, gemm };

fn first_convolution(args: FirstConvolutionArgs<'_>) {
    // SAFETY: the target has NEON, and the layer has checked the lengths.
    unsafe { conv::simd::first_convolution::<float32x4_t>(args) }
}

fn depthwise(args: DepthwiseArgs<'_>) {
    // SAFETY: the target has NEON, and the layer has checked the lengths.
    unsafe { conv::simd::depthwise::<float32x4_t>(args) }
}

fn gemm(args: GemmArgs<'_, Panels>) {
    match args.weights.tile.mr {
        // SAFETY: the tile is that of the panels, and the layer has checked the lengths.
        3 => unsafe { gemm::neon::gemm::<3, 8>(args) },
        // SAFETY: as above.
        6 => unsafe { gemm::neon::gemm::<6, 4>(args) },
        rows => unreachable!("no micro-kernel of {rows} rows on this path"),
    }
}

// SAFETY: each function reads and writes what the trait says.
unsafe impl Vector for float32x4_t {
    const LANES: usize = 4;
    const REGISTERS: usize = 32;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: the target has NEON.
        unsafe { vdupq_n_f32(value) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller has a vector at the pointer.
        unsafe { vld1q_f32(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller has a writable vector at the pointer.
        unsafe { vst1q_f32(to, self) }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, weight: Self, sum: Self) -> Self {
        // SAFETY: the target has NEON.
        unsafe { vfmaq_f32(sum, self, weight) }
    }

    /// The larger number: as on the other paths, NaN gives 0.
    #[inline(always)]
    unsafe fn relu(self) -> Self {
        // SAFETY: the target has NEON.
        unsafe { vmaxnmq_f32(self, vdupq_n_f32(0.0)) }
    }

    #[inline(always)]
    unsafe fn or(self, other: Self) -> Self {
        // SAFETY: the target has NEON.
        unsafe { vreinterpretq_f32_u32(vorrq_u32(vreinterpretq_u32_f32(self), vreinterpretq_u32_f32(other))) }
    }

    /// By a table instead of unpredictable branches.
    #[inline(always)]
    unsafe fn compress_nonzero(self, first: u16, to: *mut u16) -> usize {
        // SAFETY: four numbers are read from each table; the caller has four writable ones at the pointer.
        unsafe {
            let mask = vaddvq_u32(vbicq_u32(vld1q_u32([1, 2, 4, 8].as_ptr()), vceqzq_f32(self)));
            let lanes = vld1_u16(LANES_IN_MASK[mask as usize & 15].as_ptr());
            vst1_u16(to, vadd_u16(lanes, vdup_n_u16(first)));
            mask.count_ones() as usize
        }
    }

    #[inline(always)]
    fn prefetch(from: *const f32) {
        // SAFETY: the instruction never faults and changes no register. The standard library has no stable intrinsic.
        unsafe { asm!("prfm pldl1keep, [{}]", in(reg) from, options(nostack, readonly, preserves_flags)) }
    }
}

/// For each mask of lanes their indices, ascending; the rest of a row is unspecified.
static LANES_IN_MASK: [[u16; 4]; 16] = lanes_in_mask();
