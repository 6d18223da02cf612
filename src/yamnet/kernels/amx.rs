//! Tiles of bytes multiplied by AMX, where Linux lets a process have it; what is around that with AVX-512.
//!
//! The standard library names no tile instruction yet, so that they stand here by their own names.
//!
//! Invariant: tiles are configured while [`Amx`] multiplies, and are given back after every layer: a thread that
//! has some in use is slower to switch.

#![allow(unsafe_code, reason = "tile registers, behind run-time detection")]

use std::arch::asm;
use std::arch::x86_64::{__cpuid_count, _mm512_cvtps_epi32, _mm512_loadu_ps, _mm512_storeu_si512};
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use super::Pointwise;
use super::digits::{self, Inputs, Multiplier, SIDE, Sums, Tiles, Weights};
use super::pointwise::Rows;

/// Inputs of a layer. Of fewer, to split them costs as much as it saves; of more, in the last layers, most are zero, and to
/// leave those out saves more.
const WORTH_SPLITTING: RangeInclusive<usize> = 128..=512;

/// Whether this machine has it and lets this process use it. It must have AVX-512F.
pub(super) fn is_available() -> bool {
    static AVAILABLE: LazyLock<bool> = LazyLock::new(|| {
        // Bits 24 and 25: tiles, and bytes in them.
        let features = __cpuid_count(7, 0).edx;
        let vectors = is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("fma");
        vectors && features >> 24 & 0b11 == 0b11 && permitted()
    });
    *AVAILABLE
}

/// Asks the kernel for the tiles, once for all threads. It has its reasons to refuse: it is older than 5.16, or
/// a filter of system calls is in the way.
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

/// A layer's weights as digits, if it is worth it and they can be.
pub(super) fn pack(rows: Rows<impl Iterator<Item = impl Iterator<Item = f32>> + Clone>) -> Option<Weights> {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma")]
    fn enabled(rows: Rows<impl Iterator<Item = impl Iterator<Item = f32>> + Clone>) -> Option<Weights> {
        Weights::pack::<Amx>(rows)
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
        // SAFETY: there is AMX where there are such weights, and the configuration is one of palette 1.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &CONFIGURATION, options(nostack, readonly)) };
        digits::pointwise::<Amx>(layer, weights, input, output, inputs);
        // SAFETY: as above; nothing is left in the tiles.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
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

/// Five of the eight tiles, all of the largest size. A tile that is written while its old value is still in use
/// takes a spare one; where two threads share a core there are few, and fewer with every tile in use.
static CONFIGURATION: Configuration = Configuration {
    palette: 1,
    start_row: 0,
    reserved: [0; 14],
    row_bytes: [64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
};

/// Named nowhere but in functions that have AVX-512; it multiplies in [`pointwise`] alone.
struct Amx;

impl Multiplier for Amx {
    #[inline(always)]
    fn rounded(values: [f32; SIDE]) -> [i32; SIDE] {
        let mut numbers = [0; SIDE];
        // SAFETY: there is AVX-512; sixteen values are read and written.
        unsafe {
            _mm512_storeu_si512(numbers.as_mut_ptr().cast(), _mm512_cvtps_epi32(_mm512_loadu_ps(values.as_ptr())))
        };
        numbers
    }

    #[inline(always)]
    fn multiply(rows: &[Tiles], columns: &[Tiles], sums: &mut Sums) {
        let steps = rows.len();
        assert!(steps > 0 && columns.len() == steps);
        // SAFETY: the tiles are configured. Each of `steps` times the three tiles, a KiB each, of one of `rows` and of
        // one of `columns` are read; in the end the three sums, a KiB each, are written.
        unsafe {
            asm!(
                // A sum for each place: tmm0 is the highest.
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "2:",
                "tileloadd tmm3, [{rows} + {line} + 1024]",
                "tileloadd tmm4, [{columns} + {line} + 1024]",
                "tdpbssd tmm2, tmm3, tmm4",
                "tileloadd tmm4, [{columns} + {line}]",
                "tdpbssd tmm1, tmm3, tmm4",
                "tileloadd tmm3, [{rows} + {line} + 2048]",
                "tdpbssd tmm2, tmm3, tmm4",
                "tileloadd tmm3, [{rows} + {line}]",
                "tdpbssd tmm0, tmm3, tmm4",
                "tileloadd tmm4, [{columns} + {line} + 1024]",
                "tdpbssd tmm1, tmm3, tmm4",
                "tileloadd tmm4, [{columns} + {line} + 2048]",
                "tdpbssd tmm2, tmm3, tmm4",
                "add {rows}, 3072",
                "add {columns}, 3072",
                "dec {steps}",
                "jnz 2b",
                "tilestored [{sums} + {line}], tmm0",
                "tilestored [{sums} + {line} + 1024], tmm1",
                "tilestored [{sums} + {line} + 2048], tmm2",
                rows = inout(reg) rows.as_ptr() => _,
                columns = inout(reg) columns.as_ptr() => _,
                steps = inout(reg) steps => _,
                sums = in(reg) sums,
                line = in(reg) 64usize,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _, out("tmm4") _,
                options(nostack),
            );
        }
    }
}
