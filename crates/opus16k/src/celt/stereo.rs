//! A band of two channels as a middle and a side (RFC 6716, 4.3.4).
//!
//! Invariant: left and right come out of it with norm one, as the energies of both expect.

use super::partition::{BIT, Band, Part};
use super::shape;

impl Band<'_, '_> {
    /// Decodes middle and side, and merges them.
    pub fn stereo(&mut self, part: Part, mut b: i32, fold: Option<usize>, keep: bool) -> u32 {
        if part.bins == 1 {
            self.sign(0);
            self.sign(1);
            self.keep(0, 1, 0, keep);
            return 1;
        }
        let mut split = part;
        let theta = self.theta(&mut split, &mut b, part.blocks, true);
        let (mid, side) = (theta.mid, theta.side);
        self.remaining -= theta.spent;
        let mask = if part.bins == 2 {
            let coded = theta.angle != 0 && theta.angle != 16_384;
            let channel = usize::from(theta.angle > 8_192);
            let sign_bits = if coded { BIT } else { 0 };
            self.remaining -= sign_bits;
            let negative = coded && self.coder.plain(1) == 1;
            let mask = self.shape(Part { channel, ..part }, b - sign_bits, 0, fold, keep);
            self.pair(channel, if negative { -1.0 } else { 1.0 }, mid, side);
            mask
        } else {
            let middle = Part { channel: 0, ..split };
            let aside = Part { channel: 1, gain: side, fill: split.fill >> part.blocks, ..split };
            let (middle, aside) = self.halves(b, theta.delta, theta.angle, |band, is_side, bits| match is_side {
                false => band.shape(middle, bits, 0, fold, keep),
                true => band.shape(aside, bits, 0, None, false),
            });
            self.merge(part.bins, mid);
            middle | aside
        };
        if theta.inverted && self.heard {
            let first = self.first_bin;
            self.shapes.x[1][first..first + part.bins].iter_mut().for_each(|y| *y = -*y);
        }
        mask
    }

    fn merge(&mut self, bins: usize, mid: f32) {
        if self.heard {
            let range = self.first_bin..self.first_bin + bins;
            let [x, y] = &mut self.shapes.x;
            shape::merge(&mut x[range.clone()], &mut y[range], mid);
        }
    }

    /// Two bins: what is not coded stands at a right angle to what is.
    fn pair(&mut self, coded: usize, sign: f32, mid: f32, side: f32) {
        if !self.heard {
            return;
        }
        let first = self.first_bin;
        let (a, b) = (self.shapes.x[coded][first], self.shapes.x[coded][first + 1]);
        let (own, other) = ([a, b], [-sign * b, sign * a]);
        let (middle, aside) = if coded == 0 { (own, other) } else { (other, own) };
        for (i, (x, y)) in middle.into_iter().zip(aside).enumerate() {
            let (x, y) = (mid * x, side * y);
            (self.shapes.x[0][first + i], self.shapes.x[1][first + i]) = (x - y, x + y);
        }
    }
}
