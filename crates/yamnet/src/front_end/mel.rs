//! Log-mel frames from samples.
//!
//! ```text
//! frame[n]     = samples[160 t + n] * window[n],                 n = 0..400, zero padded to 512
//! magnitude[k] = |FFT(frame)[k]|,                                k = 0..=256
//! log_mel[b]   = ln(sum over k of magnitude[k] * mel[k, b] + 0.001),   b = 0..64
//! ```
//!
//! `window` is a periodic Hann window; the columns of `mel` are triangles on the HTK mel scale, 125 to 7500 Hz,
//! not normalized. Both are read from the model file. Source: `waveform_to_log_mel_spectrogram` in features.py of
//! tensorflow/models.
//!
//! N frames are computed together, each in one lane of a vector: windows are loaded along time and transposed, and
//! the sums of N bands are transposed back.
//!
//! Invariant: a frame depends on its own 400 samples alone.

use super::fft::{Fft, Spectra};
use super::log::ln;
use crate::kernels::{Cpu, LaneTask, Lanes, Transpose};
use crate::params::{FFT_LENGTH, LOG_OFFSET, MEL_BANDS, SPECTRUM_BINS, STFT_HOP, STFT_WINDOW};

/// The front end of YAMNet with its tables: computes log-mel frames of 16 kHz samples.
pub struct FrontEnd {
    cpu: Cpu,
    /// `[400]`: a periodic Hann window.
    window: Vec<f32>,
    filters: Vec<MelFilter>,
    fft: Fft,
}

/// A column of the mel matrix without the zeros on either side: weights of consecutive bins from `first_bin` on.
#[derive(Debug, Clone)]
struct MelFilter {
    first_bin: usize,
    weights: Vec<f32>,
}

impl FrontEnd {
    /// `window` `[400]`; `mel` `[257, 64]`, bin by band.
    pub(crate) fn new(cpu: Cpu, window: Vec<f32>, mel: &[f32]) -> Self {
        assert_eq!((window.len(), mel.len()), (STFT_WINDOW, SPECTRUM_BINS * MEL_BANDS));
        let column = |band: usize| (0..SPECTRUM_BINS).map(move |bin| mel[bin * MEL_BANDS + band]);
        let filters = (0..MEL_BANDS).map(|band| MelFilter::new(column(band).collect())).collect();
        FrontEnd { cpu, window, filters, fft: Fft::new() }
    }

    /// The log-mel frames `[frames, 64]` of 16 kHz samples in [-1, 1]: one every 160 samples, as long as 400 are left.
    pub fn log_mel(&self, samples: &[f32]) -> Vec<f32> {
        let frames = samples.len().checked_sub(STFT_WINDOW).map_or(0, |rest| rest / STFT_HOP + 1);
        let mut log_mel = vec![0.0; frames * MEL_BANDS];
        self.cpu.run(LogMel { front_end: self, samples, log_mel: &mut log_mel });
        log_mel
    }
}

/// All frames of some samples.
struct LogMel<'a> {
    front_end: &'a FrontEnd,
    samples: &'a [f32],
    /// `[frames, 64]`
    log_mel: &'a mut [f32],
}

// `inline(always)` from here on: a function that is not inlined is compiled for the baseline CPU.
impl LaneTask for LogMel<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Transpose<N>, const N: usize>(self) {
        const { assert!(STFT_WINDOW.is_multiple_of(N) && MEL_BANDS.is_multiple_of(N)) };
        let (samples, mut scratch) = (self.samples, Scratch::<V>::default());
        for (group, rows) in self.log_mel.chunks_mut(N * MEL_BANDS).enumerate() {
            let last = rows.len() / MEL_BANDS - 1;
            // The last group may have fewer frames: its last one fills the other lanes.
            let start = |lane: usize| (group * N + lane.min(last)) * STFT_HOP;
            self.front_end.apply_window(|lane| &samples[start(lane)..][..STFT_WINDOW], &mut scratch);
            self.front_end.mel_bands(&mut scratch, rows);
        }
    }
}

impl FrontEnd {
    /// Frames times the window, one frame in each lane.
    #[inline(always)]
    fn apply_window<'a, V: Transpose<N>, const N: usize>(
        &self,
        frame: impl Fn(usize) -> &'a [f32],
        scratch: &mut Scratch<V>,
    ) {
        let (window, padded) = (self.window.as_chunks().0, scratch.padded.as_chunks_mut().0);
        for (block, (weights, padded)) in window.iter().zip(padded).enumerate() {
            let weights = V::load(weights);
            let mut windowed = [weights; N];
            for (lane, values) in windowed.iter_mut().enumerate() {
                *values = V::load(&frame(lane).as_chunks().0[block]) * weights;
            }
            *padded = V::transpose(windowed);
        }
    }

    /// From windowed frames to rows of log-mel.
    #[inline(always)]
    fn mel_bands<V: Transpose<N>, const N: usize>(&self, scratch: &mut Scratch<V>, rows: &mut [f32]) {
        let Scratch { padded, magnitude, spectra } = scratch;
        self.fft.transform(padded, spectra, |k, bin| magnitude[k] = bin.magnitude());
        for (block, filters) in self.filters.as_chunks::<N>().0.iter().enumerate() {
            let mut energies = [V::splat(0.0); N];
            for (energy, filter) in energies.iter_mut().zip(filters) {
                *energy = filter.energy(magnitude);
            }
            for (row, energies) in rows.chunks_exact_mut(MEL_BANDS).zip(V::transpose(energies)) {
                row.as_chunks_mut().0[block] = energies.to_array();
            }
        }
        for energy in rows {
            *energy = ln(*energy + LOG_OFFSET);
        }
    }
}

/// Buffers of a group of frames.
struct Scratch<V> {
    /// Zero behind the window.
    padded: [V; FFT_LENGTH],
    magnitude: [V; SPECTRUM_BINS],
    spectra: Spectra<V>,
}

impl<V: Lanes> Default for Scratch<V> {
    #[inline(always)]
    fn default() -> Self {
        let zero = V::splat(0.0);
        Scratch { padded: [zero; FFT_LENGTH], magnitude: [zero; SPECTRUM_BINS], spectra: Spectra::default() }
    }
}

/// The value of every band in a frame of digital silence.
pub(crate) fn silence() -> f32 {
    ln(LOG_OFFSET)
}

impl MelFilter {
    fn new(column: Vec<f32>) -> Self {
        let first_bin = column.iter().position(|&weight| weight != 0.0).unwrap_or(0);
        let end = column.iter().rposition(|&weight| weight != 0.0).map_or(first_bin, |last| last + 1);
        MelFilter { first_bin, weights: column[first_bin..end].to_vec() }
    }

    #[inline(always)]
    fn energy<V: Lanes>(&self, magnitude: &[V]) -> V {
        let bins = magnitude[self.first_bin..].iter().zip(&self.weights);
        bins.fold(V::splat(0.0), |sum, (bin, weight)| sum + *bin * *weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::{MEL_MAX_HZ, MEL_MIN_HZ, SAMPLE_RATE};
    use crate::test_model::weights;

    #[test]
    fn a_frame_is_the_same_alone_and_among_others() {
        let front_end = published(Cpu::detect());
        let samples: Vec<f32> = (0..20_000).map(|i| ((i * 7919) % 2001) as f32 / 1000.0 - 1.0).collect();
        let frames = front_end.log_mel(&samples);
        assert_eq!(frames.len(), MEL_BANDS * 123);
        for (index, frame) in frames.chunks_exact(MEL_BANDS).enumerate() {
            assert_eq!(front_end.log_mel(&samples[index * STFT_HOP..][..STFT_WINDOW]), frame, "frame {index}");
        }
        assert!(front_end.log_mel(&samples[..STFT_WINDOW - 1]).is_empty());
    }

    #[test]
    fn every_path_has_the_same_bits() {
        // Loud, quiet and silent, and a last group of every size.
        let loudness = |i: usize| [1.0, 1e-3, 1e-6, 0.0][i / 5_000];
        let samples: Vec<f32> =
            (0..20_000).map(|i| (((i * 7919) % 2001) as f32 / 1000.0 - 1.0) * loudness(i)).collect();
        let bits = |cpu: Cpu, samples: &[f32]| -> Vec<u32> {
            published(cpu).log_mel(samples).iter().map(|band| band.to_bits()).collect()
        };
        for cpu in Cpu::available() {
            for samples in (0..8).map(|less| &samples[less * STFT_HOP..]) {
                assert!(bits(cpu, samples) == bits(Cpu::Portable, samples), "{} and portable differ", cpu.name());
            }
        }
    }

    #[test]
    fn digital_silence_is_one_value() {
        assert!(published(Cpu::detect()).log_mel(&[0.0; 10_000]).iter().all(|band| *band == silence()));
    }

    fn published(cpu: Cpu) -> FrontEnd {
        weights().front_end(cpu).unwrap()
    }

    /// HTK mel: 1127 ln(1 + f / 700).
    fn hertz_to_mel(hertz: f64) -> f64 {
        1127.0 * (1.0 + hertz / 700.0).ln()
    }

    /// Weight of a bin in a triangle whose corners are neighbours among 66 points that are equidistant in mel.
    fn triangle(band: usize, bin: usize) -> f64 {
        let (least, most) = (hertz_to_mel(MEL_MIN_HZ.into()), hertz_to_mel(MEL_MAX_HZ.into()));
        let point = |i: usize| least + (most - least) * i as f64 / (MEL_BANDS + 1) as f64;
        let at = hertz_to_mel(bin as f64 * f64::from(SAMPLE_RATE) / FFT_LENGTH as f64);
        let (left, centre, right) = (point(band), point(band + 1), point(band + 2));
        if bin == 0 { 0.0 } else { ((at - left) / (centre - left)).min((right - at) / (right - centre)).max(0.0) }
    }

    #[test]
    fn the_published_tables_are_a_hann_window_and_mel_triangles() {
        let tables = published(Cpu::detect());
        assert_eq!(tables.filters.iter().map(|filter| filter.weights.len()).sum::<usize>(), 461);
        for (n, weight) in tables.window.iter().enumerate() {
            let hann = 0.5 - 0.5 * (2.0 * std::f64::consts::PI * n as f64 / STFT_WINDOW as f64).cos();
            assert!((f64::from(*weight) - hann).abs() < 3e-7);
        }
        for (band, filter) in tables.filters.iter().enumerate() {
            for (i, weight) in filter.weights.iter().enumerate() {
                assert!((f64::from(*weight) - triangle(band, filter.first_bin + i)).abs() < 1e-5);
            }
        }
    }
}
