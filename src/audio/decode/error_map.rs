//! Maps errors of libraries and of the system to `RecordingError`.
//!
//! Invariant: the regular end of a stream is not an error and is not mapped here.

use std::io;
use std::time::Duration;

use symphonia::core::codecs::audio::AudioCodecId;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_ADPCM_IMA_QT, CODEC_ID_ADPCM_IMA_WAV, CODEC_ID_ADPCM_MS};
use symphonia::core::errors::Error;

use super::symphonia_texts::NO_FORMAT;
use crate::domain::{Reason, RecordingError};
use crate::text::position;

/// Message for a file whose header is cut.
pub const SHORT: &str = "the file is shorter than its header says";

/// Codecs of which every file is supported.
const ADPCM: [AudioCodecId; 3] = [CODEC_ID_ADPCM_IMA_QT, CODEC_ID_ADPCM_IMA_WAV, CODEC_ID_ADPCM_MS];

/// Message for a length or an offset that no file can have.
const NOWHERE: &str = "its header contains an offset that no file can have";

/// A known format that is not supported. Its message says what it is; the type tells it from other refusals.
#[derive(Debug, thiserror::Error)]
#[error("{what}, which is not supported; convert it to {to}")]
pub struct ForeignFormat {
    /// `it is WavPack`
    pub what: String,
    /// The format to convert it to.
    to: &'static str,
}

/// A file whose format is unknown. It may be audio that ffmpeg can decode.
#[derive(Debug, thiserror::Error)]
#[error("its first bytes match no known audio format")]
pub struct UnknownFormat;

/// The reason for a known format that is not supported: `it is WavPack`.
pub fn foreign(what: impl Into<String>) -> Reason {
    convert(what, "FLAC")
}

/// Like [`foreign`], for a format that is best converted to another one.
pub fn convert(what: impl Into<String>, to: &'static str) -> Reason {
    Reason::wrap(ForeignFormat { what: what.into(), to })
}

/// Maps an error of the file system.
pub fn io(error: io::Error) -> RecordingError {
    match error.kind() {
        io::ErrorKind::NotFound => RecordingError::Vanished,
        io::ErrorKind::PermissionDenied => {
            RecordingError::Unreadable { reason: Reason::new("permission denied").caused_by(error) }
        }
        // From byte readers, not from the system: these errors have no OS error code.
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput if error.raw_os_error().is_none() => {
            truncated(Reason::new(SHORT).caused_by(error), Duration::ZERO)
        }
        io::ErrorKind::InvalidData if error.raw_os_error().is_none() => corrupt(Reason::wrap(error), Duration::ZERO),
        _ => RecordingError::Unreadable { reason: Reason::new(without_number(&error.to_string())).caused_by(error) },
    }
}

/// Removes the error code: `Input/output error (os error 5)`.
fn without_number(reason: &str) -> String {
    reason.split_once(" (os error").map_or(reason, |(text, _)| text).to_owned()
}

/// Maps an error while reading or decoding packets; `at` is the offset up to which the recording was decoded.
pub fn reading(error: Error, at: Duration) -> RecordingError {
    match error {
        error if is_end(&error) => truncated(Reason::new("the file stops inside a packet").caused_by(error), at),
        // A seek to an offset that no file can have.
        Error::IoError(error) if error.kind() == io::ErrorKind::InvalidInput => {
            corrupt(Reason::new(NOWHERE).caused_by(error), at)
        }
        // Bit readers return I/O errors too; only those of the disk have an OS error code.
        Error::IoError(error) if error.raw_os_error().is_some() => io(error),
        Error::IoError(error) => corrupt(Reason::wrap(error), at),
        Error::Unsupported(what) => unsupported(Reason::new(plain(what)).caused_by(error)),
        Error::DecodeError(what) | Error::LimitError(what) => corrupt(Reason::new(plain(what)).caused_by(error), at),
        other => corrupt(Reason::new(plain(&other.to_string())).caused_by(other), at),
    }
}

/// Maps an error while decoding a packet: an unexpected end here means the end of the packet, not of the file.
pub fn decoding(error: Error, codec: AudioCodecId, at: Duration) -> RecordingError {
    match error {
        error if is_end(&error) => corrupt(Reason::new("a packet ends too early").caused_by(error), at),
        // If packets were decoded before, the codec is supported and this packet is damaged. ADPCM is always supported.
        Error::Unsupported(what) if !at.is_zero() || ADPCM.contains(&codec) => {
            corrupt(Reason::new(plain(what)).caused_by(error), at)
        }
        error => reading(error, at),
    }
}

/// Whether the file ended unexpectedly.
pub fn is_end(error: &Error) -> bool {
    matches!(error, Error::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof)
}

/// Maps an error while opening the file.
pub fn opening(error: Error, first: &[u8]) -> RecordingError {
    match error {
        error if is_end(&error) => match guess(first) {
            Some(what) => unsupported(what),
            None if is_audio(first) => truncated(Reason::new(SHORT).caused_by(error), Duration::ZERO),
            None => unsupported(unknown(first)),
        },
        Error::Unsupported(text) if NO_FORMAT.is(text) => unsupported(unknown(first)),
        other => reading(other, Duration::ZERO),
    }
}

pub fn corrupt(reason: impl Into<Reason>, at: Duration) -> RecordingError {
    RecordingError::Corrupt { reason: reason.into(), at }
}

pub fn truncated(reason: impl Into<Reason>, at: Duration) -> RecordingError {
    RecordingError::Truncated { reason: reason.into(), at }
}

pub fn unsupported(what: impl Into<Reason>) -> RecordingError {
    RecordingError::Unsupported { what: what.into() }
}

/// Formats a length as `0.06 s`, or as `1:02:03.4` from one minute on.
pub fn span(length: Duration) -> String {
    match length.as_secs() {
        0..60 => format!("{:.2} s", length.as_secs_f64()),
        _ => position(&length),
    }
}

fn unknown(first: &[u8]) -> Reason {
    match guess(first) {
        Some(known) => known,
        None if is_audio(first) => "it starts like audio, but nothing after that can be decoded".into(),
        None => Reason::wrap(UnknownFormat),
    }
}

/// Moves the prefix of symphonia's messages to the end: `ogg: crc mismatch` becomes `crc mismatch (ogg)`.
pub fn plain(message: &str) -> String {
    let (place, what) = message.split_once(": ").unwrap_or(("", message));
    match place.split(' ').next() {
        Some("") | None => what.to_string(),
        Some(format) => format!("{what} ({format})"),
    }
}

/// Whether a file starts like one that symphonia can open.
fn is_audio(first: &[u8]) -> bool {
    let marks: [&[u8]; 8] = [b"OggS", b"RIFF", b"RF64", b"fLaC", b"FORM", b"caff", b"ID3", b"\x1A\x45\xDF\xA3"];
    marks.iter().any(|mark| first.starts_with(mark)) || first.get(4..8) == Some(b"ftyp")
}

/// Whether a file starts like a known format that is not supported or not audio.
pub fn is_known(first: &[u8]) -> bool {
    guess(first).is_some() && first.iter().any(|byte| *byte != 0)
}

/// The message for an unsupported format that a reader could mistake for its own or for a damaged file.
pub fn mistakable(first: &[u8]) -> Option<Reason> {
    let what = match first {
        [0, 0, 1, 0xBA, ..] => "it is an MPEG program stream",
        [0x7F, 0xFE, 0x80, 0x01, ..] => "it is DTS",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', b' ', ..] => "it is AVI",
        _ if is_transport_stream(first) => "it is an MPEG transport stream",
        _ => return None,
    };
    Some(foreign(what))
}

/// Whether this is an MPEG transport stream: packets of 188 bytes, with a preceding four-byte timestamp on camcorders
/// (192), or with 16 bytes of error correction (204).
pub fn is_transport_stream(bytes: &[u8]) -> bool {
    let syncs = |start: usize, step: usize| (0..5).all(|packet| bytes.get(start + packet * step) == Some(&0x47));
    syncs(0, 188) || syncs(4, 192) || syncs(0, 204)
}

/// The message for a known format that is not supported or not audio.
fn guess(first: &[u8]) -> Option<Reason> {
    const FOREIGN: [(&[u8], &str, &str); 6] = [
        (b"wvpk", "it is WavPack", "FLAC"),
        (b"MAC ", "it is Monkey's Audio", "FLAC"),
        (b"#!AMR", "it is AMR", "WAV"),
        (b"\x30\x26\xB2\x75", "it is Windows Media", "FLAC"),
        (b"DSD ", "it is DSD", "FLAC"),
        (b"TTA1", "it is TrueAudio", "FLAC"),
    ];
    const NOT_AUDIO: [(&[u8], &str); 8] = [
        (b"%PDF", "it is a PDF document"),
        (b"PK\x03\x04", "it is a ZIP archive"),
        (b"\x1F\x8B", "it is a gzip archive"),
        (b"\x89PNG", "it is a PNG picture"),
        (b"\xFF\xD8\xFF", "it is a JPEG picture"),
        (b"<", "it is a text (HTML or XML)"),
        (b"{", "it is a text (JSON)"),
        (b"SQLite format 3", "it is an SQLite database"),
    ];
    let foreign = FOREIGN.iter().find(|(mark, ..)| first.starts_with(mark)).map(|(_, what, to)| convert(*what, to));
    let not_audio = || NOT_AUDIO.iter().find(|(mark, _)| first.starts_with(mark)).map(|(_, what)| Reason::from(*what));
    let is_zero = !first.is_empty() && first.iter().all(|&byte| byte == 0);
    foreign.or_else(not_audio).or_else(|| is_zero.then(|| "it starts with zeros only".into()))
}
