//! The vectors of x86-64, and the kernels compiled for each.
//!
//! Invariant: a function of `avx512` or `avx2` is reached through [`super::Cpu::kernels`] alone, which checks that this
//! machine has the instructions.

#![allow(unsafe_code, reason = "intrinsics, behind run-time detection")]

use std::arch::x86_64::{
    __cpuid, __m256, __m512, _CMP_NEQ_UQ, _MM_HINT_T0, _mm_add_epi16, _mm_loadu_si128, _mm_prefetch, _mm_set1_epi16,
    _mm_storeu_si128, _mm256_cmp_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_max_ps, _mm256_movemask_ps, _mm256_or_ps,
    _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps, _mm256_storeu_si256, _mm512_add_epi32, _mm512_castps_si512,
    _mm512_castsi512_ps, _mm512_cmp_ps_mask, _mm512_cvtepi32_epi16, _mm512_fmadd_ps, _mm512_loadu_ps,
    _mm512_maskz_compress_epi32, _mm512_max_ps, _mm512_or_si512, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setr_epi32,
    _mm512_setzero_ps, _mm512_storeu_ps,
};

use super::TileRows;
use super::vector::{Vector, lanes_in_mask};

/// Implements [`Vector`] for a register type, with the intrinsics in the order of the trait's functions.
macro_rules! vector {
    ($register:ty, lanes $lanes:literal, registers $registers:literal, $splat:ident, $load:ident, $store:ident, $fma:ident, $max:ident, $zero:ident, $or:ident, $compress_nonzero:ident) => {
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
                // SAFETY: the caller has the instructions and a writable vector at the pointer.
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
            unsafe fn compress_nonzero(self, first: u16, to: *mut u16) -> usize {
                // SAFETY: the caller has the instructions and a writable number per lane at the pointer.
                unsafe { $compress_nonzero(self, first, to) }
            }
        }
    };
}

vector!(__m512, lanes 16, registers 32, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_fmadd_ps, _mm512_max_ps, _mm512_setzero_ps, or_512, compress_nonzero_512);
vector!(__m256, lanes 8, registers 16, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_fmadd_ps, _mm256_max_ps, _mm256_setzero_ps, _mm256_or_ps, compress_nonzero_256);

/// Bitwise or, which AVX-512F has for integers only.
///
/// # Safety
/// Needs AVX-512F.
#[inline(always)]
unsafe fn or_512(a: __m512, b: __m512) -> __m512 {
    // SAFETY: the caller has the instructions.
    unsafe { _mm512_castsi512_ps(_mm512_or_si512(_mm512_castps_si512(a), _mm512_castps_si512(b))) }
}

/// As [`Vector::compress_nonzero`]. Compresses in a register, since compressing into memory is slow on some processors.
///
/// # Safety
/// Needs AVX-512F, and 16 writable numbers at the pointer.
#[inline(always)]
unsafe fn compress_nonzero_512(values: __m512, first: u16, to: *mut u16) -> usize {
    // SAFETY: the caller has the instructions; 16 numbers of 16 bits are stored.
    unsafe {
        let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        let numbers = _mm512_add_epi32(lanes, _mm512_set1_epi32(first.into()));
        let nonzero = _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(values, _mm512_setzero_ps());
        _mm256_storeu_si256(to.cast(), _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(nonzero, numbers)));
        nonzero.count_ones() as usize
    }
}

/// As [`Vector::compress_nonzero`], by a table instead of unpredictable branches.
///
/// # Safety
/// Needs AVX, and 8 writable numbers at the pointer.
#[inline(always)]
unsafe fn compress_nonzero_256(values: __m256, first: u16, to: *mut u16) -> usize {
    // SAFETY: the caller has the instructions; 8 numbers of 16 bits are loaded and stored.
    unsafe {
        let nonzero = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_NEQ_UQ>(values, _mm256_setzero_ps()));
        let lanes = _mm_loadu_si128(LANES_IN_MASK[nonzero as usize].as_ptr().cast());
        _mm_storeu_si128(to.cast(), _mm_add_epi16(lanes, _mm_set1_epi16(first as i16)));
        nonzero.count_ones() as usize
    }
}

/// For each mask of lanes their indices, ascending; the rest of a row is unspecified.
static LANES_IN_MASK: [[u16; 8]; 256] = lanes_in_mask();

/// Compiles the kernel of each family for a register type and its instructions. The GEMM has a micro-kernel for each
/// `rows x vectors`.
macro_rules! kernels {
    ($path:ident, $features:literal, $register:ty, $($rows:literal x $vectors:literal),+) => {
        pub(super) mod $path {
            use super::super::conv::{self, DepthwiseArgs, FirstConvolutionArgs};
            use super::super::gemm::{self, GemmArgs, Panels};
            use super::super::KernelTable;
            use super::*;

            pub(in super::super) static KERNELS: KernelTable = KernelTable { first_convolution, depthwise, gemm };

            fn first_convolution(args: FirstConvolutionArgs<'_>) {
                #[target_feature(enable = $features)]
                fn enabled(args: FirstConvolutionArgs<'_>) {
                    // SAFETY: this function has the instructions, and the layer has checked the lengths.
                    unsafe { conv::simd::first_convolution::<$register>(args) }
                }
                // SAFETY: `Cpu::kernels` has checked that this machine has the instructions.
                unsafe { enabled(args) }
            }

            fn depthwise(args: DepthwiseArgs<'_>) {
                #[target_feature(enable = $features)]
                fn enabled(args: DepthwiseArgs<'_>) {
                    // SAFETY: this function has the instructions, and the layer has checked the lengths.
                    unsafe { conv::simd::depthwise::<$register>(args) }
                }
                // SAFETY: `Cpu::kernels` has checked that this machine has the instructions.
                unsafe { enabled(args) }
            }

            fn gemm(args: GemmArgs<'_, Panels>) {
                #[target_feature(enable = $features)]
                fn enabled(args: GemmArgs<'_, Panels>) {
                    match args.weights.tile.mr {
                        // SAFETY: this function has the instructions, the tile is that of the panels, and the layer has
                        // checked the lengths.
                        $($rows => unsafe { gemm::simd::gemm::<$register, $rows, $vectors>(args) },)+
                        rows => unreachable!("no micro-kernel of {rows} rows on this path"),
                    }
                }
                // SAFETY: `Cpu::kernels` has checked that this machine has the instructions.
                unsafe { enabled(args) }
            }
        }
    };
}

kernels!(avx512, "avx512f,popcnt", __m512, 3 x 4, 6 x 4);
kernels!(avx2, "avx2,fma,popcnt", __m256, 3 x 4);

/// The tile that was the faster one where it was measured (docs/performance.md of giggles): three rows on Zen 4, which
/// begins a multiply-add of 512 bits every cycle and loads as many; six on Xeons, which begin two. None on any other
/// processor with AVX-512.
pub(super) fn tile_rows_of_avx512() -> Option<TileRows> {
    let [highest, b, c, d] = cpuid(0);
    let vendor: Vec<u8> = [b, d, c].into_iter().flat_map(u32::to_le_bytes).collect();
    let signature = if highest >= 1 { cpuid(1)[0] } else { 0 };
    let has_brand = cpuid(0x8000_0000)[0] >= 0x8000_0004;
    let brand: Vec<u8> = (0x8000_0002..=0x8000_0004)
        .filter(|_| has_brand)
        .flat_map(|leaf| cpuid(leaf).into_iter().flat_map(u32::to_le_bytes))
        .collect();
    tile_rows_of(&vendor, signature, &brand)
}

/// From CPUID's vendor, EAX of leaf 1, and brand.
fn tile_rows_of(vendor: &[u8], signature: u32, brand: &[u8]) -> Option<TileRows> {
    /// Zen 3 and Zen 4, of which Zen 4 has AVX-512.
    const ZEN_4: u32 = 0x19;
    let base = signature >> 8 & 0xf;
    let family = if base == 0xf { base + (signature >> 20 & 0xff) } else { base };
    let is_xeon = brand.windows(4).any(|word| word == b"Xeon");
    match vendor {
        b"AuthenticAMD" if family == ZEN_4 => Some(TileRows::Three),
        b"GenuineIntel" if is_xeon => Some(TileRows::Six),
        _ => None,
    }
}

#[allow(unused_unsafe, reason = "an unsafe function until Rust 1.93")]
fn cpuid(leaf: u32) -> [u32; 4] {
    // SAFETY: every x86-64 has CPUID.
    let registers = unsafe { __cpuid(leaf) };
    [registers.eax, registers.ebx, registers.ecx, registers.edx]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_known_on_zen_4_and_on_xeons_alone() {
        // EAX of leaf 1 of an EPYC 9004, an EPYC 9005, a Sapphire Rapids and a Rocket Lake.
        let (zen_4, zen_5, xeon, client) = (0x00a1_0f11, 0x00b0_0f21, 0x0008_06f8, 0x000a_0671);
        assert_eq!(tile_rows_of(b"AuthenticAMD", zen_4, b"AMD EPYC 9354"), Some(TileRows::Three));
        assert_eq!(tile_rows_of(b"AuthenticAMD", zen_5, b"AMD EPYC 9355"), None);
        assert_eq!(tile_rows_of(b"GenuineIntel", xeon, b"Intel(R) Xeon(R) Platinum 8488C"), Some(TileRows::Six));
        assert_eq!(tile_rows_of(b"GenuineIntel", client, b"11th Gen Intel(R) Core(TM) i9-11900K"), None);
    }
}
