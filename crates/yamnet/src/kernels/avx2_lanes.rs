//! Avx2Lanes lanes in an AVX2 vector, for the front end.
//!
//! The compiler vectorizes [`super::lanes::PortableLanes`] of four lanes well; eight it splits into halves, hardly
//! faster than four. Here the instructions are named.
//!
//! Invariant: an [`Avx2Lanes`] exists only inside [`run`], which is called only where [`super::Cpu`] has found AVX2.

#![allow(unsafe_code, reason = "intrinsics, behind run-time detection")]

use std::arch::x86_64::{
    __m256, _mm256_add_ps, _mm256_loadu_ps, _mm256_mul_ps, _mm256_permute2f128_ps, _mm256_set1_ps, _mm256_shuffle_ps,
    _mm256_sqrt_ps, _mm256_storeu_ps, _mm256_sub_ps, _mm256_unpackhi_ps, _mm256_unpacklo_ps,
};
use std::ops::{Add, Mul, Sub};

use super::lanes::{LaneTask, Lanes, Transpose};

/// Runs a task in eight lanes. What it inlines is compiled for AVX2 too.
pub(super) fn run<T: LaneTask>(task: T) -> T::Output {
    #[target_feature(enable = "avx2")]
    fn enabled<T: LaneTask>(task: T) -> T::Output {
        task.run::<Avx2Lanes, 8>()
    }
    // SAFETY: `Cpu::run` has checked that this machine has AVX2.
    unsafe { enabled(task) }
}

/// Constructed only inside [`run`]: where a value exists, there is AVX2.
#[derive(Clone, Copy)]
struct Avx2Lanes(__m256);

impl Lanes for Avx2Lanes {
    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: inside `run` the machine has AVX2.
        Avx2Lanes(unsafe { _mm256_set1_ps(value) })
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: inside `run` the machine has AVX2.
        Avx2Lanes(unsafe { _mm256_sqrt_ps(self.0) })
    }
}

impl Transpose<8> for Avx2Lanes {
    #[inline(always)]
    fn load(values: &[f32; 8]) -> Self {
        // SAFETY: inside `run` the machine has AVX2; eight values are read.
        Avx2Lanes(unsafe { _mm256_loadu_ps(values.as_ptr()) })
    }

    #[inline(always)]
    fn to_array(self) -> [f32; 8] {
        let mut values = [0.0; 8];
        // SAFETY: inside `run` the machine has AVX2; eight values are written.
        unsafe { _mm256_storeu_ps(values.as_mut_ptr(), self.0) };
        values
    }

    /// Transposes pairs, then 4x4 blocks within the halves of the vectors, then exchanges halves.
    #[inline(always)]
    fn transpose([a, b, c, d, e, f, g, h]: [Self; 8]) -> [Self; 8] {
        let (first, second) = (transpose_4x4_halves([a, b, c, d]), transpose_4x4_halves([e, f, g, h]));
        // SAFETY: inside `run` the machine has AVX2.
        let low = |i: usize| Avx2Lanes(unsafe { _mm256_permute2f128_ps::<0x20>(first[i], second[i]) });
        // SAFETY: inside `run` the machine has AVX2.
        let high = |i: usize| Avx2Lanes(unsafe { _mm256_permute2f128_ps::<0x31>(first[i], second[i]) });
        [low(0), low(1), low(2), low(3), high(0), high(1), high(2), high(3)]
    }
}

/// Transposes the low four lanes of four vectors, and their high four lanes.
#[inline(always)]
fn transpose_4x4_halves([a, b, c, d]: [Avx2Lanes; 4]) -> [__m256; 4] {
    // SAFETY: inside `run` the machine has AVX2.
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

impl Add for Avx2Lanes {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: inside `run` the machine has AVX2.
        Avx2Lanes(unsafe { _mm256_add_ps(self.0, other.0) })
    }
}

impl Sub for Avx2Lanes {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: inside `run` the machine has AVX2.
        Avx2Lanes(unsafe { _mm256_sub_ps(self.0, other.0) })
    }
}

impl Mul for Avx2Lanes {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: inside `run` the machine has AVX2.
        Avx2Lanes(unsafe { _mm256_mul_ps(self.0, other.0) })
    }
}

impl Mul<f32> for Avx2Lanes {
    type Output = Self;
    #[inline(always)]
    fn mul(self, factor: f32) -> Self {
        self * Avx2Lanes::splat(factor)
    }
}
