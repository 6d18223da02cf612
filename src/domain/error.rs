//! Errors of a single recording.
//!
//! Invariant: every message says what happened, where, and what to do. No message contains the file's name; the
//! caller prints the name in front of it.

use std::time::Duration;

use crate::text::position;

/// Why one recording could not be analyzed. The other recordings of the run are still analyzed.
///
/// The message says what happened, where, and what to do. It does not contain the file's name; the caller prints
/// the name in front of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordingError {
    #[error("cannot be read: {reason}; check its permissions and the disk")]
    Unreadable { reason: String },
    #[error("vanished after it was found; was the disk unmounted or the file moved?")]
    Vanished,
    #[error("was replaced or cut short while it was analyzed; the next run analyzes the new content")]
    Changed,
    #[error("is not a regular file ({what}); giggles reads files only")]
    NotAFile { what: String },
    #[error("is empty (0 bytes); the recorder wrote nothing into it")]
    Empty,
    #[error("holds no audio that giggles can decode: {what}")]
    Unsupported { what: String },
    #[error("could not be decoded by ffmpeg: {reason}; is it audio, and is ffmpeg up to date?")]
    Ffmpeg { reason: String },
    #[error("is damaged at {}: {reason}; if the recorder still has it, copy it again", position(.at))]
    Corrupt { reason: String, at: Duration },
    #[error("ends too early, at {}: {reason}; if the recorder still has it, copy it again", position(.at))]
    Truncated { reason: String, at: Duration },
    #[error("made giggles panic ({message}); this is a bug, please report it with the file")]
    Panicked { message: String },
}

impl RecordingError {
    /// The stable identifier of this error in the database and for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            RecordingError::Unreadable { .. } => "unreadable",
            RecordingError::Vanished => "vanished",
            RecordingError::Changed => "changed",
            RecordingError::NotAFile { .. } => "not_a_file",
            RecordingError::Empty => "empty",
            RecordingError::Unsupported { .. } => "unsupported",
            RecordingError::Ffmpeg { .. } => "ffmpeg",
            RecordingError::Corrupt { .. } => "corrupt",
            RecordingError::Truncated { .. } => "truncated",
            RecordingError::Panicked { .. } => "panicked",
        }
    }

    /// Values of `kind` for errors that depend on the content or on the type of the file only. Another run of the
    /// same version fails again; the other kinds are temporary.
    pub const PERMANENT: [&'static str; 6] = ["not_a_file", "empty", "unsupported", "corrupt", "truncated", "panicked"];

    /// Offset up to which the recording could be decoded, if known.
    pub fn position(&self) -> Option<Duration> {
        match self {
            RecordingError::Corrupt { at, .. } | RecordingError::Truncated { at, .. } => Some(*at),
            _ => None,
        }
    }
}
