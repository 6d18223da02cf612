//! Buffers of samples, which are used again.
//!
//! ```text
//! Buffer::default()   no memory
//! make_room()         a free buffer, if there is one; else a new one, of CAPACITY samples
//! drop                the buffer is free
//! ```
//!
//! Batches, stretches and views hold about a megabyte each, and are made on one thread and dropped on another. An allocator
//! with an arena a thread keeps such blocks, so that the process holds one for every thread that ever made one; glibc's
//! needed 25 MB more on eight threads.
//!
//! Invariant: there are never more buffers than were in use at one time. What a buffer held is gone.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use yamnet::{PREFERRED_BATCH, samples_in_patches};

/// Samples in a batch, and in the longest block that a decoder gives beyond its end. A buffer that needs more grows.
const CAPACITY: usize = samples_in_patches(PREFERRED_BATCH) + (1 << 16);

static FREE: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

/// Samples whose memory is used again.
#[derive(Debug, Default)]
pub struct Buffer(Vec<f32>);

impl Buffer {
    /// An empty buffer with the capacity of a batch.
    pub fn with_room() -> Buffer {
        let free = FREE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Buffer(free.unwrap_or_else(|| Vec::with_capacity(CAPACITY)))
    }

    /// Moves the samples to a buffer with the capacity of a batch, if they are not there yet.
    pub fn make_room(&mut self) {
        if self.0.capacity() < CAPACITY {
            let mut larger = Buffer::with_room();
            larger.extend_from_slice(&self.0);
            *self = larger;
        }
    }
}

impl From<Vec<f32>> for Buffer {
    fn from(samples: Vec<f32>) -> Buffer {
        Buffer(samples)
    }
}

impl Deref for Buffer {
    type Target = Vec<f32>;

    fn deref(&self) -> &Vec<f32> {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<f32> {
        &mut self.0
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // One that has grown beyond twice the capacity is of a file with unusual blocks, and not kept.
        if (CAPACITY..=2 * CAPACITY).contains(&self.0.capacity()) {
            self.0.clear();
            FREE.lock().unwrap_or_else(PoisonError::into_inner).push(std::mem::take(&mut self.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_that_is_used_again_is_empty() {
        for _ in 0..3 {
            let mut buffer = Buffer::with_room();
            assert!(buffer.is_empty() && buffer.capacity() >= CAPACITY);
            buffer.extend([1.0; 1000]);
        }
    }

    #[test]
    fn making_room_keeps_the_samples() {
        let mut buffer = Buffer::from(vec![1.0, 2.0]);
        buffer.make_room();
        assert!(buffer[..] == [1.0, 2.0] && buffer.capacity() >= CAPACITY);
    }
}
