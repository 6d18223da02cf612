//! What is put where a frame is lost: the last pitch and noise, through the last filter, fading.
//!
//! RFC 6716 leaves it open (4.4). Where nothing is sent on purpose, the background that was there goes on.

use super::filter::Taps;
use super::voice::next;
use super::{FRAME, ORDER};

/// How much the background of a frame without voice counts.
const BACKGROUND_PART: f32 = 0.07;
/// Frames in a row after which the filter is as plain as it gets.
const PLAIN_AFTER: u32 = 16;

/// What is known of the last frame that came. Floats: nobody else makes up the same sound.
#[derive(Default)]
pub struct Lost {
    /// Frames in a row.
    count: u32,
    filter: [f32; ORDER],
    pitch: Option<Pitched>,
    /// Root of the mean square of the excitation.
    noise: f32,
    /// The same, of frames without voice.
    background: f32,
    seed: u32,
}

/// Of a voiced frame: how far back its pitch reaches, and how much of that it takes.
#[derive(Clone, Copy)]
pub struct Pitched {
    pub lag: usize,
    pub gain: f32,
}

impl Lost {
    /// A frame has come. `excitation` is in 16384ths of `gain`.
    pub fn learn(&mut self, filter: &Taps, pitch: Option<Pitched>, inactive: bool, excitation: &[i32], gain: f32) {
        self.count = 0;
        self.filter = filter.0.map(|tap| f32::from(tap) / 4096.0);
        self.pitch = pitch.map(|pitch| Pitched { gain: pitch.gain.clamp(0.0, 0.95), ..pitch });
        self.noise = gain * root_mean_square(excitation) / 16_384.0;
        if inactive {
            self.background += BACKGROUND_PART * (self.noise - self.background);
        }
    }

    /// Whether the last frame did not come.
    pub fn is_on(&self) -> bool {
        self.count > 0
    }

    /// Writes sound from `start` on, behind what was heard. The next is softer, down to the background.
    pub fn fill(&mut self, sound: &mut [i16], start: usize) {
        self.count += 1;
        if self.count < PLAIN_AFTER {
            // Poles move away from ringing.
            let mut factor = 1.0;
            for tap in &mut self.filter {
                factor *= 0.99;
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
        let by = if self.count == 1 { 0.95f32 } else { 0.7 };
        let by = by.powf((sound.len() - start) as f32 / FRAME as f32);
        self.noise = (self.noise * by).max(self.background.min(self.noise));
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

/// Beyond what sixteen bits hold there is nothing to go on from.
const LOUDEST: f32 = 32_768.0;

/// Eight sums side by side: one would wait for itself.
fn root_mean_square(samples: &[i32]) -> f32 {
    let (eights, _) = samples.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for eight in eights {
        sums.iter_mut().zip(eight).for_each(|(sum, &sample)| *sum += (sample as f32).powi(2));
    }
    (sums.iter().sum::<f32>() / samples.len() as f32).sqrt()
}
