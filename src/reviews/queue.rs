//! What a person is asked to review: laughs without a verdict, and a few sounds that do not count.
//!
//! A laugh that spans recordings is asked about once, by its highest-scoring part.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::offered::{Unsure, unsure};
use crate::calendar::{MergedDetection, merged};
use crate::domain::{ContentHash, Review, ReviewedSpan, SpanId, Window};
use crate::error::Fatal;
use crate::store::{Reader, Selection};

/// A stretch of a recording to review.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// A candidate does not count as a laugh.
    pub id: SpanId,
    pub source: String,
    /// Name of the recording.
    pub recording: String,
    pub content: ContentHash,
    /// Offsets in the recording.
    pub start: Duration,
    pub end: Duration,
    pub starts: Timestamp,
    pub class: &'static str,
    /// 0 to 1, after the personal score.
    pub score: f32,
    /// Path of its clip below the clips folder.
    pub clip: Option<String>,
    /// The review that is stored.
    pub review: Option<Review>,
}

impl Item {
    pub fn is_counted(&self) -> bool {
        matches!(self.id, SpanId::Detection(_))
    }

    pub fn has_verdict(&self) -> bool {
        self.review.as_ref().is_some_and(|review| review.verdict.is_some())
    }

    /// The row that stores this review of it.
    pub fn reviewed(&self, review: Review) -> ReviewedSpan {
        ReviewedSpan {
            source: self.source.clone(),
            recording: self.recording.clone(),
            content: self.content,
            start: self.start,
            end: self.end,
            starts: self.starts,
            embedding: None,
            review,
        }
    }
}

/// Which stretches to ask about.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// None: all sources.
    pub source: Option<String>,
    /// Those that start in it.
    pub window: Window,
    /// Of calendar days.
    pub zone: TimeZone,
    /// Also laughs with a verdict.
    pub with_reviewed: bool,
}

/// The stretches to ask about, in order of time.
pub fn queue(reader: &mut dyn Reader, wanted: &Wanted) -> Result<Vec<Item>, Fatal> {
    let source = wanted.source.as_deref();
    let mut recordings = Vec::new();
    let selection = Selection { source, window: wanted.window, ..Selection::default() };
    reader.each_recording(&selection, &mut |recording| {
        recordings.push(recording);
        Ok(())
    })?;
    let mut items: Vec<Item> = merged(&recordings).iter().filter_map(laugh).collect();
    items.retain(|item| is_in(&wanted.window, item.starts) && (wanted.with_reviewed || !item.has_verdict()));
    items.extend(unsure(reader, source, &wanted.window, &wanted.zone)?.into_iter().map(Item::from));
    items.sort_by(|a, b| {
        (a.starts, &a.source, &a.recording, a.start).cmp(&(b.starts, &b.source, &b.recording, b.start))
    });
    Ok(items)
}

fn is_in(window: &Window, at: Timestamp) -> bool {
    window.from.is_none_or(|from| at >= from) && window.to.is_none_or(|to| at < to)
}

/// None: the content of its recording is unknown.
fn laugh(laugh: &MergedDetection<'_>) -> Option<Item> {
    let loudest = laugh.loudest();
    let (recording, row) = laugh.parts.iter().find(|(_, row)| std::ptr::eq(*row, loudest))?;
    Some(Item {
        id: SpanId::Detection(row.id),
        source: recording.source.clone(),
        recording: recording.name.clone(),
        content: recording.content?,
        start: row.detection.start,
        end: row.detection.end,
        starts: row.starts,
        class: row.detection.class_name(),
        score: row.detection.peak,
        clip: row.detection.clip.clone(),
        review: laugh.review().cloned(),
    })
}

impl From<Unsure> for Item {
    fn from(unsure: Unsure) -> Item {
        Item {
            class: unsure.class_name(),
            id: SpanId::Candidate(unsure.id),
            start: unsure.candidate.start(),
            end: unsure.candidate.end(),
            score: sigmoid(unsure.candidate.shifted_v()),
            source: unsure.source,
            recording: unsure.recording,
            content: unsure.content,
            starts: unsure.starts,
            clip: unsure.candidate.clip,
            review: None,
        }
    }
}

/// The score of a decision value.
pub fn sigmoid(v: f32) -> f32 {
    1.0 / (1.0 + (-v).exp())
}
