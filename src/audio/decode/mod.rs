//! Decodes a file to blocks of mono samples. The only module that uses symphonia.
//!
//! ```text
//! open::open -> Reader (packets of one track) -> Stream (decode, trim, fill gaps) -> Source::next_block (mono)
//! ```
//!
//! The end of a recording and a failure are different values: `Ok(false)` is returned only for a complete file. See
//! `Source::next_block` for what counts as complete.
//!
//! Invariant: memory is bounded by the longest packet, whatever a header claims. This module does not depend on the
//! network or its sampling rate, except that Opus is decoded to 16 kHz.

mod aac;
mod adts;
mod aiff;
mod au;
mod blocks;
mod caf;
mod codecs;
pub(super) mod error_map;
mod flac;
mod info;
mod isomp4;
mod matroska;
mod mix;
mod mkv;
mod mp4;
mod mpeg;
mod ogg;
mod open;
mod opus_lengths;
mod own;
mod packets;
mod panic_guard;
mod pcm;
mod source;
mod stream;
mod symphonia_texts;
mod sync;
mod track;
mod tracks;
mod view;
mod wav;
mod wav_metadata;

use std::path::Path;

use crate::domain::RecordingError;

pub(super) use self::error_map::is_transport_stream;
pub use self::info::Info;
pub(super) use self::mpeg::begins as begins_with_mpeg_frames;
pub use self::panic_guard::is_guarded;
pub use self::source::Source;
pub use self::tracks::Tracks;

/// Reads a recording's header. If it contains no duration, reads all packets without decoding them.
///
/// Errors: as `Source::open`. Errors after the header are found by the analysis.
pub fn probe(path: &Path) -> Result<Info, RecordingError> {
    let mut tracks = Tracks::open(path)?;
    let info = tracks.info();
    let duration = info.duration.or_else(|| tracks.walk());
    Ok(Info { duration, ..info })
}

/// Whether the end marker or length of the container has not been written (yet): an Ogg file without an end-of-stream
/// page, a WAV or WebM file without a length. False if the file cannot be opened.
pub fn is_open_ended(path: &Path) -> bool {
    open::open(path, 0).is_ok_and(|opened| opened.outline.is_open_ended())
}
