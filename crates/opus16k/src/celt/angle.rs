//! Angles: how much of a partition's energy each half holds, or each of middle and side (RFC 6716, 4.3.4.4).
//!
//! Invariant: as in every decoder, to the bit: what follows is divided by what was read here.

use std::hint::select_unpredictable;
use std::sync::LazyLock;

use ruopus::celt::bands::{bitexact_cos, bitexact_log2tan};
use ruopus::celt::modes::LOG_N;

use super::partition::{BIT, Band, Part};
use super::spent::spent;
use crate::coder::Coder;

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

/// The most bits that an angle may cost.
const MOST_BITS: i32 = 8;

/// Eighths of a bit that an angle may cost, up to [`MOST_BITS`].
fn price(bins: usize, b: i32, offset: i32, cap: i32, stereo: bool) -> usize {
    let freedom = 2 * bins as i32 - 1 - i32::from(stereo && bins == 2);
    let eighths = ((b + freedom * offset) / freedom).min(b - cap - 4 * BIT).min(MOST_BITS * BIT);
    eighths.max(0) as usize
}

/// Steps of the angle that so many eighths pay for.
const fn steps(eighths: usize) -> i32 {
    const POWERS: [i32; 8] = [16_384, 17_866, 19_483, 21_247, 23_170, 25_267, 27_554, 30_048];
    if eighths < 4 { 1 } else { ((POWERS[eighths & 7] >> (14 - (eighths >> 3))) + 1) >> 1 << 1 }
}

/// An angle, and what follows from it.
#[derive(Clone, Copy)]
struct Turn {
    angle: i16,
    /// Its cosine and its sine.
    mid: i16,
    side: i16,
    /// The logarithm of its tangent.
    tan: i16,
}

/// For each price the steps' angles, all but the first and the last.
static TURNS: LazyLock<[Vec<Turn>; (MOST_BITS * BIT) as usize + 1]> = LazyLock::new(|| {
    let turn = |angle: i32| {
        let (mid, side) = (bitexact_cos(angle as i16), bitexact_cos((16_384 - angle) as i16));
        Turn { angle: angle as i16, mid, side, tan: bitexact_log2tan(side.into(), mid.into()) as i16 }
    };
    std::array::from_fn(|eighths| {
        let steps = steps(eighths);
        (1..steps).map(|step| turn(step * 16_384 / steps)).collect()
    })
});

/// The whole part of a square root; exact, for all numbers are below 2^24, where floats are.
fn root(square: i32) -> i32 {
    (square as f32).sqrt() as i32
}

impl Band<'_, '_> {
    /// Reads how a partition divides into halves like `part`; `parent` blocks are interleaved in it.
    pub fn theta(&mut self, part: &mut Part, b: &mut i32, parent: usize, stereo: bool) -> Theta {
        let cap = i32::from(LOG_N[self.index]) + part.lm * BIT;
        let offset = (cap >> 1) - if stereo && part.bins == 2 { 16 } else { 4 };
        let single = stereo && self.index >= self.intensity;
        let price = if single { 0 } else { price(part.bins, *b, offset, cap, stereo) };
        let steps = steps(price);

        let before = spent(self.coder);
        let (mut step, mut inverted) = (0, false);
        if steps > 1 {
            step = match stereo {
                true if part.bins > 2 => step_angle(self.coder, steps),
                false if parent == 1 => triangular_angle(self.coder, steps),
                _ => self.coder.number(steps as u32 + 1).unwrap_or(0) as i32,
            };
        } else if stereo && *b > 2 * BIT && self.remaining > 2 * BIT {
            // Read in any case, for it is a symbol of the stream.
            inverted = self.coder.bit(2) && !self.disable_inv;
        }
        let spent = spent(self.coder) - before;
        *b -= spent;

        let all = (1u32 << part.blocks) - 1;
        let (angle, mid, side, delta) = match TURNS[price].get((step - 1) as usize) {
            Some(&Turn { angle, mid, side, tan }) => {
                (angle.into(), mid, side, multiply((part.bins as i32 - 1) << 7, tan.into()))
            }
            None if step == 0 => {
                part.fill &= all;
                (0, 32_767, 0, -16_384)
            }
            None => {
                part.fill &= all << part.blocks;
                (16_384, 0, 32_767, 16_384)
            }
        };
        let (mid, side) = (f32::from(mid) / 32_768.0, f32::from(side) / 32_768.0);
        Theta { inverted, angle, mid, side, delta, spent }
    }
}

/// Angles towards the side are a third as likely.
fn step_angle(coder: &mut Coder, steps: i32) -> i32 {
    let half = steps / 2;
    let edge = 3 * (half + 1);
    let place = coder.place((edge + half) as u32);
    let at = place.at as i32;
    let third = at / 3;
    let (angle, low, width) = select_unpredictable(at < edge, (third, 3 * third, 3), (at - edge + half + 1, at, 1));
    coder.enter(place, low as u32, (low + width) as u32);
    angle
}

/// Angles are the likelier the nearer they are to the middle.
fn triangular_angle(coder: &mut Coder, steps: i32) -> i32 {
    let half = steps >> 1;
    let total = (half + 1) * (half + 1);
    let place = coder.place(total as u32);
    // The lower half and the mirrored upper one, told apart without a jump.
    let at = place.at as i32;
    let upper = at >= (half * (half + 1)) >> 1;
    let from_end = select_unpredictable(upper, total - 1 - at, at);
    let nearer = (root(8 * from_end + 1) - 1) >> 1;
    let (width, before) = (nearer + 1, (nearer * (nearer + 1)) >> 1);
    let (angle, low) = select_unpredictable(upper, (steps - nearer, total - before - width), (nearer, before));
    coder.enter(place, low as u32, (low + width) as u32);
    angle
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_whole() {
        let most = steps((MOST_BITS * BIT) as usize) / 2 + 1;
        assert!((0..=8 * most * most + 1).all(|square| root(square) == square.isqrt()));
    }

    /// Both kinds of angle beside the format's way to say it: whose parts a place lies in.
    #[test]
    fn angles_are_those_whose_parts_hold_the_code() {
        let by_parts = |parts: &dyn Fn(i32) -> i32, steps: i32, at: u32| {
            let (mut angle, mut low) = (0, 0);
            while at as i32 >= low + parts(angle) {
                low += parts(angle);
                angle += 1;
            }
            assert!(angle <= steps);
            (angle, low as u32, (low + parts(angle)) as u32)
        };
        let mut random = crate::twins::random(1);
        for price in 4..=(MOST_BITS * BIT) as usize {
            let (steps, half) = (steps(price), steps(price) / 2);
            let single = |angle: i32| if angle <= half { 3 } else { 1 };
            let triangle = |angle: i32| if angle <= half { angle + 1 } else { steps + 1 - angle };
            for _ in 0..2_000 {
                let packet: Vec<u8> = (0..8).map(|_| random() as u8).collect();
                for stereo in [false, true] {
                    let parts: &dyn Fn(i32) -> i32 = if stereo { &single } else { &triangle };
                    let (mut ours, mut plain) = (Coder::new(&packet), Coder::new(&packet));
                    let angle = if stereo { step_angle(&mut ours, steps) } else { triangular_angle(&mut ours, steps) };
                    let place = plain.place((0..=steps).map(parts).sum::<i32>() as u32);
                    let (expected, low, high) = by_parts(parts, steps, place.at);
                    plain.enter(place, low, high);
                    assert_eq!((angle, ours.tell(), ours.range()), (expected, plain.tell(), plain.range()));
                }
            }
        }
    }
}
