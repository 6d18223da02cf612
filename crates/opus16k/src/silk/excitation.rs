//! The excitation: how many pulses lie where, of which sign (RFC 6716, 4.2.7.8).
//!
//! Invariant: knows no signal.

use super::FRAME;
use super::symbols::Kind;
use super::tables::pulses::{LOWEST_BIT, POSITIVE, PULSES, RATE_LEVEL, SPLITS};
use crate::coder::Coder;

/// Samples that are coded together.
const BLOCK: usize = 16;
/// From a block to a place.
const HALVINGS: usize = BLOCK.ilog2() as usize;
/// Blocks of a frame of 20 ms.
const BLOCKS: usize = FRAME / BLOCK;
/// The symbol for "the lowest bits stand apart".
const APART: usize = 17;
/// The rate level of the blocks behind such a symbol.
const APART_LEVEL: usize = 9;
/// So many bits a block may have apart.
const MOST_APART: u32 = 10;

/// Pulses of each place, and their signs. `pulses` is a frame of 10 or 20 ms.
pub fn read(coder: &mut Coder, kind: Kind, high_offset: bool, pulses: &mut [i16]) {
    // A coder of this function's own stays in registers.
    let mut own = *coder;
    let (blocks, _) = pulses.as_chunks_mut::<BLOCK>();
    let level = own.symbol(&RATE_LEVEL[usize::from(kind == Kind::Voiced)]);
    let mut counts = [(0, 0); BLOCKS];
    counts[..blocks.len()].iter_mut().for_each(|count| *count = read_count(&mut own, level));
    for (block, (count, _)) in blocks.iter_mut().zip(counts) {
        *block = if count == 0 { [0; BLOCK] } else { read_places(&mut own, count) };
    }
    for (block, (_, apart)) in blocks.iter_mut().zip(counts).filter(|(_, (_, apart))| *apart > 0) {
        for pulse in block {
            for _ in 0..apart {
                *pulse = *pulse << 1 | i16::from(own.second(LOWEST_BIT));
            }
        }
    }
    let positive = &POSITIVE[2 * kind as usize + usize::from(high_offset)];
    for (block, (count, apart)) in blocks.iter_mut().zip(counts) {
        if count > 0 || apart > 0 {
            let positive = positive[count.min(6)];
            let mut places = block.iter().rev().fold(0u16, |places, pulse| places << 1 | u16::from(*pulse > 0));
            while places > 0 {
                let pulse = &mut block[places.trailing_zeros() as usize];
                *pulse = if own.second(positive) { *pulse } else { -*pulse };
                places &= places - 1;
            }
        }
    }
    *coder = own;
}

/// Pulses in a block, without the lowest bits that stand apart, and the number of those.
#[inline(always)]
fn read_count(coder: &mut Coder, level: usize) -> (usize, u32) {
    let (mut count, mut apart) = (coder.symbol(&PULSES[level]), 0);
    while count == APART {
        apart += 1;
        // The last time nothing more can stand apart.
        let first = usize::from(apart == MOST_APART);
        count = coder.symbol(&PULSES[APART_LEVEL][first..]);
    }
    (count, apart)
}

/// Where the pulses of a block lie: it is halved again and again, and each time it is said how many are in the first half.
#[inline(always)]
fn read_places(coder: &mut Coder, count: usize) -> [i16; BLOCK] {
    let mut pulses = [0; BLOCK];
    // Parts with pulses in them that are still to be halved, the next on top: their first place, length and pulses.
    let (mut parts, mut waiting) = ([(0, 0, 0); HALVINGS + 1], 1);
    parts[0] = (0, BLOCK, count);
    while waiting > 0 {
        waiting -= 1;
        let (place, length, count) = parts[waiting];
        if count == 1 || length == 1 {
            pulses[follow(coder, place, length)] = count as i16;
            continue;
        }
        let (half, distributions) = (length / 2, &SPLITS[HALVINGS - length.ilog2() as usize]);
        let first = coder.symbol(&distributions[count * (count + 1) / 2 - 1..]);
        for (place, count) in [(place + half, count - first), (place, first)] {
            parts[waiting] = (place, half, count);
            waiting += usize::from(count > 0);
        }
    }
    pulses
}

/// Where a single pulse of a part lies. Either half is as likely: nothing jumps.
#[inline(always)]
fn follow(coder: &mut Coder, mut place: usize, mut length: usize) -> usize {
    while length > 1 {
        let distributions = &SPLITS[HALVINGS - length.ilog2() as usize];
        length /= 2;
        place += if coder.second(distributions[0]) { 0 } else { length };
    }
    place
}
