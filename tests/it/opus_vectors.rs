//! RFC 8251's test vectors, whose packets are of every mode, bandwidth and length, and change all the time: what this
//! program decodes at 16 kHz beside libopus.
//!
//! The criterion for a decoder (RFC 6716, section 6.1) is the measure of `opus_compare`:
//!
//! ```text
//! X, Y         power spectra of the reference (48 kHz) and of the decoder under test (16 kHz), per frame of 2.5 ms,
//!              Hann window of 10 ms, in bins of 100 Hz; each bin plus 100,000
//! masking      the energy of a band spreads to the next higher band (0.1), the next lower (0.03) and the next frame
//!              (0.5); a tenth of the band's masked energy is added to each of its bins, in X and in Y
//! smoothing    each bin plus that of the frame before
//! d(bin)       Y/X - ln(Y/X) - 1, the Itakura-Saito distance
//! error        sixteenth root of the mean over frames of (sum over bands of (mean d)^2 / 21)^4
//! quality      100 (1 - ln(1 + error) / (2 ln 1.13)) percent; at least 0 passes
//! ```
//!
//! Bands and numbers are those of the RFC. Above 7.7 kHz a decoder at 16 kHz is not compared.

use std::f64::consts::TAU;
use std::path::{Path, PathBuf};

use crate::formats::{by_libopus, decoded, snr};

/// Lower bounds of the bands, in bins of 100 Hz, and the upper bound of the last.
const BANDS: [usize; 22] = [0, 2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 68, 80, 96, 120, 156, 200];
const BAND_COUNT: usize = BANDS.len() - 1;
/// Bands below 8 kHz; the last three bins are not compared.
const COMPARED_BANDS: usize = 17;
const COMPARED_BINS: usize = BANDS[COMPARED_BANDS] - 3;
/// Samples of a window and of a frame at 48 kHz.
const WINDOW: usize = 480;
const STEP: usize = 120;

/// Power spectra: frames of bins.
type Spectra = Vec<Vec<f64>>;

/// The power spectra of samples in [-1, 1] at 48 kHz divided by `divisor`, in the bins of the first bands.
fn spectra(samples: &[f32], divisor: usize, bands: usize) -> Spectra {
    let (window, step) = (WINDOW / divisor, STEP / divisor);
    let hann: Vec<f64> = (0..window).map(|i| 0.5 - 0.5 * (TAU / (window - 1) as f64 * i as f64).cos()).collect();
    let turns: Vec<(f64, f64)> = (0..window).map(|i| (TAU * i as f64 / window as f64).sin_cos()).collect();
    let bin = |frame: &[f64], bin: usize| {
        let terms = frame.iter().enumerate().map(|(i, x)| (x, turns[bin * i % window]));
        let (re, im) = terms.fold((0.0, 0.0), |(re, im), (x, (sin, cos))| (re + x * cos, im - x * sin));
        (re * re + im * im) * (divisor * divisor) as f64 + 100_000.0
    };
    let frames = (0..=samples.len() - window).step_by(step);
    let frame = |start: usize| -> Vec<f64> {
        let windowed = samples[start..start + window].iter().zip(&hann).map(|(x, w)| f64::from(x * 32_768.0) * w);
        let windowed: Vec<f64> = windowed.collect();
        (0..BANDS[bands]).map(|number| bin(&windowed, number)).collect()
    };
    frames.map(frame).collect()
}

/// The masked energy of each band of each frame, from the reference.
fn masked_bands(spectra: &Spectra) -> Vec<Vec<f64>> {
    let band = |bins: &[f64], band: usize| {
        let bins = &bins[BANDS[band]..BANDS[band + 1]];
        bins.iter().sum::<f64>() / bins.len() as f64
    };
    let mut before = vec![0.0; BAND_COUNT];
    let masked = |bins: &Vec<f64>| {
        let mut energies: Vec<f64> = (0..BAND_COUNT).map(|number| band(bins, number)).collect();
        (1..BAND_COUNT).for_each(|number| energies[number] += 0.1 * energies[number - 1]);
        (0..BAND_COUNT - 1).rev().for_each(|number| energies[number] += 0.03 * energies[number + 1]);
        energies.iter_mut().zip(&before).for_each(|(energy, before)| *energy += 0.5 * before);
        before.clone_from(&energies);
        energies
    };
    spectra.iter().map(masked).collect()
}

/// Adds the masking, and the frame before.
fn smoothed(spectra: &Spectra, masking: &[Vec<f64>]) -> Spectra {
    let masked: Spectra = spectra.iter().zip(masking).map(|(bins, bands)| with_masking(bins, bands)).collect();
    let pairs = masked.windows(2).map(|pair| pair[0].iter().zip(&pair[1]).map(|(a, b)| a + b).collect());
    masked.first().cloned().into_iter().chain(pairs).collect()
}

fn with_masking(bins: &[f64], bands: &[f64]) -> Vec<f64> {
    let band_of = |bin: usize| BANDS.partition_point(|&start| start <= bin) - 1;
    bins.iter().enumerate().map(|(bin, power)| power + 0.1 * bands[band_of(bin)]).collect()
}

/// The distance of a frame.
fn frame_error(reference: &[f64], tested: &[f64]) -> f64 {
    let distance = |bin: usize| {
        let ratio = tested[bin] / reference[bin];
        ratio - ratio.ln() - 1.0
    };
    let band = |number: usize| {
        let sum: f64 = (BANDS[number]..BANDS[number + 1].min(COMPARED_BINS)).map(distance).sum();
        (sum / (BANDS[number + 1] - BANDS[number]) as f64).powi(2)
    };
    ((0..COMPARED_BANDS).map(band).sum::<f64>() / BAND_COUNT as f64).powi(4)
}

/// The quality of a decoder at 16 kHz against a reference at 48 kHz, percent.
fn quality(reference: &[f32], tested: &[f32]) -> f64 {
    let (reference, tested) = (spectra(reference, 1, BAND_COUNT), spectra(tested, 3, COMPARED_BANDS));
    assert!(reference.len().abs_diff(tested.len()) <= 1, "{} and {} frames", reference.len(), tested.len());
    let masking = masked_bands(&reference);
    let (reference, tested) = (smoothed(&reference, &masking), smoothed(&tested, &masking));
    let errors = reference.iter().zip(&tested).map(|(reference, tested)| frame_error(reference, tested));
    let error = (errors.sum::<f64>() / reference.len() as f64).powf(1.0 / 16.0);
    100.0 * (1.0 - 0.5 * (1.0 + error).ln() / 1.13f64.ln())
}

/// A chord whose loudness changes, at a rate.
fn chord(rate: u32, seconds: u32, hertz: [f64; 3]) -> Vec<f32> {
    let sample = |i: u32| {
        let t = f64::from(i) / f64::from(rate);
        let sum: f64 = hertz.iter().map(|hertz| (TAU * hertz * t).sin()).sum();
        (0.1 * (1.5 + (TAU * 2.0 * t).sin()) * sum) as f32
    };
    (0..rate * seconds).map(sample).collect()
}

#[test]
fn the_measure_tells_a_good_decoder_from_a_bad_one() {
    let reference = chord(48_000, 1, [310.0, 1_270.0, 5_130.0]);
    let same = quality(&reference, &chord(16_000, 1, [310.0, 1_270.0, 5_130.0]));
    assert!(same > 95.0, "the same sound: {same:.1} %");
    let wrong = quality(&reference, &chord(16_000, 1, [310.0, 1_270.0, 5_900.0]));
    assert!(wrong < 0.0, "another tone: {wrong:.1} %");
    let half: Vec<f32> = chord(16_000, 1, [310.0, 1_270.0, 5_130.0]).iter().map(|x| x * 0.25).collect();
    let quiet = quality(&reference, &half);
    assert!(quiet < 0.0, "12 dB too quiet: {quiet:.1} %");
}

fn vector(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("tv{number:02}_1.opus"))
}

#[test]
#[ignore = "needs OPUS_VECTORS=folder with RFC 8251's vectors as tvNN_1.opus, python3 and libopus"]
fn the_vectors_are_what_libopus_makes_of_them() {
    let folder = PathBuf::from(std::env::var_os("OPUS_VECTORS").expect("OPUS_VECTORS is not set"));
    for number in 1..=12 {
        let path = vector(&folder, number);
        let ours = decoded(&path).unwrap();
        let theirs = by_libopus("libopus_mono.py", &path, &["16000"]);
        assert_eq!(ours.len(), theirs.len(), "{number}");
        let snr = snr(&theirs, &ours);
        let at_48_khz = by_libopus("libopus_mono.py", &path, &["48000"]);
        let (quality, theirs) = (quality(&at_48_khz, &ours), quality(&at_48_khz, &theirs));
        println!("{number:2}: {} samples, {snr:.1} dB, quality {quality:.1} %, libopus {theirs:.1} %", ours.len());
        assert!(snr > 100.0 && quality > 0.0 && (quality - theirs).abs() < 0.1, "{number}");
    }
}
