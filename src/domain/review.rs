//! Reviews of laughs: a verdict, a comment, or both.
//!
//! Invariant: a review belongs to a time span of a recording's content, not to a row, because rows are replaced when
//! a recording is analyzed again.

use std::time::Duration;

use jiff::Timestamp;

use super::{ContentHash, Embedding};

/// Whether the reviewer considers the detection a laugh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Confirmed,
    Rejected,
}

impl Verdict {
    /// As it is stored and exported.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Confirmed => "confirmed",
            Verdict::Rejected => "rejected",
        }
    }

    /// Reads what `as_str` writes.
    pub fn named(name: &str) -> Option<Verdict> {
        [Verdict::Confirmed, Verdict::Rejected].into_iter().find(|verdict| verdict.as_str() == name)
    }
}

/// A review. One with neither verdict nor comment withdraws the earlier review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    pub verdict: Option<Verdict>,
    pub comment: Option<String>,
    /// When it was made; the latest review of a laugh is valid.
    pub at: Timestamp,
}

/// A review and the time span that it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct ReviewedSpan {
    pub source: String,
    /// The recording's name at that time, for people; `content` identifies the recording.
    pub recording: String,
    pub content: ContentHash,
    /// Offsets from the recording's first sample; `start < end`.
    pub start: Duration,
    pub end: Duration,
    /// The instant of `start`.
    pub starts: Timestamp,
    /// Of the span, if it was computed from the audio; else the store takes that of the candidate there, if there is one.
    pub embedding: Option<Embedding>,
    pub review: Review,
}

/// A review as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredReview {
    /// The number that [`Neighbour::review`](super::Neighbour) refers to.
    pub id: i64,
    pub span: ReviewedSpan,
    /// Whether the personal score uses it; false after `giggles review reset`.
    pub is_personal: bool,
    /// Whether the embedding of its span is stored.
    pub has_embedding: bool,
}

/// What the personal score of a source compares with.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evidence {
    /// Number, verdict and embedding of the reviews that it uses, the latest first.
    pub reviews: Vec<(i64, Verdict, Embedding)>,
    /// Embeddings of the source's candidates in recordings that were first analyzed before the latest of these reviews,
    /// the latest first. New recordings therefore change nothing until somebody reviews again.
    pub reference: Vec<Embedding>,
}
