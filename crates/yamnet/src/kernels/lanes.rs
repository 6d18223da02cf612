//! Vectors whose lanes are the same value of several frames, for the front end.
//!
//! A frame of the front end is one lane; an operation is done for all frames at once. `avx2_lanes` and `neon_lanes` have
//! the same with intrinsics. The front end is generic over the traits here, so that one source gives the same bits on every path.
//!
//! Invariant: a lane's value depends on that lane alone, and has the same bits in every implementation: one rounding
//! per operation, no fused multiply-add.

use std::ops::{Add, Mul, Sub};

/// Arithmetic on lanes, whatever their number.
pub(crate) trait Lanes:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Mul<f32, Output = Self>
{
    /// The same value in all lanes.
    fn splat(value: f32) -> Self;
    fn sqrt(self) -> Self;
}

/// A vector of `N` lanes that can be loaded, stored and transposed.
pub(crate) trait Transpose<const N: usize>: Lanes {
    fn load(values: &[f32; N]) -> Self;
    fn to_array(self) -> [f32; N];

    /// Lane j of vector i becomes lane i of vector j.
    #[inline(always)]
    fn transpose(rows: [Self; N]) -> [Self; N] {
        let (rows, mut columns) = (rows.map(Self::to_array), [[0.0; N]; N]);
        for (i, row) in rows.into_iter().enumerate() {
            for (column, value) in columns.iter_mut().zip(row) {
                column[i] = value;
            }
        }
        columns.map(|column| Self::load(&column))
    }
}

/// Work that has the same bits for any number of lanes. Everything in it is `inline(always)`: a function that is not
/// inlined is compiled for the baseline CPU.
pub(crate) trait LaneTask {
    type Output;
    fn run<V: Transpose<N>, const N: usize>(self) -> Self::Output;
}

/// Lanes in safe code. Every x86-64 and every 64-bit ARM adds four with one instruction.
#[derive(Debug, Clone, Copy)]
#[repr(align(16))]
pub(crate) struct PortableLanes<const N: usize>([f32; N]);

// Loops and `inline(always)`, since these are single instructions that must not become calls.
impl<const N: usize> PortableLanes<N> {
    #[inline(always)]
    fn map(mut self, operation: impl Fn(f32) -> f32) -> Self {
        for value in &mut self.0 {
            *value = operation(*value);
        }
        self
    }

    #[inline(always)]
    fn zip_with(mut self, other: Self, operation: impl Fn(f32, f32) -> f32) -> Self {
        for (value, other) in self.0.iter_mut().zip(other.0) {
            *value = operation(*value, other);
        }
        self
    }
}

impl<const N: usize> Lanes for PortableLanes<N> {
    #[inline(always)]
    fn splat(value: f32) -> Self {
        PortableLanes([value; N])
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        self.map(f32::sqrt)
    }
}

impl<const N: usize> Transpose<N> for PortableLanes<N> {
    #[inline(always)]
    fn load(values: &[f32; N]) -> Self {
        PortableLanes(*values)
    }

    #[inline(always)]
    fn to_array(self) -> [f32; N] {
        self.0
    }
}

impl<const N: usize> Add for PortableLanes<N> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip_with(other, |a, b| a + b)
    }
}

impl<const N: usize> Sub for PortableLanes<N> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip_with(other, |a, b| a - b)
    }
}

impl<const N: usize> Mul for PortableLanes<N> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip_with(other, |a, b| a * b)
    }
}

impl<const N: usize> Mul<f32> for PortableLanes<N> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, factor: f32) -> Self {
        self.map(|value| value * factor)
    }
}
