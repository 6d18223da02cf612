//! What a frame says of itself: the symbols before its excitation (RFC 6716, 4.2.7.3 to 4.2.7.7).
//!
//! Invariant: knows no signal. Whatever bytes there are, every index is one of its table.

use super::tables::lines::{LINES_BETWEEN, LINES_BEYOND, LINES_BOOK, LINES_RESIDUAL, LINES_SELECT};
use super::tables::pitch::*;
use super::tables::{ACTIVE_KIND, EIGHT, FOUR, GAIN_HIGH, GAIN_STEP, QUIET_KIND};
use super::{ORDER, SUBFRAMES};
use crate::coder::Coder;

/// 2 ms.
const SHORTEST_LAG: i32 = 32;
/// 18 ms.
pub const LONGEST_LAG: i32 = 288;

/// What a frame builds on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coded {
    /// On nothing before it.
    Alone,
    /// The same, but its predictor is not scaled down: a side channel that comes back.
    AloneUnscaled,
    /// On the frame before it in the same packet.
    Onward,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    #[default]
    Inactive,
    Unvoiced,
    Voiced,
}

/// The symbols of one frame.
#[derive(Debug, Clone, Default)]
pub struct Symbols {
    pub kind: Kind,
    /// The higher of two quantization offsets.
    pub high_offset: bool,
    /// The first is absolute unless the frame goes [`Coded::Onward`]; others are steps.
    pub gains: [u8; SUBFRAMES],
    /// Entry of the first stage of line frequencies.
    pub book: usize,
    /// The second stage.
    pub residuals: [i32; ORDER],
    /// Quarters of the way from the last frame's lines to these, for the first half; four: all of it.
    pub between: u8,
    pub pitch: Option<Pitch>,
    /// Of the signs that are drawn.
    pub seed: u32,
}

/// What a voiced frame says of its past.
#[derive(Debug, Clone, Copy)]
pub struct Pitch {
    /// Samples beyond the shortest lag.
    pub lag: i32,
    pub contour: usize,
    /// Of each subframe.
    pub taps: [[i8; 5]; SUBFRAMES],
    /// How much of the past it takes, in 16384ths.
    pub scale: i16,
}

/// What the symbols of a frame hang on in the one before it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Before {
    kind: Kind,
    lag: i32,
}

impl Symbols {
    /// Reads a frame of so many subframes; `active` is its flag of voice activity.
    pub fn read(coder: &mut Coder, subframes: usize, active: bool, coded: Coded, before: &mut Before) -> Symbols {
        let (kind, high_offset) = kind(coder, active);
        let gains = gains(coder, subframes, kind, coded);
        let book = coder.symbol(&LINES_BOOK[usize::from(kind == Kind::Voiced)]);
        let residuals = LINES_SELECT[book].map(|select| residual(coder, &LINES_RESIDUAL[usize::from(select)]));
        let between = if subframes == SUBFRAMES { coder.symbol(&LINES_BETWEEN) as u8 } else { 4 };
        let pitch = (kind == Kind::Voiced).then(|| Pitch::read(coder, subframes, coded, before));
        before.kind = kind;
        let seed = coder.symbol(&FOUR) as u32;
        Symbols { kind, high_offset, gains, book, residuals, between, pitch, seed }
    }
}

fn kind(coder: &mut Coder, active: bool) -> (Kind, bool) {
    let coded = if active { coder.symbol(&ACTIVE_KIND) + 2 } else { usize::from(coder.second(QUIET_KIND)) };
    let kind = [Kind::Inactive, Kind::Unvoiced, Kind::Voiced][coded >> 1];
    (kind, coded & 1 == 1)
}

fn gains(coder: &mut Coder, subframes: usize, kind: Kind, coded: Coded) -> [u8; SUBFRAMES] {
    let mut gains = [0; SUBFRAMES];
    for (subframe, gain) in gains.iter_mut().enumerate().take(subframes) {
        *gain = match (subframe, coded) {
            (1.., _) | (_, Coded::Onward) => coder.symbol(&GAIN_STEP) as u8,
            _ => (coder.symbol(&GAIN_HIGH[kind as usize]) << 3 | coder.symbol(&EIGHT)) as u8,
        };
    }
    gains
}

/// Beyond four either way there is more to read.
fn residual(coder: &mut Coder, distribution: &[u8]) -> i32 {
    match coder.symbol(distribution) as i32 - 4 {
        -4 => -4 - coder.symbol(&LINES_BEYOND) as i32,
        4 => 4 + coder.symbol(&LINES_BEYOND) as i32,
        residual => residual,
    }
}

impl Pitch {
    fn read(coder: &mut Coder, subframes: usize, coded: Coded, before: &mut Before) -> Pitch {
        let step = match (coded, before.kind) {
            (Coded::Onward, Kind::Voiced) => coder.symbol(&LAG_STEP),
            _ => 0,
        };
        let lag = match step {
            0 => (coder.symbol(&LAG_HIGH) << 3 | coder.symbol(&EIGHT)) as i32,
            step => before.lag + step as i32 - 9,
        };
        before.lag = lag;
        let contours: &[u8] = if subframes == SUBFRAMES { &CONTOUR_20 } else { &CONTOUR_10 };
        let contour = coder.symbol(contours);
        let periodicity = coder.symbol(&PERIODICITY);
        let mut taps = [[0; 5]; SUBFRAMES];
        for taps in taps.iter_mut().take(subframes) {
            *taps = match periodicity {
                0 => TAPS_0[coder.symbol(&TAPS_ENTRY_0)],
                1 => TAPS_1[coder.symbol(&TAPS_ENTRY_1)],
                _ => TAPS_2[coder.symbol(&TAPS_ENTRY_2)],
            };
        }
        let scale = if coded == Coded::Alone { coder.symbol(&SCALE) } else { 0 };
        Pitch { lag, contour, taps, scale: SCALES[scale] }
    }

    /// The lag of each subframe, samples.
    pub fn lags(&self, subframes: usize) -> [usize; SUBFRAMES] {
        std::array::from_fn(|subframe| {
            let beside = match subframes {
                SUBFRAMES => CONTOURS_20[self.contour][subframe],
                _ => CONTOURS_10[self.contour][subframe.min(1)],
            };
            (SHORTEST_LAG + self.lag + i32::from(beside)).clamp(SHORTEST_LAG, LONGEST_LAG) as usize
        })
    }
}
