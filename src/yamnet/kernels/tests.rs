//! Every path of this machine against the portable twin, and the twin against a naive third.

use proptest::prelude::*;

use super::panels::Panels;
use super::pointwise::Packed;
use super::*;

/// Reproducible values in [-1, 1).
pub(super) fn noise(seed: u64, length: usize) -> Vec<f32> {
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

/// Rows of a pointwise layer's input.
#[derive(Debug, Clone, Copy)]
enum Zeros {
    None,
    /// Of either sign, so often that whole groups have some in common.
    Many,
    All,
}

fn rows_of(seed: u64, length: usize, zeros: Zeros) -> Vec<f32> {
    let zero = |chance: f32| match zeros {
        Zeros::None => None,
        Zeros::Many => (chance < 0.6).then_some(if chance < -0.2 { -0.0 } else { 0.0 }),
        Zeros::All => Some(0.0),
    };
    noise(seed, length).into_iter().zip(noise(seed + 7, length)).map(|(v, chance)| zero(chance).unwrap_or(v)).collect()
}

fn zeros() -> impl Strategy<Value = Zeros> {
    prop_oneof![Just(Zeros::None), Just(Zeros::Many), Just(Zeros::All)]
}

fn layer(cpu: Cpu, [_, inputs, outputs]: [usize; 3], relu: bool, seed: u64) -> Pointwise {
    let weights = noise(seed, inputs * outputs);
    let rows = weights.chunks_exact(outputs).map(|row| row.iter().copied());
    Pointwise::new(cpu, inputs, rows, &noise(seed + 1, outputs), relu)
}

fn run(layer: &Pointwise, input: &[f32], grouping: Grouping) -> Vec<f32> {
    let mut output = vec![f32::NAN; input.len() / layer.inputs() * layer.outputs()];
    layer.run(input, &mut output, grouping, &mut Workspace::default());
    output
}

/// Inputs of layers that every path has in floats, as tiles of three rows and of six.
fn not_tiles() -> impl Strategy<Value = usize> {
    prop_oneof![1..128usize, 129..150usize]
}

/// Those of a layer in floats.
fn panels(layer: &mut Pointwise) -> &mut Panels {
    match &mut layer.weights {
        Packed::Panels(panels) => panels,
        #[cfg(target_arch = "x86_64")]
        Packed::Digits(_) => panic!("a layer in whole numbers"),
    }
}

fn with_lists(sparse: bool, mut layer: Pointwise) -> Pointwise {
    panels(&mut layer).sparse = sparse;
    layer
}

fn groupings() -> impl Strategy<Value = Grouping> {
    (1..4usize, 0..ROWS).prop_map(|(apart, shift)| Grouping::apart(apart).shifted(shift))
}

/// The textbook's three loops, in f64.
fn naive_pointwise([rows, inputs, outputs]: [usize; 3], relu: bool, seed: u64, input: &[f32]) -> Vec<f32> {
    let (weights, bias) = (noise(seed, inputs * outputs), noise(seed + 1, outputs));
    let dot = |row: usize, column: usize| -> f64 {
        (0..inputs).map(|k| f64::from(input[row * inputs + k]) * f64::from(weights[k * outputs + column])).sum()
    };
    let value = |row, column| dot(row, column) + f64::from(bias[column]);
    let cells = (0..rows).flat_map(|row| (0..outputs).map(move |column| (row, column)));
    cells.map(|(row, column)| if relu { value(row, column).max(0.0) } else { value(row, column) } as f32).collect()
}

fn depthwise(cpu: Cpu, shape: [usize; 3], stride: usize, seed: u64) -> Vec<f32> {
    let layer = Depthwise::new(cpu, shape, stride, &noise(seed, 9 * shape[2]), &noise(seed + 1, shape[2]));
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
    let layer = FirstConvolution::new(cpu, 32, &noise(seed, 9 * 32), &noise(seed + 1, 32));
    let mut output = vec![f32::NAN; 48 * 32 * 32];
    layer.run(&noise(seed + 2, PATCH * BANDS), 0, &mut output);
    output
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn pointwise_agrees_on_every_path(sixes in 1..5usize, grouping in groupings(), inputs in 1..150usize, panels in 1..3usize, relu: bool, zeros in zeros(), seed in 0..1000u64) {
        let shape = [sixes * ROWS * grouping.apart, inputs, panels * COLUMNS];
        let input = rows_of(seed + 2, shape[0] * inputs, zeros);
        let naive = naive_pointwise(shape, relu, seed, &input);
        for cpu in Cpu::available() {
            close(&run(&layer(cpu, shape, relu, seed), &input, grouping), &naive);
        }
    }

    #[test]
    fn pointwise_of_many_inputs_agrees_on_every_path(sixes in 1..7usize, inputs in prop_oneof![Just(128usize), Just(300), Just(512)], relu: bool, zeros in zeros(), seed in 0..1000u64) {
        let shape = [sixes * ROWS, inputs, COLUMNS];
        let input = rows_of(seed + 2, shape[0] * inputs, zeros);
        let naive = naive_pointwise(shape, relu, seed, &input);
        for cpu in Cpu::available() {
            close(&run(&layer(cpu, shape, relu, seed), &input, Grouping::NEIGHBOURS), &naive);
        }
    }

    #[test]
    fn to_leave_out_zeros_changes_no_sum(sixes in 1..5usize, grouping in groupings(), inputs in not_tiles(), relu: bool, zeros in zeros(), seed in 0..1000u64) {
        let shape = [sixes * ROWS * grouping.apart, inputs, COLUMNS];
        let input = rows_of(seed + 2, shape[0] * inputs, zeros);
        for cpu in Cpu::available() {
            let [all, listed] = [false, true].map(|sparse| run(&with_lists(sparse, layer(cpu, shape, relu, seed)), &input, grouping));
            prop_assert_eq!(all, listed);
        }
    }

    #[test]
    fn a_list_has_the_inputs_that_some_row_of_the_group_has(sixes in 1..5usize, grouping in groupings(), inputs in not_tiles(), zeros in zeros(), seed in 0..1000u64) {
        let shape = [sixes * ROWS * grouping.apart, inputs, COLUMNS];
        let input = rows_of(seed + 2, shape[0] * inputs, zeros);
        for cpu in Cpu::available() {
            let mut layer = with_lists(true, layer(cpu, shape, true, seed));
            let (mut output, mut workspace) = (vec![0.0; shape[0] * COLUMNS], Workspace::default());
            layer.run(&input, &mut output, grouping, &mut workspace);
            let groups: Vec<Vec<usize>> = match panels(&mut layer).tile.rows {
                1 => (0..shape[0]).map(|row| vec![row]).collect(),
                3 => grouping.groups::<3>(shape[0]).map(Vec::from).collect(),
                rows => {
                    prop_assert_eq!(rows, ROWS);
                    grouping.groups::<ROWS>(shape[0]).map(Vec::from).collect()
                }
            };
            for (group, rows) in groups.iter().enumerate() {
                let alive = |&k: &u16| rows.iter().any(|row| input[row * inputs + usize::from(k)] != 0.0);
                prop_assert_eq!(workspace.live.of(group), (0..inputs as u16).filter(alive).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn every_row_is_in_one_group(sixes in 1..5usize, grouping in groupings()) {
        let rows = sixes * ROWS * grouping.apart;
        let sixes: Vec<usize> = grouping.groups::<ROWS>(rows).flatten().collect();
        let mut threes: Vec<usize> = grouping.groups::<{ ROWS / 2 }>(rows).flatten().collect();
        prop_assert_eq!(sixes.iter().copied().collect::<std::collections::BTreeSet<_>>().len(), rows);
        threes.sort();
        prop_assert_eq!(threes, (0..rows).collect::<Vec<_>>());
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
        let layer = FirstConvolution::new(cpu, 32, &noise(1, 9 * 32), &noise(2, 32));
        let mut output = vec![f32::NAN; 7 * 32 * 32];
        layer.run(&noise(3, PATCH * BANDS), 41, &mut output);
        assert_eq!(output, first(cpu, 1)[41 * 32 * 32..]);
    }
}

#[test]
fn outputs_that_are_no_whole_panel_are_padded_with_zeros() {
    for cpu in Cpu::available() {
        let output = run(&layer(cpu, [6, 8, 521], false, 1), &noise(3, 6 * 8), Grouping::NEIGHBOURS);
        assert_eq!(output.len(), 6 * 576);
        assert!(output.chunks(576).all(|row| row[521..].iter().all(|&value| value == 0.0)));
    }
}

#[test]
fn a_zero_times_infinity_is_not_left_out() {
    for (cpu, inputs) in Cpu::available().into_iter().flat_map(|cpu| [(cpu, 64), (cpu, 512)]) {
        let mut weights = noise(1, inputs * 64);
        weights[100] = f32::INFINITY;
        let rows = weights.chunks_exact(64).map(|row| row.iter().copied());
        let layer = Pointwise::new(cpu, inputs, rows, &noise(2, 64), false);
        let output = run(&layer, &vec![0.0; 6 * inputs], Grouping::NEIGHBOURS);
        assert!(output[100 % 64].is_nan(), "{} {inputs}", cpu.name());
    }
}

#[test]
fn only_paths_of_this_machine_have_names() {
    assert_eq!(Cpu::named("portable"), Some(Cpu::Portable));
    assert_eq!(Cpu::named("abacus"), None);
    assert_eq!(Cpu::named(Cpu::detect().name()), Some(Cpu::detect()));
}
