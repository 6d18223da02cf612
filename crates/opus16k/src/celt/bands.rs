//! All bands of a frame in order: their budgets, what they fold from, one channel or two (RFC 6716, 4.3.4).
//!
//! Invariant: bands above those that are heard cost their symbols and no more.

use std::ops::Range;

use crate::coder::Coder;
use ruopus::celt::modes::{EBANDS, NB_EBANDS};

use super::allocation::Allocation;
use super::partition::{BIT, Band, HEARD, Part, Shapes};
use super::shape;
use super::spent::spent;

/// What the bands need to know of their frame.
pub struct Frame<'a> {
    pub lm: usize,
    pub channels: usize,
    pub end: usize,
    pub transient: bool,
    pub spread: u32,
    pub tf: &'a [i32; NB_EBANDS],
    pub allocation: &'a Allocation,
    /// Eighths of a bit in the frame.
    pub total: i32,
    /// Channels are never of opposite phase.
    pub disable_inv: bool,
}

/// First bin of a band, in a frame of `1 << lm` times 2.5 ms.
pub fn bin(band: usize, lm: usize) -> usize {
    (EBANDS[band] as usize) << lm
}

/// What a band leaves to the next.
#[derive(Clone, Copy)]
pub struct Walk {
    pub seed: u32,
    dual_stereo: bool,
    balance: i32,
    /// The band behind which folding looks for its source, and whether the next may replace it.
    source: usize,
    renew: bool,
}

impl Walk {
    pub fn new(allocation: &Allocation, seed: u32) -> Walk {
        let (dual_stereo, balance) = (allocation.dual_stereo, allocation.balance);
        Walk { seed, dual_stereo, balance, source: 0, renew: true }
    }
}

/// Reads the shapes of some bands into `shapes`. Behind unheard ones the seed is right if their masks are
/// made for it.
pub fn read(
    coder: &mut Coder,
    frame: &Frame,
    shapes: &mut Shapes,
    walk: &mut Walk,
    bands: Range<usize>,
    masks_matter: bool,
) {
    let (lm, allocation) = (frame.lm, frame.allocation);
    let mut band = begin(coder, frame, shapes, walk.seed, masks_matter);
    for i in bands {
        let (first, bins) = (bin(i, lm), bin(i + 1, lm) - bin(i, lm));
        let tell = spent(band.coder);
        walk.balance -= if i > 0 { tell } else { 0 };
        band.remaining = frame.total - tell - 1;
        let b = budget(allocation, i, walk.balance, band.remaining);
        if (first >= bins || i == 1) && (walk.renew || walk.source == 0) {
            walk.source = i;
        }
        (band.index, band.first_bin, band.tf_change, band.heard) = (i, first, frame.tf[i], i < HEARD);
        if walk.dual_stereo && i == allocation.intensity {
            walk.dual_stereo = false;
            band.join(if band.heard { first } else { 0 });
        }
        let masks = band.channels(frame, walk, bins, b);
        (0..2).for_each(|channel| band.shapes.masks[channel][i] = masks[channel] as u8);
        walk.balance += allocation.shape[i] + tell;
        walk.renew = b > bins as i32 * BIT;
    }
    walk.seed = band.seed;
}

fn begin<'a, 'b>(
    coder: &'a mut Coder<'b>,
    frame: &Frame,
    shapes: &'a mut Shapes,
    seed: u32,
    masks_matter: bool,
) -> Band<'a, 'b> {
    Band {
        coder,
        shapes,
        index: 0,
        first_bin: 0,
        heard: true,
        masks_matter,
        folded: false,
        intensity: frame.allocation.intensity,
        disable_inv: frame.disable_inv,
        tf_change: 0,
        // What 4.3.4.3 calls f_r.
        spread: [None, Some(15), Some(10), Some(5)][(frame.spread & 3) as usize],
        remaining: 0,
        seed,
    }
}

/// What a band may spend: its share, and a part of what those before it did not need.
fn budget(allocation: &Allocation, band: usize, balance: i32, remaining: i32) -> i32 {
    if band >= allocation.coded_bands {
        return 0;
    }
    let share = balance / 3.min((allocation.coded_bands - band) as i32);
    (remaining + 1).min(allocation.shape[band] + share).clamp(0, 16_383)
}

impl Band<'_, '_> {
    /// Decodes the current band of all channels for `b` eighths; gives their masks.
    fn channels(&mut self, frame: &Frame, walk: &Walk, bins: usize, b: i32) -> [u32; 2] {
        let (lm, blocks) = (frame.lm, if frame.transient { 1 << frame.lm } else { 1 });
        // The strongest spreading of long blocks forbids folding.
        let folds = walk.source != 0 && (frame.spread != 3 || blocks > 1 || self.tf_change < 0);
        let fold = folds.then(|| bin(walk.source, lm).saturating_sub(bins));
        let fills = fold.map_or([(1 << blocks) - 1; 2], |fold| self.filled(fold, bins, walk.source, lm));
        let keep = self.index + 1 < frame.end.min(HEARD);
        let part = Part { channel: 0, at: 0, bins, blocks, lm: lm as i32, gain: 1.0, fill: fills[0] | fills[1] };
        match frame.channels {
            2 if walk.dual_stereo => {
                let left = self.shape(Part { fill: fills[0], ..part }, b / 2, 0, fold, keep);
                [left, self.shape(Part { fill: fills[1], channel: 1, ..part }, b / 2, 1, fold, keep)]
            }
            2 => [self.stereo(part, b, fold, keep); 2],
            _ => [self.shape(part, b, 0, fold, keep); 2],
        }
    }

    /// For each channel, the blocks that hold anything in the bands that `bins` from `fold` on touch.
    fn filled(&self, fold: usize, bins: usize, source: usize, lm: usize) -> [u32; 2] {
        let start = (0..source).rev().find(|&i| bin(i, lm) <= fold).unwrap_or(0);
        let end = (source..self.index).find(|&i| bin(i, lm) >= fold + bins).unwrap_or(self.index).max(start + 1);
        let of = |masks: &[u8; NB_EBANDS]| masks[start..end].iter().fold(0, |all, &mask| all | u32::from(mask));
        [of(&self.shapes.masks[0]), of(&self.shapes.masks[1])]
    }

    /// From here on both channels fold from their mean.
    fn join(&mut self, bins: usize) {
        let [left, right] = &mut self.shapes.norm;
        left.iter_mut().zip(right).take(bins).for_each(|(left, right)| *left = 0.5 * (*left + *right));
    }

    /// A single bin is a sign.
    pub fn sign(&mut self, channel: usize) {
        let mut negative = false;
        if self.remaining >= BIT {
            negative = self.coder.plain(1) == 1;
            self.remaining -= BIT;
        }
        if self.heard {
            self.shapes.x[channel][self.first_bin] = if negative { -1.0 } else { 1.0 };
        }
    }

    /// Decodes one channel's shape, or the middle's, or the side's, folding from `norm`.
    pub fn shape(&mut self, part: Part, b: i32, norm: usize, fold: Option<usize>, keep: bool) -> u32 {
        let Part { channel, bins, .. } = part;
        if bins == 1 {
            self.sign(channel);
            self.keep(channel, bins, norm, keep);
            return 1;
        }
        let mut part = part;
        self.folded = fold.is_some();
        let fold = fold.filter(|_| self.heard);
        if let Some(fold) = fold {
            self.shapes.fold[..bins].copy_from_slice(&self.shapes.norm[norm][fold..fold + bins]);
        }
        let time = self.enter_time(&mut part, fold.is_some());
        let mut mask = self.partition(part, b);
        mask = self.leave_time(part, time, mask);
        self.keep(channel, bins, norm, keep);
        mask
    }

    /// Trades frequency for time resolution (4.3.4.5) in what is folded; gives the changes made.
    fn enter_time(&mut self, part: &mut Part, fold: bool) -> Time {
        let long = part.blocks == 1;
        let mut each = part.bins / part.blocks;
        let joined = self.tf_change.max(0) as usize;
        let x = &mut self.shapes.fold[..if fold { part.bins } else { 0 }];
        for k in 0..joined {
            shape::haar(x, 1 << k);
            part.fill = pairwise(part.fill & 0xF) | pairwise(part.fill >> 4) << 2;
        }
        part.blocks >>= joined;
        each <<= joined;
        let mut divided = 0;
        while each & 1 == 0 && self.tf_change + divided < 0 {
            shape::haar(x, part.blocks);
            part.fill |= part.fill << part.blocks;
            part.blocks <<= 1;
            each >>= 1;
            divided += 1;
        }
        if part.blocks > 1 && fold {
            shape::deinterleave(x, part.blocks << joined, long);
        }
        Time { long, joined, divided: divided as usize }
    }

    /// Undoes [`Band::enter_time`] in the decoded shape, and in what is known of its blocks.
    fn leave_time(&mut self, part: Part, time: Time, mut mask: u32) -> u32 {
        let length = if self.heard { part.bins } else { 0 };
        let first = if self.heard { self.first_bin } else { 0 };
        let x = &mut self.shapes.x[part.channel][first..first + length];
        if part.blocks > 1 && self.heard {
            shape::interleave(x, part.blocks << time.joined, time.long);
        }
        let mut blocks = part.blocks;
        for _ in 0..time.divided {
            blocks >>= 1;
            mask |= mask >> blocks;
            shape::haar(x, blocks);
        }
        for k in 0..time.joined {
            mask = u32::from(DOUBLED[(mask & 0xF) as usize]);
            shape::haar(x, 1 << k);
        }
        mask & ((1 << (blocks << time.joined)) - 1)
    }

    /// Keeps a decoded shape for higher bands to fold from.
    pub fn keep(&mut self, channel: usize, bins: usize, norm: usize, keep: bool) {
        if keep {
            let (first, scale) = (self.first_bin, (bins as f32).sqrt());
            let from = &self.shapes.x[channel][first..first + bins];
            self.shapes.norm[norm][first..].iter_mut().zip(from).for_each(|(to, from)| *to = scale * from);
        }
    }
}

/// How a band's resolution was changed.
#[derive(Clone, Copy)]
struct Time {
    long: bool,
    joined: usize,
    divided: usize,
}

/// Each of four blocks twice.
const DOUBLED: [u8; 16] = [0, 3, 12, 15, 48, 51, 60, 63, 192, 195, 204, 207, 240, 243, 252, 255];

/// Of each two of four blocks, whether any holds something.
fn pairwise(mask: u32) -> u32 {
    u32::from(mask & 3 != 0) | u32::from(mask & 12 != 0) << 1
}
