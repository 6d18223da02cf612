//! What is stored and the clips on the disk, kept in agreement and in bounds.
//!
//! Invariant: what is removed was listed first, and removed clips are forgotten by their rows, never the other way
//! round.

pub mod prune;
pub mod verify;
