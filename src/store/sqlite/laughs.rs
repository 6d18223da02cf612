//! Reads laughs for programs that show many days, in SQLite's dialect.

use std::sync::LazyLock;

use jiff::Timestamp;
use rusqlite::{Connection, named_params};

use super::statements::json;
use super::values::instant;
use crate::calendar::Span;
use crate::domain::{LaughCursor, LaughOrder, Window};
use crate::store::columns::DetectionRow;
use crate::store::found::{FoundRecording, Numbered};
use crate::store::laughs::columns::{
    LAUGH_ROW, edge_columns, edge_row, full_columns, full_row, laugh_row, reviewed_columns, reviewed_row, span_count,
};
use crate::store::laughs::{LaughRow, ReviewScope, ReviewedRow, RowSelection, SpanCount};

/// Reads only the index.
const SPAN: &str = "
    SELECT count(*), total(end_seconds - start_seconds) FROM detections INDEXED BY detections_in_order
    WHERE source = ?1 AND starts_at >= ?2 AND starts_at < ?3";
/// Reads only the index.
const CUT_AT_START: &str = "
    SELECT DISTINCT recording_id FROM detections INDEXED BY detections_at_start
    WHERE source = ?1 AND starts_at >= ?2 AND starts_at < ?3 AND start_seconds <= 0.96";
static EDGES: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {} FROM json_each(?1) CROSS JOIN recordings ON recordings.id = value
            CROSS JOIN detections ON detections.recording_id = recordings.id
         WHERE detections.start_seconds <= 0.96 OR detections.end_seconds + 0.961 >= recordings.duration_seconds
         ORDER BY value, detections.starts_at, detections.id",
        edge_columns()
    )
});
const OVERLAPS: &str = "detections.recording_id = recordings.id
    AND detections.end_seconds > reviews.start_seconds AND detections.start_seconds < reviews.end_seconds";
static REVIEWED_OF_RECORDINGS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {} FROM json_each(?1) CROSS JOIN recordings ON recordings.id = value
            CROSS JOIN reviews USING (source, content_sha256) CROSS JOIN detections ON {OVERLAPS}",
        reviewed_columns()
    )
});
static REVIEWED_OF_SOURCE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {} FROM reviews CROSS JOIN recordings USING (source, content_sha256)
            CROSS JOIN detections ON {OVERLAPS}
         WHERE reviews.source = ?1 AND (?3 IS NULL OR recordings.started_at < ?3)
            AND (?2 IS NULL OR unixepoch(recordings.started_at) + duration_seconds + 1 >= unixepoch(?2))",
        reviewed_columns()
    )
});
static BY_ID: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {LAUGH_ROW} FROM json_each(?1) CROSS JOIN detections ON detections.id = value"));
static OF_RECORDINGS: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT {LAUGH_ROW} FROM json_each(?1) CROSS JOIN detections ON detections.recording_id = value")
});
/// Reads only the index.
const NAMES: &str = "SELECT id, name FROM recordings INDEXED BY recordings_by_name WHERE source = ?1";
static FULL: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {} FROM json_each(?1) CROSS JOIN detections ON detections.id = value
            CROSS JOIN recordings ON recordings.id = detections.recording_id",
        full_columns("NULL")
    )
});

pub fn span_counts(connection: &Connection, source: &str, spans: &[Span]) -> rusqlite::Result<Vec<SpanCount>> {
    let mut statement = connection.prepare_cached(SPAN)?;
    let mut count =
        |span: &Span| statement.query_row((source, instant(span.from), instant(span.to)), |row| span_count(row, 0));
    spans.iter().map(&mut count).collect()
}

pub fn recordings_cut_at_start(connection: &Connection, source: &str, span: &Span) -> rusqlite::Result<Vec<i64>> {
    let mut statement = connection.prepare_cached(CUT_AT_START)?;
    statement.query_map((source, instant(span.from), instant(span.to)), |row| row.get(0))?.collect()
}

pub fn edge_rows(connection: &Connection, recordings: &[i64]) -> rusqlite::Result<Vec<(i64, Numbered<DetectionRow>)>> {
    let mut statement = connection.prepare_cached(&EDGES)?;
    statement.query_map([json(recordings)], |row| edge_row(row))?.collect()
}

pub fn reviewed_rows(connection: &Connection, scope: &ReviewScope) -> rusqlite::Result<Vec<ReviewedRow>> {
    match scope {
        ReviewScope::Recordings(recordings) => {
            let mut statement = connection.prepare_cached(&REVIEWED_OF_RECORDINGS)?;
            statement.query_map([json(recordings)], |row| reviewed_row(row))?.collect()
        }
        ReviewScope::Source(source, window) => {
            let mut statement = connection.prepare_cached(&REVIEWED_OF_SOURCE)?;
            let asked = (source, window.from.map(instant), window.to.map(instant));
            statement.query_map(asked, |row| reviewed_row(row))?.collect()
        }
    }
}

/// The ids are found first, in the index alone; then their rows are read.
fn select_next(order: LaughOrder, is_short: bool) -> String {
    const CONDITION: &str = "source = :source AND starts_at >= :from AND starts_at < :to
        AND (:class IS NULL OR class_index = :class) AND peak_score >= :score";
    let (index, after, sorted) = match order {
        LaughOrder::Oldest => ("detections_in_order", "(starts_at, id) > (:at, :id)", "starts_at, id"),
        LaughOrder::Newest => ("detections_in_order", "(starts_at, id) < (:at, :id)", "starts_at DESC, id DESC"),
        LaughOrder::Best if is_short => {
            ("detections_in_order", "(peak_score, id) < (:at, :id)", "peak_score DESC, id DESC")
        }
        LaughOrder::Best => ("detections_by_score", "(peak_score, id) < (:at, :id)", "peak_score DESC, id DESC"),
    };
    let qualified = sorted.replace("id", "detections.id").replace("starts_at", "detections.starts_at");
    format!(
        "SELECT {LAUGH_ROW} FROM (SELECT id AS wanted FROM detections INDEXED BY {index}
            WHERE {CONDITION} AND {after} ORDER BY {sorted} LIMIT :limit)
         CROSS JOIN detections ON detections.id = wanted ORDER BY {qualified}"
    )
}

pub fn next_rows(connection: &Connection, wanted: &RowSelection) -> rusqlite::Result<Vec<LaughRow>> {
    let (from, to) = bounds(&wanted.window, wanted);
    let (at, id) = place(wanted, &from, &to);
    let mut statement = connection.prepare_cached(&select_next(wanted.order, wanted.is_short))?;
    let asked = named_params! {
        ":source": wanted.source, ":from": from, ":to": to, ":class": wanted.class, ":score": wanted.score, ":at": at,
        ":id": id, ":limit": i64::try_from(wanted.limit).unwrap_or(i64::MAX),
    };
    statement.query_map(asked, |row| laugh_row(row))?.collect()
}

/// Sorts after every timestamp.
const LAST: &str = "~";

/// The window, from where the last page ended.
fn bounds(window: &Window, wanted: &RowSelection) -> (String, String) {
    let text = |at: Option<Timestamp>, open: &str| at.map_or_else(|| open.to_owned(), instant);
    let (from, to) = (text(window.from, ""), text(window.to, LAST));
    match (wanted.after, wanted.order) {
        (Some(LaughCursor::Start { at, .. }), LaughOrder::Oldest) => (from.max(instant(at)), to),
        // The bound itself is included by its id.
        (Some(LaughCursor::Start { at, .. }), LaughOrder::Newest) => (from, to.min(instant(at) + LAST)),
        _ => (from, to),
    }
}

/// What comes before the first row.
fn place(wanted: &RowSelection, from: &str, to: &str) -> (rusqlite::types::Value, i64) {
    match (wanted.after, wanted.order) {
        (Some(LaughCursor::Start { at, id }), _) => (instant(at).into(), id),
        (Some(LaughCursor::Score { peak, id }), _) => (peak.into(), id),
        (None, LaughOrder::Oldest) => (from.to_owned().into(), i64::MIN),
        (None, LaughOrder::Newest) => (to.to_owned().into(), i64::MIN),
        (None, LaughOrder::Best) => (2.0.into(), i64::MAX),
    }
}

pub fn rows_by_id(connection: &Connection, ids: &[i64]) -> rusqlite::Result<Vec<LaughRow>> {
    connection.prepare_cached(&BY_ID)?.query_map([json(ids)], |row| laugh_row(row))?.collect()
}

pub fn rows_of_recordings(connection: &Connection, recordings: &[i64]) -> rusqlite::Result<Vec<LaughRow>> {
    connection.prepare_cached(&OF_RECORDINGS)?.query_map([json(recordings)], |row| laugh_row(row))?.collect()
}

pub fn names(connection: &Connection, source: &str) -> rusqlite::Result<Vec<(i64, String)>> {
    connection.prepare_cached(NAMES)?.query_map([source], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

pub fn full_rows(
    connection: &Connection,
    ids: &[i64],
) -> rusqlite::Result<Vec<(FoundRecording, Numbered<DetectionRow>)>> {
    connection.prepare_cached(&FULL)?.query_map([json(ids)], |row| full_row(row))?.collect()
}

/// SQLite's count of the changes that other connections have committed.
pub fn change_token(connection: &Connection) -> rusqlite::Result<String> {
    connection.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0)).map(|version| version.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::EDGE;
    use crate::store::sqlite::tests::plan;

    #[test]
    fn laughs_are_found_by_indexes() {
        let of_lists = [&EDGES, &REVIEWED_OF_RECORDINGS, &BY_ID, &OF_RECORDINGS, &FULL];
        for sql in of_lists.into_iter().map(|sql| sql.as_str()) {
            let plan = plan(sql);
            assert!(
                !plan.contains("SCAN") || plan.matches("SCAN").count() == 1 && plan.contains("SCAN json_each"),
                "{plan}"
            );
        }
        assert!(!plan(&REVIEWED_OF_SOURCE).contains("SCAN"));
        for sql in [SPAN, CUT_AT_START, NAMES] {
            assert!(plan(sql).contains("USING COVERING INDEX") && !plan(sql).contains("SCAN"), "{}", plan(sql));
        }
        for order in [LaughOrder::Oldest, LaughOrder::Newest, LaughOrder::Best] {
            let plan = plan(&select_next(order, false));
            let index = if order == LaughOrder::Best {
                "detections_by_score (source=? AND"
            } else {
                "detections_in_order (source=? AND starts_at"
            };
            assert!(plan.contains(index) && !plan.contains("SCAN detections"), "{plan}");
            // Rows of the same start are sorted by their number.
            assert!(order == LaughOrder::Best || plan.contains("COVERING INDEX detections_in_order"), "{plan}");
        }
        assert!(
            plan(&select_next(LaughOrder::Best, true))
                .contains("COVERING INDEX detections_in_order (source=? AND starts_at>? AND starts_at<?)")
        );
    }

    #[test]
    fn the_edge_of_a_recording_is_the_same_in_sql() {
        assert_eq!(EDGE.as_millis(), 960);
        assert!(CUT_AT_START.contains("start_seconds <= 0.96") && EDGES.contains("start_seconds <= 0.96"));
    }
}
