//! Operations on the shape of a band (RFC 6716, 4.3.4.3 to 4.3.4.5): spreading rotation, time and frequency resolution,
//! normalization. libopus has them in vq.c and bands.c.

use std::f32::consts::{FRAC_1_SQRT_2, PI};

/// Bins of the widest band below 8 kHz.
pub(super) const MAX_OUTPUT_BAND: usize = 48;

/// The next number of the noise generator.
pub(super) fn celt_lcg_rand(seed: u32) -> u32 {
    seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223)
}

/// The inner product, in four sums that do not wait for each other.
fn inner_product(x: &[f32], y: &[f32]) -> f32 {
    let ((fours, x), (others, y)) = (x.as_chunks::<4>(), y.as_chunks::<4>());
    let mut sums = [0.0; 4];
    for (x, y) in fours.iter().zip(others) {
        (0..4).for_each(|i| sums[i] += x[i] * y[i]);
    }
    let rest: f32 = x.iter().zip(y).map(|(x, y)| x * y).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// Scales to norm `gain`.
pub(super) fn renormalise_vector(x: &mut [f32], gain: f32) {
    let energy = 1e-15 + inner_product(x, x);
    let scale = gain / energy.sqrt();
    x.iter_mut().for_each(|x| *x *= scale);
}

/// Section 4.3.4.3: undoes the encoder's spreading rotation of `blocks` blocks with `pulses` in all.
///
/// ```text
/// g = N / (N + f_r K), theta = pi g^2 / 4
/// with 8 bins or more for each block: rotate pairs about sqrt(N / blocks) apart by pi / 2 - theta
/// rotate neighbours by theta
/// ```
pub(super) fn exp_rotation(x: &mut [f32], blocks: usize, pulses: usize, factor: Option<usize>) {
    let length = x.len();
    let Some(factor) = factor.filter(|_| 2 * pulses < length) else {
        return;
    };
    let gain = length as f32 / (length + factor * pulses) as f32;
    let (c, s) = cos_sin(0.25 * PI * gain * gain);
    let mut stride = 0;
    if length >= 8 * blocks {
        stride = 1;
        while (stride * stride + stride) * blocks + (blocks >> 2) < length {
            stride += 1;
        }
    }
    for block in x.chunks_exact_mut(length / blocks) {
        if stride > 0 {
            rotate_pairs(block, stride, s, c);
        }
        rotate_pairs(block, 1, c, s);
    }
}

/// Cosine and sine of an angle up to a quarter of pi.
fn cos_sin(angle: f32) -> (f32, f32) {
    let square = angle * angle;
    let cos = 1.0 + square * (-0.5 + square * (1.0 / 24.0 + square * (-1.0 / 720.0 + square / 40_320.0)));
    let sin = angle * (1.0 + square * (-1.0 / 6.0 + square * (1.0 / 120.0 - square / 5_040.0)));
    (cos, sin)
}

/// Rotates each pair `stride` apart, to the end and back (exp_rotation1).
fn rotate_pairs(x: &mut [f32], stride: usize, c: f32, s: f32) {
    if stride == 1 {
        return rotate_neighbours(x, c, s);
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

/// The same for neighbours, where the second of a pair is the first of the next and stays in a register.
fn rotate_neighbours(x: &mut [f32], c: f32, s: f32) {
    sweep(x, c, s);
    if let [back @ .., _] = x {
        back.reverse();
        sweep(back, c, -s);
        back.reverse();
    }
}

/// From the first pair to the last, two at a time, since each rotation waits for the one before it.
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

/// One level of the Haar transform of `stride` interleaved series.
pub(super) fn haar1(x: &mut [f32], stride: usize) {
    let step = |a: &mut f32, b: &mut f32| {
        let (x, y) = (FRAC_1_SQRT_2 * *a, FRAC_1_SQRT_2 * *b);
        (*a, *b) = (x + y, x - y);
    };
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

/// The order of Hadamard functions by their number of sign changes, for 2, 4, 8 and 16 of them.
const ORDERY_TABLE: [usize; 30] =
    [1, 0, 3, 0, 2, 1, 7, 0, 4, 3, 6, 1, 5, 2, 15, 0, 8, 7, 12, 3, 11, 4, 14, 1, 9, 6, 13, 2, 10, 5];

/// Where the `i`th of `stride` interleaved series goes.
fn place(i: usize, stride: usize, hadamard: bool) -> usize {
    if hadamard { ORDERY_TABLE[stride - 2 + i] } else { i }
}

/// Puts `stride` interleaved series one after the other.
pub(super) fn deinterleave_hadamard(x: &mut [f32], stride: usize, hadamard: bool) {
    let mut copy = [0.0; MAX_OUTPUT_BAND];
    copy[..x.len()].copy_from_slice(x);
    let each = x.len() / stride;
    for i in 0..stride {
        let to = &mut x[place(i, stride, hadamard) * each..][..each];
        to.iter_mut().zip(copy.chunks_exact(stride)).for_each(|(to, from)| *to = from[i]);
    }
}

/// Undoes [`deinterleave_hadamard`].
pub(super) fn interleave_hadamard(x: &mut [f32], stride: usize, hadamard: bool) {
    let mut copy = [0.0; MAX_OUTPUT_BAND];
    copy[..x.len()].copy_from_slice(x);
    let each = x.len() / stride;
    for i in 0..stride {
        let from = &copy[place(i, stride, hadamard) * each..][..each];
        x.chunks_exact_mut(stride).zip(from).for_each(|(to, from)| to[i] = *from);
    }
}

/// Turns mid and side into left and right, both of norm 1.
pub(super) fn stereo_merge(x: &mut [f32], y: &mut [f32], mid: f32) {
    let (energies, product) = (mid * mid + inner_product(y, y), 2.0 * mid * inner_product(x, y));
    let (left, right) = (energies - product, energies + product);
    if left < 6e-4 || right < 6e-4 {
        return y.copy_from_slice(x);
    }
    let (left, right) = (1.0 / left.sqrt(), 1.0 / right.sqrt());
    for (x, y) in x.iter_mut().zip(y) {
        let (l, r) = (mid * *x, *y);
        (*x, *y) = (left * (l - r), right * (l + r));
    }
}

/// Which of `blocks` blocks have pulses.
pub(super) fn collapse_mask(x: &[f32], blocks: usize) -> u32 {
    if blocks <= 1 {
        return 1;
    }
    let has_pulses = x.chunks_exact(x.len() / blocks).map(|block| block.iter().any(|&x| x != 0.0));
    has_pulses.take(blocks).enumerate().fold(0, |mask, (i, has_pulses)| mask | u32::from(has_pulses) << i)
}
