//! The GEMM in integers against sums in f64, and AMX against a matrix unit in safe code, bit for bit.

use proptest::prelude::*;

use super::*;
use crate::kernels::Cpu;
use crate::kernels::gemm::{Gemm, GemmScratch, RowGroups};
use crate::kernels::reference::noise;

/// The reference for [`amx`].
struct PortableUnit;

impl MatrixUnit for PortableUnit {
    fn round(&self, values: [f32; TILE]) -> [i32; TILE] {
        values.map(|value| value.round_ties_even() as i32)
    }

    fn multiply(&self, rows: &[Slices], columns: &[Slices], sums: &mut Sums) {
        sums.0 = Default::default();
        for (rows, columns) in rows.iter().zip(columns) {
            for (a, b) in [(0, 0), (0, 1), (1, 0), (0, 2), (1, 1), (2, 0)] {
                for (sums, row) in sums.0[a + b].iter_mut().zip(&rows.0[a]) {
                    for (four, columns) in row.iter().zip(&columns.0[b]) {
                        sums.iter_mut().zip(columns).for_each(|(sum, column)| *sum += dot4(*four, *column));
                    }
                }
            }
        }
    }
}

/// The dot product of four bytes each.
fn dot4(left: u32, right: u32) -> i32 {
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
struct Case {
    /// `m`, `k`, `n`
    shape: [usize; 3],
    input: Vec<f32>,
    weights: Vec<f32>,
    bias: Vec<f32>,
    relu: bool,
}

fn cases() -> impl Strategy<Value = Case> {
    (1..10usize, 2..9usize, 1..3usize, any::<bool>(), 0..1000u64).prop_map(|(sixes, chunks, panels, relu, seed)| {
        let shape @ [rows, inputs, outputs] = [6 * sixes, chunks * TILE_K, panels * 64];
        let (input, weights) = (floats(seed, rows * inputs), floats(seed + 1, inputs * outputs));
        Case { shape, input, weights, bias: noise(seed + 2, outputs), relu }
    })
}

impl Case {
    fn rows(&self) -> impl Iterator<Item = impl Iterator<Item = f32>> + Clone {
        self.weights.chunks_exact(self.shape[2]).map(|row| row.iter().copied())
    }

    fn layer(&self, cpu: Cpu) -> Gemm {
        Gemm::new(cpu, self.shape[1], self.rows(), &self.bias, self.relu)
    }

    fn output(&self) -> Vec<f32> {
        vec![f32::NAN; self.shape[0] * self.shape[2]]
    }

    fn portable(&self) -> Vec<f32> {
        self.portable_in(&mut GemmScratch::default())
    }

    fn portable_in(&self, scratch: &mut GemmScratch) -> Vec<f32> {
        let (layer, mut output) = (self.layer(Cpu::Portable), self.output());
        let weights = Weights::pack(&PortableUnit, WeightRows::new(self.shape[1], self.shape[2], self.rows())).unwrap();
        let args = layer.args(&weights, &self.input, &mut output, RowGroups::CONSECUTIVE, scratch);
        gemm(&PortableUnit, args);
        output
    }

    fn amx_in(&self, scratch: &mut GemmScratch) -> Vec<f32> {
        let (layer, mut output) = (self.layer(Cpu::Amx), self.output());
        layer.run(&self.input, &mut output, RowGroups::CONSECUTIVE, scratch);
        output
    }

    /// Each output, and how far from it one may be: that depends on the largest values of its row and of its column.
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
    fn the_product_is_that_of_the_floats(case in cases()) {
        for (index, (ours, (exact, within))) in case.portable().into_iter().zip(case.exact()).enumerate() {
            prop_assert!((f64::from(ours) - exact).abs() <= within, "{ours} for {exact} at {index}");
        }
    }

    #[test]
    fn amx_has_the_bits_of_the_reference_and_scratch_keeps_nothing(cases in prop::collection::vec(cases(), 1..4)) {
        let (mut portable_scratch, mut amx_scratch) = (GemmScratch::default(), GemmScratch::default());
        for case in cases {
            let portable = bits(&case.portable());
            prop_assert_eq!(&bits(&case.portable_in(&mut portable_scratch)), &portable);
            if Cpu::Amx.is_available() {
                prop_assert_eq!(bits(&case.amx_in(&mut amx_scratch)), portable);
            }
        }
    }

    #[test]
    fn three_digits_are_the_rounded_value(values in prop::array::uniform16(-LARGEST..LARGEST)) {
        for (digits, value) in digits(&PortableUnit, &values, &[1.0; TILE]).into_iter().zip(values) {
            let [low, middle, high, nothing] = digits.to_le_bytes().map(|byte| i32::from(byte as i8));
            prop_assert_eq!(high * 65536 + middle * 256 + low, value.round_ties_even() as i32);
            prop_assert_eq!(nothing, 0);
        }
    }

    #[test]
    fn the_largest_of_a_row_has_three_digits(largest in 0..=f32::MAX.to_bits()) {
        let Scale { factor, step } = Scale::from_largest(largest);
        prop_assert!((f32::from_bits(largest) * factor).round_ties_even() <= 0x7f_7f7f as f32);
        prop_assert!(step.is_normal());
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Rows of 256 inputs, half of them below zero, by 64 columns.
fn rows(rows: &[f32]) -> Case {
    let row = |largest: &f32| {
        (0..256).map(|k| largest * if k == 7 { 1.0 } else { (k % 5) as f32 / 8.0 - 0.25 }).collect::<Vec<_>>()
    };
    let weights = (0..256 * 64).map(|i| ((i * 7919) % 2001) as f32 / 1000.0 - 1.0).collect();
    Case {
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
    let case = Case { bias: vec![0.0; 64], ..rows(&sizes) };
    for ((ours, (exact, within)), size) in
        case.portable().iter().zip(case.exact()).zip(sizes.iter().flat_map(|size| [size; 64]))
    {
        assert!((f64::from(*ours) - exact).abs() <= within, "{ours} for {exact} of {size}");
    }
}

#[test]
fn rows_of_denormals_are_zero() {
    for size in [1e-38, 1e-45] {
        assert!(rows(&[size; 6]).portable().iter().all(|&value| value == 0.5));
    }
}

#[test]
fn infinity_and_nan_stay_in_their_row() {
    for relu in [false, true] {
        let whole = Case { relu, ..rows(&[1.0; 6]) };
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut case = Case { relu, ..rows(&[1.0; 6]) };
            case.input[2 * 256 + 9] = value;
            let mut runs = vec![case.portable()];
            if Cpu::Amx.is_available() {
                runs.push(case.amx_in(&mut GemmScratch::default()));
            }
            for outputs in runs {
                check_rows(&outputs, &whole.portable(), relu);
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
fn infinite_weights_and_part_tiles_are_refused() {
    let pack = |case: &Case, k| Weights::pack(&PortableUnit, WeightRows::new(k, 64, case.rows().take(k)));
    assert!(pack(&rows(&[1.0; 6]), 192).is_some());
    assert!(pack(&rows(&[1.0; 6]), 200).is_none());
    for value in [f32::NAN, f32::INFINITY] {
        let mut case = rows(&[1.0; 6]);
        case.weights[1000] = value;
        assert!(pack(&case, 256).is_none());
    }
}
