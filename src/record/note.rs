//! What a person said of a laugh: that it is one, that it is none, or words.
//!
//! Invariant: it is of a stretch of a recording's sound, not of a row, since rows are replaced when a recording is
//! heard again.

use std::time::Duration;

use jiff::Timestamp;

use super::ContentHash;

/// Whether somebody who listened takes it for a laugh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    Keep,
    Discard,
}

impl Judgement {
    /// As it is stored and exported.
    pub fn as_str(self) -> &'static str {
        match self {
            Judgement::Keep => "keep",
            Judgement::Discard => "discard",
        }
    }

    /// Reads what `as_str` writes.
    pub fn named(name: &str) -> Option<Judgement> {
        [Judgement::Keep, Judgement::Discard].into_iter().find(|judgement| judgement.as_str() == name)
    }
}

/// What was said. Neither verdict nor words: what was said before is taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub verdict: Option<Judgement>,
    pub words: Option<String>,
    /// When; of two notes on one laugh the later one holds.
    pub at: Timestamp,
}

/// A note, and what it is of.
#[derive(Debug, Clone, PartialEq)]
pub struct Noted {
    pub source: String,
    /// The recording's name then, for people; it is known by its content.
    pub recording: String,
    pub content: ContentHash,
    /// Offsets from the recording's first sample; `start < end`.
    pub start: Duration,
    pub end: Duration,
    /// The instant of `start`.
    pub starts: Timestamp,
    pub note: Note,
}
