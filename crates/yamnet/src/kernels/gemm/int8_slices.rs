//! The GEMM in integers, for a CPU that multiplies tiles of int8.
//!
//! ```text
//! a'[i, p] = round(A[i, p] * L / max over p of |A[i, p]|),   b'[p, j] likewise by column,   L < 2^23
//! a' = a0 * 2^16 + a1 * 2^8 + a2,  b' likewise:  slices of int8 (balanced digits of base 256, -128..=127)
//! S0 = a0 b0,   S1 = a0 b1 + a1 b0,   S2 = a0 b2 + a1 b1 + a2 b0          (each summed over p in i32, exact)
//! C[i, j] = act((S0 * 2^32 + S1 * 2^24 + S2 * 2^16) * step_a[i] * step_b[j] + bias[j])
//! ```
//!
//! Of the nine products of slices the three of the lowest weight are left out. Balanced digits make their sum as often
//! positive as negative: of k inputs at most `k * 2^-23` of the largest input times the largest weight, and typically
//! `sqrt(k) * 3e-8` of it. A sum in f32 loses as much, or several times less where one value is far larger than the
//! rest of its row. Whether that is enough YAMNet decides: its scores are within 4e-6 of the reference's
//! (tests/parity.rs).
//!
//! Source: H. Ootomo, K. Ozaki, R. Yokota, "DGEMM on integer matrix multiplication unit", 2024 (the Ozaki scheme on
//! int8).
//!
//! Invariant: safe code but for a [`MatrixUnit`]'s own; a row's outputs depend on that row alone.

use super::{GemmArgs, WeightRows};

/// Rows of `A`, or columns of `B`, in a tile.
pub(super) const TILE: usize = 16;
/// Columns of `A`, or rows of `B`, in a tile: four bytes for each of [`TILE`].
pub(super) const TILE_K: usize = 4 * TILE;
/// Slices of a number.
const SLICES: usize = 3;
/// `L`: a little less than the largest number of three balanced digits, 0x7f7f7f, so that rounding does not exceed it.
const LARGEST: f32 = 8_355_000.0;
/// A row or column whose largest value is smaller is scaled as if it had this one: `LARGEST / LEAST` must be finite and
/// `LEAST / LARGEST` a normal float.
const LEAST: f32 = 1e-30;
/// With more inputs the sums of three products of slices, 2^14 each, might overflow.
const MAX_K: usize = i32::MAX as usize / (3 << 14);

/// What a CPU must have. Where a value of an implementation exists, its instructions may be used.
pub(super) trait MatrixUnit {
    /// Rounds to the nearest integer, half to even. NaN and values out of range give an unspecified integer.
    fn round(&self, values: [f32; TILE]) -> [i32; TILE];
    /// Writes the sums of a tile of `C`: products of tiles of rows and of columns, summed over all of them.
    fn multiply(&self, rows: &[Slices], columns: &[Slices], sums: &mut Sums);
}

/// Tiles of the three slices of [`TILE`] rows or columns, [`TILE_K`] values each; the highest slice first.
///
/// Four bytes are values p, p + 16, p + 32 and p + 48: of `A` `[row, p]`, of `B` `[p, column]`.
#[derive(Clone)]
#[repr(C, align(64))]
pub(super) struct Slices(pub(super) [[[u32; TILE]; TILE]; SLICES]);

/// `S0`, `S1` and `S2` of a tile of `C`.
#[repr(C, align(64))]
pub(super) struct Sums(pub(super) [[[i32; TILE]; TILE]; SLICES]);

// A tile of a slice, and one of the sums, is a KiB: AMX steps from one to the next.
const _: () = assert!(size_of::<Slices>() == SLICES << 10 && size_of::<Sums>() == SLICES << 10);

impl Slices {
    const ZERO: Slices = Slices([[[0; TILE]; TILE]; SLICES]);
}

/// Scale of a row or column.
#[derive(Clone, Copy)]
struct Scale {
    /// A float times this is an integer.
    factor: f32,
    /// An integer times this is a float. NaN where the largest value is infinite or NaN, so that all outputs are NaN
    /// (sums in f32 would be infinite, some of them).
    step: f32,
}

impl Scale {
    /// `largest` is the bits of the largest absolute value; as integers, bits order infinity and NaN above all numbers.
    #[inline(always)]
    fn from_largest(largest: u32) -> Scale {
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

/// Scaled and rounded values as their three digits, in the low bytes.
#[inline(always)]
fn digits(unit: &impl MatrixUnit, values: &[f32; TILE], factors: &[f32; TILE]) -> [u32; TILE] {
    let integers = unit.round(std::array::from_fn(|i| values[i] * factors[i]));
    // A byte minus 128, read as a signed one, is that byte with its highest bit flipped.
    integers.map(|integer| (integer.wrapping_add(0x80_8080) ^ 0x80_8080) as u32)
}

/// A slice's digit, moved to the `at`th byte of four.
#[inline(always)]
fn digit(digits: u32, slice: usize, at: usize) -> u32 {
    (digits >> (8 * (SLICES - 1 - slice)) & 0xff) << (8 * at)
}

/// `B` in slices.
pub(super) struct Weights {
    /// `[n / 16, k / 64]`
    tiles: Vec<Slices>,
    /// The step of each column times 2^16, the weight of `S2`.
    steps: Vec<f32>,
}

impl Weights {
    /// None if `k` is not a multiple of [`TILE_K`] or is too large for the sums, or if a weight is infinite or NaN.
    #[inline(always)]
    pub(super) fn pack(
        unit: &impl MatrixUnit,
        rows: WeightRows<impl Iterator<Item = impl Iterator<Item = f32>> + Clone>,
    ) -> Option<Weights> {
        if !rows.k.is_multiple_of(TILE_K) || rows.k > MAX_K {
            return None;
        }
        let mut largest = Vec::new();
        rows.clone().for_each(|_, row| {
            largest.resize(row.len(), 0);
            largest.iter_mut().zip(row).for_each(|(largest, weight)| *largest = absolute_bits(*weight).max(*largest));
        });
        let scales: Vec<Scale> = largest.into_iter().map(Scale::from_largest).collect();
        if scales.iter().any(|scale| scale.step.is_nan()) {
            return None;
        }
        let k_tiles = rows.k / TILE_K;
        let factors: Vec<f32> = scales.iter().map(|scale| scale.factor).collect();
        let mut tiles = vec![Slices::ZERO; scales.len() / TILE * k_tiles];
        rows.for_each(|p, row| {
            let (k_tile, i, at) = (p / TILE_K, p % TILE, p % TILE_K / TILE);
            let panels = row.as_chunks().0.iter().zip(factors.as_chunks().0);
            for ((row, factors), tiles) in panels.zip(tiles.chunks_exact_mut(k_tiles)) {
                let digits = digits(unit, row, factors);
                for (slice, tile) in tiles[k_tile].0.iter_mut().enumerate() {
                    tile[i].iter_mut().zip(digits).for_each(|(four, digits)| *four |= digit(digits, slice, at));
                }
            }
        });
        Some(Weights { tiles, steps: scales.iter().map(|scale| scale.step * 65536.0).collect() })
    }
}

/// `A` in slices: computed anew in each run, in a buffer that is kept.
#[derive(Default)]
pub(super) struct Input {
    /// `[m / 16, k / 64]`. Rows that the last tiles lack have unspecified values.
    tiles: Vec<Slices>,
    /// Of each row.
    steps: Vec<f32>,
}

impl Input {
    #[inline(always)]
    fn slice(&mut self, unit: &impl MatrixUnit, k: usize, input: &[f32]) {
        let k_tiles = k / TILE_K;
        let length = (input.len() / k).div_ceil(TILE) * k_tiles;
        if self.tiles.len() < length {
            self.tiles.resize(length, Slices::ZERO);
        }
        self.steps.clear();
        for (index, row) in input.chunks_exact(k).enumerate() {
            let mut largest = [0; TILE];
            for values in row.as_chunks::<TILE>().0 {
                largest = std::array::from_fn(|i| absolute_bits(values[i]).max(largest[i]));
            }
            let scale = Scale::from_largest(largest.into_iter().fold(0, u32::max));
            self.steps.push(scale.step);
            let tiles = &mut self.tiles[index / TILE * k_tiles..][..k_tiles];
            for (tiles, values) in tiles.iter_mut().zip(row.as_chunks::<TILE_K>().0) {
                let (quarters, _) = values.as_chunks();
                let digits: [_; 4] = std::array::from_fn(|at| digits(unit, &quarters[at], &[scale.factor; TILE]));
                for (slice, tile) in tiles.0.iter_mut().enumerate() {
                    tile[index % TILE] =
                        std::array::from_fn(|i| (0..4).fold(0, |four, at| four | digit(digits[at][i], slice, at)));
                }
            }
        }
    }
}

#[inline(always)]
pub(super) fn gemm(unit: &impl MatrixUnit, args: GemmArgs<'_, Weights>) {
    let GemmArgs { weights, bias, relu, k, n, input, output, row_groups: _, scratch } = args;
    let sliced = &mut scratch.int8_input;
    sliced.slice(unit, k, input);
    let k_tiles = k / TILE_K;
    let mut sums = Sums([[[0; TILE]; TILE]; SLICES]);
    let (steps, _) = weights.steps.as_chunks();
    let (bias, _) = bias.as_chunks();
    for (panel, columns) in weights.tiles.chunks_exact(k_tiles).enumerate() {
        let epilogue = Epilogue { steps: &steps[panel], bias: &bias[panel], relu };
        let row_tiles = sliced.tiles.chunks_exact(k_tiles).zip(sliced.steps.chunks(TILE));
        for ((rows, steps), output) in row_tiles.zip(output.chunks_mut(TILE * n)) {
            unit.multiply(rows, columns, &mut sums);
            for (row, (step, output)) in steps.iter().zip(output.chunks_exact_mut(n)).enumerate() {
                let (panels, _) = output.as_chunks_mut();
                epilogue.row(sums.0.each_ref().map(|slice| &slice[row]), *step, &mut panels[panel]);
            }
        }
    }
}

/// From integer sums to the columns of a panel of `C`.
struct Epilogue<'a> {
    steps: &'a [f32; TILE],
    bias: &'a [f32; TILE],
    relu: bool,
}

impl Epilogue<'_> {
    #[inline(always)]
    fn row(&self, [s0, s1, s2]: [&[i32; TILE]; SLICES], step: f32, output: &mut [f32; TILE]) {
        for (i, output) in output.iter_mut().enumerate() {
            let lower = (s1[i] as f32).mul_add(256.0, s2[i] as f32);
            let sum = (s0[i] as f32).mul_add(65536.0, lower);
            // One step after the other: their product may be too small for a float.
            let value = (sum * self.steps[i]).mul_add(step, self.bias[i]);
            *output = if self.relu { value.max(0.0) } else { value };
        }
    }
}

#[cfg(test)]
mod tests;
