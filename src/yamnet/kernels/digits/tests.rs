//! Digits against floats of twice the length, and AMX against the plain twin, bit for bit.

use proptest::prelude::*;

use super::super::tests::noise;
use super::super::{Cpu, Grouping, Workspace};
use super::*;

/// The twin, in plain code.
struct Plain;

impl MatrixUnit for Plain {
    fn rounded(&self, values: [f32; SIDE]) -> [i32; SIDE] {
        values.map(|value| value.round_ties_even() as i32)
    }

    fn multiply(&self, rows: &[Tiles], columns: &[Tiles], sums: &mut Sums) {
        sums.0 = Default::default();
        for (rows, columns) in rows.iter().zip(columns) {
            for (a, b) in [(0, 0), (0, 1), (1, 0), (0, 2), (1, 1), (2, 0)] {
                for (sums, row) in sums.0[a + b].iter_mut().zip(&rows.0[a]) {
                    for (four, columns) in row.iter().zip(&columns.0[b]) {
                        sums.iter_mut().zip(columns).for_each(|(sum, column)| *sum += fours(*four, *column));
                    }
                }
            }
        }
    }
}

/// The sum of the products of four digits.
fn fours(left: u32, right: u32) -> i32 {
    let products = left.to_le_bytes().into_iter().zip(right.to_le_bytes());
    products.map(|(left, right)| i32::from(left as i8) * i32::from(right as i8)).sum()
}

/// Of either sign, of very different sizes, and a quarter of them zero.
fn floats(seed: u64, length: usize) -> Vec<f32> {
    let sizes = [1.0, 1e-2, 1e-5, 0.0];
    let size = |chance: f32| sizes[((chance + 1.0) * 2.0) as usize];
    noise(seed, length).into_iter().zip(noise(seed + 7, length)).map(|(value, chance)| value * size(chance)).collect()
}

#[derive(Debug)]
struct Layer {
    shape: [usize; 3],
    input: Vec<f32>,
    weights: Vec<f32>,
    bias: Vec<f32>,
    relu: bool,
}

fn layers() -> impl Strategy<Value = Layer> {
    (1..10usize, 2..9usize, 1..3usize, any::<bool>(), 0..1000u64).prop_map(|(sixes, chunks, panels, relu, seed)| {
        let shape @ [rows, inputs, outputs] = [6 * sixes, chunks * DEPTH, panels * 64];
        let (input, weights) = (floats(seed, rows * inputs), floats(seed + 1, inputs * outputs));
        Layer { shape, input, weights, bias: noise(seed + 2, outputs), relu }
    })
}

impl Layer {
    fn rows(&self) -> impl Iterator<Item = impl Iterator<Item = f32>> + Clone {
        self.weights.chunks_exact(self.shape[2]).map(|row| row.iter().copied())
    }

    fn on(&self, cpu: Cpu) -> Pointwise {
        Pointwise::new(cpu, self.shape[1], self.rows(), &self.bias, self.relu)
    }

    fn room(&self) -> Vec<f32> {
        vec![f32::NAN; self.shape[0] * self.shape[2]]
    }

    fn plain(&self) -> Vec<f32> {
        self.plain_in(&mut Inputs::default())
    }

    fn plain_in(&self, inputs: &mut Inputs) -> Vec<f32> {
        let (layer, mut output) = (self.on(Cpu::Portable), self.room());
        let weights = Weights::pack(&Plain, Rows::new(self.shape[1], self.shape[2], self.rows())).unwrap();
        pointwise(&Plain, &layer, &weights, &self.input, &mut output, inputs);
        output
    }

    fn amx_in(&self, workspace: &mut Workspace) -> Vec<f32> {
        let (layer, mut output) = (self.on(Cpu::Amx), self.room());
        layer.run(&self.input, &mut output, Grouping::NEIGHBOURS, workspace);
        output
    }

    /// Each output, and how far from it one may be: the largest of its row and of its column count.
    fn exact(&self) -> Vec<(f64, f64)> {
        let [rows, inputs, outputs] = self.shape;
        let input = |row: usize, k: usize| f64::from(self.input[row * inputs + k]);
        let weight = |k: usize, column: usize| f64::from(self.weights[k * outputs + column]);
        let largest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, |most: f64, v| most.max(v.abs()));
        let of_columns: Vec<f64> =
            (0..outputs).map(|column| largest(&mut (0..inputs).map(|k| weight(k, column)))).collect();
        let cell = |row: usize, column: usize| {
            let sum: f64 = (0..inputs).map(|k| input(row, k) * weight(k, column)).sum();
            let value = sum + f64::from(self.bias[column]);
            let most = largest(&mut (0..inputs).map(|k| input(row, k))) * of_columns[column];
            (if self.relu { value.max(0.0) } else { value }, most * 4e-6 + value.abs() * 1e-6)
        };
        (0..rows)
            .flat_map(|row| (0..outputs).map(move |column| (row, column)))
            .map(|(row, column)| cell(row, column))
            .collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_product_is_that_of_the_floats(layer in layers()) {
        for (index, (ours, (exact, within))) in layer.plain().into_iter().zip(layer.exact()).enumerate() {
            prop_assert!((f64::from(ours) - exact).abs() <= within, "{ours} for {exact} at {index}");
        }
    }

    #[test]
    fn amx_gives_the_same_bits_as_its_twin_and_rooms_keep_nothing(layers in prop::collection::vec(layers(), 1..4)) {
        let (mut inputs, mut workspace) = (Inputs::default(), Workspace::default());
        for layer in layers {
            let plain = bits(&layer.plain());
            prop_assert_eq!(&bits(&layer.plain_in(&mut inputs)), &plain);
            if Cpu::Amx.is_available() {
                prop_assert_eq!(bits(&layer.amx_in(&mut workspace)), plain);
            }
        }
    }

    #[test]
    fn a_number_is_its_digits(values in prop::array::uniform16(-LARGEST..LARGEST)) {
        for (digits, value) in digits(&Plain, &values, &[1.0; SIDE]).into_iter().zip(values) {
            let [low, middle, high, nothing] = digits.to_le_bytes().map(|byte| i32::from(byte as i8));
            prop_assert_eq!(high * 65536 + middle * 256 + low, value.round_ties_even() as i32);
            prop_assert_eq!(nothing, 0);
        }
    }

    #[test]
    fn the_largest_of_a_row_has_three_digits(largest in 0..=f32::MAX.to_bits()) {
        let Scale { factor, step } = Scale::of(largest);
        prop_assert!((f32::from_bits(largest) * factor).round_ties_even() <= 0x7f_7f7f as f32);
        prop_assert!(step.is_normal());
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Rows of 256 inputs, half of them below zero, by 64 columns.
fn rows(rows: &[f32]) -> Layer {
    let row = |largest: &f32| {
        (0..256).map(|k| largest * if k == 7 { 1.0 } else { (k % 5) as f32 / 8.0 - 0.25 }).collect::<Vec<_>>()
    };
    let weights = (0..256 * 64).map(|i| ((i * 7919) % 2001) as f32 / 1000.0 - 1.0).collect();
    Layer {
        shape: [rows.len(), 256, 64],
        input: rows.iter().flat_map(row).collect(),
        weights,
        bias: vec![0.5; 64],
        relu: false,
    }
}

#[test]
fn small_rows_and_large_ones_keep_their_digits() {
    let sizes = [1e-30, 1e-20, 1e-3, 1.0, 1e20, 1e30];
    let layer = Layer { bias: vec![0.0; 64], ..rows(&sizes) };
    for ((ours, (exact, within)), size) in
        layer.plain().iter().zip(layer.exact()).zip(sizes.iter().flat_map(|size| [size; 64]))
    {
        assert!((f64::from(*ours) - exact).abs() <= within, "{ours} for {exact} of {size}");
    }
}

#[test]
fn rows_that_are_hardly_there_are_zero() {
    for size in [1e-38, 1e-45] {
        assert!(rows(&[size; 6]).plain().iter().all(|&value| value == 0.5));
    }
}

#[test]
fn infinity_and_nan_stay_in_their_row() {
    for relu in [false, true] {
        let whole = Layer { relu, ..rows(&[1.0; 6]) };
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut layer = Layer { relu, ..rows(&[1.0; 6]) };
            layer.input[2 * 256 + 9] = value;
            let mut runs = vec![layer.plain()];
            if Cpu::Amx.is_available() {
                runs.push(layer.amx_in(&mut Workspace::default()));
            }
            for outputs in runs {
                check_rows(&outputs, &whole.plain(), relu);
            }
        }
    }
}

/// The third row is NaN, which ReLU makes zero, and the others are as ever.
fn check_rows(outputs: &[f32], whole: &[f32], relu: bool) {
    for (row, (outputs, whole)) in outputs.chunks_exact(64).zip(whole.chunks_exact(64)).enumerate() {
        match row {
            2 if relu => assert!(outputs.iter().all(|&value| value == 0.0)),
            2 => assert!(outputs.iter().all(|value| value.is_nan())),
            _ => assert_eq!(outputs, whole),
        }
    }
}

#[test]
fn infinite_weights_and_part_tiles_are_no_digits() {
    let pack = |layer: &Layer, inputs| Weights::pack(&Plain, Rows::new(inputs, 64, layer.rows().take(inputs)));
    assert!(pack(&rows(&[1.0; 6]), 192).is_some());
    assert!(pack(&rows(&[1.0; 6]), 200).is_none());
    for value in [f32::NAN, f32::INFINITY] {
        let mut layer = rows(&[1.0; 6]);
        layer.weights[1000] = value;
        assert!(pack(&layer, 256).is_none());
    }
}
