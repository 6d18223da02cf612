//! From a mono spectrum to samples at 16 kHz: inverse MDCT, comb post-filter, de-emphasis (RFC 6716, 4.3.7).
//!
//! All is done at 48 kHz, where the window and the filter's periods are defined; of the de-emphasis
//! every third sample is heard, so its recurrence runs in steps of three.
//!
//! Invariant: finite spectra give finite samples, and nothing is allocated once it exists.

use std::array::from_fn;

use ruopus::celt::tables::WINDOW120;

use super::mdct::Mdct;
use super::plc::{Extrapolation, fold};

/// Samples of the shortest block, and of the overlap of two.
pub const BLOCK: usize = 120;
/// Samples of the longest frame.
pub const LONGEST: usize = 960;
/// How far back concealment looks. The post-filter's longest period and its outer taps fit.
pub const HISTORY: usize = 2048;
const SHORTEST_PERIOD: usize = 15;
const LONGEST_PERIOD: usize = 1024;

/// Tap gains of the post-filter, from the middle out.
const TAPS: [[f32; 3]; 3] =
    [[0.306_640_62, 0.217_041_02, 0.129_638_67], [0.463_867_2, 0.268_066_4, 0.0], [0.799_804_7, 0.100_097_656, 0.0]];

const EMPHASIS: f32 = 0.850_006_1;

/// The pitch post-filter of one frame.
#[derive(Clone, Copy, Default, PartialEq)]
pub struct Comb {
    pub period: usize,
    pub gain: f32,
    pub tapset: usize,
}

impl Comb {
    fn lag(&self) -> usize {
        self.period.clamp(SHORTEST_PERIOD, LONGEST_PERIOD)
    }

    fn taps(&self) -> [f32; 3] {
        TAPS[self.tapset.min(2)].map(|tap| tap * self.gain)
    }
}

pub struct Synthesis {
    mdct: Mdct,
    /// Of which what is heard is filled before each frame; the rest is nothing.
    pub spectrum: Box<[f32; LONGEST]>,
    /// The past, the frame, and half an overlap.
    samples: Box<[f32; HISTORY + LONGEST + BLOCK]>,
    combs: [Comb; 2],
    extrapolation: Extrapolation,
    /// The last sample but two that left the de-emphasis, at 48 kHz.
    last: f32,
}

impl Synthesis {
    pub fn new() -> Synthesis {
        Synthesis {
            mdct: Mdct::new(),
            spectrum: Box::new([0.0; LONGEST]),
            samples: Box::new([0.0; HISTORY + LONGEST + BLOCK]),
            combs: [Comb::default(); 2],
            extrapolation: Extrapolation::new(),
            last: 0.0,
        }
    }

    pub fn reset(&mut self) {
        self.samples.fill(0.0);
        (self.combs, self.last) = ([Comb::default(); 2], 0.0);
    }

    /// Turns `spectrum` into a frame of `out`'s length times three, in one block or in many short ones.
    pub fn run(&mut self, short: bool, comb: Comb, out: &mut [f32]) {
        let length = 3 * out.len();
        self.transform(short, length);
        let [before, last] = self.combs;
        self.filter(0, BLOCK, before, last);
        if length > BLOCK {
            self.filter(BLOCK, length, last, comb);
        }
        self.combs = [if length > BLOCK { comb } else { last }, comb];
        self.finish(out);
    }

    /// The same in one block for a frame that is made up: as in libopus, the post-filter neither runs nor changes.
    pub fn run_unfiltered(&mut self, out: &mut [f32]) {
        self.transform(false, 3 * out.len());
        self.finish(out);
    }

    /// Goes on in the pitch of the past, where the `first` frame of a gap is missing or one behind it.
    pub fn extrapolate(&mut self, first: bool, out: &mut [f32]) {
        let end = HISTORY + 3 * out.len();
        self.extrapolation.run(first, &mut self.samples[..end + BLOCK]);
        // The next frame is filtered where they overlap: there it must not be yet.
        let comb = self.combs[1];
        let (lag, [a, b, c]) = (comb.lag(), comb.taps());
        let overlap = from_fn(|i| {
            let x: [f32; 5] = self.samples[end + i - lag - 2..].first_chunk().copied().unwrap_or_default();
            self.samples[end + i] - (a * x[2] + b * (x[3] + x[1]) + c * (x[4] + x[0]))
        });
        fold(&overlap, &mut self.samples[end..]);
        self.finish(out);
    }

    fn transform(&mut self, short: bool, length: usize) {
        let (blocks, each) = if short { (length / BLOCK, BLOCK) } else { (1, length) };
        self.mdct.backward(&self.spectrum, blocks, each, &mut self.samples[HISTORY..]);
    }

    /// The frame is heard, and past.
    fn finish(&mut self, out: &mut [f32]) {
        let length = 3 * out.len();
        self.deemphasise(out);
        self.samples.copy_within(length..length + HISTORY + BLOCK / 2, 0);
    }

    /// The comb of `before` fades into that of `now`, which goes on.
    fn filter(&mut self, from: usize, to: usize, before: Comb, now: Comb) {
        let at = HISTORY + from;
        if before.gain != 0.0 || now.gain != 0.0 {
            let ([a, b, c], [d, e, f]) = (before.taps(), now.taps());
            let (old, new) = (before.lag(), now.lag());
            for (i, rise) in WINDOW120.iter().map(|w| w * w).enumerate() {
                let taps = |lag: usize, [a, b, c]: [f32; 3]| {
                    let [x4, x3, x2, x1, x0] =
                        self.samples[at + i - lag - 2..].first_chunk().copied().unwrap_or([0.0; 5]);
                    a * x2 + b * (x1 + x3) + c * (x0 + x4)
                };
                let added = (1.0 - rise) * taps(old, [a, b, c]) + rise * taps(new, [d, e, f]);
                self.samples[at + i] += added;
            }
        }
        if now.gain != 0.0 {
            self.steady(at + BLOCK, HISTORY + to, now);
        }
    }

    /// In runs so short that none needs what it makes.
    fn steady(&mut self, from: usize, to: usize, comb: Comb) {
        let (lag, [a, b, c]) = (comb.lag(), comb.taps());
        let mut at = from;
        while at < to {
            let (past, now) = self.samples.split_at_mut(at);
            let run = (lag - 2).min(to - at);
            let windows = past[at - lag - 2..].windows(5).take(run);
            for (sample, x) in now.iter_mut().zip(windows) {
                *sample += a * x[2] + b * (x[3] + x[1]) + c * (x[4] + x[0]);
            }
            at += run;
        }
    }

    /// Four at a time, for each waits for the one before it.
    fn deemphasise(&mut self, out: &mut [f32]) {
        const SQUARE: f32 = EMPHASIS * EMPHASIS;
        const CUBE: f32 = SQUARE * EMPHASIS;
        const CUBES: [f32; 4] = [CUBE, CUBE * CUBE, CUBE * CUBE * CUBE, CUBE * CUBE * CUBE * CUBE];
        let samples = self.samples[HISTORY - 2..].as_chunks::<12>().0;
        let mut last = self.last;
        for (out, x) in out.as_chunks_mut::<4>().0.iter_mut().zip(samples) {
            // The last summand keeps silence from becoming denormal, which is slow.
            let mut sums: [f32; 4] = from_fn(|i| 1e-30 + x[3 * i + 2] + EMPHASIS * x[3 * i + 1] + SQUARE * x[3 * i]);
            (1..4).for_each(|i| sums[i] += CUBE * sums[i - 1]);
            *out = from_fn(|i| (sums[i] + CUBES[i] * last) * (1.0 / 32_768.0));
            last = sums[3] + CUBES[3] * last;
        }
        self.last = last;
    }
}
