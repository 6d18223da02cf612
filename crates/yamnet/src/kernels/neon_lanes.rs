//! Four lanes in a NEON vector, for the front end.
//!
//! Of [`super::lanes::PortableLanes`] the compiler (Rust 1.95) makes whole vectors for half of the operations only: 256
//! of 535 in its machine code are of one lane or two. Here the instructions are named, and 20 of 278 are.
//!
//! Invariant: compiled only for a target that has NEON.

#![allow(unsafe_code, reason = "intrinsics, which read and write through pointers")]

use std::arch::aarch64::{
    float32x4_t, vaddq_f32, vdupq_n_f32, vld1q_f32, vmulq_f32, vmulq_n_f32, vreinterpretq_f32_f64,
    vreinterpretq_f64_f32, vsqrtq_f32, vst1q_f32, vsubq_f32, vtrn1q_f32, vtrn1q_f64, vtrn2q_f32, vtrn2q_f64,
};
use std::ops::{Add, Mul, Sub};

use super::lanes::{LaneTask, Lanes, Transpose};

/// Runs a task in four lanes.
pub(super) fn run<T: LaneTask>(task: T) -> T::Output {
    task.run::<NeonLanes, 4>()
}

#[derive(Clone, Copy)]
struct NeonLanes(float32x4_t);

impl Lanes for NeonLanes {
    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: the target has NEON.
        NeonLanes(unsafe { vdupq_n_f32(value) })
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: the target has NEON.
        NeonLanes(unsafe { vsqrtq_f32(self.0) })
    }
}

impl Transpose<4> for NeonLanes {
    #[inline(always)]
    fn load(values: &[f32; 4]) -> Self {
        // SAFETY: four values are read.
        NeonLanes(unsafe { vld1q_f32(values.as_ptr()) })
    }

    #[inline(always)]
    fn to_array(self) -> [f32; 4] {
        let mut values = [0.0; 4];
        // SAFETY: four values are written.
        unsafe { vst1q_f32(values.as_mut_ptr(), self.0) };
        values
    }

    /// Transposes 2x2 blocks of lanes, then 2x2 blocks of pairs.
    #[inline(always)]
    fn transpose([a, b, c, d]: [Self; 4]) -> [Self; 4] {
        // SAFETY: the target has NEON.
        unsafe {
            let (ab, ab_odd) = (vtrn1q_f32(a.0, b.0), vtrn2q_f32(a.0, b.0));
            let (cd, cd_odd) = (vtrn1q_f32(c.0, d.0), vtrn2q_f32(c.0, d.0));
            let pairs = [ab, ab_odd, cd, cd_odd].map(|vector| vreinterpretq_f64_f32(vector));
            [
                vtrn1q_f64(pairs[0], pairs[2]),
                vtrn1q_f64(pairs[1], pairs[3]),
                vtrn2q_f64(pairs[0], pairs[2]),
                vtrn2q_f64(pairs[1], pairs[3]),
            ]
            .map(|vector| NeonLanes(vreinterpretq_f32_f64(vector)))
        }
    }
}

impl Add for NeonLanes {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: the target has NEON.
        NeonLanes(unsafe { vaddq_f32(self.0, other.0) })
    }
}

impl Sub for NeonLanes {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: the target has NEON.
        NeonLanes(unsafe { vsubq_f32(self.0, other.0) })
    }
}

impl Mul for NeonLanes {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: the target has NEON.
        NeonLanes(unsafe { vmulq_f32(self.0, other.0) })
    }
}

impl Mul<f32> for NeonLanes {
    type Output = Self;
    #[inline(always)]
    fn mul(self, factor: f32) -> Self {
        // SAFETY: the target has NEON.
        NeonLanes(unsafe { vmulq_n_f32(self.0, factor) })
    }
}
