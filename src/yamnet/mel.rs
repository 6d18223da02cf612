//! The front end: 16 kHz samples in, log-mel frames of 64 bands out, each computed once.
//!
//! Invariant: the frames do not depend on how the samples were cut into pushes.

use std::sync::Arc;

use crate::yamnet::fft::{BINS, Fft, LENGTH};
use crate::yamnet::{BANDS, FRAME, FRAME_HOP, PATCH_HOP_SAMPLES, PATCH_SAMPLES};

/// Added before the logarithm.
const LOG_OFFSET: f32 = 0.001;

/// The published tables of the front end.
pub struct Tables {
    /// [400]: a periodic Hann window.
    pub window: Vec<f32>,
    /// 64 triangles in mel (HTK), 125 to 7500 Hz, unnormalised.
    pub bands: Vec<Band>,
}

/// A filter: its weights over consecutive bins from `first`.
#[derive(Debug, Clone)]
pub struct Band {
    pub first: usize,
    pub weights: Vec<f32>,
}

impl Tables {
    /// `window` [400] and `matrix` [257, 64], bin by band.
    pub fn new(window: Vec<f32>, matrix: &[f32]) -> Self {
        assert_eq!((window.len(), matrix.len()), (FRAME, BINS * BANDS));
        let column = |band: usize| (0..BINS).map(move |bin| matrix[bin * BANDS + band]);
        Tables { window, bands: (0..BANDS).map(|band| Band::new(column(band).collect())).collect() }
    }
}

impl Band {
    /// Leaves out the zeros on either side.
    fn new(column: Vec<f32>) -> Self {
        let first = column.iter().position(|&weight| weight != 0.0).unwrap_or(0);
        let end = column.iter().rposition(|&weight| weight != 0.0).map_or(first, |last| last + 1);
        Band { first, weights: column[first..end].to_vec() }
    }

    fn of(&self, magnitude: &[f32]) -> f32 {
        let bins = &magnitude[self.first..self.first + self.weights.len()];
        bins.iter().zip(&self.weights).map(|(bin, weight)| bin * weight).sum()
    }
}

/// Streaming log-mel spectrogram of one recording.
pub struct FrontEnd {
    tables: Arc<Tables>,
    fft: Fft,
    /// Samples not yet consumed by a whole hop.
    pending: Vec<f32>,
    /// Samples pushed so far.
    samples: u64,
    /// A windowed frame, zeros behind it.
    padded: [f32; LENGTH],
    magnitude: [f32; BINS],
}

impl FrontEnd {
    pub fn new(tables: Arc<Tables>) -> Self {
        FrontEnd {
            tables,
            fft: Fft::new(),
            pending: Vec::new(),
            samples: 0,
            padded: [0.0; LENGTH],
            magnitude: [0.0; BINS],
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
        for ((padded, sample), weight) in self.padded.iter_mut().zip(samples).zip(&self.tables.window) {
            *padded = sample * weight;
        }
        for (magnitude, bin) in self.magnitude.iter_mut().zip(self.fft.transform(&self.padded)) {
            *magnitude = bin.magnitude();
        }
        frames.extend(self.tables.bands.iter().map(|band| (band.of(&self.magnitude) + LOG_OFFSET).ln()));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yamnet::SAMPLE_RATE;
    use crate::yamnet::weights::ModelFile;

    #[test]
    fn padding_is_the_references() {
        let cases = [(0, 15_600, 1), (1, 15_600, 1), (15_600, 15_600, 1), (15_601, 23_280, 2), (23_281, 30_960, 3)];
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
        let (mut front, mut out) = (FrontEnd::new(published()), Vec::new());
        pieces.iter().for_each(|piece| front.push(piece, &mut out));
        front.finish(&mut out);
        out
    }

    fn published() -> Arc<Tables> {
        ModelFile::embedded().tensors().unwrap().front_end().unwrap().into()
    }

    /// HTK mel: 1127 ln(1 + f / 700).
    fn mel(hertz: f64) -> f64 {
        1127.0 * (1.0 + hertz / 700.0).ln()
    }

    /// Weight of a bin in the triangle between three neighbouring ones of 66 points even in mel.
    fn triangle(band: usize, bin: usize) -> f64 {
        let point = |i: usize| mel(125.0) + (mel(7500.0) - mel(125.0)) * i as f64 / (BANDS + 1) as f64;
        let at = mel(bin as f64 * f64::from(SAMPLE_RATE) / LENGTH as f64);
        let (left, centre, right) = (point(band), point(band + 1), point(band + 2));
        if bin == 0 { 0.0 } else { ((at - left) / (centre - left)).min((right - at) / (right - centre)).max(0.0) }
    }

    #[test]
    fn the_published_tables_are_what_the_paper_says() {
        let tables = published();
        assert_eq!(tables.bands.iter().map(|band| band.weights.len()).sum::<usize>(), 461);
        for (n, weight) in tables.window.iter().enumerate() {
            let hann = 0.5 - 0.5 * (2.0 * std::f64::consts::PI * n as f64 / FRAME as f64).cos();
            assert!((f64::from(*weight) - hann).abs() < 3e-7);
        }
        for (band, filter) in tables.bands.iter().enumerate() {
            for (i, weight) in filter.weights.iter().enumerate() {
                assert!((f64::from(*weight) - triangle(band, filter.first + i)).abs() < 1e-5);
            }
        }
    }
}
