//! FLAC files: frames found by their checksums, whatever stands around them.
//!
//! symphonia's reader refuses a file for a cue sheet or a picture that makes no sense, and its decoder follows no change
//! of the channels; so frames are found here, and its decoder is begun anew where a frame is of another kind.
//!
//! Invariant: a frame is given only if both of its checksums are right.

mod decoder;
mod frames;
mod header;

pub use decoder::decoder;
pub use frames::open;
