//! The SQL that copies embeddings to reviews and removes old ones, in SQLite's dialect.

use rusqlite::Transaction;

use super::statements::json;
use super::values::instant;
use crate::store::columns::Bytes;
use crate::store::review_rows::ReviewEmbedding;
use crate::store::rows::Rows;
use crate::store::scores::{ENDS, STARTS};

/// Stores the embeddings of reviewed stretches of these contents that have none: that of the candidate which overlaps
/// the stretch most; among equals, the first.
pub fn fill(transaction: &Transaction<'_>, source: &str, contents: &[&str]) -> rusqlite::Result<()> {
    let candidate = format!(
        "SELECT c.embedding FROM recordings AS r CROSS JOIN candidates AS c ON c.recording_id = r.id
         WHERE r.source = reviews.source AND r.content_sha256 = reviews.content_sha256 AND c.embedding IS NOT NULL
            AND {STARTS} < reviews.end_seconds AND {ENDS} > reviews.start_seconds
         ORDER BY min({ENDS}, reviews.end_seconds) - max({STARTS}, reviews.start_seconds) DESC, c.first_patch LIMIT 1"
    );
    let fill = format!(
        "UPDATE reviews SET embedding = ({candidate})
         WHERE source = ?1 AND content_sha256 IN (SELECT value FROM json_each(?2)) AND embedding IS NULL"
    );
    transaction.execute(&fill, (source, json(contents))).map(drop)
}

/// Stores embeddings that were computed from audio.
pub fn set(transaction: &Transaction<'_>, embeddings: &[ReviewEmbedding]) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare(
        "UPDATE reviews SET embedding = ?5
         WHERE source = ?1 AND content_sha256 = ?2 AND start_seconds = ?3 AND end_seconds = ?4",
    )?;
    embeddings.iter().try_for_each(|one| {
        let Bytes(bytes) = &one.embedding;
        statement.execute((&one.source, &one.content_sha256, one.start_seconds, one.end_seconds, bytes)).map(drop)
    })
}

/// Removes the embeddings of candidates in recordings that were first analyzed long ago, except those that a review with a verdict overlaps.
pub fn remove_old(transaction: &Transaction<'_>, rows: &Rows) -> rusqlite::Result<()> {
    let Some(from) = rows.embeddings_from else { return Ok(()) };
    transaction.execute(&removal(), (&rows.run.source, instant(from))).map(drop)
}

fn removal() -> String {
    format!(
        "UPDATE candidates AS c SET embedding = NULL
         WHERE embedding IS NOT NULL AND recording_id IN (SELECT id FROM recordings WHERE source = ?1 AND first_analyzed_at < ?2)
            AND NOT EXISTS (SELECT 1 FROM recordings AS r CROSS JOIN reviews USING (source, content_sha256)
                WHERE r.id = c.recording_id AND verdict IS NOT NULL
                    AND reviews.start_seconds < {ENDS} AND reviews.end_seconds > {STARTS})"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::tests::plan;

    #[test]
    fn old_embeddings_are_found_by_their_index() {
        let plan = plan(&removal());
        assert!(plan.contains("candidates_with_embedding (recording_id=?)") && !plan.contains("SCAN"), "{plan}");
    }
}
