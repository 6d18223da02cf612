//! The front end: 16 kHz samples in, log-mel frames of 64 bands out.
//!
//! Invariant: a frame depends on its own 400 samples alone.

use crate::yamnet::fft::{BINS, Fft, LENGTH, Spectra};
use crate::yamnet::kernels::{Cpu, Task};
use crate::yamnet::lanes::{Lanes, Values};
use crate::yamnet::logarithm::ln;
use crate::yamnet::{BANDS, FRAME, FRAME_HOP, PATCH_HOP_SAMPLES, PATCH_SAMPLES};

/// Added before the logarithm.
const LOG_OFFSET: f32 = 0.001;

/// The front end: its published tables and the plan of its transform.
pub struct FrontEnd {
    cpu: Cpu,
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
    pub fn new(cpu: Cpu, window: Vec<f32>, matrix: &[f32]) -> Self {
        assert_eq!((window.len(), matrix.len()), (FRAME, BINS * BANDS));
        let column = |band: usize| (0..BINS).map(move |bin| matrix[bin * BANDS + band]);
        let bands = (0..BANDS).map(|band| Band::new(column(band).collect())).collect();
        FrontEnd { cpu, window, bands, fft: Fft::new() }
    }

    /// The frames of 16 kHz samples in [-1, 1], one each 160 samples as long as 400 are left: [frames, 64].
    pub fn log_mel(&self, samples: &[f32]) -> Vec<f32> {
        let frames = samples.len().checked_sub(FRAME).map_or(0, |rest| rest / FRAME_HOP + 1);
        let mut log_mel = vec![0.0; frames * BANDS];
        self.cpu.run(Frames { front_end: self, samples, log_mel: &mut log_mel });
        log_mel
    }
}

/// All frames of some samples.
struct Frames<'a> {
    front_end: &'a FrontEnd,
    samples: &'a [f32],
    /// [frames, 64].
    log_mel: &'a mut [f32],
}

// `inline(always)` from here on: what is not inlined is compiled for the oldest CPU.
impl Task for Frames<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes<N>, const N: usize>(self) {
        const { assert!(FRAME.is_multiple_of(N) && BANDS.is_multiple_of(N)) };
        let (samples, mut scratch) = (self.samples, Scratch::<L>::default());
        for (group, rows) in self.log_mel.chunks_mut(N * BANDS).enumerate() {
            let last = rows.len() / BANDS - 1;
            // The last group may be smaller: its last frame stands in for those that are missing.
            let start = |lane: usize| (group * N + lane.min(last)) * FRAME_HOP;
            self.front_end.window(|lane| &samples[start(lane)..][..FRAME], &mut scratch);
            self.front_end.bands(&mut scratch, rows);
        }
    }
}

impl FrontEnd {
    /// Frames times the window, side by side.
    #[inline(always)]
    fn window<'a, L: Lanes<N>, const N: usize>(&self, frame: impl Fn(usize) -> &'a [f32], scratch: &mut Scratch<L>) {
        let (window, places) = (self.window.as_chunks().0, scratch.padded.as_chunks_mut().0);
        for (block, (weights, places)) in window.iter().zip(places).enumerate() {
            let weights = L::load(weights);
            let mut windowed = [weights; N];
            for (lane, values) in windowed.iter_mut().enumerate() {
                *values = L::load(&frame(lane).as_chunks().0[block]) * weights;
            }
            *places = L::transposed(windowed);
        }
    }

    /// From windowed frames to rows of log-mel.
    #[inline(always)]
    fn bands<L: Lanes<N>, const N: usize>(&self, scratch: &mut Scratch<L>, rows: &mut [f32]) {
        let Scratch { padded, magnitude, spectra } = scratch;
        self.fft.transform(padded, spectra, |k, bin| magnitude[k] = bin.magnitude());
        for (block, filters) in self.bands.as_chunks::<N>().0.iter().enumerate() {
            let mut energies = [L::splat(0.0); N];
            for (energy, filter) in energies.iter_mut().zip(filters) {
                *energy = filter.of(magnitude);
            }
            for (row, energies) in rows.chunks_exact_mut(BANDS).zip(L::transposed(energies)) {
                row.as_chunks_mut().0[block] = energies.values();
            }
        }
        for band in rows {
            *band = ln(*band + LOG_OFFSET);
        }
    }
}

/// What frames need on their way, cleared once for all of them.
struct Scratch<V> {
    /// Behind the frame it stays zero.
    padded: [V; LENGTH],
    magnitude: [V; BINS],
    spectra: Spectra<V>,
}

impl<V: Values> Default for Scratch<V> {
    #[inline(always)]
    fn default() -> Self {
        let nothing = V::splat(0.0);
        Scratch { padded: [nothing; LENGTH], magnitude: [nothing; BINS], spectra: Spectra::default() }
    }
}

/// What every band of digital silence is.
pub fn silence() -> f32 {
    ln(LOG_OFFSET)
}

impl Band {
    /// Leaves out the zeros on either side.
    fn new(column: Vec<f32>) -> Self {
        let first = column.iter().position(|&weight| weight != 0.0).unwrap_or(0);
        let end = column.iter().rposition(|&weight| weight != 0.0).map_or(first, |last| last + 1);
        Band { first, weights: column[first..end].to_vec() }
    }

    #[inline(always)]
    fn of<V: Values>(&self, magnitude: &[V]) -> V {
        let bins = magnitude[self.first..].iter().zip(&self.weights);
        bins.fold(V::splat(0.0), |sum, (bin, weight)| sum + *bin * *weight)
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
    fn every_path_has_the_same_bits() {
        // Loud, quiet and silent, and a last group of every size.
        let loudness = |i: usize| [1.0, 1e-3, 1e-6, 0.0][i / 5_000];
        let samples: Vec<f32> =
            (0..20_000).map(|i| (((i * 7919) % 2001) as f32 / 1000.0 - 1.0) * loudness(i)).collect();
        let bits = |cpu: Cpu, samples: &[f32]| of(cpu).log_mel(samples).iter().map(|band| band.to_bits()).collect();
        for cpu in Cpu::available() {
            for samples in (0..8).map(|less| &samples[less * FRAME_HOP..]) {
                let (ours, plain): (Vec<u32>, Vec<u32>) = (bits(cpu, samples), bits(Cpu::Portable, samples));
                assert!(ours == plain, "{} and plain differ", cpu.name());
            }
        }
    }

    #[test]
    fn digital_silence_is_one_value() {
        assert!(published().log_mel(&[0.0; 10_000]).iter().all(|band| *band == silence()));
    }

    fn published() -> FrontEnd {
        of(Cpu::detect())
    }

    fn of(cpu: Cpu) -> FrontEnd {
        ModelFile::embedded().tensors().unwrap().front_end(cpu).unwrap()
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
