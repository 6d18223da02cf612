//! Linear prediction for concealment (libopus' celt_lpc.c).

/// The inner product, as far as both go.
pub(super) fn inner_product(a: &[f32], b: &[f32]) -> f64 {
    let (a, b) = (&a[..a.len().min(b.len())], &b[..a.len().min(b.len())]);
    // Eight sums do not wait for each other.
    let mut sums = [0.0f32; 8];
    for (a, b) in a.chunks(8).zip(b.chunks(8)) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().map(|&sum| f64::from(sum)).sum()
}

/// A noise floor 40 dB below and a lag window, which keep the filter from ringing:
///
/// ```text
/// ac[0] *= 1.0001,  ac[i] *= 1 - (0.008 i)^2
/// ```
pub(super) fn window_lags(correlation: &mut [f64]) {
    correlation[0] *= 1.0001;
    for (lag, value) in correlation.iter_mut().enumerate() {
        *value *= 1.0 - (0.008 * lag as f64).powi(2);
    }
}

/// The whitening filter of an autocorrelation, by the Levinson-Durbin recursion, the coefficient of the nearest sample
/// first:
///
/// ```text
/// r = -(ac[i + 1] + sum over j < i of a[j] * ac[i - j]) / error
/// a[j] += r * a[i - 1 - j], a[i] = r, error *= 1 - r^2
/// ```
pub(super) fn celt_lpc<const N: usize>(correlation: &[f64]) -> [f32; N] {
    let (mut taps, mut error) = ([0.0; N], correlation[0]);
    for order in 0..N {
        if error <= 0.001 * correlation[0] {
            break;
        }
        let sum: f64 = (0..order).map(|tap| taps[tap] * correlation[order - tap]).sum();
        let reflection = -(sum + correlation[order + 1]) / error;
        let before = taps;
        (0..order).for_each(|tap| taps[tap] += reflection * before[order - 1 - tap]);
        taps[order] = reflection;
        error -= reflection * reflection * error;
    }
    taps.map(|tap| tap as f32)
}
