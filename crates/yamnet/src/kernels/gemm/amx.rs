//! The matrix unit of AMX-INT8, where Linux permits a process to use it; the rest of that path with AVX-512.
//!
//! ```text
//! for each k tile:  S2 += a1 b1;  S1 += a1 b0;  S2 += a2 b0;  S0 += a0 b0;  S1 += a0 b1;  S2 += a0 b2
//! ```
//!
//! `S`, `a`, `b` as in `int8_slices`: each is a tile register, each product a TDPBSSD (16x64 by 64x16 signed bytes,
//! added to 16x16 i32). The standard library has no stable AMX intrinsics, so the instructions are written in assembly.
//! Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, "Programming with Intel AMX".
//!
//! Invariant: where an [`Amx`] exists, this thread may use AMX and has configured its tiles; dropping it releases them,
//! since a thread with tiles in use is slower to switch.

#![allow(unsafe_code, reason = "tile registers, behind run-time detection")]

use std::arch::asm;
use std::arch::x86_64::{__cpuid_count, _mm512_cvtps_epi32, _mm512_loadu_ps, _mm512_storeu_si512};
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use super::int8_slices::{self, MatrixUnit, Slices, Sums, TILE, Weights};
use super::{GemmArgs, WeightRows};

/// Inputs (`k`) of layers that are computed in integers. With fewer, slicing them costs as much as it saves. With more,
/// in the last layers, most are zero, and skipping those saves more.
const INT8_K: RangeInclusive<usize> = 128..=512;

/// Whether this machine has AMX and Linux permits this process to use it. The first call requests the permission.
pub(in crate::kernels) fn is_available() -> bool {
    static AVAILABLE: LazyLock<bool> = LazyLock::new(|| {
        let has_avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("fma");
        has_avx512 && has_amx_int8(extended_features()) && request_permission()
    });
    *AVAILABLE
}

/// EDX of CPUID leaf 7, which every CPU with AVX-512 has.
#[allow(unused_unsafe, reason = "an unsafe function until Rust 1.93")]
fn extended_features() -> u32 {
    // SAFETY: every x86-64 has CPUID.
    unsafe { __cpuid_count(7, 0) }.edx
}

/// AMX-TILE is bit 24, AMX-INT8 bit 25.
fn has_amx_int8(features: u32) -> bool {
    features >> 24 & 0b11 == 0b11
}

/// Requests the tile state for all threads of this process. Linux refuses before 5.16, if a thread's alternate signal
/// stack is too small for it, or behind a seccomp filter.
#[cfg(target_os = "linux")]
fn request_permission() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const XFEATURE_XTILEDATA: libc::c_long = 18;
    // SAFETY: the call takes two numbers and touches no memory of this process.
    unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn request_permission() -> bool {
    false
}

/// The weights of a layer in slices; None if its `k` is not in [`INT8_K`] or [`Weights::pack`] refuses them.
pub(super) fn pack(rows: WeightRows<impl Iterator<Item = impl Iterator<Item = f32>> + Clone>) -> Option<Weights> {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma")]
    fn enabled(rows: WeightRows<impl Iterator<Item = impl Iterator<Item = f32>> + Clone>) -> Option<Weights> {
        // SAFETY: the caller has checked.
        Weights::pack(&unsafe { Amx::configure() }, rows)
    }
    if !INT8_K.contains(&rows.k) {
        return None;
    }
    // SAFETY: `Gemm::new` has checked that this machine has AMX.
    unsafe { enabled(rows) }
}

pub(super) fn gemm(args: GemmArgs<'_, Weights>) {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma")]
    fn enabled(args: GemmArgs<'_, Weights>) {
        // SAFETY: the caller has checked.
        int8_slices::gemm(&unsafe { Amx::configure() }, args);
    }
    // SAFETY: weights are in slices only where `Gemm::new` has checked that this machine has AMX.
    unsafe { enabled(args) }
}

/// The operand of LDTILECFG: the shapes of the tile registers.
#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

const _: () = assert!(size_of::<Configuration>() == 64);

/// Five of the eight tiles, all of the largest size. With more in use the product was at times up to 2.4 times slower,
/// apparently while another thread shared the core and its tile registers.
static CONFIGURATION: Configuration = Configuration {
    palette: 1,
    start_row: 0,
    reserved: [0; 14],
    row_bytes: [64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
};

/// This thread's tile registers, configured until it is dropped.
struct Amx(());

impl Amx {
    /// # Safety
    /// Needs AMX-INT8, with permission to use it, and AVX-512F; and no other [`Amx`] of this thread.
    #[inline(always)]
    unsafe fn configure() -> Amx {
        // SAFETY: the caller has the instruction, and the operand is a valid configuration of palette 1.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &CONFIGURATION, options(nostack, readonly)) };
        Amx(())
    }
}

impl Drop for Amx {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: where an `Amx` exists there is the instruction.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }
}

impl MatrixUnit for Amx {
    #[inline(always)]
    fn round(&self, values: [f32; TILE]) -> [i32; TILE] {
        let mut integers = [0; TILE];
        // SAFETY: where an `Amx` exists there is AVX-512F; sixteen values are read and written.
        unsafe {
            _mm512_storeu_si512(integers.as_mut_ptr().cast(), _mm512_cvtps_epi32(_mm512_loadu_ps(values.as_ptr())))
        };
        integers
    }

    /// Consecutive products share a tile, so that seven are loaded for six products.
    #[inline(always)]
    fn multiply(&self, rows: &[Slices], columns: &[Slices], sums: &mut Sums) {
        let steps = rows.len();
        assert!(steps > 0 && columns.len() == steps);
        // SAFETY: where an `Amx` exists the tiles are configured. Each of `steps` times the three tiles, a KiB each, of
        // one of `rows` and of one of `columns` are read; in the end the three sums, a KiB each, are written.
        unsafe {
            asm!(
                // tmm0 = S0, tmm1 = S1, tmm2 = S2. Rows of a tile are 64 bytes apart.
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
    fn both_amx_tile_and_amx_int8_are_needed() {
        let (amx_tile, amx_int8, amx_bf16) = (1 << 24, 1 << 25, 1 << 22);
        assert!(has_amx_int8(amx_tile | amx_int8) && has_amx_int8(u32::MAX));
        assert!([0, amx_tile, amx_int8, amx_tile | amx_bf16].iter().all(|&features| !has_amx_int8(features)));
    }
}
