//! Bare MPEG audio: MP3, and layers I and II.
//!
//! symphonia's reader and decoder follow no change of the channels, and decode mixed and short blocks wrong; so the
//! frames are found here, and nanomp3 decodes them.
//!
//! Invariant: needs no more than a few frames in memory.

mod decoder;
mod frames;
mod header;
mod info;
pub mod tags;

use super::sync::is_chain;

pub use decoder::decoder;
pub use frames::open;

/// Whether these are the first bytes of bare MPEG audio, or of AAC in ADTS frames.
pub fn begins(bytes: &[u8]) -> bool {
    is_chain::<header::Header>(bytes) || is_chain::<super::adts::Header>(bytes)
}
