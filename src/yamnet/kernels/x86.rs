//! The vectors of x86-64, and the kernels compiled for each.
//!
//! Invariant: a function of `avx512` or `avx2` runs only where [`super::Cpu`] found the instructions.

#![allow(unsafe_code, reason = "intrinsics, behind run-time detection")]

use std::arch::x86_64::{
    __m256, __m512, _CMP_NEQ_UQ, _MM_HINT_T0, _mm_add_epi16, _mm_loadu_si128, _mm_prefetch, _mm_set1_epi16,
    _mm_storeu_si128, _mm256_cmp_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_max_ps, _mm256_movemask_ps, _mm256_or_ps,
    _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps, _mm256_storeu_si256, _mm512_add_epi32, _mm512_castps_si512,
    _mm512_castsi512_ps, _mm512_cmp_ps_mask, _mm512_cvtepi32_epi16, _mm512_fmadd_ps, _mm512_loadu_ps,
    _mm512_maskz_compress_epi32, _mm512_max_ps, _mm512_or_si512, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setr_epi32,
    _mm512_setzero_ps, _mm512_storeu_ps,
};

use super::simd::Vector;

/// Implements [`Vector`] for a register type. The intrinsics are what the trait's functions are called.
macro_rules! vector {
    ($register:ty, lanes $lanes:literal, registers $registers:literal, $splat:ident, $load:ident, $store:ident, $fma:ident, $max:ident, $zero:ident, $or:ident, $list:ident) => {
        // SAFETY: each function works on the register type it is named for, and reads and writes what the trait says.
        unsafe impl Vector for $register {
            const LANES: usize = $lanes;
            const REGISTERS: usize = $registers;
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
            #[inline(always)]
            unsafe fn or(self, other: Self) -> Self {
                // SAFETY: the caller has the instructions.
                unsafe { $or(self, other) }
            }
            #[inline(always)]
            unsafe fn list(self, first: u16, to: *mut u16) -> usize {
                // SAFETY: the caller has the instructions and room for a number a lane at the pointer.
                unsafe { $list(self, first, to) }
            }
        }
    };
}

vector!(__m512, lanes 16, registers 32, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_fmadd_ps, _mm512_max_ps, _mm512_setzero_ps, or_512, list_512);
vector!(__m256, lanes 8, registers 16, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_fmadd_ps, _mm256_max_ps, _mm256_setzero_ps, _mm256_or_ps, list_256);

/// AVX-512F has it for integers only.
///
/// # Safety
/// Needs AVX-512F.
#[inline(always)]
unsafe fn or_512(a: __m512, b: __m512) -> __m512 {
    // SAFETY: the caller has the instructions.
    unsafe { _mm512_castsi512_ps(_mm512_or_si512(_mm512_castps_si512(a), _mm512_castps_si512(b))) }
}

/// As [`Vector::list`]. Compressed in a register: compressing into memory is slow on some processors.
///
/// # Safety
/// Needs AVX-512F, and room for 16 at the pointer.
#[inline(always)]
unsafe fn list_512(values: __m512, first: u16, to: *mut u16) -> usize {
    // SAFETY: the caller has the instructions; 16 numbers of 16 bits are stored.
    unsafe {
        let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        let numbers = _mm512_add_epi32(lanes, _mm512_set1_epi32(first.into()));
        let alive = _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(values, _mm512_setzero_ps());
        _mm256_storeu_si256(to.cast(), _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(alive, numbers)));
        alive.count_ones() as usize
    }
}

/// As [`Vector::list`], by a table: no branch that no processor could foresee.
///
/// # Safety
/// Needs AVX, and room for 8 at the pointer.
#[inline(always)]
unsafe fn list_256(values: __m256, first: u16, to: *mut u16) -> usize {
    // SAFETY: the caller has the instructions; 8 numbers of 16 bits are loaded and stored.
    unsafe {
        let alive = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_NEQ_UQ>(values, _mm256_setzero_ps()));
        let lanes = _mm_loadu_si128(LANES_OF[alive as usize].as_ptr().cast());
        _mm_storeu_si128(to.cast(), _mm_add_epi16(lanes, _mm_set1_epi16(first as i16)));
        alive.count_ones() as usize
    }
}

/// For each set of lanes their numbers, ascending, and then whatever.
static LANES_OF: [[u16; 8]; 256] = {
    let (mut table, mut set) = ([[0; 8]; 256], 0);
    while set < 256 {
        let (mut lane, mut count) = (0, 0);
        while lane < 8 {
            if set >> lane & 1 == 1 {
                table[set][count] = lane;
                count += 1;
            }
            lane += 1;
        }
        set += 1;
    }
    table
};

/// The three kernels for one register type.
macro_rules! kernels {
    ($path:ident, $features:literal, $register:ty, $($rows:literal x $vectors:literal),+) => {
        pub(super) mod $path {
            use super::super::grouping::{Grouping, Live};
            use super::super::panels::Panels;
            use super::super::{Depthwise, FirstConvolution, Padded, Pointwise, product, simd};
            use super::*;

            pub fn first_convolution(layer: &FirstConvolution, input: &Padded, first_row: usize, output: &mut [f32]) {
                #[target_feature(enable = $features)]
                fn enabled(layer: &FirstConvolution, input: &Padded, first_row: usize, output: &mut [f32]) {
                    // SAFETY: this function has the features; the layer's `run` has measured the rows.
                    unsafe { simd::first_convolution::<$register>(layer, input, first_row, output) }
                }
                // SAFETY: the layer's `Cpu` was checked when it was made.
                unsafe { enabled(layer, input, first_row, output) }
            }

            pub fn depthwise(layer: &Depthwise, rows: [&[f32]; 3], output: &mut [f32]) {
                #[target_feature(enable = $features)]
                fn enabled(layer: &Depthwise, rows: [&[f32]; 3], output: &mut [f32]) {
                    // SAFETY: this function has the features; the layer's `run` has measured the rows.
                    unsafe { simd::depthwise::<$register>(layer, rows, output) }
                }
                // SAFETY: the layer's `Cpu` was checked when it was made.
                unsafe { enabled(layer, rows, output) }
            }

            pub fn pointwise(
                layer: &Pointwise,
                panels: &Panels,
                input: &[f32],
                output: &mut [f32],
                grouping: Grouping,
                live: &mut Live,
            ) {
                #[target_feature(enable = $features)]
                fn enabled(
                    layer: &Pointwise,
                    panels: &Panels,
                    input: &[f32],
                    output: &mut [f32],
                    grouping: Grouping,
                    live: &mut Live,
                ) {
                    match panels.tile.rows {
                        // SAFETY: this function has the features, the tile is the panels', and the layer's `run` has measured the rows.
                        $($rows => unsafe {
                            product::pointwise::<$register, $rows, $vectors>(layer, panels, input, output, grouping, live)
                        },)+
                        rows => unreachable!("no tiles of {rows} rows on this path"),
                    }
                }
                // SAFETY: the layer's `Cpu` was checked when it was made.
                unsafe { enabled(layer, panels, input, output, grouping, live) }
            }
        }
    };
}

kernels!(avx512, "avx512f,popcnt", __m512, 3 x 4, 6 x 4);
kernels!(avx2, "avx2,fma,popcnt", __m256, 3 x 4);
