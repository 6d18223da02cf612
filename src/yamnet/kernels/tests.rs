//! Every path of this machine against the portable twin, and the twin against a naive third.

use proptest::prelude::*;

use super::*;

/// Reproducible values in [-1, 1).
fn noise(seed: u64, length: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..length).map(|_| next()).collect()
}

fn close(left: &[f32], right: &[f32]) {
    assert_eq!(left.len(), right.len());
    for (i, (a, b)) in left.iter().zip(right).enumerate() {
        assert!((a - b).abs() <= 1e-4 * b.abs().max(1.0), "{a} and {b} at {i}");
    }
}

fn pointwise(cpu: Cpu, [rows, inputs, outputs]: [usize; 3], relu: bool, seed: u64) -> Vec<f32> {
    let (weights, bias) = (noise(seed, inputs * outputs), noise(seed + 1, outputs));
    let layer = Pointwise::new(cpu, inputs, outputs, &weights, &bias, relu);
    let mut output = vec![f32::NAN; rows * layer.outputs()];
    layer.run(&noise(seed + 2, rows * inputs), &mut output);
    output
}

/// The textbook's three loops, in f64.
fn naive_pointwise([rows, inputs, outputs]: [usize; 3], relu: bool, seed: u64) -> Vec<f32> {
    let (weights, bias, input) =
        (noise(seed, inputs * outputs), noise(seed + 1, outputs), noise(seed + 2, rows * inputs));
    let dot = |row: usize, column: usize| -> f64 {
        (0..inputs).map(|k| f64::from(input[row * inputs + k]) * f64::from(weights[k * outputs + column])).sum()
    };
    let value = |row, column| dot(row, column) + f64::from(bias[column]);
    let cells = (0..rows).flat_map(|row| (0..outputs).map(move |column| (row, column)));
    cells.map(|(row, column)| if relu { value(row, column).max(0.0) } else { value(row, column) } as f32).collect()
}

fn depthwise(cpu: Cpu, shape: [usize; 3], stride: usize, seed: u64) -> Vec<f32> {
    let layer = Depthwise::new(cpu, shape, stride, noise(seed, 9 * shape[2]), noise(seed + 1, shape[2]));
    let mut output = vec![f32::NAN; layer.output_shape().iter().product()];
    layer.run(&noise(seed + 2, shape.iter().product()), &mut output);
    output
}

fn naive_depthwise([height, width, channels]: [usize; 3], stride: usize, seed: u64) -> Vec<f32> {
    let (weights, bias) = (noise(seed, 9 * channels), noise(seed + 1, channels));
    let input = noise(seed + 2, height * width * channels);
    let padding = if stride == 1 { 1 } else { 0 };
    let at = |y: isize, x: isize, c: usize| {
        let inside = (0..height as isize).contains(&y) && (0..width as isize).contains(&x);
        if inside { f64::from(input[(y as usize * width + x as usize) * channels + c]) } else { 0.0 }
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

fn first(cpu: Cpu, seed: u64) -> Vec<f32> {
    let layer = FirstConvolution::new(cpu, 32, noise(seed, 9 * 32), noise(seed + 1, 32));
    let mut output = vec![f32::NAN; 48 * 32 * 32];
    layer.run(&noise(seed + 2, PATCH * BANDS), 0, &mut output);
    output
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn pointwise_agrees_on_every_path(sixes in 1..5usize, inputs in 1..70usize, panels in 1..3usize, relu: bool, seed in 0..1000u64) {
        let shape = [sixes * ROWS, inputs, panels * COLUMNS];
        let naive = naive_pointwise(shape, relu, seed);
        Cpu::available().into_iter().for_each(|cpu| close(&pointwise(cpu, shape, relu, seed), &naive));
    }

    #[test]
    fn depthwise_agrees_on_every_path(half_height in 1..5usize, half_width in 1..5usize, sixteens in 1..4usize, stride in 1..3usize, seed in 0..1000u64) {
        let shape = [half_height * 2, half_width * 2, sixteens * 16];
        let naive = naive_depthwise(shape, stride, seed);
        Cpu::available().into_iter().for_each(|cpu| close(&depthwise(cpu, shape, stride, seed), &naive));
    }

    #[test]
    fn first_convolution_agrees_on_every_path(seed in 0..1000u64) {
        let twin = first(Cpu::Portable, seed);
        Cpu::available().into_iter().for_each(|cpu| close(&first(cpu, seed), &twin));
    }
}

#[test]
fn some_rows_of_the_first_convolution_are_those_rows() {
    for cpu in Cpu::available() {
        let layer = FirstConvolution::new(cpu, 32, noise(1, 9 * 32), noise(2, 32));
        let mut output = vec![f32::NAN; 7 * 32 * 32];
        layer.run(&noise(3, PATCH * BANDS), 41, &mut output);
        assert_eq!(output, first(cpu, 1)[41 * 32 * 32..]);
    }
}

#[test]
fn outputs_that_are_no_whole_panel_are_padded_with_zeros() {
    for cpu in Cpu::available() {
        let output = pointwise(cpu, [6, 8, 521], false, 1);
        assert_eq!(output.len(), 6 * 576);
        assert!(output.chunks(576).all(|row| row[521..].iter().all(|&value| value == 0.0)));
    }
}

#[test]
fn only_paths_of_this_machine_have_names() {
    assert_eq!(Cpu::named("portable"), Some(Cpu::Portable));
    assert_eq!(Cpu::named("abacus"), None);
    assert_eq!(Cpu::named(Cpu::detect().name()), Some(Cpu::detect()));
}
