//! The SQL that stores reviews, in SQLite's dialect.

use rusqlite::{Statement, Transaction, named_params};

use super::embeddings;
use super::values::{execute, insert, instant};
use crate::store::columns::ReviewRow;
use crate::store::review_rows::{ImportSummary, ReviewEmbedding, ReviewReset, contents_by_source, on_conflict};

/// Whether a later review is stored, and whether its detection is stored.
const STATE: &str = "
    SELECT (SELECT reviewed_at > :reviewed_at FROM reviews WHERE source = :source AND content_sha256 = :content_sha256
            AND start_seconds = :start_seconds AND end_seconds = :end_seconds),
        EXISTS (SELECT 1 FROM recordings JOIN detections AS laugh ON laugh.recording_id = recordings.id
            WHERE recordings.source = :source AND content_sha256 = :content_sha256
                AND laugh.start_seconds < :end_seconds AND laugh.end_seconds > :start_seconds)";

pub fn save(
    transaction: &Transaction<'_>,
    rows: &[ReviewRow],
    embeddings: &[ReviewEmbedding],
) -> rusqlite::Result<ImportSummary> {
    let mut summary = ImportSummary::default();
    let upsert = format!("{} {}", insert::<ReviewRow>(&[], 0), on_conflict("IS NOT"));
    let (mut upsert, mut query) = (transaction.prepare(&upsert)?, transaction.prepare(STATE)?);
    for row in rows {
        summary.changed += execute(&mut upsert, 0, row)? as u64;
        let (is_older, is_known) = state(&mut query, row)?;
        summary.older += u64::from(is_older);
        summary.unmatched += u64::from(!is_known);
    }
    embeddings::set(transaction, embeddings)?;
    for (source, contents) in contents_by_source(rows) {
        embeddings::fill(transaction, source, &contents)?;
    }
    Ok(summary)
}

/// What `Store::reset_reviews` does.
pub fn reset(transaction: &Transaction<'_>, reset: &ReviewReset) -> rusqlite::Result<u64> {
    let changed = transaction.execute(
        "UPDATE reviews SET is_personal = ?3 WHERE (?1 IS NULL OR source = ?1) AND (?2 IS NULL OR reviewed_at < ?2)
            AND is_personal <> ?3 AND verdict IS NOT NULL",
        (&reset.source, reset.before.map(instant), reset.is_personal),
    )?;
    Ok(changed as u64)
}

fn state(statement: &mut Statement<'_>, row: &ReviewRow) -> rusqlite::Result<(bool, bool)> {
    let asked = named_params! {
        ":source": row.source, ":content_sha256": row.content_sha256, ":start_seconds": row.start_seconds,
        ":end_seconds": row.end_seconds, ":reviewed_at": instant(row.reviewed_at),
    };
    statement.query_row(asked, |found| Ok((found.get(0)?, found.get(1)?)))
}
