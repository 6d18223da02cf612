//! Band energies as a frame says them: coarse, fine, and with the bits that are left (RFC 6716, 4.3.2).
//!
//! Invariant: as in every decoder, to the rounding of floats, which the next frame is predicted from.

use ruopus::celt::modes::{BETA_COEF, BETA_INTRA, E_PROB_MODEL, PRED_COEF};

use super::allocation::{Allocation, MOST_FINE};
use super::energies::Levels;
use crate::coder::Coder;

/// Distributions of differences are in so many parts, as a power of two.
const PARTS: u32 = 15;
/// What a difference is read by where few bits are left: none, one down, one up.
const FEW: [u8; 3] = [2, 1, 0];

/// Where in a frame energies are read.
#[derive(Clone, Copy)]
pub struct Extent {
    pub lm: usize,
    pub channels: usize,
    pub end: usize,
    /// Of the frame.
    pub bits: u32,
}

/// Steps of 6 dB from what the last frame and the band below let expect; only the latter if the frame stands alone.
pub fn coarse(coder: &mut Coder, levels: &mut Levels, extent: Extent, alone: bool) {
    let model = &E_PROB_MODEL[extent.lm][usize::from(alone)];
    let (from_last, kept) = if alone { (0.0, BETA_INTRA) } else { (PRED_COEF[extent.lm], BETA_COEF[extent.lm]) };
    let mut below = [0.0; 2];
    for (band, model) in model.as_chunks::<2>().0.iter().enumerate().take(extent.end) {
        for (levels, below) in levels.iter_mut().zip(&mut below).take(extent.channels) {
            let steps = steps(coder, model, extent.bits) as f32;
            levels[band] = from_last * levels[band].max(-9.0) + *below + steps;
            *below += steps - kept * steps;
        }
    }
}

fn steps(coder: &mut Coder, &[none, decay]: &[u8; 2], bits: u32) -> i32 {
    match bits.saturating_sub(coder.tell()) {
        15.. => laplace(coder, u32::from(none) << 7, u32::from(decay) << 6),
        2.. => [0, -1, 1][coder.symbol_of(2, &FEW)],
        1 => -i32::from(coder.bit(1)),
        0 => -1,
    }
}

/// A number that is the rarer the larger it is. Zero has the first `none` parts, then come -1, 1, -2, 2 and on, each pair
/// having `decay` 16384ths of what the last had, and a part for each of the two.
fn laplace(coder: &mut Coder, none: u32, decay: u32) -> i32 {
    let place = coder.place(1 << PARTS);
    if place.at < none {
        coder.enter(place, 0, none);
        return 0;
    }
    // Sixteen numbers of each sign are sure of their part.
    let all = (1 << PARTS) - 2 * 16 - none;
    let (mut magnitude, mut low, mut more) = (1, none, (all * ((1 << (PARTS - 1)) - decay)) >> PARTS);
    while more > 0 && place.at >= low + 2 * (more + 1) {
        low += 2 * (more + 1);
        more = (2 * more * decay) >> PARTS;
        magnitude += 1;
    }
    if more == 0 {
        let pairs = (place.at - low) / 2;
        magnitude += pairs as i32;
        low += 2 * pairs;
    }
    let negative = place.at < low + more + 1;
    low += if negative { 0 } else { more + 1 };
    coder.enter(place, low, (low + more + 1).min(1 << PARTS));
    if negative { -magnitude } else { magnitude }
}

/// Parts of a step, as small as the allocation has it.
pub fn fine(coder: &mut Coder, levels: &mut Levels, extent: Extent, allocation: &Allocation) {
    for (band, &bits) in allocation.fine.iter().enumerate().take(extent.end) {
        for levels in levels.iter_mut().take(if bits > 0 { extent.channels } else { 0 }) {
            let part = coder.plain(bits as u32) as f32;
            levels[band] += (part + 0.5) / (1 << bits) as f32 - 0.5;
        }
    }
}

/// A bit more for each, as long as there is one.
pub fn finest(coder: &mut Coder, levels: &mut Levels, extent: Extent, allocation: &Allocation) {
    let mut left = extent.bits as i32 - coder.tell() as i32;
    for late in [false, true] {
        let next = |&band: &usize| allocation.fine[band] < MOST_FINE && allocation.late[band] == late;
        for band in (0..extent.end).filter(next) {
            if left < extent.channels as i32 {
                break;
            }
            left -= extent.channels as i32;
            for levels in levels.iter_mut().take(extent.channels) {
                let half = coder.plain(1) as f32 - 0.5;
                levels[band] += half / (1 << (allocation.fine[band] + 1)) as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::celt::allocation::{Limits, Said};
    use crate::twins::random;
    use ruopus::RangeDecoder;
    use ruopus::celt::energy::{EnergyState, decode_coarse_energy, decode_energy_finalise, decode_fine_energy};
    use ruopus::celt::modes::NB_EBANDS;

    #[test]
    fn levels_are_those_of_the_twin() {
        let (mut random, mut levels, mut twin) = (random(1), [[0.0; NB_EBANDS]; 2], EnergyState::default());
        for _ in 0..20_000 {
            let [lm, channels, end, length, alone] = std::array::from_fn(|_| random() as usize);
            let (lm, channels, end, alone) = (lm % 4, 1 + channels % 2, [13, 17, 19, 21][end % 4], alone % 2 == 0);
            let packet: Vec<u8> = (0..1 + (length >> 4) % 160).map(|_| random() as u8).collect();
            let bits = 8 * packet.len() as u32;
            let extent = Extent { lm, channels, end, bits };

            let (mut ours, mut theirs) = (Coder::new(&packet), RangeDecoder::new(&packet));
            coarse(&mut ours, &mut levels, extent, alone);
            decode_coarse_energy(&mut theirs, &mut twin, 0, end, alone, channels, lm, bits);
            assert_eq!(levels, twin.old_ebands);

            let (limits, boosts) = (Limits::of(lm, channels), [0; NB_EBANDS]);
            let total = 8 * (bits as i32 - ours.tell() as i32);
            let before = ours;
            let allocation = limits.divide(&mut ours, &Said { end, boosts: &boosts, trim: 5 }, total);
            ours = before;
            fine(&mut ours, &mut levels, extent, &allocation);
            decode_fine_energy(&mut theirs, &mut twin, 0, end, &allocation.fine, channels);
            finest(&mut ours, &mut levels, extent, &allocation);
            let (left, fine) = (bits as i32 - theirs.tell() as i32, &allocation.fine);
            decode_energy_finalise(&mut theirs, &mut twin, 0, end, fine, &allocation.late, left, channels);
            assert_eq!(levels, twin.old_ebands);
            assert_eq!((ours.tell(), ours.range()), (theirs.tell(), theirs.range_size()));
        }
    }
}
