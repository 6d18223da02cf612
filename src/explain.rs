//! Why a sound counts as a laugh, or why it does not: its decision value, the threshold, and the reviews that moved it.
//!
//! ```text
//! a detection: of the candidates that it overlaps, the one with the highest v'
//! reviews:     those that the stored personal score names, with what is stored of them now
//! ```
//!
//! Invariant: explains what is stored; computes no score.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::{
    Candidate, Neighbour, ReviewedSpan, RowSpan, ScoredCandidate, ScoredRecording, SpanId, StoredReview, Verdict,
};
use crate::error::Fatal;
use crate::personal::{LEAST_OF_EACH, LEAST_REVIEWS};
use crate::store::ScoreReader;

/// Why a sound counts, or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    pub id: SpanId,
    pub source: String,
    pub recording: String,
    /// None: the start of the recording is unknown.
    pub starts: Option<Timestamp>,
    pub start: Duration,
    pub end: Duration,
    /// Of the candidate that decides.
    pub candidate: Candidate,
    pub is_detected: bool,
    /// The onset threshold, logits.
    pub threshold: f32,
    pub personal: Personal,
    /// Reviews that the personal score compares with now.
    pub counts: ReviewCounts,
}

/// Confirmed and rejected reviews.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReviewCounts {
    pub confirmed: usize,
    pub rejected: usize,
}

impl ReviewCounts {
    /// How many reviews are missing to a personal score: of any verdict, confirmed, rejected.
    pub fn missing(&self) -> (usize, usize, usize) {
        let of_each = |count: usize| LEAST_OF_EACH.saturating_sub(count);
        let (confirmed, rejected) = (of_each(self.confirmed), of_each(self.rejected));
        let any = LEAST_REVIEWS.saturating_sub(self.confirmed + self.rejected);
        (any.max(confirmed + rejected), confirmed, rejected)
    }
}

/// What the reviews changed.
#[derive(Debug, Clone, PartialEq)]
pub enum Personal {
    /// The most similar confirmed and rejected stretches.
    Compared { confirmed: Vec<Similar>, rejected: Vec<Similar> },
    /// It was decided with `--no-personal`.
    Off,
    /// There are too few reviews.
    TooFew,
    /// The embedding of the sound is not stored.
    NoEmbedding,
    /// There are enough reviews now, but it was decided before.
    NotYet,
}

/// A reviewed stretch that sounds alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Similar {
    pub neighbour: Neighbour,
    /// None: the review is not stored any more.
    pub review: Option<ReviewedSpan>,
}

/// Explains a row. None: it is not stored, or it is stored without what decisions are made from.
///
/// # Errors
/// The database cannot be read.
pub fn explain(reader: &mut dyn ScoreReader, id: SpanId) -> Result<Option<Explanation>, Fatal> {
    let Some(span) = reader.row_span(id)? else { return Ok(None) };
    let Some(scored) = reader.scored(&[span.recording], true)?.pop() else { return Ok(None) };
    scored.check().map_err(Fatal::Failed)?;
    let Some(decisive) = decisive(&scored, id, &span).cloned() else { return Ok(None) };
    let evidence = reader.evidence(&scored.source)?.reviews;
    let count = |wanted| evidence.iter().filter(|(_, verdict, _)| *verdict == wanted).count();
    let counts = ReviewCounts { confirmed: count(Verdict::Confirmed), rejected: count(Verdict::Rejected) };
    let reviews = if decisive.candidate.personal.is_some() { reader.reviews(&scored.source)? } else { Vec::new() };
    let starts = scored.recording.started.and_then(|started| started.at.checked_add(span.start).ok());
    Ok(Some(Explanation {
        id,
        starts,
        start: span.start,
        end: span.end,
        is_detected: decisive.is_detected,
        threshold: scored.analysis.parameters.onset_threshold,
        personal: personal(&decisive.candidate, scored.analysis.parameters.personal, counts, &reviews),
        counts,
        candidate: decisive.candidate,
        source: scored.source,
        recording: scored.recording.name,
    }))
}

/// The candidate itself, or that of the detection with the highest v'; of equals, the first.
fn decisive<'a>(scored: &'a ScoredRecording, id: SpanId, span: &RowSpan) -> Option<&'a ScoredCandidate> {
    let candidates = scored.candidates.iter();
    match id {
        SpanId::Candidate(id) => candidates.into_iter().find(|one| one.id == id),
        SpanId::Detection(_) => candidates
            .rev()
            .filter(|one| one.candidate.start() < span.end && span.start < one.candidate.end())
            .max_by(|a, b| a.candidate.shifted_v().total_cmp(&b.candidate.shifted_v())),
    }
}

fn personal(candidate: &Candidate, is_on: bool, counts: ReviewCounts, reviews: &[StoredReview]) -> Personal {
    let similar = |neighbour: &Neighbour| Similar {
        neighbour: *neighbour,
        review: reviews.iter().find(|review| review.id == neighbour.review).map(|review| review.span.clone()),
    };
    match &candidate.personal {
        _ if !is_on => Personal::Off,
        Some(score) => Personal::Compared {
            confirmed: score.confirmed.iter().map(similar).collect(),
            rejected: score.rejected.iter().map(similar).collect(),
        },
        None if counts.missing().0 > 0 => Personal::TooFew,
        None if candidate.embedding.is_none() => Personal::NoEmbedding,
        None => Personal::NotYet,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_to_a_personal_score_is_counted() {
        let missing = |confirmed, rejected| ReviewCounts { confirmed, rejected }.missing();
        assert_eq!(missing(0, 0), (30, 10, 10));
        assert_eq!(missing(12, 3), (15, 0, 7));
        assert_eq!(missing(50, 3), (7, 0, 7));
        assert_eq!(missing(20, 10), (0, 0, 0));
    }
}
