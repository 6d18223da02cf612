//! What a frame says before its shapes: flags, time against frequency, boosts, trim (RFC 6716, 4.3).
//!
//! Invariant: nothing is read that the frame's bits do not pay for.

use crate::coder::Coder;
use ruopus::celt::modes::{EBANDS, NB_EBANDS};

use super::allocation::{Allocation, Limits, Said};
use super::partition::BIT;
use super::spent::spent;
use super::synthesis::Comb;

const TAPSET: [u8; 3] = [2, 1, 0];
const SPREAD: [u8; 4] = [25, 23, 2, 0];
const TRIM: [u8; 11] = [126, 124, 119, 109, 87, 41, 19, 9, 4, 2, 0];

/// The flags in front of the energies.
pub struct Flags {
    pub comb: Comb,
    pub transient: bool,
    pub intra: bool,
}

/// What stands between the coarse energies and the fine ones.
pub struct Plan {
    pub tf: [i32; NB_EBANDS],
    pub spread: u32,
    pub allocation: Allocation,
    /// Eighths kept for the bit that says whether empty blocks get noise.
    pub reserved: i32,
}

/// Whether the frame is silence, as its first bit says, or its having none.
pub fn silence(coder: &mut Coder, bits: u32) -> bool {
    coder.tell() >= bits || coder.tell() == 1 && coder.bit(15)
}

pub fn flags(coder: &mut Coder, bits: u32, lm: usize) -> Flags {
    let comb = if coder.tell() + 16 <= bits { comb(coder, bits) } else { Comb::default() };
    let transient = lm > 0 && coder.tell() + 3 <= bits && coder.bit(3);
    let intra = coder.tell() + 3 <= bits && coder.bit(3);
    Flags { comb, transient, intra }
}

fn comb(coder: &mut Coder, bits: u32) -> Comb {
    if !coder.bit(1) {
        return Comb::default();
    }
    let octave = coder.number(6).unwrap_or(0);
    let period = ((16 << octave) + coder.plain(4 + octave) - 1) as usize;
    let gain = 0.09375 * (coder.plain(3) + 1) as f32;
    let tapset = if coder.tell() + 2 <= bits { coder.symbol_of(2, &TAPSET) } else { 0 };
    Comb { period, gain, tapset }
}

pub fn plan(coder: &mut Coder, bits: u32, lm: usize, channels: usize, end: usize, transient: bool) -> Plan {
    let tf = resolutions(coder, bits, lm, end, transient);
    let spread = if coder.tell() + 4 <= bits { coder.symbol_of(5, &SPREAD) as u32 } else { 2 };
    let limits = Limits::of(lm, channels);
    let (boosts, left) = boosts(coder, bits, lm, channels, end, &limits.most);
    let trim = if spent(coder) + 6 * BIT <= left { coder.symbol_of(7, &TRIM) as i32 } else { 5 };

    let total = bits as i32 * BIT - spent(coder) - 1;
    let reserved = if transient && lm >= 2 && total >= (lm as i32 + 2) * BIT { BIT } else { 0 };
    let allocation = limits.divide(coder, &Said { end, boosts: &boosts, trim }, total - reserved);
    Plan { tf, spread, allocation, reserved }
}

/// How much time resolution each band gains, or loses if less than nothing (4.3.1).
fn resolutions(coder: &mut Coder, bits: u32, lm: usize, end: usize, transient: bool) -> [i32; NB_EBANDS] {
    /// By frame length; for each, long then transient, select off then on, the band's flag off then on.
    const CHANGES: [[i32; 8]; 4] = [
        [0, -1, 0, -1, 0, -1, 0, -1],
        [0, -1, 0, -2, 1, 0, 1, -1],
        [0, -2, 0, -3, 2, 0, 1, -1],
        [0, -2, 0, -3, 3, 0, 1, -1],
    ];
    let (mut cost, later) = if transient { (2, 4) } else { (4, 5) };
    let selectable = lm > 0 && coder.tell() + cost < bits;
    let budget = bits - u32::from(selectable);
    let (mut flags, mut flag, mut any) = ([0; NB_EBANDS], false, false);
    for band in &mut flags[..end] {
        if coder.tell() + cost <= budget {
            flag ^= coder.bit(cost);
            any |= flag;
        }
        (*band, cost) = (usize::from(flag), later);
    }
    let row = &CHANGES[lm][if transient { 4 } else { 0 }..];
    let differs = row[usize::from(any)] != row[2 + usize::from(any)];
    let select = selectable && differs && coder.bit(1);
    flags.map(|flag| row[2 * usize::from(select) + flag])
}

/// What single bands get beyond their share, and the eighths of the frame less these.
fn boosts(
    coder: &mut Coder,
    bits: u32,
    lm: usize,
    channels: usize,
    end: usize,
    caps: &[i32; NB_EBANDS],
) -> ([i32; NB_EBANDS], i32) {
    let (mut boosts, mut left, mut first_cost) = ([0; NB_EBANDS], bits as i32 * BIT, 6);
    for band in 0..end {
        let width = (channels as i32 * i32::from(EBANDS[band + 1] - EBANDS[band])) << lm;
        let step = (width * BIT).min(width.max(6 * BIT));
        let mut cost = first_cost;
        while spent(coder) + cost as i32 * BIT < left && boosts[band] < caps[band] {
            if !coder.bit(cost) {
                break;
            }
            boosts[band] += step;
            left -= step;
            cost = 1;
        }
        if boosts[band] > 0 {
            first_cost = 2.max(first_cost - 1);
        }
    }
    (boosts, left)
}
