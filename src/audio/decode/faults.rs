//! From what a library or the system says to what a person reads at seven in the morning.
//!
//! Invariant: the end of a stream is no fault; it never comes here.

use std::io;
use std::time::Duration;

use symphonia::core::errors::Error;

use crate::record::{RecordingError, position};

/// Of a file that cannot even be opened for want of bytes.
pub const SHORT: &str = "the file is shorter than its header says";

/// Of a length or an offset that no file can have.
const NOWHERE: &str = "its header points beyond all that a file can hold";

/// A fault of the file system.
pub fn io(error: &io::Error) -> RecordingError {
    match error.kind() {
        io::ErrorKind::NotFound => RecordingError::Vanished,
        io::ErrorKind::PermissionDenied => RecordingError::Unreadable { reason: "permission denied".into() },
        // Said by readers of bytes, not by the system: such errors have no number.
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput if error.raw_os_error().is_none() => {
            truncated(SHORT, Duration::ZERO)
        }
        io::ErrorKind::InvalidData if error.raw_os_error().is_none() => corrupt(error.to_string(), Duration::ZERO),
        _ => RecordingError::Unreadable { reason: without_number(&error.to_string()) },
    }
}

/// `Input/output error (os error 5)`: the number is for programmers.
fn without_number(reason: &str) -> String {
    reason.split_once(" (os error").map_or(reason, |(words, _)| words).to_owned()
}

/// A fault while packets were read or decoded; `at` is how far the recording could be heard.
pub fn reading(error: &Error, at: Duration) -> RecordingError {
    match error {
        error if is_end(error) => truncated("the file stops inside a packet", at),
        // Of a seek to where no file can reach.
        Error::IoError(error) if error.kind() == io::ErrorKind::InvalidInput => corrupt(NOWHERE, at),
        // Readers of bits speak of the system's errors, too; only the disk's have a number.
        Error::IoError(error) if error.raw_os_error().is_some() => io(error),
        Error::IoError(error) => corrupt(error.to_string(), at),
        Error::Unsupported(what) => RecordingError::Unsupported { what: plain(what) },
        Error::DecodeError(what) | Error::LimitError(what) => corrupt(plain(what), at),
        other => corrupt(plain(&other.to_string()), at),
    }
}

/// A fault of one packet's contents: that a decoder wants more bytes than the packet has says nothing of the file.
pub fn decoding(error: &Error, at: Duration) -> RecordingError {
    match error {
        error if is_end(error) => corrupt("a packet ends too early", at),
        // What was decoded before is supported: this packet is damaged. ADPCM has nothing that is not supported.
        Error::Unsupported(what) if !at.is_zero() || what.starts_with("adpcm") => corrupt(plain(what), at),
        error => reading(error, at),
    }
}

/// Whether the file ended where more should have come.
pub fn is_end(error: &Error) -> bool {
    matches!(error, Error::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof)
}

/// A fault while the file was opened, before anything could be heard.
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

/// `0.06 s`, or `1:02:03.4` from a minute on.
pub fn span(length: Duration) -> String {
    match length.as_secs() {
        0..60 => format!("{:.2} s", length.as_secs_f64()),
        _ => position(&length),
    }
}

fn unknown(first: &[u8]) -> RecordingError {
    let other = match is_audio(first) {
        true => "it begins as audio does, but nothing follows that can be decoded",
        false => "its first bytes are of no audio format known here",
    };
    unsupported(guess(first).unwrap_or(other))
}

/// `ogg: crc mismatch` and `common (opus): ...` are written for programmers; the part in front is dropped.
pub fn plain(message: &str) -> String {
    let (place, what) = message.split_once(": ").unwrap_or(("", message));
    match place.split(' ').next() {
        Some("") | None => what.to_string(),
        Some(format) => format!("{what} ({format})"),
    }
}

/// Beginnings that symphonia can open.
fn is_audio(first: &[u8]) -> bool {
    let marks: [&[u8]; 8] = [b"OggS", b"RIFF", b"RF64", b"fLaC", b"FORM", b"caff", b"ID3", b"\x1A\x45\xDF\xA3"];
    marks.iter().any(|mark| first.starts_with(mark)) || first.get(4..8) == Some(b"ftyp")
}

/// Whether a file begins as one does that is no audio, or audio that is not decoded.
pub fn is_known(first: &[u8]) -> bool {
    guess(first).is_some() && first.iter().any(|byte| *byte != 0)
}

/// What a file is whose bytes a reader here would take for frames of its own, or for a damaged file.
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

/// MPEG transport streams: packets of 188 bytes, with a time of four bytes in front on camcorders, or with 16 of error
/// correction behind them.
pub fn is_transport_stream(bytes: &[u8]) -> bool {
    let syncs = |start: usize, step: usize| (0..5).all(|packet| bytes.get(start + packet * step) == Some(&0x47));
    syncs(0, 188) || syncs(4, 192) || syncs(0, 204)
}

/// What a file seems to be that is not for us.
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
    let zeros = (!first.is_empty() && first.iter().all(|&byte| byte == 0)).then_some("it begins with zeros only");
    known.or(zeros)
}
