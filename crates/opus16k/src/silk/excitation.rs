//! The pulses of the excitation: how many, where, of which sign (RFC 6716, 4.2.7.8.1 to 4.2.7.8.5).
//!
//! ```text
//! rate level
//! for each block of 16 samples: the number of pulses; 17 says that one more LSB of each sample is coded apart
//! for each block: the pulses of the first half of 16, 8, 4, 2 samples, and so their places
//! for each block: the LSBs of each sample
//! for each block: the sign of each sample that is not 0
//! ```

use super::indices::SignalType;
use super::sizes::{MAX_FRAME, SHELL_BLOCK};
use super::tables::pulses::{LSB, PULSE_COUNT_ICDF, PULSE_SPLIT_ICDF, RATE_LEVEL_ICDF, SIGN};
use crate::range_decoder::RangeDecoder;

/// Splits from a block to a sample.
const SPLITS: usize = SHELL_BLOCK.ilog2() as usize;
/// Blocks of the longest frame.
const MAX_BLOCKS: usize = MAX_FRAME / SHELL_BLOCK;
/// The pulse count that announces one more LSB.
const EXTRA_LSB: usize = 17;
/// The rate level of the counts behind it.
const EXTRA_LSB_RATE_LEVEL: usize = 9;
/// The most LSBs of a block.
const MAX_LSBS: u32 = 10;

/// Fills `pulses`, whole blocks of a frame, with the signed pulses of each sample.
pub(super) fn decode_pulses(
    decoder: &mut RangeDecoder,
    signal_type: SignalType,
    high_offset: bool,
    pulses: &mut [i16],
) {
    // A copy of the decoder stays in registers.
    let mut dec = *decoder;
    let (blocks, _) = pulses.as_chunks_mut::<SHELL_BLOCK>();
    let rate_level = dec.dec_icdf(&RATE_LEVEL_ICDF[usize::from(signal_type == SignalType::Voiced)], 8);
    let mut counts = [(0, 0); MAX_BLOCKS];
    counts[..blocks.len()].iter_mut().for_each(|count| *count = pulse_count(&mut dec, rate_level));
    for (block, (count, _)) in blocks.iter_mut().zip(counts) {
        *block = if count == 0 { [0; SHELL_BLOCK] } else { shell_decode(&mut dec, count) };
    }
    for (block, (_, lsbs)) in blocks.iter_mut().zip(counts).filter(|(_, (_, lsbs))| *lsbs > 0) {
        for pulse in block {
            for _ in 0..lsbs {
                *pulse = *pulse << 1 | i16::from(dec.dec_binary(LSB));
            }
        }
    }
    let sign = &SIGN[2 * signal_type as usize + usize::from(high_offset)];
    for (block, (count, lsbs)) in blocks.iter_mut().zip(counts) {
        if count > 0 || lsbs > 0 {
            decode_signs(&mut dec, sign[count.min(6)], block);
        }
    }
    *decoder = dec;
}

/// The pulses of a block without its LSBs, and how many LSBs there are.
#[inline(always)]
fn pulse_count(decoder: &mut RangeDecoder, rate_level: usize) -> (usize, u32) {
    let (mut count, mut lsbs) = (decoder.dec_icdf(&PULSE_COUNT_ICDF[rate_level], 8), 0);
    while count == EXTRA_LSB {
        lsbs += 1;
        // After the last LSB, 17 is impossible.
        let first = usize::from(lsbs == MAX_LSBS);
        count = decoder.dec_icdf(&PULSE_COUNT_ICDF[EXTRA_LSB_RATE_LEVEL][first..], 8);
    }
    (count, lsbs)
}

/// The places of a block's pulses: halves of halves, until there is one pulse or one sample.
#[inline(always)]
fn shell_decode(decoder: &mut RangeDecoder, count: usize) -> [i16; SHELL_BLOCK] {
    let mut pulses = [0; SHELL_BLOCK];
    // A stack of parts with pulses: first sample, length, pulses.
    let (mut parts, mut depth) = ([(0, 0, 0); SPLITS + 1], 1);
    parts[0] = (0, SHELL_BLOCK, count);
    while depth > 0 {
        depth -= 1;
        let (first, length, count) = parts[depth];
        if count == 1 || length == 1 {
            pulses[single_pulse(decoder, first, length)] = count as i16;
            continue;
        }
        let (half, icdfs) = (length / 2, &PULSE_SPLIT_ICDF[SPLITS - length.ilog2() as usize]);
        let left = decoder.dec_icdf(&icdfs[count * (count + 1) / 2 - 1..], 8);
        for (first, count) in [(first + half, count - left), (first, left)] {
            parts[depth] = (first, half, count);
            depth += usize::from(count > 0);
        }
    }
    pulses
}

/// The place of the only pulse of a part, without branches: both halves are as likely.
#[inline(always)]
fn single_pulse(decoder: &mut RangeDecoder, mut first: usize, mut length: usize) -> usize {
    while length > 1 {
        let icdfs = &PULSE_SPLIT_ICDF[SPLITS - length.ilog2() as usize];
        length /= 2;
        first += if decoder.dec_binary(icdfs[0]) { 0 } else { length };
    }
    first
}

#[inline(always)]
fn decode_signs(decoder: &mut RangeDecoder, positive: u8, block: &mut [i16; SHELL_BLOCK]) {
    let mut places = block.iter().rev().fold(0u16, |places, pulse| places << 1 | u16::from(*pulse > 0));
    while places > 0 {
        let pulse = &mut block[places.trailing_zeros() as usize];
        *pulse = if decoder.dec_binary(positive) { *pulse } else { -*pulse };
        places &= places - 1;
    }
}
