//! Packet loss concealment: the last pitch and the last noise through the last filter, fading.
//!
//! RFC 6716 leaves it open (4.4). This is libopus' way, in its whole numbers: where it fades a frame to nothing, so does this.
//! One thing of it is left out: an unvoiced frame behind concealed voice does not begin with the old pitch.
//!
//! Invariant: any number of steps can be concealed, and each is no louder than the last frame made its filter ring.

use super::filter::Taps;
use super::fixed::{inverse, times};
use super::symbols::LONGEST_LAG;
use super::voice::{PAST, Residual, TAPS, next, synthesize, whiten};
use super::{FRAME, ORDER, SUBFRAME};

/// What is concealed at a time: 2.5 ms, of which every length is a multiple.
pub const STEP: usize = SUBFRAME / 2;
/// Samples of the last excitation that noise is drawn from.
const NOISE: usize = 128;
/// Bandwidth expansion of the filter at each lost frame, in 65536ths: 0.99.
const EXPANSION: i32 = 64_881;
/// What is left of the pitch gain after a subframe of the first lost frame and of those behind it, in 32768ths.
const PITCH_FADE: [i32; 2] = [32_440, 31_130];
/// The same of noise, behind a voiced frame and behind others.
const NOISE_FADE_VOICED: [i32; 2] = [31_130, 26_214];
const NOISE_FADE: [i32; 2] = [32_440, 29_491];
/// Bounds of the pitch gain to start with, in 16384ths: 0.7 and 0.95.
const PITCH_GAIN: (i32, i32) = (11_469, 15_565);
/// The least noise to start with behind a voiced frame, in 16384ths: 0.2.
const LEAST_NOISE: i32 = 3_277;
/// By how much the lag grows in a subframe, in 65536ths.
const LAG_DRIFT: i32 = 655;

/// Long-term prediction at the end of a voiced frame.
#[derive(Debug, Clone, Copy)]
pub struct LongTerm {
    pub lag: usize,
    /// Sum of the taps, in 16384ths.
    pub gain: i32,
    /// How much of the past the frame took, in 16384ths.
    pub scale: i32,
}

/// What is kept of the last frame that came, and how far concealment is.
pub struct Plc {
    voiced: bool,
    filter: Taps,
    /// Of the last two subframes, in 65536ths.
    gains: [i32; 2],
    /// In 16384ths of the gain; `excited` samples of it are the last frame's.
    excitation: [i32; FRAME],
    excited: usize,
    /// In 256ths.
    lag: i32,
    pitch_gain: i32,
    pitch_scale: i32,
    /// Frames in a row.
    losses: usize,
    /// Samples that the frame being concealed still has.
    left: usize,
    /// Where in the excitation the noise is.
    noise: usize,
    noise_gain: i32,
    /// Of the frame being concealed.
    pitch_fade: i32,
    noise_fade: i32,
    seed: u32,
}

impl Plc {
    pub fn new() -> Plc {
        Plc {
            voiced: false,
            filter: Taps([0; ORDER]),
            gains: [1 << 16; 2],
            excitation: [0; FRAME],
            excited: FRAME,
            lag: LONGEST_LAG << 8,
            pitch_gain: 0,
            pitch_scale: 0,
            losses: 0,
            left: 0,
            noise: 0,
            noise_gain: 0,
            pitch_fade: 0,
            noise_fade: 0,
            seed: 0,
        }
    }

    /// A frame has come. `excitation` is its own, before what the past predicts.
    pub fn learn(&mut self, filter: &Taps, gains: [i32; 2], pitch: Option<LongTerm>, excitation: &[i32]) {
        (self.losses, self.left) = (0, 0);
        (self.voiced, self.filter, self.gains) = (pitch.is_some(), *filter, gains);
        (self.lag, self.pitch_gain, self.pitch_scale) = match pitch {
            // Without a gain there is no pitch to go on with.
            Some(LongTerm { lag, gain, scale }) if gain > 0 => {
                ((lag as i32) << 8, gain.clamp(PITCH_GAIN.0, PITCH_GAIN.1), scale)
            }
            _ => (LONGEST_LAG << 8, 0, pitch.map_or(0, |pitch| pitch.scale)),
        };
        self.excited = excitation.len();
        self.excitation[..self.excited].copy_from_slice(excitation);
    }

    /// Whether the last frame did not come.
    pub fn is_on(&self) -> bool {
        self.losses > 0
    }

    /// How loud the noise is by now, in 65536ths.
    pub fn noise_level(&self) -> i64 {
        (i64::from(self.noise_gain) * i64::from(self.gains[1])) >> 14
    }

    /// Writes `samples` of sound behind the past, and goes on from `state`.
    pub fn conceal(&mut self, state: &mut [i32; ORDER], sound: &mut [i16; PAST + FRAME], samples: usize) {
        let mut residual: Residual = [0; PAST + FRAME];
        for at in (PAST..PAST + samples).step_by(STEP) {
            let begins = self.left == 0;
            if begins {
                self.begin(PAST + samples - at);
            }
            if begins || at == PAST {
                // The past as the filter of now sees it.
                let reach = at - self.lag() - TAPS / 2;
                let inverse = inverse(self.gains[1], 46).min(i32::MAX >> 1);
                whiten(&sound[reach - ORDER..at], &self.filter, inverse, &mut residual[reach..at]);
            }
            let excitation = self.excite(&mut residual, at);
            synthesize(state, &self.filter, &excitation, self.gains[1] >> 6, &mut sound[at..at + STEP]);
            self.left -= STEP;
            if self.left.is_multiple_of(SUBFRAME) {
                self.fade();
            }
        }
    }

    /// A frame of 20 ms begins, or one of 10 where less is left.
    fn begin(&mut self, left: usize) {
        self.left = if left < FRAME { FRAME / 2 } else { FRAME };
        self.filter.narrow(EXPANSION);
        let later = self.losses.min(1);
        self.pitch_fade = PITCH_FADE[later];
        self.noise_fade = if self.voiced { NOISE_FADE_VOICED[later] } else { NOISE_FADE[later] };
        if self.losses == 0 {
            self.start();
        }
        self.losses += 1;
    }

    fn start(&mut self) {
        const ONE: i32 = 1 << 30;
        self.noise = self.quieter_end().saturating_sub(NOISE);
        self.noise_gain = 1 << 14;
        if self.voiced {
            let rest = (self.noise_gain - self.pitch_gain).max(LEAST_NOISE);
            self.noise_gain = (rest * self.pitch_scale) >> 14;
        } else {
            // The more the filter rings, the sooner it is silent: an eighth of the gain or less says that it does not.
            let ringing = self.filter.inverse_gain().clamp(ONE >> 8, ONE >> 3) << 3;
            self.noise_fade = times(ringing, self.noise_fade) >> 14;
        }
    }

    /// Where the quieter of the last two subframes ends.
    fn quieter_end(&self) -> usize {
        let energy = |back: usize| {
            let end = self.excited - back * SUBFRAME;
            let samples = self.excitation[end - SUBFRAME..end].iter();
            let scaled = samples.map(|&sample| times(sample, self.gains[1 - back] >> 6) >> 8);
            scaled.map(|sample| i64::from(sample.clamp(i16::MIN.into(), i16::MAX.into())).pow(2)).sum::<i64>()
        };
        self.excited - if energy(1) < energy(0) { SUBFRAME } else { 0 }
    }

    fn lag(&self) -> usize {
        ((self.lag + 128) >> 8) as usize
    }

    /// What was there a pitch ago, and noise.
    fn excite(&mut self, residual: &mut Residual, start: usize) -> [i32; STEP] {
        let lag = self.lag();
        std::array::from_fn(|i| {
            self.seed = next(self.seed);
            let noise = times(self.excitation[self.noise + (self.seed >> 25) as usize], self.noise_gain);
            let pitch = 2i32.wrapping_add(times(residual[start + i - lag], self.pitch_gain));
            residual[start + i] = pitch.wrapping_add(noise) << 2;
            residual[start + i]
        })
    }

    /// A subframe has ended.
    fn fade(&mut self) {
        self.pitch_gain = (self.pitch_gain * self.pitch_fade) >> 15;
        self.noise_gain = (self.noise_gain * self.noise_fade) >> 15;
        self.lag = (self.lag + times(self.lag, LAG_DRIFT)).min(LONGEST_LAG << 8);
    }
}

/// What is concealed and what comes behind it: the latter fades in if it is louder.
#[derive(Default)]
pub struct Glue {
    /// Mean square of the last concealed samples, until a frame has come.
    concealed: Option<f64>,
}

impl Glue {
    pub fn lost(&mut self, sound: &[i16]) {
        self.concealed = Some(mean_square(sound));
    }

    /// In a quarter of the frame the gain rises to one.
    pub fn came(&mut self, sound: &mut [i16]) {
        let Some(concealed) = self.concealed.take() else { return };
        let energy = mean_square(sound);
        if energy > concealed {
            let start = (concealed / energy).sqrt();
            let step = 4.0 * (1.0 - start) / sound.len() as f64;
            let gains = (0..sound.len() / 4).map(|i| start + step * i as f64);
            sound.iter_mut().zip(gains).for_each(|(sample, gain)| *sample = (f64::from(*sample) * gain) as i16);
        }
    }
}

fn mean_square(sound: &[i16]) -> f64 {
    let sum: f64 = sound.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    sum / sound.len().max(1) as f64
}
