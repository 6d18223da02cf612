//! The pitch of decoded sound, for concealment: libopus' search.
//!
//! ```text
//! low-pass, decimate to 24 kHz, whiten by an LPC filter of order 4
//! correlate at 12 kHz: the two best lags; around these at 24 kHz: the best one; interpolate
//! ```
//!
//! Whatever the samples are, the period is at most [`MAX_PITCH`].

use super::lpc::{celt_lpc, inner_product, window_lags};

/// Samples at 48 kHz that are searched (DECODE_BUFFER_SIZE).
pub(super) const HISTORY: usize = 2048;

/// Bounds of the period at 48 kHz: 480 Hz, and 67 Hz.
const MIN_PITCH: usize = 100;
pub(super) const MAX_PITCH: usize = 720;

/// The same at 24 kHz.
const HALF: usize = HISTORY / 2;
/// How many of these are correlated with earlier ones, and at how many lags.
const COMPARED: usize = (HISTORY - MAX_PITCH) / 2;
const LAGS: usize = (MAX_PITCH - MIN_PITCH) / 2;

/// The period of the end of `past`, samples at 48 kHz.
pub(super) fn search(past: &[f32; HISTORY]) -> usize {
    let half = whitened(past);
    let quarter: Vec<f32> = half.iter().step_by(2).copied().collect();
    let (now, later) = (MAX_PITCH / 2, MAX_PITCH / 4);
    let coarse = |at: usize| inner_product(&quarter[later..][..COMPARED / 2], &quarter[at..]);
    let coarse: Vec<f64> = (0..LAGS / 2).map(coarse).collect();
    let near = best_two(&coarse, &quarter, COMPARED / 2);
    let is_near = |at: usize| near.iter().any(|near| at.abs_diff(2 * near) <= 2);
    let fine =
        |at: usize| if is_near(at) { inner_product(&half[now..][..COMPARED], &half[at..]).max(-1.0) } else { 0.0 };
    let fine: Vec<f64> = (0..LAGS).map(fine).collect();
    let [best, _] = best_two(&fine, &half, COMPARED);
    MAX_PITCH + interpolation(&fine, best) - 1 - 2 * best
}

/// At 24 kHz, and whitened, so that the pitch decides and not a formant (pitch_downsample).
fn whitened(past: &[f32; HISTORY]) -> Vec<f32> {
    let before = [0.0].into_iter().chain(past.iter().skip(1).step_by(2).copied());
    let pairs = past.as_chunks::<2>().0.iter();
    let low: Vec<f32> = before.zip(pairs).map(|(before, [on, behind])| 0.25 * (before + behind) + 0.5 * on).collect();
    let mut autocorrelation: [f64; 5] = std::array::from_fn(|lag| inner_product(&low[lag..], &low));
    window_lags(&mut autocorrelation);
    let mut lpc: [f32; 4] = celt_lpc(&autocorrelation);
    let mut factor = 1.0;
    for a in &mut lpc {
        factor *= 0.9;
        *a *= factor;
    }
    // Times another zero.
    let [a, b, c, d] = lpc;
    let taps = [a + 0.8, b + 0.8 * a, c + 0.8 * b, d + 0.8 * c, 0.8 * d];
    let predicted = |at: usize| low[..at].iter().rev().zip(taps).map(|(sample, tap)| sample * tap).sum::<f32>();
    (0..HALF).map(|at| low[at] + predicted(at)).collect()
}

/// The two lags with the highest correlation for the energy there (find_best_pitch).
fn best_two(products: &[f64], sound: &[f32], length: usize) -> [usize; 2] {
    let square = |at: usize| f64::from(sound[at]).powi(2);
    let mut energy = 1.0 + (0..length).map(square).sum::<f64>();
    let (mut best, mut second) = ((0, 0.0), (1, 0.0));
    for (at, &product) in products.iter().enumerate() {
        let score = product.max(0.0).powi(2) / energy;
        if score > best.1 {
            (best, second) = ((at, score), best);
        } else if score > second.1 {
            second = (at, score);
        }
        energy = (energy + square(at + length) - square(at)).max(1.0);
    }
    [best.0, second.0]
}

/// Which of half a step more, none or half a step less the maximum is nearest to: 0, 1 or 2.
fn interpolation(products: &[f64], best: usize) -> usize {
    let Some(&[a, b, c]) = best.checked_sub(1).and_then(|from| products[from..].first_chunk()) else { return 1 };
    match () {
        () if c - a > 0.7 * (b - a) => 2,
        () if a - c > 0.7 * (b - c) => 0,
        () => 1,
    }
}
