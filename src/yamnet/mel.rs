//! The front end: 16 kHz samples in, log-mel frames of 64 bands out.
//!
//! Invariant: a frame depends on its own 400 samples alone.

use crate::yamnet::fft::{BINS, Fft, LENGTH, Spectra};
use crate::yamnet::lanes::{LANES, Lanes};
use crate::yamnet::{BANDS, FRAME, FRAME_HOP, PATCH_HOP_SAMPLES, PATCH_SAMPLES};

/// Added before the logarithm.
const LOG_OFFSET: f32 = 0.001;

/// The front end: its published tables and the plan of its transform.
pub struct FrontEnd {
    /// `[400]`: a periodic Hann window.
    pub window: Vec<f32>,
    /// 64 triangles in mel (HTK), 125 to 7500 Hz, unnormalised.
    pub bands: Vec<Band>,
    fft: Fft,
}

/// A filter: its weights over consecutive bins from `first`.
#[derive(Debug, Clone)]
pub struct Band {
    pub first: usize,
    pub weights: Vec<f32>,
}

impl FrontEnd {
    /// `window` `[400]` and `matrix` `[257, 64]`, bin by band.
    pub fn new(window: Vec<f32>, matrix: &[f32]) -> Self {
        assert_eq!((window.len(), matrix.len()), (FRAME, BINS * BANDS));
        let column = |band: usize| (0..BINS).map(move |bin| matrix[bin * BANDS + band]);
        let bands = (0..BANDS).map(|band| Band::new(column(band).collect())).collect();
        FrontEnd { window, bands, fft: Fft::new() }
    }

    /// The frames of 16 kHz samples in [-1, 1], one each 160 samples as long as 400 are left: [frames, 64].
    pub fn log_mel(&self, samples: &[f32]) -> Vec<f32> {
        let frames = samples.len().checked_sub(FRAME).map_or(0, |rest| rest / FRAME_HOP + 1);
        let (mut log_mel, mut scratch) = (vec![0.0; frames * BANDS], Scratch::default());
        for (group, rows) in log_mel.chunks_mut(LANES * BANDS).enumerate() {
            let last = rows.len() / BANDS - 1;
            // The last group may be smaller: its last frame stands in for those that are missing.
            let starts: [usize; LANES] = std::array::from_fn(|lane| (group * LANES + lane.min(last)) * FRAME_HOP);
            let frame =
                |lane: usize| samples[starts[lane]..].first_chunk().expect("every frame that was counted is whole");
            self.frames(std::array::from_fn(frame), &mut scratch, rows);
        }
        log_mel
    }

    /// Some frames side by side.
    fn frames(&self, samples: [&[f32; FRAME]; LANES], scratch: &mut Scratch, rows: &mut [f32]) {
        let Scratch { padded, magnitude, spectra } = scratch;
        for (i, (padded, weight)) in padded.iter_mut().zip(&self.window).enumerate().take(FRAME) {
            for (value, frame) in padded.0.iter_mut().zip(samples) {
                *value = frame[i] * weight;
            }
        }
        for (magnitude, bin) in magnitude.iter_mut().zip(self.fft.transform(padded, spectra)) {
            *magnitude = bin.magnitude();
        }
        for (band, filter) in self.bands.iter().enumerate() {
            let energies = filter.of(magnitude).0;
            for (row, energy) in rows.chunks_exact_mut(BANDS).zip(energies) {
                row[band] = (energy + LOG_OFFSET).ln();
            }
        }
    }
}

/// What frames need on their way, cleared once for all of them.
struct Scratch {
    /// Behind the frame it stays zero.
    padded: [Lanes; LENGTH],
    magnitude: [Lanes; BINS],
    spectra: Spectra,
}

impl Default for Scratch {
    fn default() -> Self {
        let nothing = Lanes::default();
        Scratch { padded: [nothing; LENGTH], magnitude: [nothing; BINS], spectra: Spectra::default() }
    }
}

/// What every band of digital silence is.
pub fn silence() -> f32 {
    LOG_OFFSET.ln()
}

impl Band {
    /// Leaves out the zeros on either side.
    fn new(column: Vec<f32>) -> Self {
        let first = column.iter().position(|&weight| weight != 0.0).unwrap_or(0);
        let end = column.iter().rposition(|&weight| weight != 0.0).map_or(first, |last| last + 1);
        Band { first, weights: column[first..end].to_vec() }
    }

    #[inline(always)]
    fn of(&self, magnitude: &[Lanes]) -> Lanes {
        let bins = magnitude[self.first..].iter().zip(&self.weights);
        bins.fold(Lanes::default(), |sum, (bin, weight)| sum + *bin * *weight)
    }
}

/// Samples after the reference's padding: at least one patch, then whole hops of a patch.
pub fn padded_length(samples: u64) -> u64 {
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
    fn a_frame_is_the_same_alone_and_beside_others() {
        let front_end = published();
        let samples: Vec<f32> = (0..20_000).map(|i| ((i * 7919) % 2001) as f32 / 1000.0 - 1.0).collect();
        let frames = front_end.log_mel(&samples);
        assert_eq!(frames.len(), BANDS * 123);
        for (index, frame) in frames.chunks_exact(BANDS).enumerate() {
            assert_eq!(front_end.log_mel(&samples[index * FRAME_HOP..][..FRAME]), frame, "frame {index}");
        }
        assert!(front_end.log_mel(&samples[..FRAME - 1]).is_empty());
    }

    #[test]
    fn digital_silence_is_one_value() {
        assert!(published().log_mel(&[0.0; 10_000]).iter().all(|band| *band == silence()));
    }

    fn published() -> FrontEnd {
        ModelFile::embedded().tensors().unwrap().front_end().unwrap()
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
