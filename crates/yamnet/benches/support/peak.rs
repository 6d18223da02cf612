//! The peak of a core: independent multiply-adds of floats in registers. With AMX, six products of bytes count as one
//! of floats, as in `int8_slices`.

use yamnet::Cpu;

/// Sums that are open at once: enough to hide the latency of any core, few enough for 32 registers.
const SUMS: usize = 16;
/// Rounds of [`SUMS`] multiply-adds of a vector: some milliseconds.
const ROUNDS: usize = 900_000;

/// Runs a path's loop once; f32 operations done (a multiply-add is two). None where there is no loop
/// to compare with.
pub fn run(cpu: Cpu) -> Option<f64> {
    let lanes = match cpu {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: what runs here came from `Cpu::available`, so this process may use AMX.
        Cpu::Amx => unsafe { x86::amx(ROUNDS) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `Cpu` values come from `Cpu::available`, so the machine has AVX-512F.
        Cpu::Avx512 => unsafe { x86::avx512(ROUNDS) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above, AVX2 and FMA.
        Cpu::Avx2 => unsafe { x86::avx2(ROUNDS) },
        _ => return None,
    };
    Some((ROUNDS * SUMS * lanes * 2) as f64)
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::asm;
    use std::arch::x86_64::{__m256, __m512, _mm256_fmadd_ps, _mm256_set1_ps, _mm512_fmadd_ps, _mm512_set1_ps};
    use std::hint::black_box;

    use super::SUMS;

    /// Five tiles of 16 rows of 64 bytes.
    #[repr(C, align(64))]
    struct Configuration([u8; 64]);

    static CONFIGURATION: Configuration = {
        let (mut bytes, mut tile) = ([0; 64], 0);
        bytes[0] = 1;
        while tile < 5 {
            bytes[16 + 2 * tile] = 64;
            bytes[48 + tile] = 16;
            tile += 1;
        }
        Configuration(bytes)
    };

    /// Products of tiles of bytes; six of them are one of floats. Returns the lanes that a vector would have to have
    /// to do as much in the same rounds: fewer rounds are run, a tile being so large.
    ///
    /// # Safety
    /// Needs AMX, and the kernel's permission to use it.
    pub unsafe fn amx(rounds: usize) -> usize {
        const PRODUCTS: usize = 3;
        const MULTIPLY_ADDS: usize = 16 * 16 * 64;
        const LANES: usize = 128;
        let steps = rounds * SUMS * LANES * 6 / (PRODUCTS * MULTIPLY_ADDS);
        // SAFETY: the tiles are configured before they are used, and nothing but that is read.
        unsafe {
            asm!(
                "ldtilecfg [{configuration}]",
                "2:",
                "tdpbssd tmm0, tmm3, tmm4",
                "tdpbssd tmm1, tmm3, tmm4",
                "tdpbssd tmm2, tmm3, tmm4",
                "dec {steps}",
                "jnz 2b",
                "tilerelease",
                configuration = in(reg) &CONFIGURATION,
                steps = inout(reg) steps => _,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _, out("tmm4") _,
                options(nostack, readonly),
            );
        }
        LANES
    }

    /// Returns the lanes of a vector.
    #[target_feature(enable = "avx512f")]
    pub fn avx512(rounds: usize) -> usize {
        let factor = black_box(_mm512_set1_ps(0.5));
        let mut sums: [__m512; SUMS] = [factor; SUMS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(*sum, factor, factor);
            }
        }
        black_box(sums);
        16
    }

    /// Returns the lanes of a vector.
    #[target_feature(enable = "avx2,fma")]
    pub fn avx2(rounds: usize) -> usize {
        // AVX2 has sixteen registers: twelve sums and the factor fit, and hide a latency of four.
        let factor = black_box(_mm256_set1_ps(0.5));
        let mut sums: [__m256; SUMS * 3 / 4] = [factor; SUMS * 3 / 4];
        for _ in 0..rounds * 4 / 3 {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(*sum, factor, factor);
            }
        }
        black_box(sums);
        8
    }
}
