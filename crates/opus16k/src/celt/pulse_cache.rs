//! How many pulses a budget pays for (RFC 6716, 4.3.4.1), from tables.
//!
//! Pulses are counted in pseudo-pulse levels: level q is q pulses up to 8, then `(8 + (q & 7)) << ((q >> 3) - 1)`. A
//! row of the cache is a band at a partition size: the band, plus 21 for each doubling of half the shortest frame.

use super::tables::{CACHE_BITS, CACHE_INDEX, CACHE_ROWS};

/// The largest cost of a level, eighths of a bit.
const MAX_COST: usize = 256;
/// No pulse, and up to 128.
const LEVELS: usize = 41;

/// The costs of a row: at 0 how many levels there are, then the eighths of a bit of each level, less one.
pub(super) const fn cache_row(row: usize) -> &'static [u8] {
    let start = if CACHE_INDEX[row] < 0 { CACHE_BITS.len() - 1 } else { CACHE_INDEX[row] as usize };
    CACHE_BITS.split_at(start).1
}

/// The level whose cost is nearest to `bits` eighths (bits2pulses).
pub(super) fn bits2pulses(row: usize, bits: i32) -> usize {
    usize::from(NEAREST[row][bits.clamp(0, MAX_COST as i32 + 1) as usize])
}

/// What a level costs, eighths of a bit (pulses2bits).
pub(super) const fn pulses2bits(costs: &[u8], level: usize) -> usize {
    // Without a branch, which could not be predicted.
    (costs[level] as usize + 1) * (level != 0) as usize
}

/// The pulses of a level (get_pulses).
pub(super) fn get_pulses(level: usize) -> usize {
    usize::from(PULSES[level])
}

/// The nearest level by row and eighths of a bit.
static NEAREST: [[u8; MAX_COST + 2]; CACHE_ROWS] = nearest_levels();

const fn nearest_levels() -> [[u8; MAX_COST + 2]; CACHE_ROWS] {
    let (mut nearest, mut row) = ([[0; MAX_COST + 2]; CACHE_ROWS], 0);
    while row < nearest.len() {
        let (costs, mut level, mut bits) = (cache_row(row), 0, 0);
        while CACHE_INDEX[row] >= 0 && bits < MAX_COST + 2 {
            while level < costs[0] as usize && 2 * bits > pulses2bits(costs, level) + pulses2bits(costs, level + 1) {
                level += 1;
            }
            nearest[row][bits] = level as u8;
            bits += 1;
        }
        row += 1;
    }
    nearest
}

static PULSES: [u8; LEVELS] = {
    let (mut pulses, mut level) = ([0; LEVELS], 0);
    while level < LEVELS {
        pulses[level] = if level < 8 { level as u8 } else { ((8 + (level & 7)) << ((level >> 3) - 1)) as u8 };
        level += 1;
    }
    pulses
};

#[cfg(test)]
mod tests {
    use super::super::tables::NB_EBANDS;
    use super::*;
    use ruopus::celt::rate;

    #[test]
    fn levels_and_costs_are_those_of_the_reference() {
        for row in (0..CACHE_ROWS).filter(|&row| CACHE_INDEX[row] >= 0) {
            let (band, lm) = (row % NB_EBANDS, (row / NB_EBANDS) as i32 - 1);
            for bits in -20..400i32 {
                let level = bits2pulses(row, bits);
                assert_eq!(level as i32, rate::bits2pulses(band, lm, bits), "{band} {lm} {bits}");
                assert_eq!(pulses2bits(cache_row(row), level) as i32, rate::pulses2bits(band, lm, level as i32));
                assert_eq!(get_pulses(level) as i32, rate::get_pulses(level as i32));
            }
        }
    }
}
