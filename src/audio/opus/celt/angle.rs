//! Angles: how much of a partition's energy each half holds, or each of middle and side (RFC 6716, 4.3.4.4).
//!
//! Invariant: as in every decoder, to the bit: what follows is divided by what was read here.

use ruopus::celt::bands::{bitexact_cos, bitexact_log2tan};
use ruopus::celt::modes::LOG_N;

use super::partition::{BIT, Band, Part};

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
}
