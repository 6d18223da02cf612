//! Products and quotients of whole numbers that stand for parts, as the reference decoder has them.

/// A product, in 65536ths of one factor's unit.
#[inline(always)]
pub fn times(a: i32, b: i32) -> i32 {
    ((i64::from(a) * i64::from(b)) >> 16) as i32
}

/// A product, in two to the 32nd parts of one factor's unit.
pub fn times_high(a: i32, b: i32) -> i32 {
    ((i64::from(a) * i64::from(b)) >> 32) as i32
}

/// Divided by two to the `bits`, to the nearest; a half goes up.
pub fn rounded(value: i64, bits: u32) -> i64 {
    (value + (1 << (bits - 1))) >> bits
}

/// About `a / b` in 65536ths, of positive numbers: a quotient of sixteen bits, then a step of Newton's.
pub fn quotient(a: i32, b: i32) -> i32 {
    let (shift_a, shift_b) = (headroom(a), headroom(b));
    let (a, b) = (a << shift_a, b << shift_b);
    let inverse = (i32::MAX >> 2) / (b >> 16);
    let first = times(a, inverse);
    let rest = a.wrapping_sub(times_high(b, first) << 3);
    let quotient = first.wrapping_add(times(rest, inverse));
    shifted(quotient, 13 + shift_a - shift_b)
}

/// About two to the `bits` divided by `b`, which is positive.
pub fn inverse(b: i32, bits: i32) -> i32 {
    let shift = headroom(b);
    let b = b << shift;
    let first = (i32::MAX >> 2) / (b >> 16);
    let rest = ((1 << 29) - times(b, first)) << 3;
    let inverse = (first << 16).wrapping_add(times(rest, first));
    shifted(inverse, 61 - shift - bits)
}

/// Bits that a positive number leaves free.
fn headroom(a: i32) -> i32 {
    a.leading_zeros() as i32 - 1
}

/// Shifted right, or left as far as there is room.
fn shifted(a: i32, right: i32) -> i32 {
    match right {
        ..0 => a.clamp(i32::MIN >> -right, i32::MAX >> -right) << -right,
        0..32 => a >> right,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotients_are_near_what_they_stand_for() {
        let mut number = 1u32;
        for _ in 0..10_000 {
            number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (a, b) = ((number >> 8) as i32 + 81_920, (number & 0x00FF_FFFF) as i32 + 81_920);
            let exact = f64::from(a) / f64::from(b) * 65_536.0;
            assert!((f64::from(quotient(a, b)) - exact).abs() < 1.0 + exact * 1e-6, "{a} / {b}");
            let exact = 2f64.powi(47) / f64::from(b);
            assert!((f64::from(inverse(b, 47)) - exact).abs() < 1.0 + exact * 1e-6, "1 / {b}");
        }
    }
}
