//! Errors of a single recording, and the reason that every error of giggles carries.
//!
//! Invariant: every message says what happened, where, and what to do. No message contains the file's name; the
//! caller prints the name in front of it.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::text::position;

type Shared = Arc<dyn Error + Send + Sync>;

/// Why something failed: the words for people, and the error that caused it, which code can match on.
///
/// Reasons with the same words are equal. Cheap to clone: outcomes are.
#[derive(Debug, Clone)]
pub struct Reason {
    message: Message,
    cause: Option<Shared>,
}

#[derive(Debug, Clone)]
enum Message {
    Text(Arc<str>),
    Error(Shared),
}

impl Reason {
    pub fn new(text: impl Into<Arc<str>>) -> Reason {
        Reason { message: Message::Text(text.into()), cause: None }
    }

    /// The message of an error that says everything itself. Its causes are kept.
    pub fn wrap(error: impl Error + Send + Sync + 'static) -> Reason {
        Reason { message: Message::Error(Arc::new(error)), cause: None }
    }

    /// Adds the cause of a message.
    pub fn caused_by(self, cause: impl Error + Send + Sync + 'static) -> Reason {
        Reason { cause: Some(Arc::new(cause)), ..self }
    }

    /// Other words for the same cause.
    pub fn reworded(&self, text: impl Into<Arc<str>>) -> Reason {
        let cause = self.cause.clone().or_else(|| self.error().cloned());
        Reason { message: Message::Text(text.into()), cause }
    }

    /// The message as an error of this type.
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        self.error()?.downcast_ref()
    }

    fn error(&self) -> Option<&Shared> {
        match &self.message {
            Message::Text(_) => None,
            Message::Error(error) => Some(error),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.message {
            Message::Text(text) => f.write_str(text),
            Message::Error(error) => error.fmt(f),
        }
    }
}

impl Error for Reason {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            Some(cause) => Some(&**cause),
            None => self.error()?.source(),
        }
    }
}

impl PartialEq for Reason {
    fn eq(&self, other: &Reason) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for Reason {}

impl From<String> for Reason {
    fn from(message: String) -> Reason {
        Reason::new(message)
    }
}

impl From<&str> for Reason {
    fn from(message: &str) -> Reason {
        Reason::new(message)
    }
}

/// Why one recording could not be analyzed. The other recordings of the run are still analyzed.
///
/// The message says what happened, where, and what to do. It does not contain the file's name; the caller prints
/// the name in front of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordingError {
    #[error("cannot be read: {reason}; check its permissions and the disk")]
    Unreadable {
        #[source]
        reason: Reason,
    },
    #[error("vanished after it was found; was the disk unmounted or the file moved?")]
    Vanished,
    #[error("was replaced or cut short while it was analyzed; the next run analyzes the new content")]
    Changed,
    #[error("is not a regular file ({what}); giggles reads files only")]
    NotAFile { what: String },
    #[error("is empty (0 bytes); the recorder wrote nothing into it")]
    Empty,
    #[error("holds no audio that giggles can decode: {what}")]
    Unsupported {
        #[source]
        what: Reason,
    },
    #[error("could not be decoded by ffmpeg: {reason}; is it audio, and is ffmpeg up to date?")]
    Ffmpeg {
        #[source]
        reason: Reason,
    },
    #[error("is damaged at {}: {reason}; if the recorder still has it, copy it again", position(.at))]
    Corrupt {
        #[source]
        reason: Reason,
        at: Duration,
    },
    #[error("ends too early, at {}: {reason}; if the recorder still has it, copy it again", position(.at))]
    Truncated {
        #[source]
        reason: Reason,
        at: Duration,
    },
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_keeps_its_cause_and_is_compared_by_its_words() {
        let denied = || std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let reason = Reason::new("it is closed").caused_by(denied());
        let error = RecordingError::Unreadable { reason: reason.clone() };
        assert_eq!(error, RecordingError::Unreadable { reason: "it is closed".into() });
        let kind = |error: &(dyn Error + 'static)| error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        let cause = error.source().and_then(Error::source).and_then(kind);
        assert_eq!(cause, Some(std::io::ErrorKind::PermissionDenied));
        let cause = reason.reworded("it is locked");
        assert_eq!((cause.to_string().as_str(), cause.source().and_then(kind).is_some()), ("it is locked", true));
        assert!(Reason::wrap(denied()).downcast_ref::<std::io::Error>().is_some());
    }
}
