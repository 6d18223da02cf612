//! Levels of pulses: how many a budget pays for (RFC 6716, 4.3.4.1), looked up.
//!
//! A row is a band at a length: number of the band, and 21 for each doubling of half the shortest frame.
//!
//! Invariant: the tables are made from those of the format when this is compiled, never typed.

use ruopus::celt::tables::{CACHE_BITS, CACHE_INDEX};

/// What each level of pulses costs, in eighths less one; at 0, how many levels there are.
pub const fn costs(row: usize) -> &'static [u8] {
    let start = if CACHE_INDEX[row] < 0 { CACHE_BITS.len() - 1 } else { CACHE_INDEX[row] as usize };
    CACHE_BITS.split_at(start).1
}

/// The level whose cost is nearest to `b` eighths.
pub fn nearest(row: usize, b: i32) -> usize {
    usize::from(NEAREST[row][b.clamp(0, MOST_COST as i32 + 1) as usize])
}

/// The same by row and eighths.
static NEAREST: [[u8; MOST_COST + 2]; CACHE_INDEX.len()] = table();
const MOST_COST: usize = 256;

const fn table() -> [[u8; MOST_COST + 2]; CACHE_INDEX.len()] {
    let (mut table, mut row) = ([[0; MOST_COST + 2]; CACHE_INDEX.len()], 0);
    while row < table.len() {
        let (costs, mut level, mut b) = (costs(row), 0, 0);
        while CACHE_INDEX[row] >= 0 && b < MOST_COST + 2 {
            // The next level's cost and this one's, both plus one, and twice the budget between them.
            while level < costs[0] as usize && 2 * b > cost(costs, level) + cost(costs, level + 1) {
                level += 1;
            }
            table[row][b] = level as u8;
            b += 1;
        }
        row += 1;
    }
    table
}

/// What a level costs, in eighths.
pub const fn cost(costs: &[u8], level: usize) -> usize {
    // Without a jump: none can be foreseen.
    (costs[level] as usize + 1) * (level != 0) as usize
}

/// Pulses of a level: each to 8, and from then on each eighth of an octave.
pub fn pulses(level: usize) -> usize {
    usize::from(PULSES[level])
}

static PULSES: [u8; LEVELS] = {
    let (mut pulses, mut level) = ([0; LEVELS], 0);
    while level < LEVELS {
        pulses[level] = ruopus::celt::rate::get_pulses(level as i32) as u8;
        level += 1;
    }
    pulses
};
/// None, and up to 128 pulses.
const LEVELS: usize = 41;

#[cfg(test)]
mod tests {
    use super::*;
    use ruopus::celt::modes::NB_EBANDS;
    use ruopus::celt::rate::{bits2pulses, pulses2bits};

    #[test]
    fn levels_and_costs_are_those_of_the_twin() {
        for row in (0..CACHE_INDEX.len()).filter(|&row| CACHE_INDEX[row] >= 0) {
            let (band, lm) = (row % NB_EBANDS, (row / NB_EBANDS) as i32 - 1);
            for b in -20..400i32 {
                let level = nearest(row, b);
                assert_eq!(level as i32, bits2pulses(band, lm, b), "{band} {lm} {b}");
                assert_eq!(cost(costs(row), level) as i32, pulses2bits(band, lm, level as i32));
            }
        }
    }
}
