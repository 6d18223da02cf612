//! Normalizes the loudness of a recording, so that quiet and loud laughs get similar scores.
//!
//! ```text
//! rms[b]      = RMS of block b (100 ms)
//! loudness[b] = 95th percentile of rms over the 4 s around b
//! gain_db[b]  = clamp(target_loudness_db - 20 log10(loudness[b]), gain_limits_db)
//! smooth[b]   = 10 ^ (mean of gain_db over the 1.1 s around b / 20)
//! output      = clip(sample * smooth, interpolated linearly between block centres; -1, 1)
//! ```
//!
//! The look-ahead is at most 2.5 s, and so is what a sample depends on before it: [`normalize_range`] computes any part of the
//! output from the part of the input around it ([`context`]).
//!
//! Source of the constants: measured on held-out days; a target above -30 dBFS gives worse results.
//!
//! Invariant: memory is a few seconds of samples, and the output does not depend on how the input is divided into
//! pushes.

use std::collections::VecDeque;
use std::ops::Range;

use crate::domain::DetectionParameters;

/// Samples in a block: 100 ms at 16 kHz.
const BLOCK: usize = 1600;
/// Blocks before and after a block that its percentile covers: 40 with the block itself.
const AROUND: (usize, usize) = (20, 19);
/// Rank of the 95th percentile among those 40, from 0.
const RANK: usize = 38;
/// Blocks before and after a block that its gain is averaged over: 11 with the block itself.
const SMOOTH: (usize, usize) = (5, 5);
/// Blocks before the block of a sample, and after it, that its gain depends on. Before: one, because the centre of its own
/// block may follow it.
const REACH: (u64, u64) = ((AROUND.0 + SMOOTH.0 + 1) as u64, (AROUND.1 + SMOOTH.1 + 1) as u64);
/// Lower limit of the loudness, because digital silence has no logarithm.
const QUIETEST: f32 = 1e-10;

/// Streaming loudness normalizer for one recording, 16 kHz mono.
pub struct Normalizer {
    target_db: f32,
    gain_db: (f32, f32),
    /// The last input samples; the first `given` of them have been output.
    pending: Vec<f32>,
    /// How many of `pending` have been output.
    given: usize,
    /// Number of samples in the current block, which are the last ones of `pending`.
    filled: usize,
    loudness: Sliding,
    gains: Sliding,
    /// Amplitude at the last block centre; samples before that centre have been output.
    reached: Option<f32>,
}

impl Normalizer {
    pub fn new(parameters: &DetectionParameters) -> Self {
        Normalizer {
            target_db: parameters.target_loudness_db,
            gain_db: parameters.gain_limits_db,
            pending: Vec::new(),
            given: 0,
            filled: 0,
            loudness: Sliding::new(AROUND),
            gains: Sliding::new(SMOOTH),
            reached: None,
        }
    }

    /// Takes samples and appends the normalized samples whose gain is known.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        let mut rest = samples;
        while !rest.is_empty() {
            let (some, after) = rest.split_at(rest.len().min(BLOCK - self.filled));
            self.pending.extend_from_slice(some);
            self.filled += some.len();
            if self.filled == BLOCK {
                self.end_block(out);
            }
            rest = after;
        }
    }

    /// Ends the recording: appends all remaining samples.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        if self.filled > 0 {
            self.end_block(out);
        }
        for loudness in self.loudness.rest() {
            self.loudness_known(&loudness, out);
        }
        for gains in self.gains.rest() {
            self.gain_known(&gains, out);
        }
        let last = self.reached.unwrap_or(1.0);
        out.extend(self.pending.drain(..).skip(self.given).map(|sample| apply(sample, last)));
        self.given = 0;
    }

    fn end_block(&mut self, out: &mut Vec<f32>) {
        let rms = rms(&self.pending[self.pending.len() - self.filled..]);
        self.filled = 0;
        if let Some(around) = self.loudness.push(rms) {
            self.loudness_known(&around, out);
        }
    }

    fn loudness_known(&mut self, around: &[f32], out: &mut Vec<f32>) {
        if let Some(gains) = self.gains.push(gain_db(around, self.target_db, self.gain_db)) {
            self.gain_known(&gains, out);
        }
    }

    /// Outputs the samples up to the next block centre.
    fn gain_known(&mut self, gains: &[f32], out: &mut Vec<f32>) {
        let next = amplitude(gains);
        let (from, count) = match self.reached {
            None => (next, BLOCK / 2),
            Some(reached) => (reached, BLOCK),
        };
        let pending = &self.pending[self.given..];
        let ramp = pending.iter().zip(0u16..).take(count);
        out.extend(ramp.map(|(&sample, i)| apply(sample, from + (next - from) * (f32::from(i) / BLOCK as f32))));
        self.given += count.min(pending.len());
        self.reached = Some(next);
        self.compact();
    }

    /// Drops samples that have been output when they are at least half of `pending`, so that each sample is moved about
    /// once.
    fn compact(&mut self) {
        if 2 * self.given >= self.pending.len() {
            self.pending.drain(..self.given);
            self.given = 0;
        }
    }
}

/// The part of a signal of `length` samples that decides `range` after normalization: whole blocks.
pub fn context(range: &Range<u64>, length: u64) -> Range<u64> {
    let block = BLOCK as u64;
    let last = range.end.saturating_sub(1).max(range.start) / block;
    (range.start / block).saturating_sub(REACH.0) * block..((last + REACH.1 + 1) * block).min(length)
}

/// Normalizes a range of a signal into an empty buffer, given the samples of its [`context`], which begin at sample `start`.
/// The result has the bits of that range of the whole normalized signal.
pub fn normalize_range(
    parameters: &DetectionParameters,
    (samples, start): (&[f32], u64),
    range: &Range<u64>,
    normalized: &mut Vec<f32>,
) {
    let mut normalizer = Normalizer::new(parameters);
    normalizer.push(samples, normalized);
    normalizer.finish(normalized);
    normalized.truncate((range.end - start) as usize);
    normalized.drain(..(range.start - start) as usize);
}

/// Root mean square of a block. Uses eight independent sums, because each addition to a single one would depend on the
/// previous addition.
pub(super) fn rms(block: &[f32]) -> f32 {
    let mut sums = [0f64; 8];
    for samples in block.chunks(sums.len()) {
        sums.iter_mut().zip(samples).for_each(|(sum, &sample)| *sum += f64::from(sample) * f64::from(sample));
    }
    (sums.iter().sum::<f64>() / block.len() as f64).sqrt() as f32
}

/// Gain of a block in dB, from the loudness of the blocks around it.
fn gain_db(around: &[f32], target: f32, (least, most): (f32, f32)) -> f32 {
    let mut sorted = around.to_vec();
    let (_, percentile, _) = sorted.select_nth_unstable_by(RANK, f32::total_cmp);
    // Not `clamp`, which panics if the lower limit exceeds the upper one.
    (target - 20.0 * percentile.max(QUIETEST).log10()).max(least).min(most)
}

/// The mean of gains in dB, as an amplitude factor.
fn amplitude(gains: &[f32]) -> f32 {
    let mean = gains.iter().sum::<f32>() / gains.len() as f32;
    10f32.powf(mean / 20.0)
}

fn apply(sample: f32, amplitude: f32) -> f32 {
    let normalized = sample * amplitude;
    if normalized.is_nan() { 0.0 } else { normalized.clamp(-1.0, 1.0) }
}

/// A centred sliding window over a stream of values; the first and last values are repeated at the edges.
struct Sliding {
    before: usize,
    after: usize,
    window: VecDeque<f32>,
}

impl Sliding {
    fn new((before, after): (usize, usize)) -> Self {
        Sliding { before, after, window: VecDeque::new() }
    }

    /// Takes the next value; returns the window around an earlier value when it is complete.
    fn push(&mut self, value: f32) -> Option<Vec<f32>> {
        let copies = if self.window.is_empty() { self.before + 1 } else { 1 };
        self.window.extend(std::iter::repeat_n(value, copies));
        let whole = self.before + 1 + self.after;
        if self.window.len() < whole {
            return None;
        }
        let window = self.window.iter().copied().collect();
        self.window.pop_front();
        Some(window)
    }

    /// The remaining windows, around the last values.
    fn rest(&mut self) -> Vec<Vec<f32>> {
        let Some(&last) = self.window.back() else {
            return Vec::new();
        };
        (0..self.after).filter_map(|_| self.push(last)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reference implementation: normalizes the whole signal at once.
    fn whole(samples: &[f32]) -> Vec<f32> {
        let loudness: Vec<f32> = samples.chunks(BLOCK).map(rms).collect();
        let at = |values: &[f32], i: isize| values[i.clamp(0, values.len() as isize - 1) as usize];
        let around = |values: &[f32], i: usize, (before, after): (usize, usize)| -> Vec<f32> {
            (-(before as isize)..=after as isize).map(|d| at(values, i as isize + d)).collect()
        };
        let blocks = 0..loudness.len();
        let gains: Vec<f32> =
            blocks.clone().map(|i| gain_db(&around(&loudness, i, AROUND), -30.0, (-12.0, 30.0))).collect();
        let amplitudes: Vec<f32> = blocks.map(|i| amplitude(&around(&gains, i, SMOOTH))).collect();
        let interpolated = |n: usize| {
            let Some(after) = n.checked_sub(BLOCK / 2) else {
                return amplitudes[0];
            };
            let (i, step) = (after / BLOCK, (after % BLOCK) as f32 / BLOCK as f32);
            let (from, to) = (at(&amplitudes, i as isize), at(&amplitudes, i as isize + 1));
            from + (to - from) * step
        };
        samples.iter().enumerate().map(|(n, &sample)| apply(sample, interpolated(n))).collect()
    }

    fn streamed(samples: &[f32], cut: usize) -> Vec<f32> {
        let (mut normalizer, mut out) = (Normalizer::new(&DetectionParameters::default()), Vec::new());
        samples.chunks(cut).for_each(|piece| normalizer.push(piece, &mut out));
        normalizer.finish(&mut out);
        out
    }

    /// Noise whose loudness varies by 60 dB.
    fn noise(samples: usize) -> Vec<f32> {
        let loudness = |i: usize| 10f32.powf(((i as f32 / 9000.0).sin() - 1.0) * 1.5);
        (0..samples).map(|i| ((i * 7919 % 2001) as f32 / 1000.0 - 1.0) * loudness(i)).collect()
    }

    #[test]
    fn streaming_equals_the_reference() {
        for samples in [1, 799, 801, 1600, 1601, 16_000, 160_321, 200_000] {
            let signal = noise(samples);
            let expected = whole(&signal);
            for cut in [1, 160, 4097, 1 << 20] {
                assert_eq!(streamed(&signal, cut), expected, "{samples} samples cut by {cut}");
            }
        }
    }

    #[test]
    fn any_range_is_normalized_from_the_samples_around_it() {
        let signal = noise(200_321);
        let expected = whole(&signal);
        let starts = [0, 1, 799, 800, 1_600, 39_999, 41_600, 43_200, 100_000, 150_000, 199_000, 200_320];
        for start in starts {
            for length in [0, 1, 1_599, 1_601, 15_600, 60_000, 200_321] {
                let range = start..(start + length).min(signal.len() as u64);
                let part = context(&range, signal.len() as u64);
                let samples = &signal[part.start as usize..part.end as usize];
                let mut normalized = Vec::new();
                normalize_range(&DetectionParameters::default(), (samples, part.start), &range, &mut normalized);
                assert!(normalized == expected[range.start as usize..range.end as usize], "{range:?} of {part:?}");
                assert!(part.start + 45_000 > range.start && part.end < range.end.max(range.start + 1) + 45_000);
            }
        }
    }

    #[test]
    fn a_blocks_loudness_is_the_root_of_its_mean_square() {
        for length in [1, 7, 8, 799, BLOCK] {
            let block = &noise(9000)[9000 - length..];
            let mean = block.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>() / length as f64;
            assert!((f64::from(rms(block)) - mean.sqrt()).abs() <= 1e-7 * mean.sqrt(), "{length} samples");
        }
    }

    #[test]
    fn the_delay_is_at_most_two_and_a_half_seconds() {
        let (mut normalizer, mut out) = (Normalizer::new(&DetectionParameters::default()), Vec::new());
        for (i, block) in noise(320_000).chunks(BLOCK).enumerate() {
            normalizer.push(block, &mut out);
            assert!((i + 1) * BLOCK <= out.len() + 40_000 + BLOCK / 2, "block {i} waits");
        }
    }

    #[test]
    fn a_steady_sound_is_normalized_to_the_target() {
        let quiet: Vec<f32> = (0..160_000).map(|i| 0.003 * (i as f32 * 0.3).sin()).collect();
        let normalized = streamed(&quiet, 1000);
        let rms = (normalized.iter().map(|x| x * x).sum::<f32>() / normalized.len() as f32).sqrt();
        assert!((20.0 * rms.log10() + 30.0).abs() < 0.1, "{rms}");
    }

    #[test]
    fn silence_stays_silent_and_empty_input_stays_empty() {
        assert_eq!(streamed(&[0.0; 50_000], 333), vec![0.0; 50_000]);
        assert!(streamed(&[], 1).is_empty());
    }
}
