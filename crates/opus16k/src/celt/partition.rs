//! One band's shape, or half of it, or a quarter: halved until one codeword holds it (RFC 6716, 4.3.4).
//!
//! Bands from 8 kHz on are read like all others, for what stands behind them, but not expanded.
//!
//! Invariant: what is read from the coder depends on nothing but what was read before, heard or not.

use crate::coder::Coder;
use ruopus::celt::modes::NB_EBANDS;

use super::levels::{cost, costs, nearest, pulses};
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
    pub coder: &'a mut Coder<'b>,
    pub shapes: &'a mut Shapes,
    pub index: usize,
    pub first_bin: usize,
    pub heard: bool,
    /// Which blocks of an unheard band are empty matters too: noise will be put into empty ones.
    pub masks_matter: bool,
    /// `shapes.fold` holds something.
    pub folded: bool,
    pub intensity: usize,
    pub disable_inv: bool,
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

impl Band<'_, '_> {
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
        let parts = [first, second];
        let (a, c) =
            self.halves(b, delta, theta.angle, |band, side, bits| band.partition(parts[usize::from(side)], bits));
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
        let mut level = nearest(row, b);
        self.remaining -= cost(costs, level) as i32;
        while self.remaining < 0 && level > 0 {
            self.remaining += cost(costs, level) as i32;
            level -= 1;
            self.remaining -= cost(costs, level) as i32;
        }
        match pulses(level) {
            0 => self.fill(part),
            pulses => self.codeword(part, pulses),
        }
    }

    fn codeword(&mut self, part: Part, pulses: usize) -> u32 {
        let index = self.coder.number(codebook::size(part.bins, pulses));
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
