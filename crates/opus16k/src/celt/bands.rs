//! The shapes of all bands of a frame (RFC 6716, 4.3.4): budgets, folding, time and frequency resolution.
//!
//! ```text
//! for each band:
//!     bits = its allocation + balance / (3, or the coded bands that are left), at most what is left of the frame
//!     one channel; or left and right (dual stereo); or mid and side
//!     balance += allocation - what was used
//! ```
//!
//! Bands from 8 kHz on cost their symbols and nothing else.

use std::ops::Range;

use super::allocation::Allocation;
use super::partition::{Band, Part, Shapes};
use super::shape;
use super::tables::{NB_EBANDS, ONE_BIT, OUTPUT_BANDS, band_start};
use super::tell_frac::tell_frac;
use crate::range_decoder::RangeDecoder;

/// What the bands need to know about their frame.
pub(super) struct Frame<'a> {
    pub(super) lm: usize,
    pub(super) channels: usize,
    pub(super) end: usize,
    pub(super) transient: bool,
    pub(super) spread: u32,
    pub(super) tf_change: &'a [i32; NB_EBANDS],
    pub(super) allocation: &'a Allocation,
    /// Eighths of a bit in the frame.
    pub(super) total: i32,
    /// Channels are never inverted.
    pub(super) disable_inv: bool,
}

/// What one band leaves to the next.
#[derive(Clone, Copy)]
pub(super) struct Progress {
    pub(super) seed: u32,
    dual_stereo: bool,
    balance: i32,
    /// Folding copies what lies below this band (lowband_offset).
    fold_band: usize,
    update_fold_band: bool,
}

impl Progress {
    pub(super) fn new(allocation: &Allocation, seed: u32) -> Progress {
        let (dual_stereo, balance) = (allocation.dual_stereo, allocation.balance);
        Progress { seed, dual_stereo, balance, fold_band: 0, update_fold_band: true }
    }
}

/// Decodes the shapes of `bands` (quant_all_bands). After bands that are not synthesized, the seed is right only if
/// `needs_masks`.
pub(super) fn decode_bands(
    decoder: &mut RangeDecoder,
    frame: &Frame,
    shapes: &mut Shapes,
    progress: &mut Progress,
    bands: Range<usize>,
    needs_masks: bool,
) {
    let (lm, allocation) = (frame.lm, frame.allocation);
    let mut band = first_band(decoder, frame, shapes, progress.seed, needs_masks);
    for i in bands {
        let first = band_start(i, lm);
        let bins = band_start(i + 1, lm) - first;
        let tell = tell_frac(band.decoder);
        progress.balance -= if i > 0 { tell } else { 0 };
        band.remaining = frame.total - tell - 1;
        let bits = budget(allocation, i, progress.balance, band.remaining);
        if (first >= bins || i == 1) && (progress.update_fold_band || progress.fold_band == 0) {
            progress.fold_band = i;
        }
        (band.index, band.first_bin, band.tf_change, band.is_output) = (i, first, frame.tf_change[i], i < OUTPUT_BANDS);
        if progress.dual_stereo && i == allocation.intensity {
            progress.dual_stereo = false;
            band.average_norms(if band.is_output { first } else { 0 });
        }
        let masks = band.decode_channels(frame, progress, bins, bits);
        (0..2).for_each(|channel| band.shapes.collapse_masks[channel][i] = masks[channel] as u8);
        progress.balance += allocation.shape_bits[i] + tell;
        progress.update_fold_band = bits > bins as i32 * ONE_BIT;
    }
    progress.seed = band.seed;
}

fn first_band<'a, 'b>(
    decoder: &'a mut RangeDecoder<'b>,
    frame: &Frame,
    shapes: &'a mut Shapes,
    seed: u32,
    needs_masks: bool,
) -> Band<'a, 'b> {
    Band {
        decoder,
        shapes,
        index: 0,
        first_bin: 0,
        is_output: true,
        needs_masks,
        folds: false,
        intensity: frame.allocation.intensity,
        disable_inv: frame.disable_inv,
        tf_change: 0,
        // Table 59: f_r.
        spread: [None, Some(15), Some(10), Some(5)][(frame.spread & 3) as usize],
        remaining: 0,
        seed,
    }
}

/// A band's allocation and a part of what those before it did not use.
fn budget(allocation: &Allocation, band: usize, balance: i32, remaining: i32) -> i32 {
    if band >= allocation.coded_bands {
        return 0;
    }
    let share = balance / 3.min((allocation.coded_bands - band) as i32);
    (remaining + 1).min(allocation.shape_bits[band] + share).clamp(0, 16_383)
}

impl Band<'_, '_> {
    /// Decodes the current band of all channels; returns their collapse masks.
    fn decode_channels(&mut self, frame: &Frame, progress: &Progress, bins: usize, bits: i32) -> [u32; 2] {
        let (lm, blocks) = (frame.lm, if frame.transient { 1 << frame.lm } else { 1 });
        // With the strongest spreading, long blocks are not folded.
        let folds = progress.fold_band != 0 && (frame.spread != 3 || blocks > 1 || self.tf_change < 0);
        let fold = folds.then(|| band_start(progress.fold_band, lm).saturating_sub(bins));
        let fills = fold.map_or([(1 << blocks) - 1; 2], |fold| self.fold_masks(fold, bins, progress.fold_band, lm));
        let keep = self.index + 1 < frame.end.min(OUTPUT_BANDS);
        let part = Part { channel: 0, at: 0, bins, blocks, lm: lm as i32, gain: 1.0, fill: fills[0] | fills[1] };
        match frame.channels {
            2 if progress.dual_stereo => {
                let left = self.decode_shape(Part { fill: fills[0], ..part }, bits / 2, 0, fold, keep);
                let right = Part { fill: fills[1], channel: 1, ..part };
                [left, self.decode_shape(right, bits / 2, 1, fold, keep)]
            }
            2 => [self.decode_stereo(part, bits, fold, keep); 2],
            _ => [self.decode_shape(part, bits, 0, fold, keep); 2],
        }
    }

    /// For each channel, the blocks with pulses in the bands that the `bins` from `fold` on touch.
    fn fold_masks(&self, fold: usize, bins: usize, fold_band: usize, lm: usize) -> [u32; 2] {
        let start = (0..fold_band).rev().find(|&i| band_start(i, lm) <= fold).unwrap_or(0);
        let end = (fold_band..self.index).find(|&i| band_start(i, lm) >= fold + bins);
        let end = end.unwrap_or(self.index).max(start + 1);
        let union = |masks: &[u8; NB_EBANDS]| masks[start..end].iter().fold(0, |all, &mask| all | u32::from(mask));
        [union(&self.shapes.collapse_masks[0]), union(&self.shapes.collapse_masks[1])]
    }

    /// From here on both channels are folded from their mean.
    fn average_norms(&mut self, bins: usize) {
        let [left, right] = &mut self.shapes.norm;
        left.iter_mut().zip(right).take(bins).for_each(|(left, right)| *left = 0.5 * (*left + *right));
    }

    /// The shape of a single bin is a sign.
    pub(super) fn decode_sign(&mut self, channel: usize) {
        let mut negative = false;
        if self.remaining >= ONE_BIT {
            negative = self.decoder.dec_bits(1) == 1;
            self.remaining -= ONE_BIT;
        }
        if self.is_output {
            self.shapes.x[channel][self.first_bin] = if negative { -1.0 } else { 1.0 };
        }
    }

    /// Decodes the shape of one channel, or of mid or side, folding from `norm` (quant_band).
    pub(super) fn decode_shape(&mut self, part: Part, bits: i32, norm: usize, fold: Option<usize>, keep: bool) -> u32 {
        let Part { channel, bins, .. } = part;
        if bins == 1 {
            self.decode_sign(channel);
            self.keep_for_folding(channel, bins, norm, keep);
            return 1;
        }
        let mut part = part;
        self.folds = fold.is_some();
        let fold = fold.filter(|_| self.is_output);
        if let Some(fold) = fold {
            self.shapes.fold[..bins].copy_from_slice(&self.shapes.norm[norm][fold..fold + bins]);
        }
        let resolution = self.change_resolution(&mut part, fold.is_some());
        let mut mask = self.decode_partition(part, bits);
        mask = self.restore_resolution(part, resolution, mask);
        self.keep_for_folding(channel, bins, norm, keep);
        mask
    }

    /// Section 4.3.4.5: changes the time resolution of what is folded, as the encoder did that of the band.
    fn change_resolution(&mut self, part: &mut Part, fold: bool) -> Resolution {
        let long = part.blocks == 1;
        let mut block_bins = part.bins / part.blocks;
        let recombined = self.tf_change.max(0) as usize;
        let x = &mut self.shapes.fold[..if fold { part.bins } else { 0 }];
        for k in 0..recombined {
            shape::haar1(x, 1 << k);
            part.fill = in_pairs(part.fill & 0xF) | in_pairs(part.fill >> 4) << 2;
        }
        part.blocks >>= recombined;
        block_bins <<= recombined;
        let mut divided = 0;
        while block_bins & 1 == 0 && self.tf_change + divided < 0 {
            shape::haar1(x, part.blocks);
            part.fill |= part.fill << part.blocks;
            part.blocks <<= 1;
            block_bins >>= 1;
            divided += 1;
        }
        if part.blocks > 1 && fold {
            shape::deinterleave_hadamard(x, part.blocks << recombined, long);
        }
        Resolution { long, recombined, divided: divided as usize }
    }

    /// Undoes [`Band::change_resolution`] in the decoded shape and its collapse mask.
    fn restore_resolution(&mut self, part: Part, resolution: Resolution, mut mask: u32) -> u32 {
        let length = if self.is_output { part.bins } else { 0 };
        let first = if self.is_output { self.first_bin } else { 0 };
        let x = &mut self.shapes.x[part.channel][first..first + length];
        if part.blocks > 1 && self.is_output {
            shape::interleave_hadamard(x, part.blocks << resolution.recombined, resolution.long);
        }
        let mut blocks = part.blocks;
        for _ in 0..resolution.divided {
            blocks >>= 1;
            mask |= mask >> blocks;
            shape::haar1(x, blocks);
        }
        for k in 0..resolution.recombined {
            mask = u32::from(BIT_DEINTERLEAVE_TABLE[(mask & 0xF) as usize]);
            shape::haar1(x, 1 << k);
        }
        mask & ((1 << (blocks << resolution.recombined)) - 1)
    }

    /// Keeps a decoded shape for higher bands to be folded from.
    pub(super) fn keep_for_folding(&mut self, channel: usize, bins: usize, norm: usize, keep: bool) {
        if keep {
            let (first, scale) = (self.first_bin, (bins as f32).sqrt());
            let from = &self.shapes.x[channel][first..first + bins];
            self.shapes.norm[norm][first..].iter_mut().zip(from).for_each(|(to, from)| *to = scale * from);
        }
    }
}

/// How the time resolution of a band was changed.
#[derive(Clone, Copy)]
struct Resolution {
    /// It was one block.
    long: bool,
    /// How often pairs of blocks became one.
    recombined: usize,
    /// How often blocks became two.
    divided: usize,
}

/// Each of four blocks twice.
const BIT_DEINTERLEAVE_TABLE: [u8; 16] = [0, 3, 12, 15, 48, 51, 60, 63, 192, 195, 204, 207, 240, 243, 252, 255];

/// Of each two of four blocks, whether any has pulses.
fn in_pairs(mask: u32) -> u32 {
    u32::from(mask & 3 != 0) | u32::from(mask & 12 != 0) << 1
}
