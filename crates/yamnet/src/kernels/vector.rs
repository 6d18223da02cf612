//! The vector that the SIMD kernels are generic over.
//!
//! Invariant: no instructions here; `x86` and `neon` implement the trait.

#![allow(unsafe_code, reason = "unsafe functions that stand for intrinsics")]

/// A vector of f32 lanes.
///
/// # Safety
///
/// Every function needs a CPU with the vector's instructions; `load` and `store` need [`Self::LANES`] floats at the
/// pointer, of any alignment.
pub(super) unsafe trait Vector: Copy {
    const LANES: usize;
    /// Vector registers of the CPU.
    const REGISTERS: usize;
    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// `self * weight + sum`, rounded once.
    unsafe fn multiply_add(self, weight: Self, sum: Self) -> Self;
    unsafe fn relu(self) -> Self;
    /// Bitwise or.
    unsafe fn or(self, other: Self) -> Self;
    /// Writes `first` plus the indices of the lanes that are not zero, ascending, and returns how many there are.
    /// Writes up to [`Self::LANES`] numbers at the pointer, of which those behind the count are unspecified.
    unsafe fn compress_nonzero(self, first: u16, to: *mut u16) -> usize;
    /// Prefetches the cache line of an address, which need not be valid.
    fn prefetch(from: *const f32);
}

/// For each mask of lanes their indices, ascending; the rest of a row is unspecified.
pub(super) const fn lanes_in_mask<const LANES: usize, const MASKS: usize>() -> [[u16; LANES]; MASKS] {
    assert!(MASKS == 1 << LANES);
    let (mut table, mut mask) = ([[0; LANES]; MASKS], 0);
    while mask < MASKS {
        let (mut lane, mut count) = (0, 0);
        while lane < LANES {
            if mask >> lane & 1 == 1 {
                table[mask][count] = lane as u16;
                count += 1;
            }
            lane += 1;
        }
        mask += 1;
    }
    table
}
