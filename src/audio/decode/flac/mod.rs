//! Reads FLAC files: finds frames by their checksums, independently of other data in the file.
//!
//! symphonia's reader rejects a file with an invalid cue sheet or picture, and its decoder does not support a change of
//! channels. So this module finds the frames, and creates a new decoder when the parameters change.
//!
//! Invariant: a frame is returned only if both of its checksums are correct.

mod decoder;
mod frames;
mod header;

pub use decoder::decoder;
pub use frames::open;
