//! The split angle theta (RFC 6716, 4.3.4.4): how a partition's energy is divided between its halves, or a band's
//! between mid and side.
//!
//! ```text
//! qn = steps of theta that the budget pays for;  itheta = symbol * 16384 / qn
//! mid = cos(itheta pi / 32768), side = sin(...)
//! delta = (N - 1) / 2 * log2(side / mid), the difference of the halves' bits
//! ```
//!
//! Everything is computed in the integers of the reference: what follows is divided by it.

use std::hint::select_unpredictable;
use std::sync::LazyLock;

use super::partition::{Band, Part};
use super::tables::{LOG_N, ONE_BIT};
use super::tell_frac::tell_frac;
use crate::range_decoder::RangeDecoder;

/// How a partition's energy is divided.
pub(super) struct Theta {
    /// The side channel is inverted.
    pub(super) inverted: bool,
    /// 0 to 16384.
    pub(super) itheta: i32,
    pub(super) mid: f32,
    pub(super) side: f32,
    pub(super) delta: i32,
    /// Eighths of a bit that the symbol took.
    pub(super) bits: i32,
}

/// The most bits of theta's resolution.
const MAX_BITS: i32 = 8;

/// `(a * b) / 2^15` of 16-bit numbers, rounded.
const fn frac_mul16(a: i32, b: i32) -> i32 {
    (16_384 + a as i16 as i32 * b as i16 as i32) >> 15
}

/// `2^15 cos(x pi / 32768)` by a polynomial, for x up to 16384.
const fn bitexact_cos(x: i32) -> i32 {
    let square = (4096 + x * x) >> 13;
    let polynomial = frac_mul16(square, -7651 + frac_mul16(square, 8277 + frac_mul16(-626, square)));
    1 + (32_767 - square) + polynomial
}

/// `2^11 log2(sin / cos)`: the difference of the exponents, and that of a polynomial in the mantissas.
const fn bitexact_log2tan(isin: i32, icos: i32) -> i32 {
    const fn mantissa_log2(mantissa: i32) -> i32 {
        frac_mul16(mantissa, 7932 + frac_mul16(mantissa, -2597))
    }
    let (sin_bits, cos_bits) = (32 - isin.leading_zeros() as i32, 32 - icos.leading_zeros() as i32);
    let (isin, icos) = (isin << (15 - sin_bits), icos << (15 - cos_bits));
    ((sin_bits - cos_bits) << 11) + mantissa_log2(isin) - mantissa_log2(icos)
}

/// Eighths of a bit for theta's resolution, at most [`MAX_BITS`] (compute_qn).
fn resolution(bins: usize, bits: i32, offset: i32, pulse_cap: i32, stereo: bool) -> usize {
    let freedom = 2 * bins as i32 - 1 - i32::from(stereo && bins == 2);
    let eighths = ((bits + freedom * offset) / freedom).min(bits - pulse_cap - 4 * ONE_BIT).min(MAX_BITS * ONE_BIT);
    eighths.max(0) as usize
}

/// qn, the steps of theta at a resolution.
const fn steps(resolution: usize) -> i32 {
    const EXP2_TABLE8: [i32; 8] = [16_384, 17_866, 19_483, 21_247, 23_170, 25_267, 27_554, 30_048];
    if resolution < 4 { 1 } else { ((EXP2_TABLE8[resolution & 7] >> (14 - (resolution >> 3))) + 1) >> 1 << 1 }
}

/// An angle, and what follows from it.
#[derive(Clone, Copy)]
struct Angle {
    itheta: i16,
    mid: i16,
    side: i16,
    log2tan: i16,
}

/// For each resolution the angles of all steps but the first and the last.
static ANGLES: LazyLock<[Vec<Angle>; (MAX_BITS * ONE_BIT) as usize + 1]> = LazyLock::new(|| {
    let angle = |itheta: i32| {
        let (mid, side) = (bitexact_cos(itheta), bitexact_cos(16_384 - itheta));
        let log2tan = bitexact_log2tan(side, mid) as i16;
        Angle { itheta: itheta as i16, mid: mid as i16, side: side as i16, log2tan }
    };
    std::array::from_fn(|resolution| {
        let steps = steps(resolution);
        (1..steps).map(|step| angle(step * 16_384 / steps)).collect()
    })
});

/// The whole part of a square root; exact below 2^24, as floats are.
fn isqrt(square: i32) -> i32 {
    (square as f32).sqrt() as i32
}

impl Band<'_, '_> {
    /// Reads how a partition is divided into halves like `part`; `parent_blocks` are interleaved in it. Takes the
    /// symbol's bits from `bits`.
    pub(super) fn decode_theta(
        &mut self,
        part: &mut Part,
        bits: &mut i32,
        parent_blocks: usize,
        stereo: bool,
    ) -> Theta {
        let pulse_cap = i32::from(LOG_N[self.index]) + part.lm * ONE_BIT;
        let offset = (pulse_cap >> 1) - if stereo && part.bins == 2 { 16 } else { 4 };
        let is_intensity = stereo && self.index >= self.intensity;
        let resolution = if is_intensity { 0 } else { resolution(part.bins, *bits, offset, pulse_cap, stereo) };
        let steps = steps(resolution);

        let before = tell_frac(self.decoder);
        let (mut step, mut inverted) = (0, false);
        if steps > 1 {
            step = if stereo && part.bins > 2 {
                decode_step(self.decoder, steps)
            } else if !stereo && parent_blocks == 1 {
                decode_triangular(self.decoder, steps)
            } else {
                self.decoder.dec_uint(steps as u32 + 1).unwrap_or(0) as i32
            };
        } else if stereo && *bits > 2 * ONE_BIT && self.remaining > 2 * ONE_BIT {
            // Read in any case, for the bitstream has it.
            inverted = self.decoder.dec_bit_logp(2) && !self.disable_inv;
        }
        let used = tell_frac(self.decoder) - before;
        *bits -= used;

        let all = (1u32 << part.blocks) - 1;
        let (itheta, mid, side, delta) = match ANGLES[resolution].get((step - 1) as usize) {
            Some(&Angle { itheta, mid, side, log2tan }) => {
                (itheta.into(), mid, side, frac_mul16((part.bins as i32 - 1) << 7, log2tan.into()))
            }
            None if step == 0 => {
                part.fill &= all;
                (0, 32_767, 0, -16_384)
            }
            None => {
                part.fill &= all << part.blocks;
                (16_384, 0, 32_767, 16_384)
            }
        };
        let (mid, side) = (f32::from(mid) / 32_768.0, f32::from(side) / 32_768.0);
        Theta { inverted, itheta, mid, side, delta, bits: used }
    }
}

/// The distribution of stereo bands: steps up to qn / 2 are three times as likely as those above.
fn decode_step(decoder: &mut RangeDecoder, steps: i32) -> i32 {
    let half = steps / 2;
    let likely = 3 * (half + 1);
    let frequency = decoder.decode((likely + half) as u32);
    let fs = frequency.fs as i32;
    let third = fs / 3;
    let (step, low, width) = select_unpredictable(fs < likely, (third, 3 * third, 3), (fs - likely + half + 1, fs, 1));
    decoder.update(frequency, low as u32, (low + width) as u32);
    step
}

/// The triangular distribution of partitions in one block: the most likely step is qn / 2.
fn decode_triangular(decoder: &mut RangeDecoder, steps: i32) -> i32 {
    let half = steps >> 1;
    let total = (half + 1) * (half + 1);
    let frequency = decoder.decode(total as u32);
    // The lower half and the mirrored upper half, without a branch.
    let fs = frequency.fs as i32;
    let upper = fs >= (half * (half + 1)) >> 1;
    let from_end = select_unpredictable(upper, total - 1 - fs, fs);
    let distance = (isqrt(8 * from_end + 1) - 1) >> 1;
    let (width, before) = (distance + 1, (distance * (distance + 1)) >> 1);
    let (step, low) = select_unpredictable(upper, (steps - distance, total - before - width), (distance, before));
    decoder.update(frequency, low as u32, (low + width) as u32);
    step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_exact() {
        let most = steps((MAX_BITS * ONE_BIT) as usize) / 2 + 1;
        assert!((0..=8 * most * most + 1).all(|square| isqrt(square) == square.isqrt()));
    }

    #[test]
    fn cosines_and_logarithms_are_those_of_the_reference() {
        use ruopus::celt::bands;
        for x in (64..=16_320).step_by(8) {
            assert_eq!(bitexact_cos(x), i32::from(bands::bitexact_cos(x as i16)));
            let (sin, cos) = (bitexact_cos(16_384 - x), bitexact_cos(x));
            assert_eq!(bitexact_log2tan(sin, cos), bands::bitexact_log2tan(sin, cos));
        }
    }

    /// Both distributions beside their definition: the step whose share the value lies in.
    #[test]
    fn steps_are_those_whose_share_holds_the_value() {
        let by_shares = |shares: &dyn Fn(i32) -> i32, steps: i32, fs: u32| {
            let (mut step, mut low) = (0, 0);
            while fs as i32 >= low + shares(step) {
                low += shares(step);
                step += 1;
            }
            assert!(step <= steps);
            (step, low as u32, (low + shares(step)) as u32)
        };
        let mut random = crate::reference_tests::random(1);
        for resolution in 4..=(MAX_BITS * ONE_BIT) as usize {
            let (steps, half) = (steps(resolution), steps(resolution) / 2);
            let stereo_share = |step: i32| if step <= half { 3 } else { 1 };
            let triangle = |step: i32| if step <= half { step + 1 } else { steps + 1 - step };
            for _ in 0..2_000 {
                let frame: Vec<u8> = (0..8).map(|_| random() as u8).collect();
                for stereo in [false, true] {
                    let shares: &dyn Fn(i32) -> i32 = if stereo { &stereo_share } else { &triangle };
                    let (mut ours, mut plain) = (RangeDecoder::new(&frame), RangeDecoder::new(&frame));
                    let decode = if stereo { decode_step } else { decode_triangular };
                    let step = decode(&mut ours, steps);
                    let frequency = plain.decode((0..=steps).map(shares).sum::<i32>() as u32);
                    let (expected, low, high) = by_shares(shares, steps, frequency.fs);
                    plain.update(frequency, low, high);
                    assert_eq!((step, ours.tell(), ours.range()), (expected, plain.tell(), plain.range()));
                }
            }
        }
    }
}
