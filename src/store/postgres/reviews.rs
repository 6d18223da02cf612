//! The SQL that stores reviews, in Postgres' dialect.
//!
//! Invariant: needs no more privileges than SELECT on the tables, and INSERT and UPDATE on reviews.

use postgres::{Client, Error};

use super::candidates;
use super::encoding::Encoding;
use super::values::{insert, json, recordset};
use crate::store::columns::ReviewRow;
use crate::store::review_rows::{ImportSummary, ReviewEmbedding, ReviewReset, contents_by_source, on_conflict};

/// How many reviews are older than the stored one, and for how many no detection is stored.
const SUMMARY: &str = "
    SELECT count(*) FILTER (WHERE EXISTS (SELECT FROM reviews WHERE reviews.source = row.source
            AND reviews.content_sha256 = row.content_sha256 AND reviews.start_seconds = row.start_seconds
            AND reviews.end_seconds = row.end_seconds AND reviews.reviewed_at > row.reviewed_at)),
        count(*) FILTER (WHERE NOT EXISTS (SELECT FROM recordings AS r JOIN detections AS laugh ON laugh.recording_id = r.id
            WHERE r.source = row.source AND r.content_sha256 = row.content_sha256
                AND laugh.start_seconds < row.end_seconds AND laugh.end_seconds > row.start_seconds))";

/// Stores embeddings that were computed from audio.
const EMBEDDINGS: &str = "
    UPDATE reviews SET embedding = row.embedding
    FROM jsonb_to_recordset($1::text::jsonb) AS row (source text, content_sha256 text, start_seconds double precision,
        end_seconds double precision, embedding bytea)
    WHERE reviews.source = row.source AND reviews.content_sha256 = row.content_sha256
        AND reviews.start_seconds = row.start_seconds AND reviews.end_seconds = row.end_seconds";

/// What `Store::reset_reviews` does.
pub fn reset(client: &mut Client, reset: &ReviewReset, encoding: &Encoding) -> Result<u64, Error> {
    let source = reset.source.as_deref().map(|source| encoding.escaped(client, source)).transpose()?;
    let mut transaction = client.transaction()?;
    let changed = transaction.execute(
        "UPDATE reviews SET is_personal = $3 WHERE ($1::text IS NULL OR source = $1)
            AND ($2::timestamptz IS NULL OR reviewed_at < $2) AND is_personal <> $3 AND verdict IS NOT NULL",
        &[&source, &reset.before, &reset.is_personal],
    )?;
    if reset.dry_run {
        transaction.rollback()?;
    } else {
        transaction.commit()?;
    }
    Ok(changed)
}

pub fn save(
    client: &mut Client,
    rows: &[ReviewRow],
    embeddings: &[ReviewEmbedding],
    encoding: &Encoding,
    dry_run: bool,
) -> Result<ImportSummary, Error> {
    let contents = contents_by_source(rows);
    let (rows, embeddings) = (json(rows), json(embeddings));
    let escapes = encoding.escapes(client, [rows.as_str(), &embeddings])?;
    let (rows, embeddings) = (escapes.json(rows), escapes.json(embeddings));
    let recordset = recordset::<ReviewRow>(&[]);
    let mut transaction = client.transaction()?;
    let insert = format!("{} {}", insert::<ReviewRow>(&[], &recordset), on_conflict("IS DISTINCT FROM"));
    let changed = transaction.execute(&insert, &[&rows])?;
    let found = transaction.query_one(&format!("{SUMMARY} FROM {recordset}"), &[&rows])?;
    let count = |column| found.get::<_, i64>(column).cast_unsigned();
    transaction.execute(EMBEDDINGS, &[&embeddings])?;
    for (source, contents) in contents {
        candidates::fill(&mut transaction, &escapes.text(source), &contents)?;
    }
    let summary = ImportSummary { changed, older: count(0), unmatched: count(1) };
    if dry_run {
        transaction.rollback()?;
    } else {
        transaction.commit()?;
    }
    Ok(summary)
}
