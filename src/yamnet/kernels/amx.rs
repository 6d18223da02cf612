//! Tiles of bytes multiplied by AMX, where Linux lets a process have it; what is around that with AVX-512.
//!
//! The standard library names no tile instruction yet, so they stand here by their own names.
//!
//! Invariant: whoever has an [`Amx`] has the instructions and configured tiles, and gives them back with it: a thread with
//! tiles in use is slower to switch.

#![allow(unsafe_code, reason = "tile registers, behind run-time detection")]

use std::arch::asm;
use std::arch::x86_64::{__cpuid_count, _mm512_cvtps_epi32, _mm512_loadu_ps, _mm512_storeu_si512};
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use super::Pointwise;
use super::digits::{self, Inputs, MatrixUnit, SIDE, Sums, Tiles, Weights};
use super::pointwise::Rows;

/// Inputs of a layer. With fewer, splitting them costs as much as it saves. With more, in the last layers, most are
/// zero, and leaving those out saves more.
const WORTH_SPLITTING: RangeInclusive<usize> = 128..=512;

/// Whether this machine has AMX and Linux lets this process use it. The first call asks for that.
pub(super) fn is_available() -> bool {
    static AVAILABLE: LazyLock<bool> = LazyLock::new(|| {
        let vectors = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("fma");
        vectors && multiplies_bytes(extended_features()) && permitted()
    });
    *AVAILABLE
}

/// The last register of CPUID's leaf 7, which every CPU with AVX-512 has.
#[allow(unused_unsafe, reason = "an unsafe function until Rust 1.93")]
fn extended_features() -> u32 {
    // SAFETY: every x86-64 has CPUID.
    unsafe { __cpuid_count(7, 0) }.edx
}

/// Bit 24 are tiles, bit 25 their products of bytes.
fn multiplies_bytes(features: u32) -> bool {
    features >> 24 & 0b11 == 0b11
}

/// Asks for the tiles' state, for all threads of this process. Linux refuses before 5.16, where a thread's alternate
/// signal stack is too small for it, or where a filter of system calls stands before it.
#[cfg(target_os = "linux")]
fn permitted() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_long = 18;
    // SAFETY: the call takes two numbers and touches no memory of this process.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn permitted() -> bool {
    false
}

/// A layer's weights as digits, if that pays and can be.
pub(super) fn pack(rows: Rows<impl Iterator<Item = impl Iterator<Item = f32>> + Clone>) -> Option<Weights> {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma")]
    fn enabled(rows: Rows<impl Iterator<Item = impl Iterator<Item = f32>> + Clone>) -> Option<Weights> {
        // SAFETY: the caller has checked.
        Weights::pack(&unsafe { Amx::configured() }, rows)
    }
    if !WORTH_SPLITTING.contains(&rows.count) {
        return None;
    }
    // SAFETY: the layer's `Cpu` was checked.
    unsafe { enabled(rows) }
}

pub(super) fn pointwise(layer: &Pointwise, weights: &Weights, input: &[f32], output: &mut [f32], inputs: &mut Inputs) {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma")]
    fn enabled(layer: &Pointwise, weights: &Weights, input: &[f32], output: &mut [f32], inputs: &mut Inputs) {
        // SAFETY: the caller has checked.
        digits::pointwise(&unsafe { Amx::configured() }, layer, weights, input, output, inputs);
    }
    // SAFETY: the layer's `Cpu` was checked when it was made.
    unsafe { enabled(layer, weights, input, output, inputs) }
}

/// Which tiles there are, as the instruction reads it.
#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

const _: () = assert!(size_of::<Configuration>() == 64);

/// Five of the eight tiles, all of the largest size. With more in use the product was up to 2.4 times slower at times, it
/// seems while another thread shared the core and its spare tiles (docs/performance.md).
static CONFIGURATION: Configuration = Configuration {
    palette: 1,
    start_row: 0,
    reserved: [0; 14],
    row_bytes: [64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
};

/// Tiles of this thread, configured until it is dropped.
struct Amx(());

impl Amx {
    /// # Safety
    /// Needs AMX for bytes, with leave to use it, and AVX-512F; and no other [`Amx`] of this thread.
    #[inline(always)]
    unsafe fn configured() -> Amx {
        // SAFETY: the caller has the instruction, and the configuration is one of palette 1.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &CONFIGURATION, options(nostack, readonly)) };
        Amx(())
    }
}

impl Drop for Amx {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: whoever has an `Amx` has the instruction.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }
}

impl MatrixUnit for Amx {
    #[inline(always)]
    fn rounded(&self, values: [f32; SIDE]) -> [i32; SIDE] {
        let mut numbers = [0; SIDE];
        // SAFETY: whoever has an `Amx` has AVX-512F; sixteen values are read and written.
        unsafe {
            _mm512_storeu_si512(numbers.as_mut_ptr().cast(), _mm512_cvtps_epi32(_mm512_loadu_ps(values.as_ptr())))
        };
        numbers
    }

    /// Of the six products the two that come next to each other share a tile: seven are loaded.
    #[inline(always)]
    fn multiply(&self, rows: &[Tiles], columns: &[Tiles], sums: &mut Sums) {
        let steps = rows.len();
        assert!(steps > 0 && columns.len() == steps);
        // SAFETY: whoever has an `Amx` has configured tiles. Each of `steps` times the three tiles, a KiB each, of one of
        // `rows` and of one of `columns` are read; in the end the three sums, a KiB each, are written.
        unsafe {
            asm!(
                // A sum for each place: tmm0 is the highest. Rows of a tile are 64 bytes apart.
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "2:",
                "tileloadd tmm3, [{rows} + {stride} + 1024]",
                "tileloadd tmm4, [{columns} + {stride} + 1024]",
                "tdpbssd tmm2, tmm3, tmm4",
                "tileloadd tmm4, [{columns} + {stride}]",
                "tdpbssd tmm1, tmm3, tmm4",
                "tileloadd tmm3, [{rows} + {stride} + 2048]",
                "tdpbssd tmm2, tmm3, tmm4",
                "tileloadd tmm3, [{rows} + {stride}]",
                "tdpbssd tmm0, tmm3, tmm4",
                "tileloadd tmm4, [{columns} + {stride} + 1024]",
                "tdpbssd tmm1, tmm3, tmm4",
                "tileloadd tmm4, [{columns} + {stride} + 2048]",
                "tdpbssd tmm2, tmm3, tmm4",
                "add {rows}, 3072",
                "add {columns}, 3072",
                "dec {steps}",
                "jnz 2b",
                "tilestored [{sums} + {stride}], tmm0",
                "tilestored [{sums} + {stride} + 1024], tmm1",
                "tilestored [{sums} + {stride} + 2048], tmm2",
                rows = inout(reg) rows.as_ptr() => _,
                columns = inout(reg) columns.as_ptr() => _,
                steps = inout(reg) steps => _,
                sums = in(reg) sums,
                stride = in(reg) 64usize,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _, out("tmm4") _,
                options(nostack),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_tiles_and_products_of_their_bytes() {
        let (tiles, bytes, halves) = (1 << 24, 1 << 25, 1 << 22);
        assert!(multiplies_bytes(tiles | bytes) && multiplies_bytes(u32::MAX));
        assert!([0, tiles, bytes, tiles | halves].iter().all(|&features| !multiplies_bytes(features)));
    }
}
