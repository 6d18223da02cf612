//! Naive loops in f64 that the kernels are tested against, and test data.

/// Reproducible values in [-1, 1).
pub(super) fn noise(seed: u64, length: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..length).map(|_| next()).collect()
}

/// Panics unless all values agree within 1e-4, relative to those above 1.
pub(super) fn assert_close(left: &[f32], right: &[f32]) {
    assert_eq!(left.len(), right.len());
    for (i, (a, b)) in left.iter().zip(right).enumerate() {
        assert!((a - b).abs() <= 1e-4 * b.abs().max(1.0), "{a} and {b} at {i}");
    }
}

/// The formula of `gemm`, three loops.
pub(super) fn gemm(input: &[f32], weights: &[f32], bias: &[f32], relu: bool) -> Vec<f32> {
    let (n, k) = (bias.len(), weights.len() / bias.len());
    let mut output = Vec::new();
    for row in input.chunks_exact(k) {
        for j in 0..n {
            let sum: f64 = (0..k).map(|p| f64::from(row[p]) * f64::from(weights[p * n + j])).sum();
            let value = (sum + f64::from(bias[j])) as f32;
            output.push(if relu { value.max(0.0) } else { value });
        }
    }
    output
}

/// The formula of `conv` for a depthwise convolution, `input` `[height, width, channels]`.
pub(super) fn depthwise(
    input: &[f32],
    [height, width, channels]: [usize; 3],
    stride: usize,
    weights: &[f32],
    bias: &[f32],
) -> Vec<f32> {
    let padding = if stride == 1 { 1 } else { 0 };
    let at = |y: isize, x: isize, c: usize| {
        let is_inside = (0..height as isize).contains(&y) && (0..width as isize).contains(&x);
        if is_inside { f64::from(input[(y as usize * width + x as usize) * channels + c]) } else { 0.0 }
    };
    let mut output = Vec::new();
    for y in 0..(height / stride) as isize {
        for x in 0..(width / stride) as isize {
            for c in 0..channels {
                let tap = |t: isize| {
                    at(y * stride as isize + t / 3 - padding, x * stride as isize + t % 3 - padding, c)
                        * f64::from(weights[t as usize * channels + c])
                };
                output.push(((0..9).map(tap).sum::<f64>() + f64::from(bias[c])).max(0.0) as f32);
            }
        }
    }
    output
}

/// The formula of `conv` for the first convolution, `input` `[height, width]`.
pub(super) fn first_convolution(input: &[f32], [height, width]: [usize; 2], weights: &[f32], bias: &[f32]) -> Vec<f32> {
    let channels = bias.len();
    let at = |y: usize, x: usize| if y < height && x < width { f64::from(input[y * width + x]) } else { 0.0 };
    let mut output = Vec::new();
    for y in 0..height / 2 {
        for x in 0..width / 2 {
            for c in 0..channels {
                let tap = |t: usize| at(2 * y + t / 3, 2 * x + t % 3) * f64::from(weights[t * channels + c]);
                output.push(((0..9).map(tap).sum::<f64>() + f64::from(bias[c])).max(0.0) as f32);
            }
        }
    }
    output
}
