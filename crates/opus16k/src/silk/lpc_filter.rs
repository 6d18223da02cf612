//! The filter of short-term prediction and its inverse (RFC 6716, 4.2.7.9.2).
//!
//! ```text
//! analysis:   res[i] = out[i] - sum over k of out[i - 1 - k] * a[k]
//! synthesis:  lpc[i] = res[i] + sum over k of lpc[i - 1 - k] * a[k]
//! ```

use super::fixed::{sat16, smulww};
use super::lpc::Lpc;
use super::sizes::{MAX_ORDER, MAX_SUBFRAME};

/// The residual of `samples` behind the first `ORDER` of them, times `inverse_gain` (silk_LPC_analysis_filter).
pub(super) fn lpc_analysis<const ORDER: usize>(
    samples: &[i16],
    lpc: &Lpc<ORDER>,
    inverse_gain: i32,
    residual: &mut [i32],
) {
    let reversed: [i16; ORDER] = std::array::from_fn(|k| lpc.0[ORDER - 1 - k]);
    for ((before, &sample), residual) in samples.windows(ORDER).zip(&samples[ORDER..]).zip(residual) {
        let products = before.iter().zip(&reversed).map(|(&sample, &a)| i32::from(sample) * i32::from(a));
        let predicted_q12 = products.fold(0, i32::wrapping_add);
        let difference_q12 = (i32::from(sample) << 12).wrapping_sub(predicted_q12);
        let rounded = ((difference_q12 >> 11) + 1) >> 1;
        *residual = smulww(inverse_gain, rounded.clamp(i16::MIN.into(), i16::MAX.into()));
    }
}

/// Section 4.2.7.9.2: short-term prediction; `residual_q14` is before the gain.
pub(super) fn lpc_synthesis<const ORDER: usize, const N: usize>(
    state: &mut [i32; ORDER],
    lpc: &Lpc<ORDER>,
    residual_q14: &[i32; N],
    gain_q10: i32,
    out: &mut [i16],
) {
    const { assert!(N <= MAX_SUBFRAME) };
    let mut samples = [0; MAX_ORDER + MAX_SUBFRAME];
    samples[..ORDER].copy_from_slice(state);
    let reversed: [i32; ORDER] = std::array::from_fn(|k| lpc.0[ORDER - 1 - k].into());
    let mut latest = state[ORDER - 1];
    for (i, (&residual, out)) in residual_q14.iter().zip(out).enumerate() {
        let Some(before) = samples[i..].first_chunk::<ORDER>() else { return };
        // Each product is rounded down: ORDER / 2 compensates for the mean. Only the last one waits for the sample
        // before.
        let products = before[..ORDER - 1].iter().zip(&reversed).map(|(&sample, &a)| smulww(sample, a));
        let sum = products.fold(ORDER as i32 / 2, i32::wrapping_add).wrapping_add(smulww(latest, reversed[ORDER - 1]));
        latest = match sum.checked_mul(16).and_then(|sum| residual.checked_add(sum)) {
            Some(sample) => sample,
            None => saturated(residual, sum),
        };
        samples[ORDER + i] = latest;
        *out = sat16(((smulww(latest, gain_q10) >> 7) + 1) >> 1);
    }
    state.copy_from_slice(&samples[N..][..ORDER]);
}

/// The same of any multiple of 10 samples: 2.5 ms at all rates are one.
pub(super) fn lpc_synthesis_of_steps<const ORDER: usize>(
    state: &mut [i32; ORDER],
    lpc: &Lpc<ORDER>,
    residual_q14: &[i32],
    gain_q10: i32,
    out: &mut [i16],
) {
    const STEP: usize = 10;
    for (residual_q14, out) in residual_q14.as_chunks::<STEP>().0.iter().zip(out.chunks_mut(STEP)) {
        lpc_synthesis(state, lpc, residual_q14, gain_q10, out);
    }
}

/// As the reference code saturates, far beyond full scale.
#[cold]
fn saturated(residual: i32, sum: i32) -> i32 {
    residual.saturating_add(sum.clamp(i32::MIN >> 4, i32::MAX >> 4) << 4)
}
