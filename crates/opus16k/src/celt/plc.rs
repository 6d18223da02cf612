//! Concealment by pitch (RFC 6716, 4.4, leaves it open), as libopus does it.
//!
//! ```text
//! at the first loss: the pitch period of the history; an LPC filter of order 24 from its last 1024 samples
//! excitation = LPC residual of the last two periods; its last period is repeated, each time softer by its decay
//! samples = LPC synthesis of that, with no more energy than what is repeated
//! ```
//!
//! What fills a gap is finite.

use std::array::from_fn;

use super::lpc::{celt_lpc, inner_product, window_lags};
use super::pitch;
use super::tables::{SHORT_BLOCK, WINDOW};

/// Samples at 48 kHz that concealment looks back.
pub(super) const HISTORY: usize = pitch::HISTORY;
const LPC_ORDER: usize = 24;
/// Samples that the filter is computed from, and the most of the excitation (MAX_PERIOD).
const MAX_PERIOD: usize = 1024;
/// The gain at which each lost frame behind the first one begins.
const FADE: f32 = 0.8;

/// The pitch and the filter of the last sound.
pub(super) struct PitchConcealment {
    period: usize,
    /// The coefficient of the nearest sample last.
    lpc: [f32; LPC_ORDER],
}

impl PitchConcealment {
    pub(super) fn new() -> PitchConcealment {
        PitchConcealment { period: pitch::MAX_PITCH, lpc: [0.0; LPC_ORDER] }
    }

    /// Fills `samples` behind the first [`HISTORY`] of them. Pitch and filter are computed at the `first` loss of a
    /// gap.
    pub(super) fn run(&mut self, first: bool, samples: &mut [f32]) {
        let Some(past) = samples.first_chunk::<HISTORY>() else { return };
        if first {
            *self = PitchConcealment { period: pitch::search(past), lpc: lpc(&past[HISTORY - MAX_PERIOD..]) };
        }
        let period = self.period;
        let length = (2 * period).min(MAX_PERIOD);
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

    /// The prediction of the sample behind `samples`.
    fn predicted(&self, samples: &[f32]) -> f32 {
        let Some(last) = samples.last_chunk::<LPC_ORDER>() else { return 0.0 };
        last.iter().zip(&self.lpc).map(|(sample, a)| sample * a).sum()
    }
}

/// The prediction filter of sound, windowed at both ends.
fn lpc(sound: &[f32]) -> [f32; LPC_ORDER] {
    let mut sound = sound.to_vec();
    sound.iter_mut().zip(WINDOW).for_each(|(sample, rise)| *sample *= rise);
    sound.iter_mut().rev().zip(WINDOW).for_each(|(sample, fall)| *sample *= fall);
    let mut autocorrelation: [f64; LPC_ORDER + 1] = from_fn(|lag| inner_product(&sound[lag..], &sound));
    window_lags(&mut autocorrelation);
    let whitening: [f32; LPC_ORDER] = celt_lpc(&autocorrelation);
    from_fn(|k| -whitening[LPC_ORDER - 1 - k])
}

/// The gain from the first half of the excitation to the second, at most 1.
fn decay(excitation: &[f32]) -> f32 {
    let energy = |part: &[f32]| 1.0 + part.iter().map(|x| x * x).sum::<f32>();
    let (earlier, later) = excitation.split_at(excitation.len() / 2);
    (energy(later).min(energy(earlier)) / energy(earlier)).sqrt()
}

/// Attenuates sound to the expected energy; what has five times as much, or is not a number, is silenced.
fn limit(sound: &mut [f32], expected: f32) {
    let energy = sound.iter().map(|x| x * x).sum::<f32>();
    if energy.is_nan() || expected.is_nan() || expected <= 0.2 * energy {
        sound.fill(0.0);
    } else if expected < energy {
        let ratio = ((expected + 1.0) / (energy + 1.0)).sqrt();
        let gains = WINDOW.iter().map(|rise| 1.0 - rise * (1.0 - ratio)).chain(std::iter::repeat(ratio));
        sound.iter_mut().zip(gains).for_each(|(sample, gain)| *sample *= gain);
    }
}

/// An overlap of continued sound as the inverse MDCT leaves it: time-domain aliased, for the next block to cancel.
pub(super) fn fold_overlap(sound: &[f32; SHORT_BLOCK], half: &mut [f32]) {
    for (i, sample) in half.iter_mut().enumerate().take(SHORT_BLOCK / 2) {
        let mirror = SHORT_BLOCK - 1 - i;
        *sample = WINDOW[i] * sound[mirror] + WINDOW[mirror] * sound[i];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference_tests::random;

    /// Sound of a period, with a little noise.
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
    fn the_period_continues() {
        for period in [130, 201, 333, 480, 660] {
            let mut samples = pulses(period);
            let found = pitch::search(samples.first_chunk().unwrap());
            let times = (found + period / 2) / period;
            assert!(times > 0 && found.abs_diff(times * period) <= 3, "{period}: {found}");
            samples.resize(HISTORY + 1080, 0.0);
            let mut concealment = PitchConcealment::new();
            concealment.run(true, &mut samples);
            let (past, new) = samples.split_at(HISTORY);
            let energy = |x: &[f32]| x.iter().map(|x| x * x).sum::<f32>() / x.len() as f32;
            assert!((0.4..1.3).contains(&(energy(new) / energy(past))), "{period}");
        }
    }

    #[test]
    fn silence_and_excess_stay_finite() {
        for level in [0.0, 1e-30, 1e18, 3e38, f32::INFINITY, f32::NAN] {
            let mut samples: Vec<f32> = pulses(300).iter().map(|sample| sample * level).collect();
            samples.resize(HISTORY + 1080, 0.0);
            let mut concealment = PitchConcealment::new();
            for first in [true, false] {
                concealment.run(first, &mut samples);
                assert!(samples[HISTORY..].iter().all(|sample| sample.is_finite()), "{level}");
            }
        }
    }
}
