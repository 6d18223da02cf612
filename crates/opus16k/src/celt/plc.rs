//! Concealment by pitch, as libopus has it: the last periods of the excitation go on, through the filter of the last sound.
//!
//! Invariant: what is put in a gap has no more energy than the sound that it repeats, and is finite.

use std::array::from_fn;

use ruopus::celt::tables::WINDOW120;

use super::pitch;
use super::synthesis::{BLOCK, HISTORY};

/// Taps of the filter.
const ORDER: usize = 24;
/// Samples at 48 kHz that the filter is made of, and the most that the excitation is looked at.
const LOOKED_AT: usize = 1024;
/// How much softer each lost frame behind the first of a gap begins.
const FADE: f32 = 0.8;

/// The last sound's pitch and filter.
pub struct Extrapolation {
    period: usize,
    taps: [f32; ORDER],
}

impl Extrapolation {
    pub fn new() -> Extrapolation {
        Extrapolation { period: pitch::LONGEST, taps: [0.0; ORDER] }
    }

    /// Fills what is behind the first [`HISTORY`] of `samples`. Pitch and filter are those of the `first` loss of a gap.
    pub fn run(&mut self, first: bool, samples: &mut [f32]) {
        let Some(past) = samples.first_chunk::<HISTORY>() else { return };
        if first {
            *self = Extrapolation { period: pitch::period(past), taps: taps(&past[HISTORY - LOOKED_AT..]) };
        }
        let period = self.period;
        let length = (2 * period).min(LOOKED_AT);
        let excitation: Vec<f32> =
            (HISTORY - length..HISTORY).map(|at| past[at] - self.predicted(&past[..at])).collect();
        let decay = decay(&excitation);
        let repeated = past[HISTORY - period..].iter().cycle().take(samples.len() - HISTORY);
        let expected = repeated.map(|sample| sample * sample).sum();
        let mut gain = if first { decay } else { FADE * decay };
        for part in samples[HISTORY..].chunks_mut(period) {
            let source = &excitation[length - period..];
            part.iter_mut().zip(source).for_each(|(sample, excitation)| *sample = gain * excitation);
            gain *= decay;
        }
        for at in HISTORY..samples.len() {
            samples[at] += self.predicted(&samples[..at]);
        }
        limit(&mut samples[HISTORY..], expected);
    }

    /// What the filter makes of the last samples.
    fn predicted(&self, samples: &[f32]) -> f32 {
        let Some(last) = samples.last_chunk::<ORDER>() else { return 0.0 };
        last.iter().zip(&self.taps).map(|(sample, tap)| sample * tap).sum()
    }
}

/// The filter that predicts sound best, its latest tap last.
fn taps(sound: &[f32]) -> [f32; ORDER] {
    let mut sound = sound.to_vec();
    sound.iter_mut().zip(WINDOW120).for_each(|(sample, rise)| *sample *= rise);
    sound.iter_mut().rev().zip(WINDOW120).for_each(|(sample, fall)| *sample *= fall);
    let mut correlation: [f64; ORDER + 1] = from_fn(|lag| products(&sound[lag..], &sound));
    window_lags(&mut correlation);
    let taps: [f32; ORDER] = levinson(&correlation);
    from_fn(|tap| -taps[ORDER - 1 - tap])
}

/// Sum of products, as far as both go.
pub fn products(a: &[f32], b: &[f32]) -> f64 {
    let (a, b) = (&a[..a.len().min(b.len())], &b[..a.len().min(b.len())]);
    // Eight sums side by side: one would wait for itself.
    let mut sums = [0.0f32; 8];
    for (a, b) in a.chunks(8).zip(b.chunks(8)) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().map(|&sum| f64::from(sum)).sum()
}

/// A floor of noise 40 dB below, and less of far lags: what keeps the filter from ringing.
pub fn window_lags(correlation: &mut [f64]) {
    correlation[0] *= 1.0001;
    for (lag, value) in correlation.iter_mut().enumerate() {
        *value *= 1.0 - (0.008 * lag as f64).powi(2);
    }
}

/// The whitening filter of a correlation: what is added to a sample of those before it, nearest first.
pub fn levinson<const N: usize>(correlation: &[f64]) -> [f32; N] {
    let (mut taps, mut error) = ([0.0; N], correlation[0]);
    for order in 0..N {
        if error <= 0.001 * correlation[0] {
            break;
        }
        let sum: f64 = (0..order).map(|tap| taps[tap] * correlation[order - tap]).sum();
        let reflection = -(sum + correlation[order + 1]) / error;
        let before = taps;
        (0..order).for_each(|tap| taps[tap] += reflection * before[order - 1 - tap]);
        taps[order] = reflection;
        error -= reflection * reflection * error;
    }
    taps.map(|tap| tap as f32)
}

/// How much softer the excitation's second half is than its first.
fn decay(excitation: &[f32]) -> f32 {
    let energy = |part: &[f32]| 1.0 + part.iter().map(|x| x * x).sum::<f32>();
    let (earlier, later) = excitation.split_at(excitation.len() / 2);
    (energy(later).min(energy(earlier)) / energy(earlier)).sqrt()
}

/// Takes sound to the energy expected at most; what exploded, or is no number, is silenced.
fn limit(sound: &mut [f32], expected: f32) {
    let energy = sound.iter().map(|x| x * x).sum::<f32>();
    if energy.is_nan() || expected.is_nan() || expected <= 0.2 * energy {
        sound.fill(0.0);
    } else if expected < energy {
        let ratio = ((expected + 1.0) / (energy + 1.0)).sqrt();
        let gains = WINDOW120.iter().map(|rise| 1.0 - rise * (1.0 - ratio)).chain(std::iter::repeat(ratio));
        sound.iter_mut().zip(gains).for_each(|(sample, gain)| *sample *= gain);
    }
}

/// What an overlap has of sound that goes on, as the inverse transform leaves it: folded, for the next block to unfold.
pub fn fold(sound: &[f32; BLOCK], half: &mut [f32]) {
    for (i, sample) in half.iter_mut().enumerate().take(BLOCK / 2) {
        let mirror = BLOCK - 1 - i;
        *sample = WINDOW120[i] * sound[mirror] + WINDOW120[mirror] * sound[i];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twins::random;

    /// A sound of that period, with a little noise.
    fn pulses(period: usize) -> Vec<f32> {
        let (mut random, mut ringing) = (random(5), 0.0f32);
        let sample = |at: usize| {
            let noise = (random() % 201) as f32 - 100.0;
            ringing = 0.9 * ringing + if at.is_multiple_of(period) { 10_000.0 } else { 0.0 };
            ringing + noise
        };
        (0..HISTORY).map(sample).collect()
    }

    #[test]
    fn the_period_goes_on() {
        for period in [130, 201, 333, 480, 660] {
            let mut samples = pulses(period);
            let found = pitch::period(samples.first_chunk().unwrap());
            let times = (found + period / 2) / period;
            assert!(times > 0 && found.abs_diff(times * period) <= 3, "{period}: {found}");
            samples.resize(HISTORY + 1080, 0.0);
            let mut extrapolation = Extrapolation::new();
            extrapolation.run(true, &mut samples);
            let (past, new) = samples.split_at(HISTORY);
            let energy = |x: &[f32]| x.iter().map(|x| x * x).sum::<f32>() / x.len() as f32;
            assert!((0.4..1.3).contains(&(energy(new) / energy(past))), "{period}");
        }
    }

    #[test]
    fn nothing_and_too_much_stay_finite() {
        for level in [0.0, 1e-30, 1e18, 3e38, f32::INFINITY, f32::NAN] {
            let mut samples: Vec<f32> = pulses(300).iter().map(|sample| sample * level).collect();
            samples.resize(HISTORY + 1080, 0.0);
            let mut extrapolation = Extrapolation::new();
            for first in [true, false] {
                extrapolation.run(first, &mut samples);
                assert!(samples[HISTORY..].iter().all(|sample| sample.is_finite()), "{level}");
            }
        }
    }
}
