//! What stands before and between the energies and the shapes of a frame (RFC 6716, 4.3, table 56).
//!
//! ```text
//! silence, post-filter, transient, intra | coarse energy | tf_change, tf_select, spread, boosts, trim, allocation
//! ```
//!
//! Nothing is read that the frame's bits do not pay for.

use super::allocation::{Allocation, Params};
use super::limits::Limits;
use super::synthesis::Postfilter;
use super::tables::{EBANDS, NB_EBANDS, ONE_BIT};
use super::tell_frac::tell_frac;
use crate::range_decoder::RangeDecoder;

const TAPSET_ICDF: [u8; 3] = [2, 1, 0];
const SPREAD_ICDF: [u8; 4] = [25, 23, 2, 0];
const TRIM_ICDF: [u8; 11] = [126, 124, 119, 109, 87, 41, 19, 9, 4, 2, 0];

/// The flags before the energies.
pub(super) struct Flags {
    pub(super) postfilter: Postfilter,
    pub(super) transient: bool,
    pub(super) intra: bool,
}

/// What stands between the coarse energies and the fine ones.
pub(super) struct Plan {
    pub(super) tf_change: [i32; NB_EBANDS],
    pub(super) spread: u32,
    pub(super) allocation: Allocation,
    /// Eighths of a bit reserved for the anti-collapse flag.
    pub(super) anti_collapse_bits: i32,
}

/// Whether the frame is silent: its first bit says so, or there is none.
pub(super) fn decode_silence(decoder: &mut RangeDecoder, bits: u32) -> bool {
    decoder.tell() >= bits || decoder.tell() == 1 && decoder.dec_bit_logp(15)
}

pub(super) fn decode_flags(decoder: &mut RangeDecoder, bits: u32, lm: usize) -> Flags {
    let postfilter = if decoder.tell() + 16 <= bits { decode_postfilter(decoder, bits) } else { Postfilter::default() };
    let transient = lm > 0 && decoder.tell() + 3 <= bits && decoder.dec_bit_logp(3);
    let intra = decoder.tell() + 3 <= bits && decoder.dec_bit_logp(3);
    Flags { postfilter, transient, intra }
}

/// Section 4.3.7.1.
fn decode_postfilter(decoder: &mut RangeDecoder, bits: u32) -> Postfilter {
    if !decoder.dec_bit_logp(1) {
        return Postfilter::default();
    }
    let octave = decoder.dec_uint(6).unwrap_or(0);
    let period = ((16 << octave) + decoder.dec_bits(4 + octave) - 1) as usize;
    let gain = 0.09375 * (decoder.dec_bits(3) + 1) as f32;
    let tapset = if decoder.tell() + 2 <= bits { decoder.dec_icdf(&TAPSET_ICDF, 2) } else { 0 };
    Postfilter { period, gain, tapset }
}

pub(super) fn decode_plan(
    decoder: &mut RangeDecoder,
    bits: u32,
    lm: usize,
    channels: usize,
    end: usize,
    transient: bool,
) -> Plan {
    let tf_change = tf_decode(decoder, bits, lm, end, transient);
    let spread = if decoder.tell() + 4 <= bits { decoder.dec_icdf(&SPREAD_ICDF, 5) as u32 } else { 2 };
    let limits = Limits::new(lm, channels);
    let (boosts, left) = decode_boosts(decoder, bits, lm, channels, end, &limits.caps);
    let trim = if tell_frac(decoder) + 6 * ONE_BIT <= left { decoder.dec_icdf(&TRIM_ICDF, 7) as i32 } else { 5 };

    let total = bits as i32 * ONE_BIT - tell_frac(decoder) - 1;
    let anti_collapse_bits = if transient && lm >= 2 && total >= (lm as i32 + 2) * ONE_BIT { ONE_BIT } else { 0 };
    let params = Params { end, boosts: &boosts, trim };
    let allocation = limits.compute_allocation(decoder, &params, total - anti_collapse_bits);
    Plan { tf_change, spread, allocation, anti_collapse_bits }
}

/// Section 4.3.1: for each band, how often time resolution is doubled at the expense of frequency (negative), or the
/// reverse.
fn tf_decode(decoder: &mut RangeDecoder, bits: u32, lm: usize, end: usize, transient: bool) -> [i32; NB_EBANDS] {
    /// Tables 60 to 63, by frame size: long and transient, tf_select 0 and 1, tf_change 0 and 1.
    const TF_SELECT_TABLE: [[i32; 8]; 4] = [
        [0, -1, 0, -1, 0, -1, 0, -1],
        [0, -1, 0, -2, 1, 0, 1, -1],
        [0, -2, 0, -3, 2, 0, 1, -1],
        [0, -2, 0, -3, 3, 0, 1, -1],
    ];
    let (mut logp, later_logp) = if transient { (2, 4) } else { (4, 5) };
    let selectable = lm > 0 && decoder.tell() + logp < bits;
    let budget = bits - u32::from(selectable);
    let (mut changes, mut change, mut any) = ([0; NB_EBANDS], false, false);
    for band in &mut changes[..end] {
        if decoder.tell() + logp <= budget {
            change ^= decoder.dec_bit_logp(logp);
            any |= change;
        }
        (*band, logp) = (usize::from(change), later_logp);
    }
    let table = &TF_SELECT_TABLE[lm][if transient { 4 } else { 0 }..];
    let matters = table[usize::from(any)] != table[2 + usize::from(any)];
    let select = selectable && matters && decoder.dec_bit_logp(1);
    changes.map(|change| table[2 * usize::from(select) + change])
}

/// Section 4.3.3: what single bands get in addition, and the eighths of a bit of the frame less these.
fn decode_boosts(
    decoder: &mut RangeDecoder,
    bits: u32,
    lm: usize,
    channels: usize,
    end: usize,
    caps: &[i32; NB_EBANDS],
) -> ([i32; NB_EBANDS], i32) {
    let (mut boosts, mut left, mut dynalloc_logp) = ([0; NB_EBANDS], bits as i32 * ONE_BIT, 6);
    for band in 0..end {
        let width = (channels as i32 * i32::from(EBANDS[band + 1] - EBANDS[band])) << lm;
        let quantum = (width * ONE_BIT).min(width.max(6 * ONE_BIT));
        let mut logp = dynalloc_logp;
        while tell_frac(decoder) + logp as i32 * ONE_BIT < left && boosts[band] < caps[band] {
            if !decoder.dec_bit_logp(logp) {
                break;
            }
            boosts[band] += quantum;
            left -= quantum;
            logp = 1;
        }
        if boosts[band] > 0 {
            dynalloc_logp = 2.max(dynalloc_logp - 1);
        }
    }
    (boosts, left)
}
