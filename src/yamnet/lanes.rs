//! The same value of several frames, computed side by side.
//!
//! Invariant: what is in a lane depends on that lane alone, and is the same bits in every type of lanes: one
//! rounding for each operation.

use std::ops::{Add, Mul, Sub};

/// What a transform does with the same value of several frames.
pub trait Values:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Mul<f32, Output = Self>
{
    /// One value for all.
    fn splat(value: f32) -> Self;
    fn sqrt(self) -> Self;
}

/// The values of so many frames.
pub trait Lanes<const N: usize>: Values {
    fn load(values: &[f32; N]) -> Self;
    fn values(self) -> [f32; N];

    /// Lane j of value i becomes lane i of value j.
    #[inline(always)]
    fn transposed(rows: [Self; N]) -> [Self; N] {
        let (rows, mut columns) = (rows.map(Self::values), [[0.0; N]; N]);
        for (i, row) in rows.into_iter().enumerate() {
            for (column, value) in columns.iter_mut().zip(row) {
                column[i] = value;
            }
        }
        columns.map(|column| Self::load(&column))
    }
}

/// Plain safe code. Four are what every x86-64 and every 64-bit ARM adds with one instruction.
#[derive(Debug, Clone, Copy)]
#[repr(align(16))]
pub struct Plain<const N: usize>([f32; N]);

// Loops and `inline(always)`, since these are single instructions that must not become calls.
impl<const N: usize> Plain<N> {
    #[inline(always)]
    fn each(mut self, operation: impl Fn(f32) -> f32) -> Self {
        for value in &mut self.0 {
            *value = operation(*value);
        }
        self
    }

    #[inline(always)]
    fn with(mut self, other: Self, operation: impl Fn(f32, f32) -> f32) -> Self {
        for (value, other) in self.0.iter_mut().zip(other.0) {
            *value = operation(*value, other);
        }
        self
    }
}

impl<const N: usize> Values for Plain<N> {
    #[inline(always)]
    fn splat(value: f32) -> Self {
        Plain([value; N])
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        self.each(f32::sqrt)
    }
}

impl<const N: usize> Lanes<N> for Plain<N> {
    #[inline(always)]
    fn load(values: &[f32; N]) -> Self {
        Plain(*values)
    }

    #[inline(always)]
    fn values(self) -> [f32; N] {
        self.0
    }
}

impl<const N: usize> Add for Plain<N> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.with(other, |a, b| a + b)
    }
}

impl<const N: usize> Sub for Plain<N> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.with(other, |a, b| a - b)
    }
}

impl<const N: usize> Mul for Plain<N> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.with(other, |a, b| a * b)
    }
}

impl<const N: usize> Mul<f32> for Plain<N> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, factor: f32) -> Self {
        self.each(|value| value * factor)
    }
}
