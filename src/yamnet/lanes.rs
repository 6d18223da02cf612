//! The same value of several frames, computed side by side.
//!
//! Invariant: plain safe code; what is in a lane depends on that lane alone.

use std::ops::{Add, Mul, Neg, Sub};

/// Frames side by side: what every x86-64 and every 64-bit ARM adds with one instruction.
pub const LANES: usize = 4;

/// The same value of several frames.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[repr(align(16))]
pub struct Lanes(pub [f32; LANES]);

// Loops and `inline(always)`, since these are single instructions that must not become calls.
impl Lanes {
    #[inline(always)]
    fn each(mut self, operation: impl Fn(f32) -> f32) -> Lanes {
        for value in &mut self.0 {
            *value = operation(*value);
        }
        self
    }

    #[inline(always)]
    fn with(mut self, other: Lanes, operation: impl Fn(f32, f32) -> f32) -> Lanes {
        for (value, other) in self.0.iter_mut().zip(other.0) {
            *value = operation(*value, other);
        }
        self
    }

    #[inline(always)]
    pub fn square(self) -> Lanes {
        self.each(|value| value * value)
    }

    #[inline(always)]
    pub fn sqrt(self) -> Lanes {
        self.each(f32::sqrt)
    }
}

impl Add for Lanes {
    type Output = Lanes;
    #[inline(always)]
    fn add(self, other: Lanes) -> Lanes {
        self.with(other, |a, b| a + b)
    }
}

impl Sub for Lanes {
    type Output = Lanes;
    #[inline(always)]
    fn sub(self, other: Lanes) -> Lanes {
        self.with(other, |a, b| a - b)
    }
}

impl Mul<f32> for Lanes {
    type Output = Lanes;
    #[inline(always)]
    fn mul(self, factor: f32) -> Lanes {
        self.each(|value| value * factor)
    }
}

impl Neg for Lanes {
    type Output = Lanes;
    #[inline(always)]
    fn neg(self) -> Lanes {
        self.each(|value| -value)
    }
}
