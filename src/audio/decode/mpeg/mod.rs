//! Reads MPEG audio without a container: layers I, II and III (MP3).
//!
//! symphonia's reader and decoder do not support a change of channels, and decode mixed and short blocks incorrectly.
//! So this module finds the frames, and nanomp3 decodes them.
//!
//! Invariant: holds a few frames in memory.

mod decoder;
mod frames;
mod header;
mod info;
pub mod tags;

use super::sync::is_chain;

pub use decoder::decoder;
pub use frames::open;

/// Whether a file starts with MPEG audio frames, or with AAC in ADTS frames.
pub fn begins(bytes: &[u8]) -> bool {
    is_chain::<header::Header>(bytes) || is_chain::<super::adts::Header>(bytes)
}
