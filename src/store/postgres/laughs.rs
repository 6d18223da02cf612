//! Reads laughs for programs that show many days, in Postgres' dialect.

use jiff::Timestamp;
use postgres::types::ToSql;
use postgres::{Client, Error, Row};

use super::encoding::Encoding;
use super::values::Decoded;
use crate::calendar::Span;
use crate::domain::{LaughCursor, LaughOrder};
use crate::store::columns::{Cells, DetectionRow};
use crate::store::found::{FoundRecording, Numbered};
use crate::store::laughs::columns::{
    LAUGH_ROW, edge_columns, edge_row, full_columns, full_row, laugh_row, reviewed_columns, reviewed_row, span_count,
};
use crate::store::laughs::{LaughRow, ReviewScope, ReviewedRow, RowSelection, SpanCount};

/// The number of the bound before which a row starts.
const SPANS: &str = "
    SELECT width_bucket(starts_at, $2::timestamptz[]), count(*), sum(end_seconds - start_seconds) FROM detections
    WHERE source = $1 AND starts_at >= $3 AND starts_at < $4 GROUP BY 1";
const CUT_AT_START: &str = "
    SELECT DISTINCT recording_id FROM detections
    WHERE source = $1 AND starts_at >= $2 AND starts_at < $3 AND start_seconds <= 0.96";
const OVERLAPS: &str = "detections.recording_id = recordings.id
    AND detections.end_seconds > reviews.start_seconds AND detections.start_seconds < reviews.end_seconds";
const NAMES: &str = "SELECT id, name FROM recordings WHERE source = $1";
/// Another one after each transaction that has changed something, also in other databases of the server.
const TOKEN: &str = "SELECT txid_current_snapshot()::text";

fn rows<T>(
    client: &mut Client,
    encoding: &Encoding,
    sql: &str,
    asked: &[&(dyn ToSql + Sync)],
    read: impl Fn(&Decoded<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let found: Vec<Row> = client.query(sql, asked)?;
    found.iter().map(|row| read(&Decoded { row, encoding })).collect()
}

pub fn span_counts(
    client: &mut Client,
    source: &str,
    spans: &[Span],
    encoding: &Encoding,
) -> Result<Vec<SpanCount>, Error> {
    let mut counts = vec![SpanCount::default(); spans.len()];
    let (Some(first), Some(last)) = (spans.first(), spans.last()) else { return Ok(counts) };
    let mut bounds: Vec<Timestamp> = spans.iter().flat_map(|span| [span.from, span.to]).collect();
    bounds.dedup();
    let source = encoding.escaped(client, source)?;
    let found = rows(client, encoding, SPANS, &[&source, &bounds, &first.from, &last.to], |row| {
        Ok((row.integer(0)?, span_count(row, 1)?))
    })?;
    for (bucket, count) in found {
        let bound = usize::try_from(bucket - 1).ok().and_then(|place| bounds.get(place));
        let place = bound.and_then(|bound| spans.binary_search_by_key(bound, |span| span.from).ok());
        if let Some(place) = place {
            counts[place] = count;
        }
    }
    Ok(counts)
}

pub fn recordings_cut_at_start(
    client: &mut Client,
    source: &str,
    span: &Span,
    encoding: &Encoding,
) -> Result<Vec<i64>, Error> {
    let source = encoding.escaped(client, source)?;
    rows(client, encoding, CUT_AT_START, &[&source, &span.from, &span.to], |row| row.integer(0))
}

pub fn edge_rows(
    client: &mut Client,
    recordings: &[i64],
    encoding: &Encoding,
) -> Result<Vec<(i64, Numbered<DetectionRow>)>, Error> {
    let sql = format!(
        "SELECT {} FROM recordings JOIN detections ON detections.recording_id = recordings.id
         WHERE recordings.id = ANY($1)
            AND (detections.start_seconds <= 0.96 OR detections.end_seconds + 0.961 >= recordings.duration_seconds)
         ORDER BY recordings.id, detections.starts_at, detections.id",
        edge_columns()
    );
    rows(client, encoding, &sql, &[&recordings], |row| edge_row(row))
}

pub fn reviewed_rows(client: &mut Client, scope: &ReviewScope, encoding: &Encoding) -> Result<Vec<ReviewedRow>, Error> {
    let columns = reviewed_columns();
    let joined = format!(
        "SELECT {columns} FROM recordings JOIN reviews USING (source, content_sha256) JOIN detections ON {OVERLAPS}"
    );
    match scope {
        ReviewScope::Recordings(recordings) => {
            let sql = format!("{joined} WHERE recordings.id = ANY($1)");
            rows(client, encoding, &sql, &[recordings], |row| reviewed_row(row))
        }
        ReviewScope::Source(source, window) => {
            let sql = format!(
                "{joined} WHERE reviews.source = $1 AND ($3::timestamptz IS NULL OR recordings.started_at < $3)
                    AND ($2::timestamptz IS NULL
                        OR extract(epoch FROM recordings.started_at) + duration_seconds + 1 >= extract(epoch FROM $2))"
            );
            let source = encoding.escaped(client, source)?;
            rows(client, encoding, &sql, &[&source, &window.from, &window.to], |row| reviewed_row(row))
        }
    }
}

/// `$5` and `$6`: the key of the row before the first one.
fn select_next(order: LaughOrder) -> String {
    let (after, sorted) = match order {
        LaughOrder::Oldest => ("(starts_at, id) > ($5::timestamptz, $6::bigint)", "starts_at, id"),
        LaughOrder::Newest => ("(starts_at, id) < ($5::timestamptz, $6::bigint)", "starts_at DESC, id DESC"),
        LaughOrder::Best => ("(peak_score, id) < ($5::double precision, $6::bigint)", "peak_score DESC, id DESC"),
    };
    format!(
        "SELECT {LAUGH_ROW} FROM detections
         WHERE source = $1 AND ($2::timestamptz IS NULL OR starts_at >= $2)
            AND ($3::timestamptz IS NULL OR starts_at < $3)
            AND ($4::integer IS NULL OR class_index = $4) AND {after} AND peak_score >= $7
         ORDER BY {sorted} LIMIT $8"
    )
}

pub fn next_rows(client: &mut Client, wanted: &RowSelection, encoding: &Encoding) -> Result<Vec<LaughRow>, Error> {
    let source = encoding.escaped(client, wanted.source)?;
    let (window, class) = (wanted.window, wanted.class.map(i32::from));
    let limit = i64::try_from(wanted.limit).unwrap_or(i64::MAX);
    let (earliest, latest) = (window.from.unwrap_or(EARLIEST), window.to.unwrap_or(LATEST));
    let ((at, id), peak) = match (wanted.after, wanted.order) {
        (Some(LaughCursor::Start { at, id }), _) => ((at, id), 0.0),
        (Some(LaughCursor::Score { peak, id }), _) => ((earliest, id), peak),
        (None, LaughOrder::Oldest) => ((earliest, i64::MIN), 0.0),
        (None, LaughOrder::Newest) => ((latest, i64::MIN), 0.0),
        (None, LaughOrder::Best) => ((earliest, i64::MAX), 2.0),
    };
    let at: &(dyn ToSql + Sync) = if wanted.order == LaughOrder::Best { &peak } else { &at };
    let asked: [&(dyn ToSql + Sync); 8] = [&source, &window.from, &window.to, &class, at, &id, &wanted.score, &limit];
    rows(client, encoding, &select_next(wanted.order), &asked, |row| laugh_row(row))
}

/// The databases hold years of four digits.
const EARLIEST: Timestamp = Timestamp::constant(-62_135_596_800, 0);
const LATEST: Timestamp = Timestamp::constant(253_402_207_200, 0);

pub fn rows_by_id(client: &mut Client, ids: &[i64], encoding: &Encoding) -> Result<Vec<LaughRow>, Error> {
    let sql = format!("SELECT {LAUGH_ROW} FROM detections WHERE id = ANY($1)");
    rows(client, encoding, &sql, &[&ids], |row| laugh_row(row))
}

pub fn rows_of_recordings(
    client: &mut Client,
    recordings: &[i64],
    encoding: &Encoding,
) -> Result<Vec<LaughRow>, Error> {
    let sql = format!("SELECT {LAUGH_ROW} FROM detections WHERE recording_id = ANY($1)");
    rows(client, encoding, &sql, &[&recordings], |row| laugh_row(row))
}

pub fn names(client: &mut Client, source: &str, encoding: &Encoding) -> Result<Vec<(i64, String)>, Error> {
    let source = encoding.escaped(client, source)?;
    rows(client, encoding, NAMES, &[&source], |row| Ok((row.integer(0)?, row.text(1)?)))
}

pub fn full_rows(
    client: &mut Client,
    ids: &[i64],
    encoding: &Encoding,
) -> Result<Vec<(FoundRecording, Numbered<DetectionRow>)>, Error> {
    let sql = format!(
        "SELECT {} FROM detections JOIN recordings ON recordings.id = detections.recording_id
         WHERE detections.id = ANY($1)",
        full_columns("NULL::timestamptz")
    );
    rows(client, encoding, &sql, &[&ids], |row| full_row(row))
}

pub fn change_token(client: &mut Client) -> Result<String, Error> {
    client.query_one(TOKEN, &[])?.try_get(0)
}
