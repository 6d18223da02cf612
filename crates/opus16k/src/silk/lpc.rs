//! From line spectral frequencies to the filter of short-term prediction (RFC 6716, 4.2.7.5.6 to 4.2.7.5.8).
//!
//! The frequencies are the roots, on the unit circle, of two polynomials whose sum is the whitening filter:
//!
//! ```text
//! P(z) = product over even k of (1 - c[k] z + z^2)      c[k] = 2 cos(pi NLSF[k] / 32768)
//! Q(z) = product over odd k of  (1 - c[k] z + z^2)
//! a[k]             = -(q[k+1] - q[k]) - (p[k+1] + p[k])
//! a[ORDER - 1 - k] =  (q[k+1] - q[k]) - (p[k+1] + p[k])
//! ```
//!
//! Then coefficients are reduced to 16 bits, and the filter is damped until it is stable.

use super::fixed::{inverse32_var_q, rshift_round, sat16, smmul};
use super::lsf::Lsf;
use super::tables::lsf::{COSINE, Codebook};

/// Prediction coefficients, those of the nearest sample first, Q12.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lpc<const ORDER: usize>(pub(super) [i16; ORDER]);

impl<const ORDER: usize> Lpc<ORDER> {
    /// Bandwidth expansion: moves poles towards zero by the factor `chirp_q16` (silk_bwexpander).
    pub(super) fn bwexpander(&mut self, chirp_q16: i32) {
        let mut factor = i64::from(chirp_q16);
        for coefficient in &mut self.0 {
            *coefficient = rshift_round(factor * i64::from(*coefficient), 16) as i16;
            factor += rshift_round(factor * i64::from(chirp_q16 - 65_536), 16);
        }
    }

    /// The inverse of the prediction power gain, Q30; 0 for gains above 10000.
    pub(super) fn inverse_prediction_gain(&self) -> i32 {
        inverse_prediction_gain(&self.0.map(i32::from)).unwrap_or(0)
    }
}

/// The filter with these line spectral frequencies (silk_NLSF2A).
pub(super) fn lsf_to_lpc<const ORDER: usize>(codebook: &Codebook<ORDER>, lsf: &Lsf<ORDER>) -> Lpc<ORDER> {
    const MAX_STABILIZE_ITERATIONS: usize = 16;
    let mut a_q17 = polynomial(codebook, lsf);
    let mut a_q12 = fit(&mut a_q17);
    for i in 0..MAX_STABILIZE_ITERATIONS {
        if inverse_prediction_gain(&a_q12).is_some() {
            break;
        }
        bwexpander_32(&mut a_q17, 65_536 - (2 << i));
        a_q12 = a_q17.map(|a| rshift_round(a.into(), 5) as i32);
    }
    Lpc(a_q12.map(|a| a as i16))
}

/// Section 4.2.7.5.6: coefficients, Q17.
fn polynomial<const ORDER: usize>(codebook: &Codebook<ORDER>, lsf: &Lsf<ORDER>) -> [i32; ORDER] {
    let mut cosines_q16 = [0; ORDER];
    for (&frequency, place) in lsf.iter().zip(codebook.ordering) {
        let (index, fraction) = ((frequency >> 8) as usize, frequency & 255);
        let (low, high) = (COSINE[index], COSINE[index + 1]);
        cosines_q16[place] = rshift_round(i64::from((low << 8) + (high - low) * fraction), 4);
    }
    let [p, q] = [0, 1].map(|first| product(&cosines_q16, first));
    let mut a = [0; ORDER];
    for k in 0..ORDER / 2 {
        let (p_sum, q_difference) = (p[k + 1] + p[k], q[k + 1] - q[k]);
        a[k] = (-q_difference - p_sum) as i32;
        a[ORDER - 1 - k] = (q_difference - p_sum) as i32;
    }
    a
}

/// The lower half of the coefficients of the product of `1 - c z + z^2` over every second cosine, Q16; the upper half
/// mirrors it. Beyond `ORDER / 2` the result is unused.
fn product<const ORDER: usize>(cosines_q16: &[i64; ORDER], first: usize) -> [i64; ORDER] {
    let mut product = [0; ORDER];
    (product[0], product[1]) = (1 << 16, -cosines_q16[first]);
    for k in 1..ORDER / 2 {
        let c = cosines_q16[2 * k + first];
        product[k + 1] = 2 * product[k - 1] - rshift_round(c * product[k], 16);
        for n in (2..=k).rev() {
            product[n] += product[n - 2] - rshift_round(c * product[n - 1], 16);
        }
        product[1] -= c;
    }
    product
}

/// Section 4.2.7.5.7: coefficients that 16 bits hold, Q12, by damping `a_q17`, or clamping it as a last resort.
fn fit<const ORDER: usize>(a_q17: &mut [i32; ORDER]) -> [i32; ORDER] {
    const MAX: i64 = i16::MAX as i64;
    for _ in 0..10 {
        // The first of the largest.
        let largest = (0..ORDER).rev().map(|k| (k, a_q17[k].unsigned_abs())).max_by_key(|&(_, magnitude)| magnitude);
        let (k, magnitude) = largest.unwrap_or((0, 0));
        let max_q12 = rshift_round(magnitude.into(), 5).min(163_838);
        if max_q12 <= MAX {
            return a_q17.map(|a| rshift_round(a.into(), 5) as i32);
        }
        let chirp_q16 = 65_470 - ((max_q12 - MAX) << 14) / ((max_q12 * (k as i64 + 1)) >> 2);
        bwexpander_32(a_q17, chirp_q16);
    }
    let a_q12 = a_q17.map(|a| i32::from(sat16(rshift_round(a.into(), 5) as i32)));
    *a_q17 = a_q12.map(|a| a << 5);
    a_q12
}

/// Moves poles towards zero by the factor `chirp_q16` (silk_bwexpander_32).
fn bwexpander_32<const ORDER: usize>(a: &mut [i32; ORDER], chirp_q16: i64) {
    let mut factor = chirp_q16;
    for coefficient in a {
        *coefficient = ((i64::from(*coefficient) * factor) >> 16) as i32;
        factor += rshift_round(factor * (chirp_q16 - 65_536), 16);
    }
}

/// Section 4.2.7.5.8: the inverse of the prediction power gain, Q30, unless the gain is above 10000 or the filter
/// unstable.
///
/// ```text
/// for k from ORDER - 1 down to 0:
///     rc = -a[k]                      the reflection coefficient, which must be below 0.99975
///     inv_gain *= 1 - rc^2            which must stay above 1 / 10000
///     a[n] = (a[n] - a[k-1-n] rc) / (1 - rc^2)     for n < k: the filter of one order less
/// ```
fn inverse_prediction_gain<const ORDER: usize>(a_q12: &[i32; ORDER]) -> Option<i32> {
    const MAX_COEFFICIENT_Q24: i32 = 16_773_022;
    const MIN_INVERSE_GAIN_Q30: i32 = 107_374;
    const ONE_Q30: i32 = 1 << 30;
    if a_q12.iter().sum::<i32>() >= 4096 {
        return None;
    }
    let (mut a_q24, mut inverse_gain) = (a_q12.map(|a| a << 12), ONE_Q30);
    for k in (0..ORDER).rev() {
        if a_q24[k].abs() > MAX_COEFFICIENT_Q24 {
            return None;
        }
        let rc_q31 = -(a_q24[k] << 7);
        let rest_q30 = ONE_Q30 - smmul(rc_q31, rc_q31);
        inverse_gain = smmul(inverse_gain, rest_q30) << 2;
        if inverse_gain < MIN_INVERSE_GAIN_Q30 {
            return None;
        }
        a_q24 = step_down(&a_q24, k, rc_q31, rest_q30)?;
    }
    Some(inverse_gain)
}

/// The coefficients of one order less, if they fit into 32 bits.
fn step_down<const ORDER: usize>(
    a_q24: &[i32; ORDER],
    order: usize,
    rc_q31: i32,
    rest_q30: i32,
) -> Option<[i32; ORDER]> {
    let bits = 32 - rest_q30.leading_zeros();
    let inverse = i64::from(inverse32_var_q(rest_q30, bits as i32 + 30));
    let mut lower = *a_q24;
    for (n, coefficient) in lower[..order].iter_mut().enumerate() {
        let reflected = rshift_round(i64::from(a_q24[order - 1 - n]) * i64::from(rc_q31), 31) as i32;
        let difference = i64::from(a_q24[n].saturating_sub(reflected));
        *coefficient = rshift_round(difference * inverse, bits).try_into().ok()?;
    }
    Some(lower)
}

#[cfg(test)]
mod tests {
    use super::super::indices::Indices;
    use super::super::lsf::{NYQUIST, lsf_decode};
    use super::super::tables::{NARROWBAND, Rate, WIDEBAND};
    use super::*;

    fn indices<const ORDER: usize>(lsf_stage1: usize, lsf_residuals: [i32; ORDER]) -> Indices<ORDER> {
        Indices { lsf_stage1, lsf_residuals, ..Indices::default() }
    }

    /// The expected numbers are those of the reference code.
    #[test]
    fn frequencies_and_coefficients_are_those_of_the_reference() {
        let residuals = [-9, 4, -2, 0, 1, -1, 2, 0, 3, -3, 1, 0, -1, 2, 0, 1];
        let lsf = lsf_decode(WIDEBAND.lsf, &indices(8, residuals));
        let expected = [
            100, 3611, 3651, 4748, 8266, 10_666, 13_540, 14_769, 15_971, 15_981, 20_674, 22_109, 24_216, 28_088,
            28_637, 31_173,
        ];
        assert_eq!(lsf, expected);
        let expected =
            [4455, -556, -840, 3177, -1964, -1564, 585, -187, 1345, -1791, 714, 1720, -2721, 2154, 366, -803];
        assert_eq!(lsf_to_lpc(WIDEBAND.lsf, &lsf), Lpc(expected));

        let lsf = lsf_decode(NARROWBAND.lsf, &indices(17, [3, -2, 0, 1, -4, 2, 0, -1, 5, 0]));
        assert_eq!(lsf, [3537, 3540, 6587, 10_094, 10_679, 19_662, 20_618, 24_008, 30_174, 30_177]);
        let expected = [1927, 3805, -2430, -1018, -459, 2085, 1202, -4536, 221, 1400];
        assert_eq!(lsf_to_lpc(NARROWBAND.lsf, &lsf), Lpc(expected));
    }

    #[test]
    fn any_indices_make_a_stable_filter() {
        any_indices_of(&NARROWBAND);
        any_indices_of(&WIDEBAND);
    }

    fn any_indices_of<const ORDER: usize>(rate: &Rate<ORDER>) {
        let mut random = crate::reference_tests::random(1);
        let mut below = |bound: u64| (random() % bound) as i32;
        for _ in 0..300 {
            let residuals = std::array::from_fn(|_| below(21) - 10);
            let lsf = lsf_decode(rate.lsf, &indices(below(32) as usize, residuals));
            let mut last = 0;
            for (frequency, distance) in lsf.iter().zip(rate.lsf.min_spacing) {
                assert!(frequency - last >= *distance, "{lsf:?}");
                last = *frequency;
            }
            assert!(NYQUIST - last >= rate.lsf.min_spacing[ORDER], "{lsf:?}");
            let gain = power_gain(&lsf_to_lpc(rate.lsf, &lsf));
            assert!(gain < 10_100.0, "{gain}: {lsf:?}");
        }
    }

    /// Of the impulse response.
    fn power_gain<const ORDER: usize>(Lpc(a): &Lpc<ORDER>) -> f64 {
        let mut response = vec![0.0; ORDER];
        response.push(1.0);
        for at in ORDER + 1..20_000 {
            let terms = a.iter().zip(response[at - ORDER..at].iter().rev());
            response.push(terms.map(|(&a, sample)| f64::from(a) / 4096.0 * sample).sum());
        }
        response.iter().map(|sample| sample * sample).sum()
    }
}
