//! What no bytes may do to giggles: a function a target, which panics where a promise is broken.
//!
//! libFuzzer runs them without end (`fuzz/`, by `scripts/fuzz.sh`); `cargo test` runs the same code on the seeds, on some thousands of mutations, and on all that was ever found (`tests/it/fuzz.rs`).

pub mod decode;
pub mod detection;
pub mod names;
pub mod opus;
pub mod repair;
pub mod seeds;

/// Takes numbers from bytes; zeros when they are used up.
pub struct Numbers<'a>(pub &'a [u8]);

impl Numbers<'_> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.byte())
    }

    pub fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    /// Up to `length` bytes as they are.
    pub fn piece(&mut self, length: usize) -> Vec<u8> {
        let (piece, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        piece.to_vec()
    }
}
