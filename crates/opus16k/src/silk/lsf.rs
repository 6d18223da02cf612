//! Line spectral frequencies (RFC 6716, 4.2.7.5.1 to 4.2.7.5.5): the spectral envelope of a frame.
//!
//! ```text
//! res[k] = (k+1 < ORDER ? (res[k+1] * pred[k]) >> 8 : 0)
//!          + ((((I2[k] << 10) - sign(I2[k]) * 102) * qstep) >> 16)
//! NLSF[k] = clamp(0, (cb1[I1][k] << 7) + (res[k] << 14) / w[k], 32767)        then stabilized
//! ```
//!
//! Frequencies are in 32768ths of half the internal sampling rate (Q15).

use super::indices::Indices;
use super::tables::lsf::Codebook;

/// Line spectral frequencies, ascending, Q15.
pub(super) type Lsf<const ORDER: usize> = [i32; ORDER];

/// Half the sampling rate.
pub(super) const NYQUIST: i32 = 1 << 15;

/// The frequencies that a frame's indices stand for.
pub(super) fn lsf_decode<const ORDER: usize>(codebook: &Codebook<ORDER>, indices: &Indices<ORDER>) -> Lsf<ORDER> {
    let stage1 = indices.lsf_stage1;
    let (vector, weights) = (&codebook.stage1[stage1], &codebook.weights[stage1]);
    let (mut lsf, mut residual) = ([0; ORDER], 0);
    for k in (0..ORDER).rev() {
        let predicted = if k == ORDER - 1 { 0 } else { (residual * codebook.prediction(stage1, k)) >> 8 };
        let index = indices.lsf_residuals[k];
        let dequantized = (index << 10) - index.signum() * 102;
        residual = predicted + ((dequantized * codebook.quant_step) >> 16);
        let value = (i32::from(vector[k]) << 7) + (residual << 14) / weights[k];
        lsf[k] = value.clamp(0, NYQUIST - 1);
    }
    stabilize(&mut lsf, codebook.min_spacing);
    lsf
}

/// Section 4.2.7.5.4: moves frequencies apart until none is closer to its neighbour than `spacing` allows.
fn stabilize<const ORDER: usize>(lsf: &mut Lsf<ORDER>, spacing: &[i32]) {
    const MAX_STABILIZE_LOOPS: usize = 20;
    for _ in 0..MAX_STABILIZE_LOOPS {
        let slack = |k: usize| {
            let below = if k == 0 { 0 } else { lsf[k - 1] };
            lsf.get(k).copied().unwrap_or(NYQUIST) - below - spacing[k]
        };
        // The first of those with the least slack.
        let Some((k, least)) = (0..=ORDER).map(|k| (k, slack(k))).min_by_key(|&(_, slack)| slack) else { return };
        if least >= 0 {
            return;
        }
        separate(lsf, spacing, k);
    }
    // It did not converge: sorted, then bounded from below and from above.
    lsf.sort_unstable();
    for k in 0..ORDER {
        let below = if k == 0 { 0 } else { lsf[k - 1] };
        lsf[k] = lsf[k].max(below + spacing[k]);
    }
    for k in (0..ORDER).rev() {
        let above = lsf.get(k + 1).copied().unwrap_or(NYQUIST);
        lsf[k] = lsf[k].min(above - spacing[k + 1]);
    }
}

/// Moves frequencies k - 1 and k to the least distance around their centre.
fn separate<const ORDER: usize>(lsf: &mut Lsf<ORDER>, spacing: &[i32], k: usize) {
    let distance = spacing[k];
    if k == 0 {
        lsf[0] = distance;
    } else if k == ORDER {
        lsf[ORDER - 1] = NYQUIST - distance;
    } else {
        let min_center = spacing[..k].iter().sum::<i32>() + distance / 2;
        let max_center = NYQUIST - spacing[k + 1..].iter().sum::<i32>() - distance / 2;
        let center = (lsf[k - 1] + lsf[k] + 1) >> 1;
        lsf[k - 1] = center.clamp(min_center, max_center) - distance / 2;
        lsf[k] = lsf[k - 1] + distance;
    }
}

/// Section 4.2.7.5.5: `quarters` of the way from the previous frame's frequencies to this frame's.
pub(super) fn interpolate<const ORDER: usize>(previous: &Lsf<ORDER>, lsf: &Lsf<ORDER>, quarters: u8) -> Lsf<ORDER> {
    std::array::from_fn(|k| previous[k] + ((i32::from(quarters) * (lsf[k] - previous[k])) >> 2))
}
