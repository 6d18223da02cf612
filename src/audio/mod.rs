//! From a folder to 16 kHz mono: which files, when they began, what they sound like.
//!
//! Invariant: this room does not know YAMNet; it hands out samples and times.

pub mod clock;
pub mod decode;
pub mod find;
pub mod level;
mod opus;
pub mod resample;
pub mod window;
pub mod zone;
