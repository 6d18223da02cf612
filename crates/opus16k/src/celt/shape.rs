//! What is done to a band's shape once its pulses are known: rotation, time against frequency, norms.
//!
//! Invariant: every function keeps to the slice it is given, and a norm of nothing divides by no zero.

use std::f32::consts::{FRAC_1_SQRT_2, PI};

use super::partition::MOST_HEARD;

/// The next number of the noise generator (RFC 6716, 4.3.4).
pub fn noise(seed: u32) -> u32 {
    seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223)
}

/// The sum of the products, in four sums that do not wait for each other.
fn product(x: &[f32], y: &[f32]) -> f32 {
    let ((fours, x), (others, y)) = (x.as_chunks::<4>(), y.as_chunks::<4>());
    let mut sums = [0.0; 4];
    for (x, y) in fours.iter().zip(others) {
        (0..4).for_each(|i| sums[i] += x[i] * y[i]);
    }
    let rest: f32 = x.iter().zip(y).map(|(x, y)| x * y).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// Scales to norm `gain`.
pub fn renormalise(x: &mut [f32], gain: f32) {
    let energy = 1e-15 + product(x, x);
    let scale = gain / energy.sqrt();
    x.iter_mut().for_each(|x| *x *= scale);
}

/// Undoes the encoder's spreading rotation (4.3.4.3) of `blocks` interleaved blocks of `pulses` in all.
pub fn rotate(x: &mut [f32], blocks: usize, pulses: usize, factor: Option<usize>) {
    let length = x.len();
    let Some(factor) = factor.filter(|_| 2 * pulses < length) else {
        return;
    };
    let gain = length as f32 / (length + factor * pulses) as f32;
    let (c, s) = turn(0.25 * PI * gain * gain);
    let mut stride = 0;
    if length >= 8 * blocks {
        stride = 1;
        while (stride * stride + stride) * blocks + (blocks >> 2) < length {
            stride += 1;
        }
    }
    for block in x.chunks_exact_mut(length / blocks) {
        if stride > 0 {
            pass(block, stride, s, c);
        }
        pass(block, 1, c, s);
    }
}

/// Cosine and sine of an angle up to a quarter of pi.
fn turn(angle: f32) -> (f32, f32) {
    let square = angle * angle;
    let cos = 1.0 + square * (-0.5 + square * (1.0 / 24.0 + square * (-1.0 / 720.0 + square / 40_320.0)));
    let sin = angle * (1.0 + square * (-1.0 / 6.0 + square * (1.0 / 120.0 - square / 5_040.0)));
    (cos, sin)
}

/// Turns each pair `stride` apart, to the end and back; for neighbours the one in hand is not stored.
fn pass(x: &mut [f32], stride: usize, c: f32, s: f32) {
    if stride == 1 {
        return neighbours(x, c, s);
    }
    let pairs = x.len().saturating_sub(stride);
    for i in 0..pairs {
        let (a, b) = (x[i], x[i + stride]);
        (x[i], x[i + stride]) = (c * a - s * b, c * b + s * a);
    }
    for i in (0..pairs.saturating_sub(stride)).rev() {
        let (a, b) = (x[i], x[i + stride]);
        (x[i], x[i + stride]) = (c * a - s * b, c * b + s * a);
    }
}

fn neighbours(x: &mut [f32], c: f32, s: f32) {
    sweep(x, c, s);
    if let [back @ .., _] = x {
        back.reverse();
        sweep(back, c, -s);
        back.reverse();
    }
}

/// Two at a time, for each turn waits for the one before it.
fn sweep(x: &mut [f32], c: f32, s: f32) {
    let Some(&first) = x.first() else { return };
    let (mut held, mut at) = (first, 0);
    while let Some([place, a, b]) = x.get_mut(at..).and_then(<[f32]>::first_chunk_mut) {
        let (next, after) = (*a, *b);
        let turned = c * next + s * held;
        *place = c * held - s * next;
        *a = c * turned - s * after;
        held = (c * after + s * c * next) + s * s * held;
        at += 2;
    }
    match x.get_mut(at..) {
        Some([place, last]) => (*place, *last) = (c * held - s * *last, c * *last + s * held),
        Some([last]) => *last = held,
        _ => (),
    }
}

/// One step of the Haar transform over `stride` interleaved series.
pub fn haar(x: &mut [f32], stride: usize) {
    let step = |a: &mut f32, b: &mut f32| {
        let (x, y) = (FRAC_1_SQRT_2 * *a, FRAC_1_SQRT_2 * *b);
        (*a, *b) = (x + y, x - y);
    };
    // One or two series leave no run to speak of.
    match stride {
        1 => x.as_chunks_mut().0.iter_mut().for_each(|[a, b]| step(a, b)),
        2 => x.as_chunks_mut().0.iter_mut().for_each(|[a, b, c, d]| {
            step(a, c);
            step(b, d);
        }),
        _ => x.chunks_exact_mut(2 * stride).for_each(|pair| {
            let (even, odd) = pair.split_at_mut(stride);
            even.iter_mut().zip(odd).for_each(|(a, b)| step(a, b));
        }),
    }
}

/// Order of the Hadamard functions by the number of their sign changes, for 2, 4, 8 and 16.
const ORDER: [usize; 30] =
    [1, 0, 3, 0, 2, 1, 7, 0, 4, 3, 6, 1, 5, 2, 15, 0, 8, 7, 12, 3, 11, 4, 14, 1, 9, 6, 13, 2, 10, 5];

/// Where the `i`th of `stride` interleaved series goes.
fn place(i: usize, stride: usize, hadamard: bool) -> usize {
    if hadamard { ORDER[stride - 2 + i] } else { i }
}

/// From frequency order to time order: each of `stride` series by itself.
pub fn deinterleave(x: &mut [f32], stride: usize, hadamard: bool) {
    let mut copy = [0.0; MOST_HEARD];
    copy[..x.len()].copy_from_slice(x);
    let each = x.len() / stride;
    for i in 0..stride {
        let to = &mut x[place(i, stride, hadamard) * each..][..each];
        to.iter_mut().zip(copy.chunks_exact(stride)).for_each(|(to, from)| *to = from[i]);
    }
}

/// Undoes [`deinterleave`].
pub fn interleave(x: &mut [f32], stride: usize, hadamard: bool) {
    let mut copy = [0.0; MOST_HEARD];
    copy[..x.len()].copy_from_slice(x);
    let each = x.len() / stride;
    for i in 0..stride {
        let from = &copy[place(i, stride, hadamard) * each..][..each];
        x.chunks_exact_mut(stride).zip(from).for_each(|(to, from)| to[i] = *from);
    }
}

/// Middle and side become left and right, each of norm one.
pub fn merge(x: &mut [f32], y: &mut [f32], mid: f32) {
    let (middle, product) = (mid * mid + product(y, y), 2.0 * mid * product(x, y));
    let (left, right) = (middle - product, middle + product);
    if left < 6e-4 || right < 6e-4 {
        return y.copy_from_slice(x);
    }
    let (left, right) = (1.0 / left.sqrt(), 1.0 / right.sqrt());
    for (x, y) in x.iter_mut().zip(y) {
        let (l, r) = (mid * *x, *y);
        (*x, *y) = (left * (l - r), right * (l + r));
    }
}

/// Which of `blocks` blocks hold a pulse.
pub fn mask(x: &[f32], blocks: usize) -> u32 {
    if blocks <= 1 {
        return 1;
    }
    let filled = x.chunks_exact(x.len() / blocks).map(|block| block.iter().any(|&x| x != 0.0));
    filled.take(blocks).enumerate().fold(0, |mask, (i, filled)| mask | u32::from(filled) << i)
}
