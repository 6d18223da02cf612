//! Fixed-point arithmetic with the names of libopus' macros. A number called `_q16` counts 65536ths.
//!
//! SILK's decoder is specified to the bit in these operations (RFC 6716, 4.2.7): rounding and wrapping matter.

/// `(a * b) >> 16`.
#[inline(always)]
pub(super) fn smulww(a: i32, b: i32) -> i32 {
    ((i64::from(a) * i64::from(b)) >> 16) as i32
}

/// `(a * b) >> 32`.
pub(super) fn smmul(a: i32, b: i32) -> i32 {
    ((i64::from(a) * i64::from(b)) >> 32) as i32
}

/// `value / 2^shift`, to the nearest; a half goes up.
pub(super) fn rshift_round(value: i64, shift: u32) -> i64 {
    (value + (1 << (shift - 1))) >> shift
}

/// Clamped to 16 bits.
pub(super) fn sat16(value: i32) -> i16 {
    value.clamp(i16::MIN.into(), i16::MAX.into()) as i16
}

/// About `2^16 a / b` for positive a and b: a quotient of 16 bits, then one step of Newton's method.
pub(super) fn div32_var_q16(a: i32, b: i32) -> i32 {
    let (a_headroom, b_headroom) = (headroom(a), headroom(b));
    let (a, b) = (a << a_headroom, b << b_headroom);
    let inverse = (i32::MAX >> 2) / (b >> 16);
    let quotient = smulww(a, inverse);
    let remainder = a.wrapping_sub(smmul(b, quotient) << 3);
    shift_right(quotient.wrapping_add(smulww(remainder, inverse)), 13 + a_headroom - b_headroom)
}

/// About `2^q / b` for positive b.
pub(super) fn inverse32_var_q(b: i32, q: i32) -> i32 {
    let b_headroom = headroom(b);
    let b = b << b_headroom;
    let inverse = (i32::MAX >> 2) / (b >> 16);
    let error = ((1 << 29) - smulww(b, inverse)) << 3;
    shift_right((inverse << 16).wrapping_add(smulww(error, inverse)), 61 - b_headroom - q)
}

/// Unused bits of a positive number.
fn headroom(a: i32) -> i32 {
    a.leading_zeros() as i32 - 1
}

/// Shifted right, or left with saturation.
fn shift_right(a: i32, shift: i32) -> i32 {
    match shift {
        ..0 => a.clamp(i32::MIN >> -shift, i32::MAX >> -shift) << -shift,
        0..32 => a >> shift,
        _ => 0,
    }
}

/// About the square root: 2^-k or 2^(-k - 1/2), and linear between them (silk_SQRT_APPROX).
pub(super) fn sqrt_approx(value: i32) -> i32 {
    if value <= 0 {
        return 0;
    }
    let zeros = value.leading_zeros();
    // The seven bits behind the highest one.
    let fraction_q7 = value.rotate_left(zeros.wrapping_sub(24)) & 0x7F;
    let power = if zeros.is_multiple_of(2) { 46_214 } else { 32_768 } >> (zeros / 2);
    power + smulww(power, 213 * fraction_q7)
}

/// The sum of squares, shifted right as far as two bits of 32 need to stay free, and how far (silk_sum_sqr_shift).
pub(super) fn sum_sqr_shift(samples: &[i16]) -> (i32, u32) {
    let sum = |start: u32, shift: u32| {
        let pairs = samples.chunks(2).map(|pair| pair.iter().map(|&x| i32::from(x).pow(2) as u32).sum::<u32>());
        pairs.fold(start, |sum, pair| sum.wrapping_add(pair >> shift))
    };
    let length = samples.len() as u32;
    let most = length.max(1).ilog2();
    let shift = (most + 3).saturating_sub(sum(length, most).leading_zeros());
    (sum(0, shift) as i32, shift)
}

/// The next number of SILK's linear congruential generator (4.2.7.8.6).
pub(super) fn silk_rand(seed: u32) -> u32 {
    seed.wrapping_mul(196_314_165).wrapping_add(907_633_515)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotients_are_close_to_the_exact_ones() {
        let mut number = 1u32;
        for _ in 0..10_000 {
            number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (a, b) = ((number >> 8) as i32 + 81_920, (number & 0x00FF_FFFF) as i32 + 81_920);
            let exact = f64::from(a) / f64::from(b) * 65_536.0;
            assert!((f64::from(div32_var_q16(a, b)) - exact).abs() < 1.0 + exact * 1e-6, "{a} / {b}");
            let exact = 2f64.powi(47) / f64::from(b);
            assert!((f64::from(inverse32_var_q(b, 47)) - exact).abs() < 1.0 + exact * 1e-6, "1 / {b}");
        }
    }
}
