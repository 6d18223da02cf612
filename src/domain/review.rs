//! Reviews of laughs: a verdict, a comment, a mark as favourite, or several of them.
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

/// A review. One without verdict, comment and mark withdraws the earlier review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    pub verdict: Option<Verdict>,
    pub comment: Option<String>,
    /// Marked by the reviewer to find it again.
    pub favourite: bool,
    /// When it was made; the latest review of a laugh is valid.
    pub at: Timestamp,
}

impl Review {
    /// The review that withdraws an earlier one.
    pub fn withdrawn(at: Timestamp) -> Review {
        Review { verdict: None, comment: None, favourite: false, at }
    }

    pub fn is_withdrawn(&self) -> bool {
        self.verdict.is_none() && self.comment.is_none() && !self.favourite
    }

    /// Whether the laugh does not count.
    pub fn is_rejected(&self) -> bool {
        self.verdict == Some(Verdict::Rejected)
    }

    /// Whether `prune` keeps the clip.
    pub fn keeps_clip(&self) -> bool {
        self.verdict == Some(Verdict::Confirmed) || self.favourite
    }
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

/// The last reviewed laughs of a source that are shown: a detection contains them.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct ShownVerdicts {
    pub source: String,
    /// How many have a verdict, at most [`ShownVerdicts::LAST`].
    pub reviewed: u64,
    pub rejected: u64,
}

impl ShownVerdicts {
    /// How many count, the latest.
    pub const LAST: u64 = 30;

    /// Whether so many are rejected that a higher threshold helps: more than a third.
    pub fn suggests_strict(&self) -> bool {
        self.reviewed >= ShownVerdicts::LAST && self.rejected * 3 > self.reviewed
    }

    /// What to do, for people; None if there is no reason.
    pub fn advice(&self) -> Option<String> {
        let ShownVerdicts { source, reviewed, rejected } = self;
        self.suggests_strict().then(|| {
            format!(
                "source {source}: {rejected} of the last {reviewed} reviewed laughs are rejected; \
                 --threshold strict shows fewer sounds that are no laughs"
            )
        })
    }
}

/// The part of a recording that a row is about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RowSpan {
    /// Number of the recording's row.
    pub recording: i64,
    pub start: Duration,
    pub end: Duration,
}

/// Number of a row about a part of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanId {
    Detection(i64),
    Candidate(i64),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_higher_threshold_is_suggested_if_more_than_a_third_of_thirty_are_rejected() {
        let of = |rejected, reviewed| ShownVerdicts { source: "neil".into(), reviewed, rejected };
        assert!(!of(10, 30).suggests_strict() && of(11, 30).suggests_strict());
        assert!(!of(29, 29).suggests_strict(), "too few to say");
        assert_eq!(of(10, 30).advice(), None);
        let advice = of(11, 30).advice().unwrap();
        assert!(advice.starts_with("source neil: 11 of the last 30 reviewed laughs are rejected; --threshold strict"));
    }
}
