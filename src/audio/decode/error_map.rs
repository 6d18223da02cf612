//! Maps errors of libraries and of the system to `RecordingError`.
//!
//! Invariant: the regular end of a stream is not an error and is not mapped here.

use std::io;
use std::time::Duration;

use symphonia::core::errors::Error;

use crate::domain::RecordingError;
use crate::text::position;

/// Message for a file whose header is cut.
pub const SHORT: &str = "the file is shorter than its header says";

/// Message for a length or an offset that no file can have.
const NOWHERE: &str = "its header contains an offset that no file can have";

/// Maps an error of the file system.
pub fn io(error: &io::Error) -> RecordingError {
    match error.kind() {
        io::ErrorKind::NotFound => RecordingError::Vanished,
        io::ErrorKind::PermissionDenied => RecordingError::Unreadable { reason: "permission denied".into() },
        // From byte readers, not from the system: these errors have no OS error code.
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput if error.raw_os_error().is_none() => {
            truncated(SHORT, Duration::ZERO)
        }
        io::ErrorKind::InvalidData if error.raw_os_error().is_none() => corrupt(error.to_string(), Duration::ZERO),
        _ => RecordingError::Unreadable { reason: without_number(&error.to_string()) },
    }
}

/// Removes the error code: `Input/output error (os error 5)`.
fn without_number(reason: &str) -> String {
    reason.split_once(" (os error").map_or(reason, |(text, _)| text).to_owned()
}

/// Maps an error while reading or decoding packets; `at` is the offset up to which the recording was decoded.
pub fn reading(error: &Error, at: Duration) -> RecordingError {
    match error {
        error if is_end(error) => truncated("the file stops inside a packet", at),
        // A seek to an offset that no file can have.
        Error::IoError(error) if error.kind() == io::ErrorKind::InvalidInput => corrupt(NOWHERE, at),
        // Bit readers return I/O errors too; only those of the disk have an OS error code.
        Error::IoError(error) if error.raw_os_error().is_some() => io(error),
        Error::IoError(error) => corrupt(error.to_string(), at),
        Error::Unsupported(what) => RecordingError::Unsupported { what: plain(what) },
        Error::DecodeError(what) | Error::LimitError(what) => corrupt(plain(what), at),
        other => corrupt(plain(&other.to_string()), at),
    }
}

/// Maps an error while decoding a packet: an unexpected end here means the end of the packet, not of the file.
pub fn decoding(error: &Error, at: Duration) -> RecordingError {
    match error {
        error if is_end(error) => corrupt("a packet ends too early", at),
        // If packets were decoded before, the codec is supported and this packet is damaged. ADPCM is always supported.
        Error::Unsupported(what) if !at.is_zero() || what.starts_with("adpcm") => corrupt(plain(what), at),
        error => reading(error, at),
    }
}

/// Whether the file ended unexpectedly.
pub fn is_end(error: &Error) -> bool {
    matches!(error, Error::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof)
}

/// Maps an error while opening the file.
pub fn opening(error: &Error, first: &[u8]) -> RecordingError {
    match error {
        error if is_end(error) => match guess(first) {
            Some(what) => RecordingError::Unsupported { what: what.into() },
            None if is_audio(first) => truncated(SHORT, Duration::ZERO),
            None => unknown(first),
        },
        Error::Unsupported(what) if what.contains("(probe)") => unknown(first),
        other => reading(other, Duration::ZERO),
    }
}

pub fn corrupt(reason: impl Into<String>, at: Duration) -> RecordingError {
    RecordingError::Corrupt { reason: reason.into(), at }
}

pub fn truncated(reason: impl Into<String>, at: Duration) -> RecordingError {
    RecordingError::Truncated { reason: reason.into(), at }
}

pub fn unsupported(what: impl Into<String>) -> RecordingError {
    RecordingError::Unsupported { what: what.into() }
}

/// Formats a length as `0.06 s`, or as `1:02:03.4` from one minute on.
pub fn span(length: Duration) -> String {
    match length.as_secs() {
        0..60 => format!("{:.2} s", length.as_secs_f64()),
        _ => position(&length),
    }
}

fn unknown(first: &[u8]) -> RecordingError {
    let other = if is_audio(first) {
        "it starts like audio, but nothing after that can be decoded"
    } else {
        "its first bytes match no known audio format"
    };
    unsupported(guess(first).unwrap_or(other))
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
pub fn mistakable(first: &[u8]) -> Option<&'static str> {
    match first {
        [0, 0, 1, 0xBA, ..] => Some("it is an MPEG program stream, which is not supported; convert it to FLAC"),
        [0x7F, 0xFE, 0x80, 0x01, ..] => Some("it is DTS, which is not supported; convert it to FLAC"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', b' ', ..] => {
            Some("it is AVI, which is not supported; convert it to FLAC")
        }
        _ if is_transport_stream(first) => {
            Some("it is an MPEG transport stream, which is not supported; convert it to FLAC")
        }
        _ => None,
    }
}

/// Whether this is an MPEG transport stream: packets of 188 bytes, with a preceding four-byte timestamp on camcorders
/// (192), or with 16 bytes of error correction (204).
pub fn is_transport_stream(bytes: &[u8]) -> bool {
    let syncs = |start: usize, step: usize| (0..5).all(|packet| bytes.get(start + packet * step) == Some(&0x47));
    syncs(0, 188) || syncs(4, 192) || syncs(0, 204)
}

/// The message for a known format that is not supported or not audio.
fn guess(first: &[u8]) -> Option<&'static str> {
    const KNOWN: [(&[u8], &str); 14] = [
        (b"wvpk", "it is WavPack, which is not supported; convert it to FLAC"),
        (b"MAC ", "it is Monkey's Audio, which is not supported; convert it to FLAC"),
        (b"#!AMR", "it is AMR, which is not supported; convert it to WAV"),
        (b"\x30\x26\xB2\x75", "it is Windows Media, which is not supported; convert it to FLAC"),
        (b"DSD ", "it is DSD, which is not supported; convert it to FLAC"),
        (b"TTA1", "it is TrueAudio, which is not supported; convert it to FLAC"),
        (b"%PDF", "it is a PDF document"),
        (b"PK\x03\x04", "it is a ZIP archive"),
        (b"\x1F\x8B", "it is a gzip archive"),
        (b"\x89PNG", "it is a PNG picture"),
        (b"\xFF\xD8\xFF", "it is a JPEG picture"),
        (b"<", "it is a text (HTML or XML)"),
        (b"{", "it is a text (JSON)"),
        (b"SQLite format 3", "it is an SQLite database"),
    ];
    let known = KNOWN.iter().find(|(mark, _)| first.starts_with(mark)).map(|(_, what)| *what);
    let zeros = (!first.is_empty() && first.iter().all(|&byte| byte == 0)).then_some("it starts with zeros only");
    known.or(zeros)
}
