//! Changes the speed of a signal: pitch and tempo together, as of a record that turns faster or slower.
//!
//! ```text
//! speed  = numerator / denominator
//! y[n]   = x(n * speed),                      n = 0 .. round(length / speed)
//! x(p)   = sum over k of x[k] * h(k - p),     zeros before and after the signal
//! h(d)   = sinc(2 f d) * kaiser(d / (T / 2)), |d| < T / 2;  scaled so that each sum of h is 1
//! f      = 0.478 / max(1, speed)              -6 dB, cycles per input sample: 7.65 kHz of the slower signal
//! T      = 128 max(1, speed), a multiple of 16
//! ```
//!
//! n * speed has `denominator` different fractions; h is computed once for each of them.
//!
//! Invariant: an output sample is a function of its position and of the T input samples around it, so that any part of the
//! output can be computed from a part of the input, with the same bits.

use std::borrow::Cow;
use std::f64::consts::PI;
use std::ops::Range;

use yamnet::kernels::dot;

/// Input samples of an output sample, if the speed is not above 1. With [`KAISER_BETA`]: 0.1 dB at 7.3 kHz, -90 dB from
/// 8 kHz on, so that no images remain of a signal that becomes slower.
const TAPS: usize = 128;
/// The number of coefficients is a multiple of it, as [`dot`] wants.
const LANES: usize = 16;
/// The cut-off as a share of the lower sampling rate: 7.65 of 16 kHz.
const CUT_OFF: f64 = 7.65 / 16.0;
/// For 90 dB: 0.1102 (90 - 8.7) (J. F. Kaiser, 1974).
const KAISER_BETA: f64 = 8.96;

/// A change to one speed.
#[derive(Debug, Clone)]
pub struct SpeedChange {
    numerator: u64,
    denominator: u64,
    /// Coefficients of an output sample: a multiple of [`LANES`].
    taps: usize,
    /// `[denominator, taps]`: h for each fraction of a position.
    table: Vec<f32>,
}

impl SpeedChange {
    /// The speed `numerator / denominator`, both above 0.
    pub fn new(numerator: u32, denominator: u32) -> SpeedChange {
        let faster = (f64::from(numerator) / f64::from(denominator)).max(1.0);
        let taps = ((TAPS as f64 * faster).ceil() as usize).next_multiple_of(LANES);
        let fractions = (0..denominator).map(|fraction| f64::from(fraction) / f64::from(denominator));
        let table = fractions.flat_map(|fraction| coefficients(fraction, CUT_OFF / faster, taps)).collect();
        SpeedChange { numerator: numerator.into(), denominator: denominator.into(), taps, table }
    }

    /// `position / speed`, as a whole number and the numerators that are left.
    pub fn divide(&self, position: u64) -> (u64, u64) {
        let scaled = position * self.denominator;
        (scaled / self.numerator, scaled % self.numerator)
    }

    /// The numerator of the speed: what [`SpeedChange::divide`] leaves is below it.
    pub fn numerator(&self) -> u64 {
        self.numerator
    }

    /// The number of output samples of `samples` input samples, rounded to the nearest.
    pub fn output_length(&self, samples: u64) -> u64 {
        (2 * samples * self.denominator + self.numerator) / (2 * self.numerator)
    }

    /// The input samples that a range of output samples is computed from. It may reach behind the end of the signal.
    pub fn input(&self, output: &Range<u64>) -> Range<u64> {
        let Some(last) = output.end.checked_sub(1).filter(|last| *last >= output.start) else {
            return 0..0;
        };
        let half = self.taps as u64 / 2;
        (self.place(output.start).0 + 1).saturating_sub(half)..self.place(last).0 + half + 1
    }

    /// Appends a range of output samples to `changed`. `input` has the samples from `start` on: at least those of
    /// [`SpeedChange::input`] that are in the signal.
    pub fn change(&self, input: &[f32], start: u64, output: Range<u64>, changed: &mut Vec<f32>) {
        let needed = self.input(&output);
        // Index in `padded` of input sample 0 and of those that there are; before and after them are zeros.
        let before = (self.taps as u64 / 2).saturating_sub(self.place(output.start).0 + 1) as usize;
        let from = needed.start.saturating_sub(start) as usize;
        let to = (needed.end.saturating_sub(start) as usize).min(input.len());
        let (inside, length) = (input.get(from..to).unwrap_or_default(), before + (needed.end - needed.start) as usize);
        let padded =
            if inside.len() == length { Cow::Borrowed(inside) } else { Cow::Owned(padded(inside, before, length)) };
        // Index in `padded` of the first coefficient's sample, and the fraction, of each output sample.
        let (mut at, mut fraction) = (0, self.place(output.start).1);
        changed.reserve((output.end - output.start) as usize);
        for _ in output {
            let coefficients = &self.table[fraction as usize * self.taps..][..self.taps];
            changed.push(dot(&padded[at..][..self.taps], coefficients));
            fraction += self.numerator;
            while fraction >= self.denominator {
                (fraction, at) = (fraction - self.denominator, at + 1);
            }
        }
    }

    /// The position of an output sample: an input sample, and a fraction in units of 1 / denominator.
    fn place(&self, output: u64) -> (u64, u64) {
        let scaled = output * self.numerator;
        (scaled / self.denominator, scaled % self.denominator)
    }
}

/// Samples behind `before` zeros, and as many zeros as make `length`.
fn padded(samples: &[f32], before: usize, length: usize) -> Vec<f32> {
    let mut padded = Vec::with_capacity(length);
    padded.resize(before, 0.0);
    padded.extend_from_slice(samples);
    padded.resize(length, 0.0);
    padded
}

/// h for a position that is `fraction` behind an input sample, which is the one before the middle of the coefficients.
fn coefficients(fraction: f64, cut_off: f64, taps: usize) -> Vec<f32> {
    let half = taps as f64 / 2.0;
    let h = |k: usize| {
        let distance = k as f64 - (half - 1.0) - fraction;
        sinc(2.0 * cut_off * distance) * kaiser(distance / half)
    };
    let h: Vec<f64> = (0..taps).map(h).collect();
    let sum: f64 = h.iter().sum();
    h.iter().map(|value| (value / sum) as f32).collect()
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

/// The Kaiser window from -1 to 1.
fn kaiser(x: f64) -> f64 {
    bessel_i0(KAISER_BETA * (1.0 - x * x).max(0.0).sqrt()) / bessel_i0(KAISER_BETA)
}

/// The modified Bessel function of the first kind and order 0: the sum of (x / 2)^2k / k!^2.
fn bessel_i0(x: f64) -> f64 {
    let terms = (1..40).scan(1.0, |term, k| {
        *term *= (x / 2.0 / f64::from(k)).powi(2);
        Some(*term)
    });
    1.0 + terms.sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::f64::consts::TAU;

    const SPEEDS: [(u32, u32); 4] = [(17, 20), (9, 10), (11, 10), (23, 20)];

    fn speed((numerator, denominator): (u32, u32)) -> f64 {
        f64::from(numerator) / f64::from(denominator)
    }

    fn tone(hertz: f64, samples: usize) -> Vec<f32> {
        (0..samples).map(|i| (0.5 * (TAU * hertz * i as f64 / 16_000.0).sin()) as f32).collect()
    }

    fn whole(change: &SpeedChange, input: &[f32]) -> Vec<f32> {
        let mut changed = Vec::new();
        change.change(input, 0, 0..change.output_length(input.len() as u64), &mut changed);
        changed
    }

    /// What is left of a tone that has become `ideal` times a factor, dB against amplitude 0.5; and the factor in dB.
    fn fit(output: &[f32], ideal: &[f32]) -> (f64, f64) {
        let middle = 2_000..output.len() - 2_000;
        let product = |a: &[f32], b: &[f32]| middle.clone().map(|i| f64::from(a[i]) * f64::from(b[i])).sum::<f64>();
        let factor = product(output, ideal) / product(ideal, ideal);
        let rest = middle.clone().map(|i| (f64::from(output[i]) - factor * f64::from(ideal[i])).powi(2)).sum::<f64>();
        (10.0 * (rest / middle.len() as f64 / 0.125).max(1e-12).log10(), 20.0 * factor.abs().max(1e-6).log10())
    }

    #[test]
    fn the_length_is_rounded() {
        for (ratio, expected) in SPEEDS.into_iter().zip([11_765, 11_111, 9_091, 8_696]) {
            let change = SpeedChange::new(ratio.0, ratio.1);
            assert_eq!(change.output_length(10_000), expected);
            assert_eq!(whole(&change, &[0.5; 10_000]).len() as u64, expected);
            assert_eq!([0, 1].map(|length| change.output_length(length)), [0, 1]);
        }
    }

    #[test]
    fn a_tone_becomes_the_tone_of_the_speed_up_to_7_khz() {
        for ratio in SPEEDS {
            let (change, speed) = (SpeedChange::new(ratio.0, ratio.1), speed(ratio));
            for hertz in [100.0, 1_000.0, 3_300.0, 5_000.0, 6_000.0, 7_000.0] {
                if hertz <= 7_000.0 / speed.max(1.0) {
                    let output = whole(&change, &tone(hertz, 32_000));
                    let (rest, gain) = fit(&output, &tone(hertz * speed, output.len()));
                    assert!(gain.abs() < 0.1, "{hertz} Hz at speed {speed}: {gain:.3} dB");
                    assert!(rest < -80.0, "{hertz} Hz at speed {speed} leaves {rest:.1} dB");
                }
            }
        }
    }

    #[test]
    fn frequencies_that_the_faster_signal_cannot_have_do_not_alias() {
        for ratio in SPEEDS {
            let (change, speed) = (SpeedChange::new(ratio.0, ratio.1), speed(ratio));
            for hertz in [7_400.0, 7_600.0, 7_800.0, 7_990.0] {
                if hertz * speed > 8_500.0 {
                    let output = whole(&change, &tone(hertz, 32_000));
                    let middle = &output[2_000..output.len() - 2_000];
                    let power = middle.iter().map(|&y| f64::from(y).powi(2)).sum::<f64>() / middle.len() as f64;
                    let db = 10.0 * (power / 0.125).max(1e-12).log10();
                    assert!(db < -80.0, "{hertz} Hz at speed {speed} leaves {db:.1} dB");
                }
            }
        }
    }

    #[test]
    fn a_click_keeps_its_position() {
        for ratio in SPEEDS {
            let mut input = vec![0.0; 8_000];
            input[3_001] = 0.9;
            let output = whole(&SpeedChange::new(ratio.0, ratio.1), &input);
            let peak = (0..output.len()).max_by(|&a, &b| output[a].abs().total_cmp(&output[b].abs())).unwrap();
            assert!((peak as f64 * speed(ratio) - 3_001.0).abs() <= 1.0, "{ratio:?}: {peak}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn any_part_of_the_output_comes_from_a_part_of_the_input(
            ratio in 0_usize..4, length in 0_usize..3_000, from in 0.0..1.0_f64, share in 0.0..1.0_f64, more in 0_u64..50,
        ) {
            let change = SpeedChange::new(SPEEDS[ratio].0, SPEEDS[ratio].1);
            let input: Vec<f32> = (0..length).map(|i| (i * 7919 % 2001) as f32 / 1000.0 - 1.0).collect();
            let expected = whole(&change, &input);
            let start = (expected.len() as f64 * from) as u64;
            let output = start..start + ((expected.len() as u64 - start) as f64 * share).ceil() as u64;
            let needed = change.input(&output);
            let (first, end) = (needed.start.saturating_sub(more), (needed.end + more).min(length as u64));
            let part = input.get(first as usize..end as usize).unwrap_or_default();
            let mut changed = Vec::new();
            change.change(part, first, output.clone(), &mut changed);
            prop_assert_eq!(changed, expected[output.start as usize..output.end as usize].to_vec());
        }
    }
}
