//! Laughs as people count them, for programs that show many days: counts of days, pages of laughs, one laugh.
//!
//! The databases answer a few plain questions ([`LaughReader`]); what a laugh is and which review it has is decided here,
//! once for both, by the functions that also decide it for a day (`calendar::merged`, `review_rows::attach`).
//!
//! Invariant: no question reads more than its answer needs: the rows of a span of time by an index, the reviews of a
//! source, the recordings at the edges of which a laugh is split.

pub mod columns;
mod days;
mod page;
mod parts;

pub use days::each_day_count;
pub use page::{laugh, page};

use std::time::Duration;

use jiff::Timestamp;

use super::StoreError;
use super::columns::{DetectionRow, ReviewRow};
use super::found::{FoundRecording, Numbered};
use super::review_rows::Reviewable;
use crate::calendar::{EDGE, Span};
use crate::domain::{LaughCursor, LaughOrder, Review, Window};

/// What each database answers; the times of rows are those of `starts_at`.
pub trait LaughReader {
    /// The number and the total length of the rows of each of these spans.
    fn span_counts(&mut self, source: &str, spans: &[Span]) -> Result<Vec<SpanCount>, StoreError>;

    /// Recordings with a row that starts where its recording starts.
    fn recordings_cut_at_start(&mut self, source: &str, span: &Span) -> Result<Vec<i64>, StoreError>;

    /// The rows at an edge of these recordings, in order of recordings and time, with the recording of each.
    fn edge_rows(&mut self, recordings: &[i64]) -> Result<Vec<(i64, Numbered<DetectionRow>)>, StoreError>;

    /// Reviews with the rows that they overlap.
    fn reviewed_rows(&mut self, scope: &ReviewScope) -> Result<Vec<ReviewedRow>, StoreError>;

    /// The next rows in an order.
    fn next_rows(&mut self, wanted: &RowSelection) -> Result<Vec<LaughRow>, StoreError>;

    fn rows_by_id(&mut self, ids: &[i64]) -> Result<Vec<LaughRow>, StoreError>;

    fn rows_of_recordings(&mut self, recordings: &[i64]) -> Result<Vec<LaughRow>, StoreError>;

    /// Number and name of each recording.
    fn names(&mut self, source: &str) -> Result<Vec<(i64, String)>, StoreError>;

    /// Rows with their recordings.
    fn full_rows(&mut self, ids: &[i64]) -> Result<Vec<(FoundRecording, Numbered<DetectionRow>)>, StoreError>;

    /// A text that is another one after anything was stored, changed or removed. Texts of one reader can be compared;
    /// those of two readers say nothing.
    fn change_token(&mut self) -> Result<String, StoreError>;
}

/// How many rows start in a span.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SpanCount {
    pub rows: u64,
    pub seconds: f64,
}

/// Of which rows to read the reviews.
#[derive(Debug, Clone, Copy)]
pub enum ReviewScope<'a> {
    /// Rows of these recordings.
    Recordings(&'a [i64]),
    /// Rows of a source that start in a window.
    Source(&'a str, Window),
}

/// A review, and a row that it overlaps.
#[derive(Debug, Clone)]
pub struct ReviewedRow {
    pub recording: i64,
    pub row: ReviewTarget,
    pub review: ReviewRow,
}

/// A row that may have a review.
#[derive(Debug, Clone)]
pub struct ReviewTarget {
    pub id: i64,
    pub starts: Timestamp,
    pub start: Duration,
    pub end: Duration,
    pub review: Option<Review>,
}

impl Reviewable for ReviewTarget {
    fn span(&self) -> (Duration, Duration) {
        (self.start, self.end)
    }

    fn set_review(&mut self, review: Review) {
        self.review = Some(review);
    }
}

/// Which rows come next.
#[derive(Debug, Clone)]
pub struct RowSelection<'a> {
    pub source: &'a str,
    pub window: Window,
    pub order: LaughOrder,
    /// Read the window by time and sort it, instead of walking down the scores: for windows of a few days.
    pub is_short: bool,
    pub after: Option<LaughCursor>,
    pub class: Option<u16>,
    /// Lowest score.
    pub score: f64,
    pub limit: usize,
}

/// What is needed of a row to decide whether it is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct LaughRow {
    pub id: i64,
    pub recording: i64,
    pub source: String,
    pub starts: Timestamp,
    pub start: f64,
    pub end: f64,
    pub peak: f64,
    pub class: i32,
    /// Of its recording.
    pub duration: f64,
}

impl LaughRow {
    /// Whether it may be a part of a laugh that is split across recordings.
    fn is_at_an_edge(&self) -> bool {
        let edge = EDGE.as_secs_f64() + 1e-6;
        self.start <= edge || self.end + edge >= self.duration
    }

    fn cursor(&self, order: LaughOrder) -> LaughCursor {
        match order {
            LaughOrder::Oldest | LaughOrder::Newest => LaughCursor::Start { at: self.starts, id: self.id },
            LaughOrder::Best => LaughCursor::Score { peak: self.peak, id: self.id },
        }
    }

    /// Sorts rows in an order.
    fn compare(&self, other: &LaughRow, order: LaughOrder) -> std::cmp::Ordering {
        match order {
            LaughOrder::Oldest => (self.starts, self.id).cmp(&(other.starts, other.id)),
            LaughOrder::Newest => (other.starts, other.id).cmp(&(self.starts, self.id)),
            LaughOrder::Best => other.peak.total_cmp(&self.peak).then(other.id.cmp(&self.id)),
        }
    }

    fn is_after(&self, cursor: &LaughCursor, order: LaughOrder) -> bool {
        match (cursor, order) {
            (LaughCursor::Start { at, id }, LaughOrder::Oldest) => (self.starts, self.id) > (*at, *id),
            (LaughCursor::Start { at, id }, LaughOrder::Newest) => (self.starts, self.id) < (*at, *id),
            (LaughCursor::Score { peak, id }, LaughOrder::Best) => {
                self.peak.total_cmp(peak).then(self.id.cmp(id)).is_lt()
            }
            _ => false,
        }
    }
}
