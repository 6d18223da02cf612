//! What is put where a frame is lost: the last pitch and noise, through the last filter, fading.
//!
//! RFC 6716 leaves it open (4.4). Where nothing is sent on purpose, noise about as loud as the background goes on. The
//! reference also softens what comes behind a gap if it is louder than what was put there, and lets an unvoiced frame behind a
//! voiced one begin with the old pitch: neither makes or unmakes a laugh, so neither is done here.

use super::filter::Taps;
use super::voice::next;
use super::{FRAME, ORDER};
use crate::audio::level::rms;

/// How far the background moves towards each frame without voice.
const BACKGROUND_PART: f32 = 0.07;
/// Samples after which the filter is as plain as it gets: 300 ms.
const PLAIN_AFTER: usize = 15 * FRAME;

/// Beyond what sixteen bits hold there is nothing to go on from.
const LOUDEST: f32 = 32_768.0;

/// What is known of the last frame that came. Floats: nobody else makes up the same sound.
#[derive(Default)]
pub struct Lost {
    /// Samples in a row.
    samples: usize,
    filter: [f32; ORDER],
    pitch: Option<Pitched>,
    /// Root of the mean square of the excitation, as samples of sixteen bits count.
    noise: f32,
    /// The same, of frames without voice; none before the first.
    background: Option<f32>,
    seed: u32,
}

/// Of a voiced frame: how far back its pitch reaches, and how much of that it takes.
#[derive(Clone, Copy)]
pub struct Pitched {
    pub lag: usize,
    pub gain: f32,
}

impl Lost {
    /// A frame has come. `excitation` is its own, before what the past foretells.
    pub fn learn(&mut self, filter: &Taps, pitch: Option<Pitched>, inactive: bool, excitation: &[f32]) {
        self.samples = 0;
        self.filter = filter.0.map(|tap| f32::from(tap) / 4096.0);
        self.pitch = pitch.map(|pitch| Pitched { gain: pitch.gain.clamp(0.0, 0.95), ..pitch });
        self.noise = rms(excitation);
        if inactive {
            let background = self.background.unwrap_or(self.noise);
            self.background = Some(background + BACKGROUND_PART * (self.noise - background));
        }
    }

    /// Whether the last frame did not come.
    pub fn is_on(&self) -> bool {
        self.samples > 0
    }

    /// Writes sound from `start` on, behind what was heard. The next is softer, down to the background.
    pub fn fill(&mut self, sound: &mut [i16], start: usize) {
        let count = sound.len() - start;
        let frames = count as f32 / FRAME as f32;
        if self.samples < PLAIN_AFTER {
            // Poles move away from ringing.
            let (by, mut factor) = (0.99f32.powf(frames), 1.0);
            for tap in &mut self.filter {
                factor *= by;
                *tap *= factor;
            }
        }
        let mut heard: Vec<f32> = sound[..start].iter().map(|&sample| sample.into()).collect();
        let mut residual: Vec<f32> = vec![0.0; ORDER];
        residual.extend((ORDER..start).map(|at| heard[at] - self.foretold(&heard[..at])));
        for sample in &mut sound[start..] {
            let pitched = self.pitch.map_or(0.0, |pitch| pitch.gain * residual[residual.len() - pitch.lag]);
            let excitation = pitched + self.noise();
            let value = excitation + self.foretold(&heard);
            residual.push(excitation);
            heard.push(value.clamp(-LOUDEST, LOUDEST));
            *sample = value as i16;
        }
        // The first 20 ms may be those of a sound that goes on.
        let by = if self.samples < FRAME { 0.95f32 } else { 0.7 }.powf(frames);
        self.samples += count;
        self.noise = (self.noise * by).max(self.background.unwrap_or(0.0).min(self.noise));
        self.pitch = self.pitch.map(|pitch| Pitched { gain: pitch.gain * by, ..pitch });
    }

    /// What the filter makes of the last samples.
    fn foretold(&self, heard: &[f32]) -> f32 {
        heard.iter().rev().zip(&self.filter).map(|(sample, tap)| sample * tap).sum()
    }

    /// As loud as what is left.
    fn noise(&mut self) -> f32 {
        self.seed = next(self.seed);
        let even = self.seed as i32 as f32 / (1u32 << 31) as f32;
        even * 3f32.sqrt() * self.noise
    }
}
