//! Products and quotients of whole numbers that stand for parts, as the reference decoder has them.

/// A product, in 65536ths of `b`'s unit; `b` has sixteen bits.
#[inline(always)]
pub fn times_16(a: i32, b: i32) -> i32 {
    ((i64::from(a) * i64::from(b)) >> 16) as i32
}

/// The same with 32 bits.
#[inline(always)]
pub fn times_32(a: i32, b: i32) -> i32 {
    ((i64::from(a) * i64::from(b)) >> 16) as i32
}

/// About `a / b` in 65536ths, of positive numbers: a quotient of sixteen bits, then a step of Newton's.
pub fn quotient(a: i32, b: i32) -> i32 {
    let (shift_a, shift_b) = (headroom(a), headroom(b));
    let (a, b) = (a << shift_a, b << shift_b);
    let inverse = (i32::MAX >> 2) / (b >> 16);
    let first = times_16(a, inverse);
    let rest = a.wrapping_sub((((i64::from(b) * i64::from(first)) >> 32) as i32) << 3);
    let quotient = first.wrapping_add(times_16(rest, inverse));
    shifted(quotient, 13 + shift_a - shift_b)
}

/// About 2 to the 47th divided by `b`, which is positive.
pub fn inverse(b: i32) -> i32 {
    let shift = headroom(b);
    let b = b << shift;
    let first = (i32::MAX >> 2) / (b >> 16);
    let rest = ((1 << 29) - times_16(b, first)) << 3;
    let inverse = (first << 16).wrapping_add(times_32(rest, first));
    shifted(inverse, 14 - shift)
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
