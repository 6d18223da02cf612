//! Digits against floats of twice the length, and AMX against the plain twin, bit for bit.

use proptest::prelude::*;

use super::super::tests::noise;
use super::super::{Cpu, Grouping, Workspace};
use super::*;

/// The twin, in plain code.
struct Plain;

impl Multiplier for Plain {
    fn rounded(values: [f32; SIDE]) -> [i32; SIDE] {
        values.map(|value| value.round_ties_even() as i32)
    }

    fn multiply(rows: &[Tiles], columns: &[Tiles], sums: &mut Sums) {
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
    (1..8usize, 2..7usize, 1..3usize, any::<bool>(), 0..1000u64).prop_map(|(sixes, chunks, panels, relu, seed)| {
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
        let (layer, mut output) = (self.on(Cpu::Portable), self.room());
        let weights = Weights::pack::<Plain>(Rows::new(self.shape[1], self.shape[2], self.rows())).unwrap();
        pointwise::<Plain>(&layer, &weights, &self.input, &mut output, &mut Inputs::default());
        output
    }

    fn amx(&self) -> Vec<f32> {
        let (layer, mut output) = (self.on(Cpu::Amx), self.room());
        layer.run(&self.input, &mut output, Grouping::NEIGHBOURS, &mut Workspace::default());
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
    fn amx_gives_the_same_bits_as_its_twin(layer in layers()) {
        if Cpu::Amx.is_available() {
            prop_assert_eq!(layer.amx(), layer.plain());
        }
    }

    #[test]
    fn a_number_is_its_digits(values in prop::array::uniform16(-LARGEST..LARGEST)) {
        for (digits, value) in digits::<Plain>(&values, &[1.0; SIDE]).into_iter().zip(values) {
            let [low, middle, high, nothing] = digits.to_le_bytes().map(|byte| i32::from(byte as i8));
            prop_assert_eq!(high * 65536 + middle * 256 + low, value.round_ties_even() as i32);
            prop_assert_eq!(nothing, 0);
        }
    }
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
fn rows_of_any_size_keep_their_share() {
    let sizes = [1e-45, 1e-38, 1e-30, 1e-3, 1.0, 1e37];
    let layer = rows(&sizes);
    let (plain, exact) = (layer.plain(), layer.exact());
    for ((ours, (exact, within)), size) in plain.iter().zip(exact).zip(sizes.iter().flat_map(|size| [size; 64])) {
        assert!((f64::from(*ours) - exact).abs() <= within, "{ours} for {exact} of {size}");
    }
    if Cpu::Amx.is_available() {
        assert_eq!(layer.amx(), plain);
    }
}

#[test]
fn what_is_no_number_stays_in_its_row() {
    for no_number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for relu in [false, true] {
            let mut layer = Layer { relu, ..rows(&[1.0; 6]) };
            let whole = layer.plain();
            layer.input[2 * 256 + 9] = no_number;
            let mut runs = vec![layer.plain()];
            if Cpu::Amx.is_available() {
                runs.push(layer.amx());
            }
            for outputs in runs {
                for (row, (outputs, whole)) in outputs.chunks_exact(64).zip(whole.chunks_exact(64)).enumerate() {
                    match row {
                        2 if relu => assert!(outputs.iter().all(|&value| value == 0.0)),
                        2 => assert!(outputs.iter().all(|value| value.is_nan())),
                        _ => assert_eq!(outputs, whole),
                    }
                }
            }
        }
    }
}

#[test]
fn weights_that_are_no_numbers_are_no_digits() {
    for no_number in [f32::NAN, f32::INFINITY] {
        let mut layer = rows(&[1.0; 6]);
        layer.weights[1000] = no_number;
        assert!(Weights::pack::<Plain>(Rows::new(256, 64, layer.rows())).is_none());
    }
}
