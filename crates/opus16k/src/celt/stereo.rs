//! A band of two channels as mid and side (RFC 6716, 4.3.4).
//!
//! ```text
//! left = mid * M - side * S, right = mid * M + side * S, both normalized
//! ```

use super::partition::{Band, Part};
use super::shape;
use super::tables::ONE_BIT;

impl Band<'_, '_> {
    /// Decodes mid and side, and turns them into left and right.
    pub(super) fn decode_stereo(&mut self, part: Part, mut bits: i32, fold: Option<usize>, keep: bool) -> u32 {
        if part.bins == 1 {
            self.decode_sign(0);
            self.decode_sign(1);
            self.keep_for_folding(0, 1, 0, keep);
            return 1;
        }
        let mut split = part;
        let theta = self.decode_theta(&mut split, &mut bits, part.blocks, true);
        let (mid, side) = (theta.mid, theta.side);
        self.remaining -= theta.bits;
        let mask = if part.bins == 2 {
            let has_side = theta.itheta != 0 && theta.itheta != 16_384;
            let channel = usize::from(theta.itheta > 8_192);
            let sign_bits = if has_side { ONE_BIT } else { 0 };
            self.remaining -= sign_bits;
            let negative = has_side && self.decoder.dec_bits(1) == 1;
            let mask = self.decode_shape(Part { channel, ..part }, bits - sign_bits, 0, fold, keep);
            self.merge_two_bins(channel, if negative { -1.0 } else { 1.0 }, mid, side);
            mask
        } else {
            let mid_part = Part { channel: 0, ..split };
            let side_part = Part { channel: 1, gain: side, fill: split.fill >> part.blocks, ..split };
            let (mid_mask, side_mask) = self.decode_halves(bits, theta.delta, theta.itheta, |band, is_side, bits| {
                if is_side {
                    band.decode_shape(side_part, bits, 0, None, false)
                } else {
                    band.decode_shape(mid_part, bits, 0, fold, keep)
                }
            });
            self.merge(part.bins, mid);
            mid_mask | side_mask
        };
        if theta.inverted && self.is_output {
            let first = self.first_bin;
            self.shapes.x[1][first..first + part.bins].iter_mut().for_each(|y| *y = -*y);
        }
        mask
    }

    fn merge(&mut self, bins: usize, mid: f32) {
        if self.is_output {
            let range = self.first_bin..self.first_bin + bins;
            let [x, y] = &mut self.shapes.x;
            shape::stereo_merge(&mut x[range.clone()], &mut y[range], mid);
        }
    }

    /// Two bins: the channel that is not coded is orthogonal to the one that is.
    fn merge_two_bins(&mut self, coded: usize, sign: f32, mid: f32, side: f32) {
        if !self.is_output {
            return;
        }
        let first = self.first_bin;
        let (a, b) = (self.shapes.x[coded][first], self.shapes.x[coded][first + 1]);
        let (own, orthogonal) = ([a, b], [-sign * b, sign * a]);
        let (m, s) = if coded == 0 { (own, orthogonal) } else { (orthogonal, own) };
        for (i, (x, y)) in m.into_iter().zip(s).enumerate() {
            let (x, y) = (mid * x, side * y);
            (self.shapes.x[0][first + i], self.shapes.x[1][first + i]) = (x - y, x + y);
        }
    }
}
