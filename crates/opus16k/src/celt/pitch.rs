//! The pitch of decoded sound, to conceal a lost frame with: libopus' search, at a half and a quarter of 48 kHz.
//!
//! Invariant: whatever the samples are, the period is one of [`LONGEST`] and below.

use super::plc::{levinson, products, window_lags};
use super::synthesis::HISTORY;

/// Bounds of the period at 48 kHz: 480 Hz, and 67 Hz.
const SHORTEST: usize = 100;
pub const LONGEST: usize = 720;

/// Samples at 24 kHz that are searched in.
const HALF: usize = HISTORY / 2;
/// Of these, what is compared with what was before, and how far back, at 24 kHz.
const COMPARED: usize = (HISTORY - LONGEST) / 2;
const LAGS: usize = (LONGEST - SHORTEST) / 2;

/// The period, at 48 kHz, in which the end of `past` most repeats.
pub fn period(past: &[f32; HISTORY]) -> usize {
    let half = whitened(past);
    let quarter: Vec<f32> = half.iter().step_by(2).copied().collect();
    let (now, later) = (LONGEST / 2, LONGEST / 4);
    // What is compared, with the sound as many samples after the start.
    let coarse = |at: usize| products(&quarter[later..][..COMPARED / 2], &quarter[at..]);
    let coarse: Vec<f64> = (0..LAGS / 2).map(coarse).collect();
    let near = best_two(&coarse, &quarter, COMPARED / 2);
    let is_near = |at: usize| near.iter().any(|near| at.abs_diff(2 * near) <= 2);
    let fine = |at: usize| if is_near(at) { products(&half[now..][..COMPARED], &half[at..]).max(-1.0) } else { 0.0 };
    let fine: Vec<f64> = (0..LAGS).map(fine).collect();
    let [best, _] = best_two(&fine, &half, COMPARED);
    LONGEST + towards(&fine, best) - 1 - 2 * best
}

/// At half the rate, low-passed, and flattened so that the pitch and not a formant decides.
fn whitened(past: &[f32; HISTORY]) -> Vec<f32> {
    let before = [0.0].into_iter().chain(past.iter().skip(1).step_by(2).copied());
    let pairs = past.as_chunks::<2>().0.iter();
    let low: Vec<f32> = before.zip(pairs).map(|(before, [on, behind])| 0.25 * (before + behind) + 0.5 * on).collect();
    let mut correlation: [f64; 5] = std::array::from_fn(|lag| products(&low[lag..], &low));
    window_lags(&mut correlation);
    let mut taps: [f32; 4] = levinson(&correlation);
    let mut factor = 1.0;
    for tap in &mut taps {
        factor *= 0.9;
        *tap *= factor;
    }
    // A zero on top of it.
    let [a, b, c, d] = taps;
    let taps = [a + 0.8, b + 0.8 * a, c + 0.8 * b, d + 0.8 * c, 0.8 * d];
    let predicted = |at: usize| low[..at].iter().rev().zip(taps).map(|(sample, tap)| sample * tap).sum::<f32>();
    (0..HALF).map(|at| low[at] + predicted(at)).collect()
}

/// Where the products are most for the energy there, and where second.
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

/// Where between its neighbours the best is: 0 nearer to the later, 2 to the earlier, or 1.
fn towards(products: &[f64], best: usize) -> usize {
    let Some(&[a, b, c]) = best.checked_sub(1).and_then(|from| products[from..].first_chunk()) else { return 1 };
    match () {
        () if c - a > 0.7 * (b - a) => 2,
        () if a - c > 0.7 * (b - c) => 0,
        () => 1,
    }
}
