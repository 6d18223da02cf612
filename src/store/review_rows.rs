//! Reviews of laughs: how they are stored, and which detection a review belongs to once its recording is analyzed
//! again.
//!
//! A review refers to a span of audio: a source, a recording's content, two offsets. It has no foreign key, so that it
//! survives a scan with new detection parameters, which replaces rows, and `prune`, which removes them. It belongs to
//! the detection that overlaps its span most; if a detection has several reviews, the latest applies. If a detection
//! was split, its review belongs to the longer part; if detections were merged, the latest of their reviews applies.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jiff::Timestamp;

use super::columns::{Bytes, ReviewRow, Row};
use super::found::duration;
use super::rows::{microseconds, stored_text};
use crate::domain::{Review, ReviewedSpan, StoredCandidate, StoredDetection, Verdict};

/// The result of an import of reviews.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportSummary {
    /// New, or different from what was stored.
    pub changed: u64,
    /// Superseded by a later review of the same span, stored or in the same import.
    pub older: u64,
    /// Without a stored detection. They are kept: their recording may be scanned later.
    pub unmatched: u64,
}

/// Which reviews the personal score no longer uses, or uses again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewReset {
    /// None: all sources.
    pub source: Option<String>,
    /// None: all reviews.
    pub before: Option<Timestamp>,
    pub is_personal: bool,
    /// Roll back.
    pub dry_run: bool,
}

/// The columns that identify a review.
pub const KEY: [&str; 4] = ["source", "content_sha256", "start_seconds", "end_seconds"];

/// The SQL that replaces a stored review by the new one, if that is later or has another content. `differs` is the
/// dialect's operator for values that differ or of which one is NULL. A new review counts for the personal score, also
/// if the old one was reset.
pub fn on_conflict(differs: &str) -> String {
    let others = ReviewRow::FIELDS.iter().filter(|field| !KEY.contains(field));
    let assignments: Vec<String> = others.map(|field| format!("{field} = excluded.{field}")).collect();
    format!(
        "ON CONFLICT ({}) DO UPDATE SET {}, is_personal = true
         WHERE excluded.reviewed_at > reviews.reviewed_at OR excluded.reviewed_at = reviews.reviewed_at
            AND (excluded.verdict {differs} reviews.verdict OR excluded.comment {differs} reviews.comment
                OR excluded.favourite <> reviews.favourite)",
        KEY.join(", "),
        assignments.join(", ")
    )
}

/// The number of distinct spans that these review.
pub fn distinct(reviews: &[ReviewedSpan]) -> u64 {
    rows(reviews).len() as u64
}

/// One row per span: the latest review; among equals, the last. Sorted by the table's key, so that two programs that
/// store reviews at the same time do not deadlock.
pub fn rows(reviews: &[ReviewedSpan]) -> Vec<ReviewRow> {
    let mut latest: HashMap<(&str, [u8; 32], Duration, Duration), &ReviewedSpan> = HashMap::new();
    for span in reviews {
        let one = latest.entry((&span.source, span.content.0, span.start, span.end)).or_insert(span);
        if span.review.at >= one.review.at {
            *one = span;
        }
    }
    let mut latest: Vec<_> = latest.into_iter().collect();
    latest.sort_by_key(|(key, _)| *key);
    latest.into_iter().map(|(_, span)| ReviewRow::from_span(span)).collect()
}

/// The embedding of a reviewed stretch that was computed from its audio, with the key of the review.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ReviewEmbedding {
    pub source: String,
    pub content_sha256: String,
    pub start_seconds: f64,
    pub end_seconds: f64,
    pub embedding: Bytes,
}

/// Those that the reviews bring along.
pub fn embeddings(reviews: &[ReviewedSpan]) -> Vec<ReviewEmbedding> {
    let embedding = |span: &ReviewedSpan| {
        Some(ReviewEmbedding {
            source: stored_text(&span.source),
            content_sha256: span.content.to_string(),
            start_seconds: span.start.as_secs_f64(),
            end_seconds: span.end.as_secs_f64(),
            embedding: Bytes(span.embedding.as_ref()?.to_bytes()),
        })
    };
    reviews.iter().filter_map(embedding).collect()
}

/// The contents that these rows review, of each source.
pub fn contents_by_source(rows: &[ReviewRow]) -> BTreeMap<&str, Vec<&str>> {
    let mut contents = BTreeMap::<&str, Vec<&str>>::new();
    for row in rows {
        contents.entry(&row.source).or_default().push(&row.content_sha256);
    }
    contents.values_mut().for_each(Vec::dedup);
    contents
}

impl ReviewRow {
    fn from_span(span: &ReviewedSpan) -> ReviewRow {
        ReviewRow {
            source: stored_text(&span.source),
            content_sha256: span.content.to_string(),
            start_seconds: span.start.as_secs_f64(),
            end_seconds: span.end.as_secs_f64(),
            recording: stored_text(&span.recording),
            starts_at: microseconds(span.starts),
            verdict: span.review.verdict.map(|verdict| verdict.as_str().into()),
            comment: span.review.comment.as_deref().map(stored_text),
            favourite: span.review.favourite,
            reviewed_at: microseconds(span.review.at),
        }
    }
}

/// A stretch of a recording that a review may belong to.
pub trait Reviewable {
    /// Offsets of its start and its end.
    fn span(&self) -> (Duration, Duration);

    fn set_review(&mut self, review: Review);
}

impl Reviewable for StoredDetection {
    fn span(&self) -> (Duration, Duration) {
        (self.detection.start, self.detection.end)
    }

    fn set_review(&mut self, review: Review) {
        self.review = Some(review);
    }
}

impl Reviewable for StoredCandidate {
    fn span(&self) -> (Duration, Duration) {
        (self.candidate.start(), self.candidate.end())
    }

    fn set_review(&mut self, review: Review) {
        self.review = Some(review);
    }
}

/// Attaches each review to the detection (or candidate) of its recording that overlaps its span most; among equals, the
/// first.
pub fn attach<T: Reviewable>(laughs: &mut [T], mut reviews: Vec<ReviewRow>) {
    reviews.sort_by_key(|review| review.reviewed_at);
    for review in reviews {
        let overlap = |laugh: &T| {
            let (start, end) = laugh.span();
            end.as_secs_f64().min(review.end_seconds) - start.as_secs_f64().max(review.start_seconds)
        };
        let nearest = laughs.iter_mut().rev().max_by(|a, b| overlap(a).total_cmp(&overlap(b)));
        if let Some(laugh) = nearest.filter(|laugh| overlap(laugh) > 0.0) {
            laugh.set_review(Review::from(review));
        }
    }
}

impl From<ReviewRow> for Review {
    fn from(row: ReviewRow) -> Review {
        let verdict = row.verdict.as_deref().and_then(Verdict::named);
        Review { verdict, comment: row.comment, favourite: row.favourite, at: row.reviewed_at }
    }
}

impl ReviewRow {
    /// None: another program wrote a content that is none.
    pub fn into_span(self) -> Option<ReviewedSpan> {
        Some(ReviewedSpan {
            source: self.source.clone(),
            recording: self.recording.clone(),
            content: self.content_sha256.parse().ok()?,
            start: duration(self.start_seconds),
            end: duration(self.end_seconds),
            starts: self.starts_at,
            embedding: None,
            review: self.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ContentHash, Detection};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn laugh(start: f64, end: f64) -> StoredDetection {
        let (start, end) = (Duration::from_secs_f64(start), Duration::from_secs_f64(end));
        let detection = Detection { start, end, peak: 0.9, mean: 0.6, class: 13, class_scores: [0.0; 6], clip: None };
        StoredDetection {
            id: 1,
            detection,
            starts: at(0),
            ends: at(9),
            local_date: jiff::civil::date(1970, 1, 1),
            review: None,
        }
    }

    fn review(start_seconds: f64, end_seconds: f64, second: i64) -> ReviewRow {
        let comment = Some(format!("comment at {second}"));
        ReviewRow { start_seconds, end_seconds, comment, reviewed_at: at(second), ..ReviewRow::default() }
    }

    /// The comment attached to each of these detections.
    fn comments(laughs: &[(f64, f64)], reviews: Vec<ReviewRow>) -> Vec<Option<String>> {
        let mut laughs: Vec<StoredDetection> = laughs.iter().map(|&(start, end)| laugh(start, end)).collect();
        attach(&mut laughs, reviews);
        laughs.into_iter().map(|laugh| laugh.review.and_then(|review| review.comment)).collect()
    }

    #[test]
    fn a_review_belongs_to_the_detection_that_overlaps_it_most() {
        let third = || Some("comment at 3".to_owned());
        assert_eq!(comments(&[(1.0, 2.0), (4.0, 9.0)], vec![review(1.0, 2.0, 3)]), [third(), None], "the same");
        assert_eq!(comments(&[(1.0, 2.0), (2.5, 9.0)], vec![review(1.5, 4.0, 3)]), [None, third()], "split");
        assert_eq!(comments(&[(0.0, 1.0), (1.0, 2.0)], vec![review(0.0, 2.0, 3)]), [third(), None], "split in halves");
        assert_eq!(comments(&[(1.0, 2.0)], vec![review(2.0, 4.0, 3)]), [None], "they only touch");
        assert_eq!(comments(&[], vec![review(2.0, 4.0, 3)]), []);
    }

    #[test]
    fn the_latest_of_several_reviews_of_one_detection_applies() {
        let reviews = || vec![review(1.0, 3.0, 7), review(4.0, 5.0, 8), review(1.0, 2.0, 3)];
        assert_eq!(comments(&[(1.0, 5.0)], reviews()), [Some("comment at 8".to_owned())]);
    }

    #[test]
    fn only_the_latest_review_of_a_span_is_stored_in_whatever_order_they_come() {
        let span = |start, second, comment: &str| ReviewedSpan {
            source: "neil".into(),
            recording: "a.ogg".into(),
            content: ContentHash([1; 32]),
            start: Duration::from_secs(start),
            end: Duration::from_secs(9),
            starts: at(start as i64),
            embedding: None,
            review: Review { verdict: None, comment: Some(comment.into()), favourite: false, at: at(second) },
        };
        let rows = rows(&[span(5, 8, "b"), span(1, 2, "a"), span(5, 7, "older"), span(1, 2, "again")]);
        assert_eq!(rows.iter().map(|row| row.comment.as_deref().unwrap()).collect::<Vec<_>>(), ["again", "b"]);
    }
}
