//! From the internal sampling rate to 16 kHz, with the delays that make up for each other when it changes (RFC 6716,
//! 4.2.9).
//!
//! ```text
//! 16 kHz:   a delay of 12 samples
//!  8 kHz:   a delay of 2 samples, then x 2: two chains of three allpass filters give even and odd samples
//! 12 kHz:   a delay of 4 samples, then x 2 in the same way, then x 2 / 3: an FIR filter of 8 taps, two phases in turn
//! ```
//!
//! One more sample of delay stands for the stereo prediction of the reference decoder. The RFC leaves resampling open;
//! this is libopus' resampler, in its integers.

use super::fixed::{rshift_round, sat16, smulww};
use super::sizes::{MAX_FRAME, OUTPUT_KHZ};

/// The longest delay, with that of stereo prediction.
const MAX_DELAY: usize = 12 + 1;
/// Samples of the longest frame at 12 kHz.
const MAX_FRAME_12: usize = 240;
const FIR_TAPS: usize = 8;

/// Allpass coefficients of even and of odd samples. The third of each is less one.
const ALLPASS_Q16: [[i32; 3]; 2] = [[1746, 14_986, 39_083 - 65_536], [6854, 25_769, 55_542 - 65_536]];

/// FIR filters of two phases, 0 and 1/2.
const FIR_Q15: [[i32; FIR_TAPS]; 2] =
    [[189, -600, 617, 30_567, 2996, -1375, 425, -46], [-99, 972, -4222, 18_278, 21_254, -4235, 905, -80]];

pub(super) struct Resampler {
    khz: usize,
    /// The first `delay` of these are the last samples that came in.
    delayed: [i16; MAX_DELAY],
    delay: usize,
    allpass: [[i32; 3]; 2],
    /// The last samples at 24 kHz.
    history: [i16; FIR_TAPS],
}

impl Resampler {
    /// For input at 8, 12 or 16 kHz that begins after the sample `last`, of whatever rate.
    pub(super) fn new(khz: usize, last: i16) -> Resampler {
        let delay = match khz {
            8 => 2,
            12 => 4,
            _ => 12,
        };
        let mut delayed = [0; MAX_DELAY];
        delayed[delay] = last;
        Resampler { khz, delayed, delay: delay + 1, allpass: [[0; 3]; 2], history: [0; FIR_TAPS] }
    }

    pub(super) fn khz(&self) -> usize {
        self.khz
    }

    /// The last sample that came in.
    pub(super) fn last(&self) -> i16 {
        self.delayed[self.delay - 1]
    }

    /// Turns whole milliseconds, or 2.5 of them, of `input` into `out`, -1 to 1.
    pub(super) fn process(&mut self, input: &[i16], out: &mut [f32]) {
        debug_assert_eq!(input.len() * OUTPUT_KHZ, out.len() * self.khz);
        let mut samples = [0; MAX_DELAY + MAX_FRAME];
        samples[..self.delay].copy_from_slice(&self.delayed[..self.delay]);
        samples[self.delay..][..input.len()].copy_from_slice(input);
        self.delayed[..self.delay].copy_from_slice(&samples[input.len()..][..self.delay]);
        let samples = &samples[..input.len()];
        match self.khz {
            8 => {
                for (pair, &sample) in out.as_chunks_mut().0.iter_mut().zip(samples) {
                    *pair = self.double(sample).map(to_float);
                }
            }
            12 => self.double_and_interpolate(samples, out),
            _ => out.iter_mut().zip(samples).for_each(|(out, &sample)| *out = to_float(sample)),
        }
    }

    /// Two samples for one (silk_resampler_private_up2_HQ).
    fn double(&mut self, sample: i16) -> [i16; 2] {
        let input = i32::from(sample) << 10;
        let phase = |[s0, s1, s2]: &mut [i32; 3], [c0, c1, c2]: [i32; 3]| {
            let x = smulww(input - *s0, c0);
            let (first, next) = (*s0 + x, input + x);
            *s0 = next;
            let x = smulww(first - *s1, c1);
            let (second, next) = (*s1 + x, first + x);
            *s1 = next;
            let y = second - *s2;
            let x = y + smulww(y, c2);
            let (third, next) = (*s2 + x, second + x);
            *s2 = next;
            sat16(rshift_round(third.into(), 10) as i32)
        };
        let [even, odd] = &mut self.allpass;
        [phase(even, ALLPASS_Q16[0]), phase(odd, ALLPASS_Q16[1])]
    }

    /// Four samples for three (silk_resampler_private_IIR_FIR).
    fn double_and_interpolate(&mut self, samples: &[i16], out: &mut [f32]) {
        let mut doubled = [0; FIR_TAPS + 2 * MAX_FRAME_12];
        doubled[..FIR_TAPS].copy_from_slice(&self.history);
        for (pair, &sample) in doubled[FIR_TAPS..].as_chunks_mut().0.iter_mut().zip(samples) {
            *pair = self.double(sample);
        }
        for (i, out) in out.iter_mut().enumerate() {
            let window = doubled[3 * i / 2..].iter().zip(&FIR_Q15[i % 2]);
            let sum: i32 = window.map(|(&sample, &tap)| i32::from(sample) * tap).sum();
            *out = to_float(sat16(rshift_round(sum.into(), 15) as i32));
        }
        self.history.copy_from_slice(&doubled[2 * samples.len()..][..FIR_TAPS]);
    }
}

fn to_float(sample: i16) -> f32 {
    f32::from(sample) / 32_768.0
}
