//! Eight frames side by side in a vector of AVX2, for the front end.
//!
//! The compiler makes good vectors of [`crate::yamnet::lanes::Plain`] where it has four lanes, and of eight it
//! makes halves, hardly faster than four. These name the instructions.
//!
//! Invariant: an [`Eight`] is met only inside of [`run`], which runs only where [`super::Cpu`] found AVX2.

#![allow(unsafe_code, reason = "intrinsics, behind run-time detection")]

use std::arch::x86_64::{
    __m256, _mm256_add_ps, _mm256_loadu_ps, _mm256_mul_ps, _mm256_permute2f128_ps, _mm256_set1_ps, _mm256_shuffle_ps,
    _mm256_sqrt_ps, _mm256_storeu_ps, _mm256_sub_ps, _mm256_unpackhi_ps, _mm256_unpacklo_ps,
};
use std::ops::{Add, Mul, Sub};

use super::Task;
use crate::yamnet::lanes::{Lanes, Values};

/// Does a task in lanes of eight. What it inlines is compiled for AVX2 too.
pub fn run<T: Task>(task: T) -> T::Output {
    #[target_feature(enable = "avx2")]
    fn enabled<T: Task>(task: T) -> T::Output {
        task.run::<Eight, 8>()
    }
    // SAFETY: the `Cpu` was detected on this machine.
    unsafe { enabled(task) }
}

/// Named nowhere but in [`run`]: whoever has one has AVX2.
#[derive(Clone, Copy)]
struct Eight(__m256);

impl Values for Eight {
    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: inside of `run` there is AVX2.
        Eight(unsafe { _mm256_set1_ps(value) })
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: inside of `run` there is AVX2.
        Eight(unsafe { _mm256_sqrt_ps(self.0) })
    }
}

impl Lanes<8> for Eight {
    #[inline(always)]
    fn load(values: &[f32; 8]) -> Self {
        // SAFETY: inside of `run` there is AVX2; eight values are read.
        Eight(unsafe { _mm256_loadu_ps(values.as_ptr()) })
    }

    #[inline(always)]
    fn values(self) -> [f32; 8] {
        let mut values = [0.0; 8];
        // SAFETY: inside of `run` there is AVX2; eight values are written.
        unsafe { _mm256_storeu_ps(values.as_mut_ptr(), self.0) };
        values
    }

    /// Pairs, fours within the halves of a vector, then the halves.
    #[inline(always)]
    fn transposed([a, b, c, d, e, f, g, h]: [Self; 8]) -> [Self; 8] {
        let (first, second) = (quarters([a, b, c, d]), quarters([e, f, g, h]));
        // SAFETY: inside of `run` there is AVX2.
        let low = |i: usize| Eight(unsafe { _mm256_permute2f128_ps::<0x20>(first[i], second[i]) });
        // SAFETY: inside of `run` there is AVX2.
        let high = |i: usize| Eight(unsafe { _mm256_permute2f128_ps::<0x31>(first[i], second[i]) });
        [low(0), low(1), low(2), low(3), high(0), high(1), high(2), high(3)]
    }
}

/// Transposes the low and the high four lanes of four vectors, each by themselves.
#[inline(always)]
fn quarters([a, b, c, d]: [Eight; 4]) -> [__m256; 4] {
    // SAFETY: inside of `run` there is AVX2.
    unsafe {
        let (ab, cd) = (_mm256_unpacklo_ps(a.0, b.0), _mm256_unpacklo_ps(c.0, d.0));
        let (ab_high, cd_high) = (_mm256_unpackhi_ps(a.0, b.0), _mm256_unpackhi_ps(c.0, d.0));
        [
            _mm256_shuffle_ps::<0x44>(ab, cd),
            _mm256_shuffle_ps::<0xee>(ab, cd),
            _mm256_shuffle_ps::<0x44>(ab_high, cd_high),
            _mm256_shuffle_ps::<0xee>(ab_high, cd_high),
        ]
    }
}

impl Add for Eight {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: inside of `run` there is AVX2.
        Eight(unsafe { _mm256_add_ps(self.0, other.0) })
    }
}

impl Sub for Eight {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: inside of `run` there is AVX2.
        Eight(unsafe { _mm256_sub_ps(self.0, other.0) })
    }
}

impl Mul for Eight {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: inside of `run` there is AVX2.
        Eight(unsafe { _mm256_mul_ps(self.0, other.0) })
    }
}

impl Mul<f32> for Eight {
    type Output = Self;
    #[inline(always)]
    fn mul(self, factor: f32) -> Self {
        self * Eight::splat(factor)
    }
}
