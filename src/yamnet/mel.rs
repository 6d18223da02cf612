//! The front end: 16 kHz samples in, log-mel frames of 64 bands out, each computed once.
//!
//! Invariant: the frames do not depend on how the samples were cut into pushes.

use std::f64::consts::PI;
use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

use crate::yamnet::{BANDS, FRAME, FRAME_HOP, PATCH_HOP_SAMPLES, PATCH_SAMPLES, SAMPLE_RATE};

const FFT: usize = 512;
const BINS: usize = FFT / 2 + 1;
/// Edges of the lowest and the highest band, Hz.
const LOWEST: f64 = 125.0;
const HIGHEST: f64 = 7500.0;
/// Added before the logarithm.
const LOG_OFFSET: f32 = 0.001;

/// Streaming log-mel spectrogram of one recording.
pub struct FrontEnd {
    fft: Arc<dyn RealToComplex<f32>>,
    window: [f32; FRAME],
    bands: Vec<Band>,
    /// Samples not yet consumed by a whole hop.
    pending: Vec<f32>,
    /// Samples pushed so far.
    samples: u64,
    padded: Vec<f32>,
    spectrum: Vec<Complex32>,
    magnitude: Vec<f32>,
    scratch: Vec<Complex32>,
}

impl Default for FrontEnd {
    fn default() -> Self {
        Self::new()
    }
}

impl FrontEnd {
    pub fn new() -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(FFT);
        FrontEnd {
            window: hann(),
            bands: mel_bands(),
            pending: Vec::new(),
            samples: 0,
            padded: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            magnitude: vec![0.0; BINS],
            scratch: fft.make_scratch_vec(),
            fft,
        }
    }

    /// Takes samples in [-1, 1] and appends each frame that is complete: 64 values a frame.
    pub fn push(&mut self, samples: &[f32], frames: &mut Vec<f32>) {
        self.samples += samples.len() as u64;
        self.pending.extend_from_slice(samples);
        let mut start = 0;
        while start + FRAME <= self.pending.len() {
            self.frame(start, frames);
            start += FRAME_HOP;
        }
        self.pending.drain(..start);
    }

    /// Ends the recording: zeros up to a whole patch, as the reference adds them.
    pub fn finish(&mut self, frames: &mut Vec<f32>) {
        let mut missing = padded_length(self.samples) - self.samples;
        let zeros = [0.0; FRAME_HOP];
        while missing > 0 {
            let some = missing.min(FRAME_HOP as u64) as usize;
            self.push(&zeros[..some], frames);
            missing -= some as u64;
        }
    }

    fn frame(&mut self, start: usize, frames: &mut Vec<f32>) {
        let samples = &self.pending[start..start + FRAME];
        for ((padded, sample), weight) in self.padded.iter_mut().zip(samples).zip(&self.window) {
            *padded = sample * weight;
        }
        // The transform uses its input as scratch space: what lies behind the frame must be zero again.
        self.padded[FRAME..].fill(0.0);
        self.fft
            .process_with_scratch(&mut self.padded, &mut self.spectrum, &mut self.scratch)
            .expect("the buffers were made by this plan");
        for (magnitude, bin) in self.magnitude.iter_mut().zip(&self.spectrum) {
            *magnitude = (bin.re * bin.re + bin.im * bin.im).sqrt();
        }
        frames.extend(
            self.bands
                .iter()
                .map(|band| (band.of(&self.magnitude) + LOG_OFFSET).ln()),
        );
    }
}

/// Samples after the reference's padding: at least one patch, then whole hops of a patch.
fn padded_length(samples: u64) -> u64 {
    let first = PATCH_SAMPLES as u64;
    let hops = samples.saturating_sub(first).div_ceil(PATCH_HOP_SAMPLES as u64);
    first + hops * PATCH_HOP_SAMPLES as u64
}

/// Patches that a recording of so many samples has.
pub fn patches_of(samples: u64) -> u64 {
    (padded_length(samples) - PATCH_SAMPLES as u64) / PATCH_HOP_SAMPLES as u64 + 1
}

/// The periodic Hann window.
fn hann() -> [f32; FRAME] {
    std::array::from_fn(|n| (0.5 - 0.5 * (2.0 * PI * n as f64 / FRAME as f64).cos()) as f32)
}

/// A triangular filter: its weights over consecutive bins from `first`.
#[derive(Debug, Clone)]
pub struct Band {
    pub first: usize,
    pub weights: Vec<f32>,
}

impl Band {
    fn of(&self, magnitude: &[f32]) -> f32 {
        let bins = &magnitude[self.first..self.first + self.weights.len()];
        bins.iter().zip(&self.weights).map(|(bin, weight)| bin * weight).sum()
    }
}

/// HTK mel: 1127 ln(1 + f / 700).
fn mel(hertz: f64) -> f64 {
    1127.0 * (1.0 + hertz / 700.0).ln()
}

/// 64 triangles in mel, unnormalised, between [`LOWEST`] and [`HIGHEST`]; the DC bin has no weight.
pub fn mel_bands() -> Vec<Band> {
    let (low, high) = (mel(LOWEST), mel(HIGHEST));
    let edge = |i: usize| low + (high - low) * i as f64 / (BANDS + 1) as f64;
    (0..BANDS)
        .map(|band| triangle(edge(band), edge(band + 1), edge(band + 2)))
        .collect()
}

fn triangle(left: f64, centre: f64, right: f64) -> Band {
    let weight = |bin: usize| {
        let at = mel(bin as f64 * f64::from(SAMPLE_RATE) / FFT as f64);
        ((at - left) / (centre - left))
            .min((right - at) / (right - centre))
            .max(0.0) as f32
    };
    let inside: Vec<usize> = (1..BINS).filter(|&bin| weight(bin) > 0.0).collect();
    let first = inside.first().copied().unwrap_or(1);
    Band {
        first,
        weights: inside.into_iter().map(weight).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_the_references() {
        let cases = [
            (0, 15_600, 1),
            (1, 15_600, 1),
            (15_600, 15_600, 1),
            (15_601, 23_280, 2),
            (23_281, 30_960, 3),
        ];
        for (samples, padded, patches) in cases {
            assert_eq!(padded_length(samples), padded);
            assert_eq!(patches_of(samples), patches);
        }
    }

    #[test]
    fn frames_do_not_depend_on_the_cutting() {
        let samples: Vec<f32> = (0..20_000).map(|i| ((i * 7919) % 2001) as f32 / 1000.0 - 1.0).collect();
        let whole = frames(&[&samples]);
        let cut: Vec<&[f32]> = samples.chunks(37).collect();
        assert_eq!(whole, frames(&cut));
        assert_eq!(whole.len(), BANDS * (96 + 48));
    }

    fn frames(pieces: &[&[f32]]) -> Vec<f32> {
        let (mut front, mut out) = (FrontEnd::new(), Vec::new());
        pieces.iter().for_each(|piece| front.push(piece, &mut out));
        front.finish(&mut out);
        out
    }

    #[test]
    fn the_filters_hold_461_weights() {
        assert_eq!(mel_bands().iter().map(|band| band.weights.len()).sum::<usize>(), 461);
    }
}
