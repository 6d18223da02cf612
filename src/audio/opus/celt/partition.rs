//! One band's shape, or half of it, or a quarter: halved until one codeword holds it (RFC 6716, 4.3.4).
//!
//! Bands from 8 kHz on are read like all others, for what stands behind them, but not expanded.
//!
//! Invariant: what is read from the coder depends on nothing but what was read before, heard or not.

use ruopus::RangeDecoder;
use ruopus::celt::bands::{bitexact_cos, bitexact_log2tan};
use ruopus::celt::modes::{LOG_N, NB_EBANDS};
use ruopus::celt::rate::get_pulses;
use ruopus::celt::tables::{CACHE_BITS, CACHE_INDEX};

use super::{codebook, shape};

/// The bands below 8 kHz, those that 16 kHz can hold.
pub const HEARD: usize = 17;
/// Bins of all that is heard of the longest frame, and of its widest band.
pub const BINS: usize = 320;
pub const MOST_HEARD: usize = 48;
/// Bins of the widest band of all.
const MOST_BINS: usize = 176;

/// Eighths of a bit, in which all is counted.
pub const BIT: i32 = 8;

/// What outlives a frame of the bands' work only to be used again.
pub struct Shapes {
    /// The normalised spectra of both channels, as far as they are heard.
    pub x: [[f32; BINS]; 2],
    /// The same, scaled to be folded into higher bands.
    pub norm: [[f32; BINS]; 2],
    /// Which short blocks of each band hold anything.
    pub masks: [[u8; NB_EBANDS]; 2],
    /// What the current band may be filled from.
    pub fold: [f32; MOST_HEARD],
}

/// The current band, and all that its partitions change.
pub struct Band<'a, 'b> {
    pub coder: &'a mut RangeDecoder<'b>,
    pub shapes: &'a mut Shapes,
    pub index: usize,
    pub first_bin: usize,
    pub heard: bool,
    /// Which blocks of an unheard band are empty matters too: noise will be put into empty ones.
    pub masks_matter: bool,
    /// `shapes.fold` holds something.
    pub folded: bool,
    pub intensity: usize,
    pub tf_change: i32,
    pub spread: Option<usize>,
    pub remaining: i32,
    pub seed: u32,
}

/// A part of the current band in one channel.
#[derive(Clone, Copy)]
pub struct Part {
    pub channel: usize,
    pub at: usize,
    pub bins: usize,
    /// Short blocks that are interleaved in it.
    pub blocks: usize,
    pub lm: i32,
    pub gain: f32,
    /// The blocks of the folding source that hold anything.
    pub fill: u32,
}

/// How a partition's energy is divided between its halves.
pub struct Theta {
    pub inverted: bool,
    pub angle: i32,
    pub mid: f32,
    pub side: f32,
    pub delta: i32,
    /// What reading it took.
    pub spent: i32,
}

fn multiply(a: i32, b: i32) -> i32 {
    (16_384 + i32::from(a as i16) * i32::from(b as i16)) >> 15
}

/// Steps of the angle that `b` eighths pay for.
fn resolution(bins: usize, b: i32, offset: i32, cap: i32, stereo: bool) -> i32 {
    const POWERS: [i32; 8] = [16_384, 17_866, 19_483, 21_247, 23_170, 25_267, 27_554, 30_048];
    let freedom = 2 * bins as i32 - 1 - i32::from(stereo && bins == 2);
    let bits = ((b + freedom * offset) / freedom).min(b - cap - 4 * BIT).min(8 * BIT);
    if bits < BIT / 2 { 1 } else { ((POWERS[(bits & 7) as usize] >> (14 - (bits >> 3))) + 1) >> 1 << 1 }
}

impl Band<'_, '_> {
    /// Reads how a partition divides into halves like `part`; `parent` blocks are interleaved in it.
    pub fn theta(&mut self, part: &mut Part, b: &mut i32, parent: usize, stereo: bool) -> Theta {
        let cap = i32::from(LOG_N[self.index]) + part.lm * BIT;
        let offset = (cap >> 1) - if stereo && part.bins == 2 { 16 } else { 4 };
        let single = stereo && self.index >= self.intensity;
        let steps = if single { 1 } else { resolution(part.bins, *b, offset, cap, stereo) };

        let before = self.coder.tell_frac() as i32;
        let (mut angle, mut inverted) = (0, false);
        if steps > 1 {
            let read = match stereo {
                true if part.bins > 2 => self.step_angle(steps),
                false if parent == 1 => self.triangular_angle(steps),
                _ => self.coder.decode_uint(steps as u32 + 1).unwrap_or(0) as i32,
            };
            angle = read * 16_384 / steps;
        } else if stereo && *b > 2 * BIT && self.remaining > 2 * BIT {
            inverted = self.coder.decode_bit_logp(2);
        }
        let spent = self.coder.tell_frac() as i32 - before;
        *b -= spent;

        let all = (1u32 << part.blocks) - 1;
        let (mid, side, delta) = match angle {
            0 => (32_767, 0, -16_384),
            16_384 => (0, 32_767, 16_384),
            _ => {
                let (mid, side) = (bitexact_cos(angle as i16).into(), bitexact_cos((16_384 - angle) as i16).into());
                (mid, side, multiply((part.bins as i32 - 1) << 7, bitexact_log2tan(side, mid)))
            }
        };
        match angle {
            0 => part.fill &= all,
            16_384 => part.fill &= all << part.blocks,
            _ => (),
        }
        Theta { inverted, angle, mid: mid as f32 / 32_768.0, side: side as f32 / 32_768.0, delta, spent }
    }

    /// Angles towards the side are a third as likely.
    fn step_angle(&mut self, steps: i32) -> i32 {
        let half = steps / 2;
        let edge = 3 * (half + 1);
        let total = (edge + half) as u32;
        let value = self.coder.decode(total) as i32;
        let angle = if value < edge { value / 3 } else { half + 1 + value - edge };
        let (low, high) = match angle <= half {
            true => (3 * angle, 3 * (angle + 1)),
            false => (angle - 1 - half + edge, angle - half + edge),
        };
        self.coder.update(low as u32, high as u32, total);
        angle
    }

    /// Angles are the likelier the nearer they are to the middle.
    fn triangular_angle(&mut self, steps: i32) -> i32 {
        let half = steps >> 1;
        let total = (half + 1) * (half + 1);
        let value = self.coder.decode(total as u32) as i32;
        let (angle, low, width);
        if value < (half * (half + 1)) >> 1 {
            angle = (((8 * value + 1) as u32).isqrt() as i32 - 1) >> 1;
            (low, width) = ((angle * (angle + 1)) >> 1, angle + 1);
        } else {
            angle = (2 * (steps + 1) - ((8 * (total - value - 1) + 1) as u32).isqrt() as i32) >> 1;
            width = steps + 1 - angle;
            low = total - ((width * (width + 1)) >> 1);
        }
        self.coder.update(low as u32, (low + width) as u32, total as u32);
        angle
    }

    /// Decodes a partition for `b` eighths; gives which of its blocks hold anything.
    pub fn partition(&mut self, part: Part, mut b: i32) -> u32 {
        let row = (part.lm + 1) as usize * NB_EBANDS + self.index;
        let costs = costs(row);
        if part.lm == -1 || part.bins <= 2 || b <= i32::from(costs[usize::from(costs[0])]) + 12 {
            return self.leaf(part, b, row);
        }
        let parent = part.blocks;
        let mut half = Part { bins: part.bins / 2, lm: part.lm - 1, blocks: parent.div_ceil(2), ..part };
        if parent == 1 {
            half.fill = (half.fill & 1) | (half.fill << 1);
        }
        let theta = self.theta(&mut half, &mut b, parent, false);
        let mut delta = theta.delta;
        if parent > 1 && theta.angle & 0x3FFF != 0 {
            // Loud blocks hide quiet ones, more so after than before.
            delta = match theta.angle > 8_192 {
                true => delta - (delta >> (4 - half.lm)),
                false => 0.min(delta + ((half.bins as i32 * BIT) >> (5 - half.lm))),
            };
        }
        self.remaining -= theta.spent;
        let first = Part { gain: part.gain * theta.mid, ..half };
        let second =
            Part { at: part.at + half.bins, gain: part.gain * theta.side, fill: half.fill >> half.blocks, ..half };
        let (a, c) = self.halves(b, delta, theta.angle, |band, side, bits| match side {
            false => band.partition(first, bits),
            true => band.partition(second, bits),
        });
        a | c << (parent >> 1)
    }

    /// Divides `b` between two parts, the richer first; it leaves the other what it did not need.
    pub fn halves(
        &mut self,
        b: i32,
        delta: i32,
        angle: i32,
        mut decode: impl FnMut(&mut Self, bool, i32) -> u32,
    ) -> (u32, u32) {
        let mid = b.min((b - delta) / 2).max(0);
        let (richer, poorer, side_first) = if mid >= b - mid { (mid, b - mid, false) } else { (b - mid, mid, true) };
        let before = self.remaining;
        let first = decode(self, side_first, richer);
        let left = richer - (before - self.remaining);
        let empty = if side_first { 16_384 } else { 0 };
        let more = if left > 3 * BIT && angle != empty { left - 3 * BIT } else { 0 };
        let second = decode(self, !side_first, poorer + more);
        if side_first { (second, first) } else { (first, second) }
    }

    fn leaf(&mut self, part: Part, b: i32, row: usize) -> u32 {
        let costs = costs(row);
        let mut level = usize::from(NEAREST[row][b.clamp(0, MOST_COST as i32 + 1) as usize]);
        self.remaining -= cost(costs, level) as i32;
        while self.remaining < 0 && level > 0 {
            self.remaining += cost(costs, level) as i32;
            level -= 1;
            self.remaining -= cost(costs, level) as i32;
        }
        match get_pulses(level as i32) as usize {
            0 => self.fill(part),
            pulses => self.codeword(part, pulses),
        }
    }

    fn codeword(&mut self, part: Part, pulses: usize) -> u32 {
        let index = self.coder.decode_uint(codebook::size(part.bins, pulses));
        if !self.heard {
            return self.unheard(part, pulses, index);
        }
        let x = &mut self.shapes.x[part.channel][self.first_bin + part.at..][..part.bins];
        let Some(index) = index else {
            x.fill(0.0);
            return 0;
        };
        let energy = codebook::pulses(index, pulses, x);
        let mask = shape::mask(x, part.blocks);
        let scale = part.gain / energy.sqrt();
        x.iter_mut().for_each(|x| *x *= scale);
        shape::rotate(x, part.blocks, pulses, self.spread);
        mask
    }

    fn unheard(&self, part: Part, pulses: usize, index: Option<u32>) -> u32 {
        match index {
            Some(index) if self.masks_matter && part.blocks > 1 => {
                let mut x = [0.0; MOST_BINS];
                codebook::pulses(index, pulses, &mut x[..part.bins]);
                shape::mask(&x[..part.bins], part.blocks)
            }
            index => u32::from(index.is_some()),
        }
    }

    /// Without a pulse: lower bands, or noise.
    fn fill(&mut self, part: Part) -> u32 {
        let all = (1u32 << part.blocks) - 1;
        let fill = part.fill & all;
        if !self.heard {
            let steps = if fill == 0 || !self.masks_matter { 0 } else { part.bins };
            self.seed = (0..steps).fold(self.seed, |seed, _| shape::noise(seed));
            return if fill == 0 || self.folded { fill } else { all };
        }
        let x = &mut self.shapes.x[part.channel][self.first_bin + part.at..][..part.bins];
        if fill == 0 {
            x.fill(0.0);
            return 0;
        }
        let fold = &self.shapes.fold[part.at..];
        for (x, fold) in x.iter_mut().zip(fold) {
            self.seed = shape::noise(self.seed);
            // A little noise, 48 dB down, keeps what is folded from being tonal.
            let dither = if self.seed & 0x8000 != 0 { 1.0 / 256.0 } else { -1.0 / 256.0 };
            *x = if self.folded { fold + dither } else { (self.seed as i32 >> 20) as f32 };
        }
        shape::renormalise(x, part.gain);
        if self.folded { fill } else { all }
    }
}

/// What each level of pulses costs, in eighths less one; at 0, how many levels there are.
const fn costs(row: usize) -> &'static [u8] {
    let start = if CACHE_INDEX[row] < 0 { CACHE_BITS.len() - 1 } else { CACHE_INDEX[row] as usize };
    CACHE_BITS.split_at(start).1
}

/// The level whose cost is nearest to a budget, by row and eighths.
static NEAREST: [[u8; MOST_COST + 2]; CACHE_INDEX.len()] = nearest();
const MOST_COST: usize = 256;

const fn nearest() -> [[u8; MOST_COST + 2]; CACHE_INDEX.len()] {
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
const fn cost(costs: &[u8], level: usize) -> usize {
    if level == 0 { 0 } else { costs[level] as usize + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ruopus::celt::rate::{bits2pulses, pulses2bits};

    #[test]
    fn levels_and_costs_are_those_of_the_twin() {
        for row in (0..CACHE_INDEX.len()).filter(|&row| CACHE_INDEX[row] >= 0) {
            let (band, lm) = (row % NB_EBANDS, (row / NB_EBANDS) as i32 - 1);
            for b in -20..400i32 {
                let level = NEAREST[row][b.clamp(0, MOST_COST as i32 + 1) as usize];
                assert_eq!(i32::from(level), bits2pulses(band, lm, b), "{band} {lm} {b}");
                assert_eq!(cost(costs(row), level.into()) as i32, pulses2bits(band, lm, level.into()));
            }
        }
    }
}
