//! The natural logarithm with the same bits on every machine.
//!
//! ```text
//! x = 2^e (1 + f),   sqrt(1/2) <= 1 + f < sqrt(2)
//! s = f / (2 + f),   R(s) = (ln((1 + s) / (1 - s)) - 2 s) / s,  a polynomial in s^2
//! ln(1 + f) = f - f^2 / 2 + s (f^2 / 2 + R(s))
//! ln(x) = e ln 2 + ln(1 + f)
//! ```
//!
//! Source of the decomposition: FreeBSD msun / fdlibm, `e_logf.c` (`s_log1p`). A function call of a math library cannot
//! be vectorized; this can.
//!
//! Invariant: safe code without a branch or a call; no fused multiply-add.

use std::f32::consts::FRAC_1_SQRT_2;

/// `ln 2` as a sum: the first part has so few bits that its products with an exponent are exact.
const LN_2: [f32; 2] = [0.693_145_75, 1.428_606_8e-6];
/// Coefficients of `R(s) / s^2` in `s^2`, for `s^2` up to (3 - sqrt 8)^2: a minimax fit, within 2e-9 of the logarithm.
/// The Taylor series begins 2/3, 2/5, 2/7.
const COEFFICIENTS: [f32; 3] = [0.666_667_76, 0.399_775_42, 0.298_717_3];

/// Within one unit in the last place for a positive normal number; for any other an unspecified finite number.
#[inline(always)]
pub(super) fn ln(value: f32) -> f32 {
    // Exponent and mantissa, with the mantissa between sqrt(1/2) and sqrt(2).
    let offset = value.to_bits().wrapping_sub(FRAC_1_SQRT_2.to_bits());
    let exponent = (offset as i32 >> 23) as f32;
    let f = f32::from_bits((offset & 0x007f_ffff) + FRAC_1_SQRT_2.to_bits()) - 1.0;
    let s = f / (2.0 + f);
    let s2 = s * s;
    let r = s2 * (COEFFICIENTS[0] + s2 * (COEFFICIENTS[1] + s2 * COEFFICIENTS[2]));
    let half_f2 = 0.5 * f * f;
    // The largest summand is exact and comes last.
    s * (half_f2 + r) + exponent * LN_2[1] - half_f2 + f + exponent * LN_2[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Distance from the logarithm in f64, in units in the last place.
    fn ulp_error(value: f32) -> f64 {
        let exact = f64::from(value).ln();
        let ulp = f64::from((exact as f32).next_up() - exact as f32).abs();
        (f64::from(ln(value)) - exact).abs() / ulp
    }

    #[test]
    fn error_is_below_one_ulp() {
        let (least, most) = (0.001f32.to_bits(), 1e6f32.to_bits());
        let spread = (least..most).step_by(97);
        let near_one = 0.99f32.to_bits()..1.01f32.to_bits();
        for value in spread.chain(near_one).map(f32::from_bits) {
            assert!(ulp_error(value) < 1.0, "{value}: {}", ulp_error(value));
        }
        assert_eq!(ln(1.0), 0.0);
    }

    #[test]
    fn values_without_a_logarithm_give_a_finite_number() {
        for value in [0.0, -0.0, -1.0, f32::MAX, f32::MIN, f32::MIN_POSITIVE, 1e-45, f32::INFINITY, f32::NAN] {
            assert!(ln(value).is_finite(), "{value}");
        }
    }
}
