//! The natural logarithm, the same bits on every machine.
//!
//! Plain arithmetic that a compiler puts into vectors, where a math library's is a call for each value.
//!
//! Invariant: safe code without a branch or a call; no fused multiply-add.

use std::f32::consts::FRAC_1_SQRT_2;

/// `ln 2`, in a part of so few bits that its products with an exponent are exact, and the rest.
const LN_2: [f32; 2] = [0.693_145_75, 1.428_606_8e-6];
/// `(ln((1 + s) / (1 - s)) / s - 2) / s^2` as a polynomial in `s^2` up to (3 - sqrt 8)^2, fitted by minimax to
/// 2e-9 of the logarithm; its series begins 2/3, 2/5, 2/7.
const SERIES: [f32; 3] = [0.666_667_76, 0.399_775_42, 0.298_717_3];

/// Within one unit in the last place, for a number that is positive and normal; of any other, some number.
#[inline(always)]
pub fn ln(value: f32) -> f32 {
    // value = 2^exponent * (1 + f), with 1 + f from sqrt(1/2) to sqrt(2).
    let above = value.to_bits().wrapping_sub(FRAC_1_SQRT_2.to_bits());
    let exponent = (above as i32 >> 23) as f32;
    let f = f32::from_bits((above & 0x007f_ffff) + FRAC_1_SQRT_2.to_bits()) - 1.0;
    // ln(1 + f) = f - f^2 / 2 + s (f^2 / 2 + rest), with 1 + f = (1 + s) / (1 - s): the large summand is exact.
    let s = f / (2.0 + f);
    let square = s * s;
    let rest = square * (SERIES[0] + square * (SERIES[1] + square * SERIES[2]));
    let half = 0.5 * f * f;
    s * (half + rest) + exponent * LN_2[1] - half + f + exponent * LN_2[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Units in the last place between ours and the logarithm in f64.
    fn error(value: f32) -> f64 {
        let exact = f64::from(value).ln();
        let place = f64::from((exact as f32).next_up() - exact as f32).abs();
        (f64::from(ln(value)) - exact).abs() / place
    }

    #[test]
    fn it_is_within_a_unit_in_the_last_place() {
        let (least, most) = (0.001f32.to_bits(), 1e6f32.to_bits());
        let spread = (least..most).step_by(97);
        let near_one = 0.99f32.to_bits()..1.01f32.to_bits();
        for value in spread.chain(near_one).map(f32::from_bits) {
            assert!(error(value) < 1.0, "{value}: {}", error(value));
        }
        assert_eq!(ln(1.0), 0.0);
    }

    #[test]
    fn of_whatever_has_no_logarithm_it_is_some_number() {
        for value in [0.0, -0.0, -1.0, f32::MAX, f32::MIN, f32::MIN_POSITIVE, 1e-45, f32::INFINITY, f32::NAN] {
            assert!(ln(value).is_finite(), "{value}");
        }
    }
}
