//! A buffer of floats that begins at a cache line.
//!
//! An AVX-512 vector is as long as a cache line. A vector across two lines costs two loads, and an allocator returns
//! any 4-byte aligned address: unaligned buffers cost a tenth of the network's time.
//!
//! Invariant: safe code; only speed depends on the alignment.

use std::ops::{Deref, DerefMut};

/// Floats in a cache line.
pub(crate) const CACHE_LINE_FLOATS: usize = 16;

/// A slice of floats at an address that is a multiple of 64.
#[derive(Default)]
pub(crate) struct AlignedBuffer {
    /// The allocation; the slice begins at its first whole cache line.
    allocation: Vec<f32>,
    start: usize,
    length: usize,
}

impl AlignedBuffer {
    pub(crate) fn zeros(length: usize) -> AlignedBuffer {
        let allocation = vec![0.0; length + CACHE_LINE_FLOATS - 1];
        let start = allocation.as_ptr().align_offset(CACHE_LINE_FLOATS * size_of::<f32>()).min(CACHE_LINE_FLOATS - 1);
        AlignedBuffer { allocation, start, length }
    }

    /// Makes the buffer at least `length` long. Its contents may be lost.
    pub(crate) fn grow(&mut self, length: usize) {
        if self.length < length {
            // Frees the old allocation before the new one is made.
            *self = AlignedBuffer::default();
            *self = AlignedBuffer::zeros(length);
        }
    }
}

impl From<&[f32]> for AlignedBuffer {
    fn from(values: &[f32]) -> AlignedBuffer {
        let mut buffer = AlignedBuffer::zeros(values.len());
        buffer.copy_from_slice(values);
        buffer
    }
}

impl Deref for AlignedBuffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.allocation[self.start..][..self.length]
    }
}

impl DerefMut for AlignedBuffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.allocation[self.start..][..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_of_any_length_begins_at_a_cache_line() {
        let mut buffer = AlignedBuffer::default();
        assert!(buffer.is_empty());
        for length in [1, 15, 16, 17, 1000, 100_000] {
            buffer.grow(length);
            assert_eq!((buffer.len(), buffer.as_ptr().addr() % 64), (length, 0));
        }
        assert_eq!(AlignedBuffer::from(&[1.0, 2.0][..])[..], [1.0, 2.0]);
    }
}
