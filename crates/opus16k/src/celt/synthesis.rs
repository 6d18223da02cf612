//! From a mono spectrum to samples at 16 kHz: inverse MDCT, post-filter, de-emphasis (RFC 6716, 4.3.7).
//!
//! ```text
//! post-filter:   y[n] = x[n] + gain * sum over k in -2..=2 of g[|k|] * y[n - period + k]
//! de-emphasis:   z[n] = y[n] + 0.85 * z[n - 1]
//! ```
//!
//! Everything runs at 48 kHz, where the window and the periods of the post-filter are defined. Of the de-emphasis every
//! third sample is needed, so its recurrence advances by three. Finite spectra give finite samples; nothing is
//! allocated after the construction.

use std::array::from_fn;

use super::mdct::Mdct;
use super::plc::{HISTORY, PitchConcealment, fold_overlap};
use super::tables::{MAX_FRAME, SHORT_BLOCK, WINDOW};

/// Bounds of the post-filter's period.
const COMBFILTER_MINPERIOD: usize = 15;
const COMBFILTER_MAXPERIOD: usize = 1024;
const _: () = assert!(COMBFILTER_MAXPERIOD + 2 <= HISTORY);

/// Tap gains of the post-filter by tapset, from the middle out.
const TAPSET_GAINS: [[f32; 3]; 3] =
    [[0.306_640_62, 0.217_041_02, 0.129_638_67], [0.463_867_2, 0.268_066_4, 0.0], [0.799_804_7, 0.100_097_656, 0.0]];

const PREEMPHASIS: f32 = 0.850_006_1;

/// The parameters of the post-filter in a frame (4.3.7.1).
#[derive(Clone, Copy, Default, PartialEq)]
pub(super) struct Postfilter {
    pub(super) period: usize,
    pub(super) gain: f32,
    pub(super) tapset: usize,
}

impl Postfilter {
    fn period(&self) -> usize {
        self.period.clamp(COMBFILTER_MINPERIOD, COMBFILTER_MAXPERIOD)
    }

    fn taps(&self) -> [f32; 3] {
        TAPSET_GAINS[self.tapset.min(2)].map(|tap| tap * self.gain)
    }
}

pub(super) struct Synthesis {
    mdct: Mdct,
    /// Filled below 8 kHz before each frame; above it is 0.
    pub(super) spectrum: Box<[f32; MAX_FRAME]>,
    /// The history, the frame, and half an overlap.
    samples: Box<[f32; HISTORY + MAX_FRAME + SHORT_BLOCK]>,
    /// Of the frame before the last one, and of the last one.
    postfilters: [Postfilter; 2],
    pitch_concealment: PitchConcealment,
    /// The last sample that left the de-emphasis and is part of the output.
    last: f32,
}

impl Synthesis {
    pub(super) fn new() -> Synthesis {
        Synthesis {
            mdct: Mdct::new(),
            spectrum: Box::new([0.0; MAX_FRAME]),
            samples: Box::new([0.0; HISTORY + MAX_FRAME + SHORT_BLOCK]),
            postfilters: [Postfilter::default(); 2],
            pitch_concealment: PitchConcealment::new(),
            last: 0.0,
        }
    }

    pub(super) fn reset(&mut self) {
        self.samples.fill(0.0);
        (self.postfilters, self.last) = ([Postfilter::default(); 2], 0.0);
    }

    /// Turns `spectrum` into a frame, in one block or in blocks of 2.5 ms. In the first of them the post-filter is
    /// still that of the last frame.
    pub(super) fn run(&mut self, short: bool, postfilter: Postfilter, out: &mut [f32]) {
        let length = 3 * out.len();
        self.transform(short, length);
        let [before, last] = self.postfilters;
        self.comb_filter(0, SHORT_BLOCK, before, last);
        if length > SHORT_BLOCK {
            self.comb_filter(SHORT_BLOCK, length, last, postfilter);
        }
        self.postfilters = [if length > SHORT_BLOCK { postfilter } else { last }, postfilter];
        self.finish(out);
    }

    /// The same for a concealed frame, in one block: as in libopus, the post-filter neither runs nor changes.
    pub(super) fn run_unfiltered(&mut self, out: &mut [f32]) {
        self.transform(false, 3 * out.len());
        self.finish(out);
    }

    /// Continues the pitch of the history, for the `first` frame of a gap or a later one.
    pub(super) fn conceal_by_pitch(&mut self, first: bool, out: &mut [f32]) {
        let end = HISTORY + 3 * out.len();
        self.pitch_concealment.run(first, &mut self.samples[..end + SHORT_BLOCK]);
        // The post-filter will run over the overlap with the next frame: its effect is removed there.
        let postfilter = self.postfilters[1];
        let (lag, [a, b, c]) = (postfilter.period(), postfilter.taps());
        let overlap = from_fn(|i| {
            let x: [f32; 5] = self.samples[end + i - lag - 2..].first_chunk().copied().unwrap_or_default();
            self.samples[end + i] - (a * x[2] + b * (x[3] + x[1]) + c * (x[4] + x[0]))
        });
        fold_overlap(&overlap, &mut self.samples[end..]);
        self.finish(out);
    }

    fn transform(&mut self, short: bool, length: usize) {
        let (blocks, each) = if short { (length / SHORT_BLOCK, SHORT_BLOCK) } else { (1, length) };
        self.mdct.backward(&self.spectrum, blocks, each, &mut self.samples[HISTORY..]);
    }

    /// Gives the frame out and makes it history.
    fn finish(&mut self, out: &mut [f32]) {
        let length = 3 * out.len();
        self.deemphasise(out);
        self.samples.copy_within(length..length + HISTORY + SHORT_BLOCK / 2, 0);
    }

    /// Filters samples `from` to `to` of the frame: in the first 2.5 ms `before` fades into `now`.
    fn comb_filter(&mut self, from: usize, to: usize, before: Postfilter, now: Postfilter) {
        let at = HISTORY + from;
        if before.gain != 0.0 || now.gain != 0.0 {
            let ([a, b, c], [d, e, f]) = (before.taps(), now.taps());
            let (old, new) = (before.period(), now.period());
            for (i, rise) in WINDOW.iter().map(|w| w * w).enumerate() {
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
            self.comb_filter_const(at + SHORT_BLOCK, HISTORY + to, now);
        }
    }

    /// With constant parameters, in runs so short that none needs its own results.
    fn comb_filter_const(&mut self, from: usize, to: usize, postfilter: Postfilter) {
        let (lag, [a, b, c]) = (postfilter.period(), postfilter.taps());
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

    /// Four output samples at a time, since each waits for the one before it.
    fn deemphasise(&mut self, out: &mut [f32]) {
        const SQUARE: f32 = PREEMPHASIS * PREEMPHASIS;
        const CUBE: f32 = SQUARE * PREEMPHASIS;
        const CUBES: [f32; 4] = [CUBE, CUBE * CUBE, CUBE * CUBE * CUBE, CUBE * CUBE * CUBE * CUBE];
        let samples = self.samples[HISTORY - 2..].as_chunks::<12>().0;
        let mut last = self.last;
        for (out, x) in out.as_chunks_mut::<4>().0.iter_mut().zip(samples) {
            // 1e-30 keeps silence from becoming denormal, which is slow.
            let mut sums: [f32; 4] = from_fn(|i| 1e-30 + x[3 * i + 2] + PREEMPHASIS * x[3 * i + 1] + SQUARE * x[3 * i]);
            (1..4).for_each(|i| sums[i] += CUBE * sums[i - 1]);
            *out = from_fn(|i| (sums[i] + CUBES[i] * last) * (1.0 / 32_768.0));
            last = sums[3] + CUBES[3] * last;
        }
        self.last = last;
    }
}
