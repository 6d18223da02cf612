//! The columns that both databases read for laughs.

use super::{LaughRow, ReviewTarget, ReviewedRow, SpanCount};
use crate::store::columns::{Cells, Cursor, DetectionRow, ReviewRow, Row};
use crate::store::found::{FoundRecording, Numbered, duration, numbered, selected};

/// What [`laugh_row`] reads, from `detections`.
pub const LAUGH_ROW: &str = "detections.id, detections.recording_id, detections.source, detections.starts_at,
    detections.start_seconds, detections.end_seconds, detections.peak_score, detections.class_index,
    (SELECT duration_seconds FROM recordings WHERE recordings.id = detections.recording_id)";

pub fn laugh_row<C: Cells>(cells: &C) -> Result<LaughRow, C::Error> {
    let mut cells = Cursor::new(cells);
    Ok(LaughRow {
        id: cells.next()?,
        recording: cells.next()?,
        source: cells.next()?,
        starts: cells.next()?,
        start: cells.next()?,
        end: cells.next()?,
        peak: cells.next()?,
        class: cells.next()?,
        duration: cells.next::<Option<f64>>()?.unwrap_or_default(),
    })
}

/// What [`reviewed_row`] reads, from `reviews` and `detections`.
pub fn reviewed_columns() -> String {
    format!(
        "{}, detections.recording_id, detections.id, detections.starts_at, detections.start_seconds,
         detections.end_seconds",
        ReviewRow::selected()
    )
}

pub fn reviewed_row<C: Cells>(cells: &C) -> Result<ReviewedRow, C::Error> {
    let mut cells = Cursor::new(cells);
    let review = ReviewRow::read(&mut cells)?;
    let recording = cells.next()?;
    let (id, starts) = (cells.next()?, cells.next()?);
    let (start, end) = (duration(cells.next()?), duration(cells.next()?));
    Ok(ReviewedRow { recording, row: ReviewTarget { id, starts, start, end, review: None }, review })
}

/// What [`edge_row`] reads.
pub fn edge_columns() -> String {
    format!("{}, detections.recording_id", selected::<DetectionRow>())
}

pub fn edge_row<C: Cells>(cells: &C) -> Result<(i64, Numbered<DetectionRow>), C::Error> {
    let mut cells = Cursor::new(cells);
    let row = numbered(&mut cells)?;
    Ok((cells.next()?, row))
}

/// What [`full_row`] reads; `null` is the NULL of a timestamp.
pub fn full_columns(null: &str) -> String {
    format!("{}, {null}, {null}, {}", FoundRecording::selected(), selected::<DetectionRow>())
}

pub fn full_row<C: Cells>(cells: &C) -> Result<(FoundRecording, Numbered<DetectionRow>), C::Error> {
    let mut cells = Cursor::new(cells);
    Ok((FoundRecording::read(&mut cells)?, numbered(&mut cells)?))
}

pub fn span_count<C: Cells>(cells: &C, first: usize) -> Result<SpanCount, C::Error> {
    Ok(SpanCount { rows: cells.integer(first)?.cast_unsigned(), seconds: cells.real(first + 1)? })
}
