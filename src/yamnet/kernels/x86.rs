//! The vectors of x86-64, and the kernels compiled for each.
//!
//! Invariant: a function of `avx512` or `avx2` runs only where [`super::Cpu`] found the instructions.

#![allow(unsafe_code, reason = "intrinsics, behind run-time detection")]

use std::arch::x86_64::{
    __m256, __m512, _MM_HINT_T0, _mm_prefetch, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_max_ps, _mm256_set1_ps,
    _mm256_setzero_ps, _mm256_storeu_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_max_ps, _mm512_set1_ps,
    _mm512_setzero_ps, _mm512_storeu_ps,
};

use super::simd::Vector;

/// Implements [`Vector`] for a register type. The intrinsics are what the trait's functions are called.
macro_rules! vector {
    ($register:ty, lanes $lanes:literal, panel $panel:literal, $splat:ident, $load:ident, $store:ident, $fma:ident, $max:ident, $zero:ident) => {
        // SAFETY: each function is one instruction on the register type it is named for.
        unsafe impl Vector for $register {
            const LANES: usize = $lanes;
            const PANEL: usize = $panel;
            #[inline(always)]
            unsafe fn splat(value: f32) -> Self {
                // SAFETY: the caller has the instructions.
                unsafe { $splat(value) }
            }
            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                // SAFETY: the caller has the instructions and a vector at the pointer.
                unsafe { $load(from) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: the caller has the instructions and room for a vector at the pointer.
                unsafe { $store(to, self) }
            }
            #[inline(always)]
            unsafe fn multiply_add(self, weight: Self, sum: Self) -> Self {
                // SAFETY: the caller has the instructions.
                unsafe { $fma(self, weight, sum) }
            }
            #[inline(always)]
            fn prefetch(from: *const f32) {
                // SAFETY: every x86-64 has the instruction, and it never faults.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
            }
            #[inline(always)]
            unsafe fn relu(self) -> Self {
                // SAFETY: the caller has the instructions.
                unsafe { $max(self, $zero()) }
            }
        }
    };
}

vector!(__m512, lanes 16, panel 64, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_fmadd_ps, _mm512_max_ps, _mm512_setzero_ps);
vector!(__m256, lanes 8, panel 16, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_fmadd_ps, _mm256_max_ps, _mm256_setzero_ps);

/// The three kernels for one register type.
macro_rules! kernels {
    ($path:ident, $features:literal, $register:ty, $vectors:literal) => {
        pub(super) mod $path {
            use super::super::{Depthwise, FirstConvolution, Padded, Pointwise, simd};
            use super::*;

            pub fn first_convolution(layer: &FirstConvolution, input: &Padded, first_row: usize, output: &mut [f32]) {
                #[target_feature(enable = $features)]
                fn enabled(layer: &FirstConvolution, input: &Padded, first_row: usize, output: &mut [f32]) {
                    // SAFETY: this function has the features.
                    unsafe { simd::first_convolution::<$register>(layer, input, first_row, output) }
                }
                // SAFETY: the layer's `Cpu` was detected on this machine.
                unsafe { enabled(layer, input, first_row, output) }
            }

            pub fn depthwise(layer: &Depthwise, rows: [&[f32]; 3], output: &mut [f32]) {
                #[target_feature(enable = $features)]
                fn enabled(layer: &Depthwise, rows: [&[f32]; 3], output: &mut [f32]) {
                    // SAFETY: this function has the features.
                    unsafe { simd::depthwise::<$register>(layer, rows, output) }
                }
                // SAFETY: the layer's `Cpu` was detected on this machine.
                unsafe { enabled(layer, rows, output) }
            }

            pub fn pointwise(layer: &Pointwise, input: &[f32], output: &mut [f32]) {
                #[target_feature(enable = $features)]
                fn enabled(layer: &Pointwise, input: &[f32], output: &mut [f32]) {
                    // SAFETY: this function has the features, and the panel is the register type's.
                    unsafe { simd::pointwise::<$register, $vectors>(layer, input, output) }
                }
                // SAFETY: the layer's `Cpu` was detected on this machine.
                unsafe { enabled(layer, input, output) }
            }
        }
    };
}

kernels!(avx512, "avx512f", __m512, 4);
kernels!(avx2, "avx2,fma", __m256, 2);
