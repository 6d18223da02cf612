//! The shape of a band, or a part of it, in one channel (RFC 6716, 4.3.4): it is split until one codeword holds it.
//!
//! ```text
//! partition(N bins, bits):
//!     more bits than a codeword takes, and N > 2: read theta, divide bits; both halves, with the gains mid and side
//!     else: the number of pulses nearest to bits
//!         0: fold a lower band, or noise
//!         K: a codeword of V(N, K), normalized, rotated
//! ```
//!
//! Bands from 8 kHz on are parsed for what follows them, and not synthesized.

use super::pulse_cache::{bits2pulses, cache_row, get_pulses, pulses2bits};
use super::tables::{NB_EBANDS, ONE_BIT};
use super::{pvq, shape};
use crate::range_decoder::RangeDecoder;

/// Bins below 8 kHz of the longest frame, and of the widest band there.
pub(super) const OUTPUT_BINS: usize = 320;
/// Bins of the widest band.
const MAX_BINS: usize = 176;

/// The buffers of a frame's shapes.
pub(super) struct Shapes {
    /// The normalized spectra of both channels below 8 kHz.
    pub(super) x: [[f32; OUTPUT_BINS]; 2],
    /// The same, scaled for folding into higher bands.
    pub(super) norm: [[f32; OUTPUT_BINS]; 2],
    /// Which short blocks of each band have pulses.
    pub(super) collapse_masks: [[u8; NB_EBANDS]; 2],
    /// What the current band is folded from.
    pub(super) fold: [f32; shape::MAX_OUTPUT_BAND],
}

/// The current band.
pub(super) struct Band<'a, 'b> {
    pub(super) decoder: &'a mut RangeDecoder<'b>,
    pub(super) shapes: &'a mut Shapes,
    pub(super) index: usize,
    pub(super) first_bin: usize,
    /// It is below 8 kHz.
    pub(super) is_output: bool,
    /// Collapse masks are needed of the other bands too, because noise is going to be put into empty blocks.
    pub(super) needs_masks: bool,
    /// `shapes.fold` is valid.
    pub(super) folds: bool,
    pub(super) intensity: usize,
    pub(super) disable_inv: bool,
    pub(super) tf_change: i32,
    /// The factor of the spreading rotation (4.3.4.3).
    pub(super) spread: Option<usize>,
    /// Eighths of a bit that are left of the frame.
    pub(super) remaining: i32,
    pub(super) seed: u32,
}

/// A part of the current band in one channel.
#[derive(Clone, Copy)]
pub(super) struct Part {
    pub(super) channel: usize,
    pub(super) at: usize,
    pub(super) bins: usize,
    /// Short blocks that are interleaved in it.
    pub(super) blocks: usize,
    pub(super) lm: i32,
    pub(super) gain: f32,
    /// The blocks of what it is folded from that are not empty.
    pub(super) fill: u32,
}

impl Band<'_, '_> {
    /// Decodes a partition with `bits` eighths; returns its collapse mask, which of its blocks are not empty.
    pub(super) fn decode_partition(&mut self, part: Part, mut bits: i32) -> u32 {
        let row = (part.lm + 1) as usize * NB_EBANDS + self.index;
        let costs = cache_row(row);
        if part.lm == -1 || part.bins <= 2 || bits <= i32::from(costs[usize::from(costs[0])]) + 12 {
            return self.decode_leaf(part, bits, row);
        }
        let parent_blocks = part.blocks;
        let mut half = Part { bins: part.bins / 2, lm: part.lm - 1, blocks: parent_blocks.div_ceil(2), ..part };
        if parent_blocks == 1 {
            half.fill = (half.fill & 1) | (half.fill << 1);
        }
        let theta = self.decode_theta(&mut half, &mut bits, parent_blocks, false);
        let mut delta = theta.delta;
        if parent_blocks > 1 && theta.itheta & 0x3FFF != 0 {
            // Temporal masking: more before the loud block than after it.
            delta = if theta.itheta > 8_192 {
                delta - (delta >> (4 - half.lm))
            } else {
                0.min(delta + ((half.bins as i32 * ONE_BIT) >> (5 - half.lm)))
            };
        }
        self.remaining -= theta.bits;
        let first = Part { gain: part.gain * theta.mid, ..half };
        let second =
            Part { at: part.at + half.bins, gain: part.gain * theta.side, fill: half.fill >> half.blocks, ..half };
        let parts = [first, second];
        let (first, second) = self.decode_halves(bits, delta, theta.itheta, |band, is_second, bits| {
            band.decode_partition(parts[usize::from(is_second)], bits)
        });
        first | second << (parent_blocks >> 1)
    }

    /// Divides bits between two halves. The one with more is decoded first, and the other one gets what it leaves.
    pub(super) fn decode_halves(
        &mut self,
        bits: i32,
        delta: i32,
        itheta: i32,
        mut decode: impl FnMut(&mut Self, bool, i32) -> u32,
    ) -> (u32, u32) {
        let mid = bits.min((bits - delta) / 2).max(0);
        let side = bits - mid;
        let (more, fewer, second_first) = if mid >= side { (mid, side, false) } else { (side, mid, true) };
        let before = self.remaining;
        let first = decode(self, second_first, more);
        let rebalance = more - (before - self.remaining);
        let empty = if second_first { 16_384 } else { 0 };
        let extra = if rebalance > 3 * ONE_BIT && itheta != empty { rebalance - 3 * ONE_BIT } else { 0 };
        let second = decode(self, !second_first, fewer + extra);
        if second_first { (second, first) } else { (first, second) }
    }

    fn decode_leaf(&mut self, part: Part, bits: i32, row: usize) -> u32 {
        let costs = cache_row(row);
        let mut level = bits2pulses(row, bits);
        self.remaining -= pulses2bits(costs, level) as i32;
        // Never more than the frame has.
        while self.remaining < 0 && level > 0 {
            self.remaining += pulses2bits(costs, level) as i32;
            level -= 1;
            self.remaining -= pulses2bits(costs, level) as i32;
        }
        match get_pulses(level) {
            0 => self.fill(part),
            pulses => self.decode_codeword(part, pulses),
        }
    }

    fn decode_codeword(&mut self, part: Part, pulses: usize) -> u32 {
        let index = self.decoder.dec_uint(pvq::pvq_v(part.bins, pulses));
        if !self.is_output {
            return self.skip_codeword(part, pulses, index);
        }
        let x = &mut self.shapes.x[part.channel][self.first_bin + part.at..][..part.bins];
        let Some(index) = index else {
            x.fill(0.0);
            return 0;
        };
        let energy = pvq::decode_pulses(index, pulses, x);
        let mask = shape::collapse_mask(x, part.blocks);
        let scale = part.gain / energy.sqrt();
        x.iter_mut().for_each(|x| *x *= scale);
        shape::exp_rotation(x, part.blocks, pulses, self.spread);
        mask
    }

    /// The collapse mask of a codeword that is not synthesized.
    fn skip_codeword(&self, part: Part, pulses: usize, index: Option<u32>) -> u32 {
        match index {
            Some(index) if self.needs_masks && part.blocks > 1 => {
                let mut x = [0.0; MAX_BINS];
                pvq::decode_pulses(index, pulses, &mut x[..part.bins]);
                shape::collapse_mask(&x[..part.bins], part.blocks)
            }
            index => u32::from(index.is_some()),
        }
    }

    /// A partition without pulses: lower bands are folded into it, or noise.
    fn fill(&mut self, part: Part) -> u32 {
        let all = (1u32 << part.blocks) - 1;
        let fill = part.fill & all;
        if !self.is_output {
            let steps = if fill == 0 || !self.needs_masks { 0 } else { part.bins };
            self.seed = (0..steps).fold(self.seed, |seed, _| shape::celt_lcg_rand(seed));
            return if fill == 0 || self.folds { fill } else { all };
        }
        let x = &mut self.shapes.x[part.channel][self.first_bin + part.at..][..part.bins];
        if fill == 0 {
            x.fill(0.0);
            return 0;
        }
        let fold = &self.shapes.fold[part.at..];
        for (x, fold) in x.iter_mut().zip(fold) {
            self.seed = shape::celt_lcg_rand(self.seed);
            // Noise 48 dB below keeps what is folded from sounding tonal.
            let noise = if self.seed & 0x8000 != 0 { 1.0 / 256.0 } else { -1.0 / 256.0 };
            *x = if self.folds { fold + noise } else { (self.seed as i32 >> 20) as f32 };
        }
        shape::renormalise_vector(x, part.gain);
        if self.folds { fill } else { all }
    }
}
