//! Resamples from a recording's sampling rate to the 16 kHz of the network.
//!
//! The only module that uses rubato. Rates with a simple ratio to 16 kHz use its FFT resampler, all others its sinc
//! interpolator; 16 kHz passes through unchanged.
//!
//! Invariant: the output depends on the input samples only, not on how they are divided into pushes. n samples become
//! exactly round(n x 16000 / rate) samples, aligned to the input.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, Fft, FixedAsync, FixedSync, Indexing, Resampler as Engine, SincInterpolationParameters, WindowFunction,
};

/// The output rate, Hz: that of the network.
pub const TARGET_RATE: u32 = yamnet::params::SAMPLE_RATE;

/// Supported rates, Hz. Lower rates hardly contain speech, and no recorder uses higher ones.
pub const RATES: std::ops::RangeInclusive<u32> = 4_000..=384_000;

/// Output samples of one FFT block: long enough for a steep filter, short enough for the cache.
const BLOCK_OUT: usize = 1024;

/// If the shortest whole block of a rate is longer than this (11,927 Hz: 16,000), the rate is interpolated instead.
const LONGEST_BLOCK_OUT: usize = 2048;

/// This rate (Hz) is not supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sampling rate of {0} Hz is outside 4,000 to 384,000 Hz")]
pub struct RateError(pub u32);

/// Streaming mono resampler to 16 kHz.
pub struct Resampler {
    /// None at 16 kHz.
    engine: Option<Box<dyn Engine<f32>>>,
    from: u32,
    /// Input that does not fill a block.
    waiting: Vec<f32>,
    /// One block of output.
    block: Vec<f32>,
    /// Output samples of the filter delay that are still to be dropped.
    delay: usize,
    pushed: u64,
    given: u64,
}

impl Resampler {
    /// A resampler from `from` Hz.
    pub fn new(from: u32) -> Result<Self, RateError> {
        let (engine, delay) = match from {
            TARGET_RATE => (None, 0),
            rate if RATES.contains(&rate) => {
                engine(rate).map(|(engine, delay)| (Some(engine), delay)).ok_or(RateError(rate))?
            }
            rate => return Err(RateError(rate)),
        };
        let block = vec![0.0; engine.as_ref().map_or(0, |engine| engine.output_frames_max())];
        Ok(Resampler { engine, from, waiting: Vec::new(), block, delay, pushed: 0, given: 0 })
    }

    /// Takes samples at the input rate and appends the completed samples at 16 kHz to `out`.
    pub fn push(&mut self, input: &[f32], out: &mut Vec<f32>) {
        self.pushed += input.len() as u64;
        if self.engine.is_none() {
            self.given += input.len() as u64;
            out.extend_from_slice(input);
            return;
        }
        self.waiting.extend_from_slice(input);
        let mut used = 0;
        while let Some(taken) = self.step(used, out) {
            used += taken;
        }
        self.waiting.drain(..used);
    }

    /// Ends the stream: appends the samples that remain in the filter, up to the exact length.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        let total = expected(self.pushed, self.from);
        while self.given < total {
            let missing = self.engine.as_ref().map_or(0, |engine| engine.input_frames_next());
            let padding = missing.saturating_sub(self.waiting.len());
            self.waiting.resize(self.waiting.len() + padding, 0.0);
            let before = out.len();
            let Some(taken) = self.step(0, out) else { break };
            self.waiting.drain(..taken);
            let surplus = self.given.saturating_sub(total) as usize;
            out.truncate(out.len() - surplus.min(out.len() - before));
            self.given -= surplus as u64;
        }
    }

    /// Resamples one block of the waiting input starting at `at`; None if there is no full block.
    fn step(&mut self, at: usize, out: &mut Vec<f32>) -> Option<usize> {
        let engine = self.engine.as_mut()?;
        let wanted = engine.input_frames_next();
        let input = self.waiting.get(at..at + wanted)?;
        let input = InterleavedSlice::new(input, 1, wanted).ok()?;
        let frames = self.block.len();
        let mut output = InterleavedSlice::new_mut(&mut self.block, 1, frames).ok()?;
        let (taken, made) = engine
            .process_into_buffer(&input, &mut output, None::<&Indexing>)
            .expect("the buffers are of the sizes that the engine asked for");
        let late = self.delay.min(made);
        self.delay -= late;
        self.given += (made - late) as u64;
        out.extend_from_slice(self.block.get(late..made)?);
        Some(taken)
    }
}

/// The number of samples at 16 kHz for `samples` at `from` Hz, rounded to the nearest.
pub fn expected(samples: u64, from: u32) -> u64 {
    let from = u128::from(from.max(1));
    ((u128::from(samples) * u128::from(TARGET_RATE) + from / 2) / from) as u64
}

/// The engine for a rate, and its delay in output samples.
fn engine(from: u32) -> Option<(Box<dyn Engine<f32>>, usize)> {
    let divisor = gcd(from, TARGET_RATE);
    let (block_in, block_out) = ((from / divisor) as usize, (TARGET_RATE / divisor) as usize);
    if block_out > LONGEST_BLOCK_OUT || block_in > 8 * LONGEST_BLOCK_OUT {
        return interpolator(from);
    }
    // 3072 at 48 kHz and 1764 at 44.1 kHz were fastest (docs/performance.md). The block must be even: rubato centres
    // its filter on half of it, and an odd block would shift the output by half a sample.
    let blocks = (BLOCK_OUT / block_out).max(1);
    let even = if block_in % 2 == 1 { blocks.next_multiple_of(2) } else { blocks };
    let chunk = if from == 44_100 { 1764 } else { block_in * even };
    let window = WindowFunction::BlackmanHarris2;
    let fft = Fft::new_custom(from as usize, TARGET_RATE as usize, chunk, 1, 1, window, FixedSync::Input).ok()?;
    let delay = fft.output_delay();
    Some((Box::new(fft), delay))
}

/// A sinc interpolator and its delay. rubato rounds the delay that it reports, so it is computed here:
///
/// ```text
/// delay = length / 2 * ratio - 1   (output samples)
/// ```
///
/// Of 64 filter lengths, the one whose delay is nearest to an integer is used.
fn interpolator(from: u32) -> Option<(Box<dyn Engine<f32>>, usize)> {
    let ratio = f64::from(TARGET_RATE) / f64::from(from);
    // The filter has the same duration at every rate: 256 samples at the lower of both rates, in steps of 8.
    let shortest = (32.0 * (1.0 / ratio).max(1.0)).ceil() as usize * 8;
    let delay = |length: usize| length as f64 / 2.0 * ratio - 1.0;
    let off = |length: &usize| (delay(*length) - delay(*length).round()).abs();
    let length = (shortest..).step_by(8).take(64).min_by(|a, b| off(a).total_cmp(&off(b)))?;
    let parameters = SincInterpolationParameters::new(length, WindowFunction::BlackmanHarris2);
    let sinc = Async::new_sinc(ratio, 1.0, &parameters, BLOCK_OUT, 1, FixedAsync::Input).ok()?;
    Some((Box::new(sinc), delay(length).round() as usize))
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    const EVERY_RATE: [u32; 17] = [
        8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 37_800, 44_100, 48_000, 88_200, 96_000, 176_400,
        192_000, 44_056, 44_101, 7_919,
    ];

    fn tone(rate: u32, hertz: f64, samples: usize) -> Vec<f32> {
        (0..samples).map(|i| (0.5 * (TAU * hertz * i as f64 / f64::from(rate)).sin()) as f32).collect()
    }

    fn resampled(rate: u32, input: &[f32], cut: usize) -> Vec<f32> {
        let mut resampler = Resampler::new(rate).unwrap();
        let mut out = Vec::new();
        input.chunks(cut).for_each(|piece| resampler.push(piece, &mut out));
        resampler.finish(&mut out);
        out
    }

    /// Level of a sine of `hertz` in the middle of 16 kHz audio against amplitude 0.5, dB.
    fn level(audio: &[f32], hertz: f64) -> f64 {
        let middle = &audio[audio.len() / 4..audio.len() * 3 / 4];
        let window = |i: usize| 0.5 - 0.5 * (TAU * i as f64 / middle.len() as f64).cos();
        let (mut re, mut im, mut sum) = (0.0, 0.0, 0.0);
        for (i, &x) in middle.iter().enumerate() {
            let angle = TAU * hertz * i as f64 / 16_000.0;
            re += window(i) * f64::from(x) * angle.cos();
            im += window(i) * f64::from(x) * angle.sin();
            sum += window(i);
        }
        20.0 * (2.0 * (re * re + im * im).sqrt() / sum / 0.5).max(1e-12).log10()
    }

    #[test]
    fn the_length_is_exact_at_every_rate() {
        for rate in EVERY_RATE {
            for samples in [0, 1, 2, 999, 12_345, 100_000] {
                let out = resampled(rate, &vec![0.25; samples], 4096);
                assert_eq!(out.len() as u64, expected(samples as u64, rate), "{samples} samples at {rate} Hz");
            }
        }
    }

    #[test]
    fn tones_pass_up_to_7_khz() {
        for rate in EVERY_RATE {
            for hertz in [100.0, 1_000.0, 3_300.0, 5_000.0, 7_000.0] {
                if hertz < f64::from(rate) * 0.44 {
                    let db = level(&resampled(rate, &tone(rate, hertz, rate as usize * 2), 4096), hertz);
                    assert!(db.abs() < 0.1, "{hertz} Hz at {rate} Hz comes out at {db:.3} dB");
                }
            }
        }
    }

    #[test]
    fn frequencies_above_the_band_do_not_alias() {
        for rate in EVERY_RATE {
            for hertz in [8_500.0, 9_000.0, 11_000.0, 15_000.0, 21_000.0, 40_000.0, 80_000.0] {
                if hertz < f64::from(rate) / 2.0 {
                    let out = resampled(rate, &tone(rate, hertz, rate as usize * 2), 4096);
                    let middle = &out[out.len() / 4..out.len() * 3 / 4];
                    let rms = (middle.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / middle.len() as f64).sqrt();
                    let db = 20.0 * (rms / (0.5 / 2f64.sqrt())).max(1e-12).log10();
                    assert!(db < -80.0, "{hertz} Hz at {rate} Hz leaves {db:.1} dB");
                }
            }
        }
    }

    #[test]
    fn a_click_keeps_its_position() {
        for rate in EVERY_RATE {
            let mut input = vec![0.0; rate as usize];
            let at = rate as usize / 3;
            input[at] = 0.9;
            let out = resampled(rate, &input, 4096);
            let peak = (0..out.len()).max_by(|&a, &b| out[a].abs().total_cmp(&out[b].abs())).unwrap();
            let right = at as f64 * 16_000.0 / f64::from(rate);
            assert!((peak as f64 - right).abs() <= 1.0, "at {rate} Hz: {peak} instead of {right:.2}");
        }
    }

    #[test]
    fn a_tone_keeps_its_phase() {
        for rate in EVERY_RATE {
            let out = resampled(rate, &tone(rate, 1_000.0, rate as usize * 2), 4096);
            let ideal = tone(16_000, 1_000.0, out.len());
            let middle = 4_000..out.len() - 4_000;
            let noise = middle.clone().map(|i| f64::from(out[i] - ideal[i]).powi(2)).sum::<f64>() / middle.len() as f64;
            let db = 10.0 * (0.125 / noise).log10();
            // Odd rates are interpolated and aligned to a few hundredths of a sample.
            assert!(
                db > if [44_101, 7_919].contains(&rate) { 40.0 } else { 80.0 },
                "at {rate} Hz a tone differs from the ideal one by {db:.1} dB only"
            );
        }
    }

    #[test]
    fn the_output_does_not_depend_on_the_division_of_the_input() {
        for rate in EVERY_RATE {
            let input = tone(rate, 440.0, 50_000);
            let whole = resampled(rate, &input, input.len());
            for cut in [1_000, 4_096, 777, 13] {
                assert!(whole == resampled(rate, &input, cut), "cut into {cut} at {rate} Hz");
            }
        }
    }

    #[test]
    fn unsupported_rates_are_rejected() {
        assert_eq!(Resampler::new(0).err(), Some(RateError(0)));
        assert_eq!(Resampler::new(u32::MAX).err(), Some(RateError(u32::MAX)));
    }
}
