//! The matrix product in whole numbers, for a CPU that multiplies tiles of bytes.
//!
//! A float is taken as its share of the largest in its row (inputs) or column (weights), rounded to a whole number
//! of 23 bits and a sign, and written as three digits of base 256. Of the nine products of two numbers' digits
//! the six of the highest places are summed, in one integer for each place, whatever their order; the other three are left
//! out. Digits are balanced, -128 to 127, so that what is left out is as often above zero as below: of n inputs at
//! most n * 2^-23 of the largest input times the largest weight, and mostly about sqrt(n) * 3e-8 of it. A sum of
//! floats loses as much, or several times less where one value is far larger than the rest of its row. It
//! is YAMNet that says whether that is enough: its scores are within 4e-6 of the reference's (tests/parity.rs).
//! (Rows and columns scaled and cut into slices for integer units: Ootomo, Ozaki, Yokota, "DGEMM on integer matrix
//! multiplication unit", 2024.)
//!
//! Invariant: plain safe code but for what a [`MatrixUnit`] does, and a row's outputs depend on that row alone.

use super::Pointwise;
use super::pointwise::Rows;

/// Rows of inputs, or columns of weights, in a tile.
pub(super) const SIDE: usize = 16;
/// Inputs that a tile goes over: four bytes for each of [`SIDE`].
pub(super) const DEPTH: usize = 4 * SIDE;
/// Digits of a number.
const DIGITS: usize = 3;
/// A little less than the largest number of three balanced digits, 0x7f7f7f: rounding may not lead beyond.
const LARGEST: f32 = 8_355_000.0;
/// A row or column whose largest is less is taken as if it had this: `LARGEST / LEAST` must be finite and
/// `LEAST / LARGEST` a normal float.
const LEAST: f32 = 1e-30;
/// Beyond as many inputs the sums of three products of digits, 2^14 each, might not fit.
const MOST_INPUTS: usize = i32::MAX as usize / (3 << 14);

/// What a CPU must have for it. Who has one may use it.
pub(super) trait MatrixUnit {
    /// The nearest whole numbers, even ones where two are as near. NaN, and what is too large, gives any.
    fn rounded(&self, values: [f32; SIDE]) -> [i32; SIDE];
    /// The sums over all of some rows by some columns, tiles of the same inputs.
    fn multiply(&self, rows: &[Tiles], columns: &[Tiles], sums: &mut Sums);
}

/// [`DEPTH`] digits of each of [`SIDE`] rows or columns, for each place, the highest first.
///
/// Four bytes are the digits of inputs i, i + 16, i + 32 and i + 48. Of inputs [rows, i], of weights [i, columns].
#[derive(Clone)]
#[repr(C, align(64))]
pub(super) struct Tiles(pub(super) [[[u32; SIDE]; SIDE]; DIGITS]);

/// Sums of products of digits, [rows, columns] for each place: those worth 2^32, 2^24 and 2^16.
#[repr(C, align(64))]
pub(super) struct Sums(pub(super) [[[i32; SIDE]; SIDE]; DIGITS]);

// A tile, and the sums of one place, are a KiB: AMX steps from one to the next.
const _: () = assert!(size_of::<Tiles>() == DIGITS << 10 && size_of::<Sums>() == DIGITS << 10);

impl Tiles {
    const ZERO: Tiles = Tiles([[[0; SIDE]; SIDE]; DIGITS]);
}

/// How the floats of a row or column become whole numbers.
#[derive(Clone, Copy)]
struct Scale {
    /// A float times this is a number.
    factor: f32,
    /// A number times this is a float. NaN where the largest is infinite or NaN, so that all outputs are: sums of floats
    /// would be infinite, some of them.
    step: f32,
}

impl Scale {
    /// `largest` as the bits of its absolute value, whose order knows infinity and NaN.
    #[inline(always)]
    fn of(largest: u32) -> Scale {
        let largest = f32::from_bits(largest);
        if largest.is_finite() {
            let largest = largest.max(LEAST);
            Scale { factor: LARGEST / largest, step: largest / LARGEST }
        } else {
            Scale { factor: 0.0, step: f32::NAN }
        }
    }
}

#[inline(always)]
fn absolute_bits(value: f32) -> u32 {
    value.to_bits() & 0x7fff_ffff
}

/// Numbers as their three digits, which are the low bytes.
#[inline(always)]
fn digits(unit: &impl MatrixUnit, values: &[f32; SIDE], factors: &[f32; SIDE]) -> [u32; SIDE] {
    let numbers = unit.rounded(std::array::from_fn(|i| values[i] * factors[i]));
    // A byte minus 128, taken as one with a sign, is that byte with its highest bit turned over.
    numbers.map(|number| (number.wrapping_add(0x80_8080) ^ 0x80_8080) as u32)
}

/// A place's digit of a number, as the `at`th byte of four.
#[inline(always)]
fn digit(digits: u32, place: usize, at: usize) -> u32 {
    (digits >> (8 * (DIGITS - 1 - place)) & 0xff) << (8 * at)
}

/// The weights of a layer.
pub(super) struct Weights {
    /// [outputs / 16, inputs / 64]
    tiles: Vec<Tiles>,
    /// The step of each column times 2^16, what the least of the sums counts in.
    steps: Vec<f32>,
}

impl Weights {
    /// None if the inputs make no whole tiles or too large sums, or a weight is infinite or NaN.
    #[inline(always)]
    pub(super) fn pack(
        unit: &impl MatrixUnit,
        rows: Rows<impl Iterator<Item = impl Iterator<Item = f32>> + Clone>,
    ) -> Option<Weights> {
        if !rows.count.is_multiple_of(DEPTH) || rows.count > MOST_INPUTS {
            return None;
        }
        let mut largest = Vec::new();
        rows.clone().each(|_, row| {
            largest.resize(row.len(), 0);
            largest.iter_mut().zip(row).for_each(|(largest, weight)| *largest = absolute_bits(*weight).max(*largest));
        });
        let scales: Vec<Scale> = largest.into_iter().map(Scale::of).collect();
        if scales.iter().any(|scale| scale.step.is_nan()) {
            return None;
        }
        let chunks = rows.count / DEPTH;
        let factors: Vec<f32> = scales.iter().map(|scale| scale.factor).collect();
        let mut tiles = vec![Tiles::ZERO; scales.len() / SIDE * chunks];
        rows.each(|input, row| {
            let (chunk, i, at) = (input / DEPTH, input % SIDE, input % DEPTH / SIDE);
            let panels = row.as_chunks().0.iter().zip(factors.as_chunks().0);
            for ((row, factors), tiles) in panels.zip(tiles.chunks_exact_mut(chunks)) {
                let digits = digits(unit, row, factors);
                for (place, tile) in tiles[chunk].0.iter_mut().enumerate() {
                    tile[i].iter_mut().zip(digits).for_each(|(four, digits)| *four |= digit(digits, place, at));
                }
            }
        });
        Some(Weights { tiles, steps: scales.iter().map(|scale| scale.step * 65536.0).collect() })
    }
}

/// The inputs of a layer, split anew in each run: room that a worker keeps.
#[derive(Default)]
pub(super) struct Inputs {
    /// [rows / 16, inputs / 64]. Rows that the last lacks are whatever was there.
    tiles: Vec<Tiles>,
    /// Of each row.
    steps: Vec<f32>,
}

impl Inputs {
    #[inline(always)]
    fn split(&mut self, unit: &impl MatrixUnit, inputs: usize, rows: &[f32]) {
        let chunks = inputs / DEPTH;
        let length = (rows.len() / inputs).div_ceil(SIDE) * chunks;
        if self.tiles.len() < length {
            self.tiles.resize(length, Tiles::ZERO);
        }
        self.steps.clear();
        for (index, row) in rows.chunks_exact(inputs).enumerate() {
            let mut largest = [0; SIDE];
            for values in row.as_chunks::<SIDE>().0 {
                largest = std::array::from_fn(|i| absolute_bits(values[i]).max(largest[i]));
            }
            let scale = Scale::of(largest.into_iter().fold(0, u32::max));
            self.steps.push(scale.step);
            let tiles = &mut self.tiles[index / SIDE * chunks..][..chunks];
            for (tiles, values) in tiles.iter_mut().zip(row.as_chunks::<DEPTH>().0) {
                let (quarters, _) = values.as_chunks();
                let digits: [_; 4] = std::array::from_fn(|at| digits(unit, &quarters[at], &[scale.factor; SIDE]));
                for (place, tile) in tiles.0.iter_mut().enumerate() {
                    tile[index % SIDE] =
                        std::array::from_fn(|i| (0..4).fold(0, |four, at| four | digit(digits[at][i], place, at)));
                }
            }
        }
    }
}

/// `input` [rows, inputs] to `output` [rows, outputs] of a layer.
#[inline(always)]
pub(super) fn pointwise(
    unit: &impl MatrixUnit,
    layer: &Pointwise,
    weights: &Weights,
    input: &[f32],
    output: &mut [f32],
    inputs: &mut Inputs,
) {
    inputs.split(unit, layer.inputs, input);
    let chunks = layer.inputs / DEPTH;
    let mut sums = Sums([[[0; SIDE]; SIDE]; DIGITS]);
    let (steps, _) = weights.steps.as_chunks();
    let (bias, _) = layer.bias.as_chunks();
    for (panel, columns) in weights.tiles.chunks_exact(chunks).enumerate() {
        let finish = Finish { steps: &steps[panel], bias: &bias[panel], relu: layer.relu };
        let groups = inputs.tiles.chunks_exact(chunks).zip(inputs.steps.chunks(SIDE));
        for ((rows, steps), output) in groups.zip(output.chunks_mut(SIDE * layer.outputs)) {
            unit.multiply(rows, columns, &mut sums);
            for (row, (step, output)) in steps.iter().zip(output.chunks_exact_mut(layer.outputs)).enumerate() {
                let (panels, _) = output.as_chunks_mut();
                finish.row(sums.0.each_ref().map(|place| &place[row]), *step, &mut panels[panel]);
            }
        }
    }
}

/// From sums to floats, in the columns of a panel.
struct Finish<'a> {
    steps: &'a [f32; SIDE],
    bias: &'a [f32; SIDE],
    relu: bool,
}

impl Finish<'_> {
    #[inline(always)]
    fn row(&self, [high, middle, low]: [&[i32; SIDE]; DIGITS], step: f32, output: &mut [f32; SIDE]) {
        for (i, output) in output.iter_mut().enumerate() {
            let lower = (middle[i] as f32).mul_add(256.0, low[i] as f32);
            let sum = (high[i] as f32).mul_add(65536.0, lower);
            // One step after the other: their product may be too small for a float.
            let value = (sum * self.steps[i]).mul_add(step, self.bias[i]);
            *output = if self.relu { value.max(0.0) } else { value };
        }
    }
}

#[cfg(test)]
mod tests;
