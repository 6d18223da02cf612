//! Band energies as a frame codes them (RFC 6716, 4.3.2): coarse, fine, and from the bits that are left.
//!
//! ```text
//! coarse:  E[b] = alpha * E_previous_frame[b] + p[b] + q          q: whole steps of 6 dB, Laplace-coded
//!          p[b + 1] = p[b] + (1 - beta) * q
//! fine:    E[b] += (f + 1/2) / 2^bits - 1/2                       f: raw bits, as many as the allocation gives
//! final:   E[b] += (f - 1/2) / 2^(bits + 1)                       f: one more raw bit, as long as there are any
//! ```

use super::allocation::{Allocation, MAX_FINE_BITS};
use super::band_energy::LogEnergies;
use super::tables::{BETA_COEF, BETA_INTRA, E_PROB_MODEL, PRED_COEF};
use crate::range_decoder::RangeDecoder;

/// Distributions of q are in `2^15`ths.
const LAPLACE_FTB: u32 = 15;
/// The largest magnitude that is sure of a share.
const LAPLACE_NMIN: u32 = 16;
/// q where few bits are left: 0, -1, 1.
const SMALL_ENERGY_ICDF: [u8; 3] = [2, 1, 0];

/// What energies of a frame are read.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    pub(super) lm: usize,
    pub(super) channels: usize,
    pub(super) end: usize,
    /// Bits of the frame.
    pub(super) bits: u32,
}

/// Section 4.3.2.1; an intra frame is not predicted from the last one.
pub(super) fn unquant_coarse_energy(decoder: &mut RangeDecoder, log_e: &mut LogEnergies, extent: Extent, intra: bool) {
    let model = &E_PROB_MODEL[extent.lm][usize::from(intra)];
    let (alpha, beta) = if intra { (0.0, BETA_INTRA) } else { (PRED_COEF[extent.lm], BETA_COEF[extent.lm]) };
    let mut prediction = [0.0; 2];
    for (band, model) in model.as_chunks::<2>().0.iter().enumerate().take(extent.end) {
        for (log_e, prediction) in log_e.iter_mut().zip(&mut prediction).take(extent.channels) {
            let q = coarse_step(decoder, model, extent.bits) as f32;
            log_e[band] = alpha * log_e[band].max(-9.0) + *prediction + q;
            *prediction += q - beta * q;
        }
    }
}

fn coarse_step(decoder: &mut RangeDecoder, &[zero, decay]: &[u8; 2], bits: u32) -> i32 {
    match bits.saturating_sub(decoder.tell()) {
        15.. => laplace_decode(decoder, u32::from(zero) << 7, u32::from(decay) << 6),
        2.. => [0, -1, 1][decoder.dec_icdf(&SMALL_ENERGY_ICDF, 2)],
        1 => -i32::from(decoder.dec_bit_logp(1)),
        0 => -1,
    }
}

/// A number of a two-sided geometric distribution (ec_laplace_decode). 0 has the first `zero` of 2^15; then come -1, 1,
/// -2, 2 and so on, with the share `f`, of which each is `decay` 16384ths of the one before, plus one.
fn laplace_decode(decoder: &mut RangeDecoder, zero: u32, decay: u32) -> i32 {
    const FT: u32 = 1 << LAPLACE_FTB;
    let frequency = decoder.decode(FT);
    let fs = frequency.fs;
    if fs < zero {
        decoder.update(frequency, 0, zero);
        return 0;
    }
    let rest = FT - 2 * LAPLACE_NMIN - zero;
    let (mut magnitude, mut low, mut f) = (1, zero, (rest * (FT / 2 - decay)) >> LAPLACE_FTB);
    while f > 0 && fs >= low + 2 * (f + 1) {
        low += 2 * (f + 1);
        f = (2 * f * decay) >> LAPLACE_FTB;
        magnitude += 1;
    }
    if f == 0 {
        let pairs = (fs - low) / 2;
        magnitude += pairs as i32;
        low += 2 * pairs;
    }
    let negative = fs < low + f + 1;
    low += if negative { 0 } else { f + 1 };
    decoder.update(frequency, low, (low + f + 1).min(FT));
    if negative { -magnitude } else { magnitude }
}

/// Section 4.3.2.2.
pub(super) fn unquant_fine_energy(
    decoder: &mut RangeDecoder,
    log_e: &mut LogEnergies,
    extent: Extent,
    allocation: &Allocation,
) {
    for (band, &bits) in allocation.fine_bits.iter().enumerate().take(extent.end) {
        for log_e in log_e.iter_mut().take(if bits > 0 { extent.channels } else { 0 }) {
            let f = decoder.dec_bits(bits as u32) as f32;
            log_e[band] += (f + 0.5) / (1 << bits) as f32 - 0.5;
        }
    }
}

/// Section 4.3.2.2: the bits that are left, bands of the first priority before those of the second.
pub(super) fn unquant_energy_finalise(
    decoder: &mut RangeDecoder,
    log_e: &mut LogEnergies,
    extent: Extent,
    allocation: &Allocation,
) {
    let mut left = extent.bits as i32 - decoder.tell() as i32;
    for second in [false, true] {
        let next =
            |&band: &usize| allocation.fine_bits[band] < MAX_FINE_BITS && allocation.second_priority[band] == second;
        for band in (0..extent.end).filter(next) {
            if left < extent.channels as i32 {
                break;
            }
            left -= extent.channels as i32;
            for log_e in log_e.iter_mut().take(extent.channels) {
                let half = decoder.dec_bits(1) as f32 - 0.5;
                log_e[band] += half / (1 << (allocation.fine_bits[band] + 1)) as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::allocation::Params;
    use super::super::limits::Limits;
    use super::super::tables::NB_EBANDS;
    use super::*;
    use crate::reference_tests::random;
    use ruopus::celt::energy::{EnergyState, decode_coarse_energy, decode_energy_finalise, decode_fine_energy};

    #[test]
    fn energies_are_those_of_the_reference() {
        let (mut random, mut log_e, mut reference) = (random(1), [[0.0; NB_EBANDS]; 2], EnergyState::default());
        for _ in 0..20_000 {
            let [lm, channels, end, length, intra] = std::array::from_fn(|_| random() as usize);
            let (lm, channels, end, intra) = (lm % 4, 1 + channels % 2, [13, 17, 19, 21][end % 4], intra % 2 == 0);
            let packet: Vec<u8> = (0..1 + (length >> 4) % 160).map(|_| random() as u8).collect();
            let bits = 8 * packet.len() as u32;
            let extent = Extent { lm, channels, end, bits };

            let (mut ours, mut theirs) = (RangeDecoder::new(&packet), ruopus::RangeDecoder::new(&packet));
            unquant_coarse_energy(&mut ours, &mut log_e, extent, intra);
            decode_coarse_energy(&mut theirs, &mut reference, 0, end, intra, channels, lm, bits);
            assert_eq!(log_e, reference.old_ebands);

            let (limits, boosts) = (Limits::new(lm, channels), [0; NB_EBANDS]);
            let total = 8 * (bits as i32 - ours.tell() as i32);
            let before = ours;
            let allocation = limits.compute_allocation(&mut ours, &Params { end, boosts: &boosts, trim: 5 }, total);
            ours = before;
            unquant_fine_energy(&mut ours, &mut log_e, extent, &allocation);
            decode_fine_energy(&mut theirs, &mut reference, 0, end, &allocation.fine_bits, channels);
            unquant_energy_finalise(&mut ours, &mut log_e, extent, &allocation);
            let (left, fine) = (bits as i32 - theirs.tell() as i32, &allocation.fine_bits);
            decode_energy_finalise(
                &mut theirs,
                &mut reference,
                0,
                end,
                fine,
                &allocation.second_priority,
                left,
                channels,
            );
            assert_eq!(log_e, reference.old_ebands);
            assert_eq!((ours.tell(), ours.range()), (theirs.tell(), theirs.range_size()));
        }
    }
}
