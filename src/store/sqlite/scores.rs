//! The SQL that reads what decisions are made from, in SQLite's dialect.

use rusqlite::{Connection, OptionalExtension};

use super::Queries;
use super::statements::json;
use super::stream::{DETECTIONS, rows_of, select_candidates};
use super::values::instant;
use crate::domain::{Evidence, RowSpan, ScoreTotals, ScoredRecording, ShownVerdicts, SpanId, StoredReview};
use crate::store::StoreError;
use crate::store::rows::texts;
use crate::store::scores::{
    self, EVIDENCE, FoundScores, ScoreReader, ScoredKey, ScoredSelection, select_totals, selected_reviews,
    selected_scores,
};

/// A recording with unknown length counts as the instant of its start time.
const KEYS: &str = "
    SELECT id, length(v) FROM recordings JOIN score_tracks ON recording_id = id
    WHERE (?1 IS NULL OR source = ?1) AND (?4 IS NULL OR content_sha256 IN (SELECT value FROM json_each(?4)))
        AND (?3 IS NULL OR started_at < ?3)
        AND (?2 IS NULL OR started_at >= ?2
            OR unixepoch(started_at, 'subsec') + coalesce(duration_seconds, 0) > unixepoch(?2, 'subsec'))
    ORDER BY source, started_at, name, id";
/// The conditions on reviews that the personal score uses.
const IS_EVIDENCE: &str = "source = ?1 AND verdict IS NOT NULL AND is_personal AND embedding IS NOT NULL";

fn select_scores() -> String {
    let scores = selected_scores();
    format!(
        "SELECT {scores} FROM recordings JOIN score_tracks ON score_tracks.recording_id = recordings.id WHERE id = ?1"
    )
}

fn select_evidence() -> String {
    format!(
        "SELECT id, verdict, embedding FROM reviews WHERE {IS_EVIDENCE} AND {}
         ORDER BY reviewed_at DESC, content_sha256, start_seconds, end_seconds LIMIT ?2",
        scores::is_latest("min", "max")
    )
}

fn select_reference() -> String {
    format!(
        "SELECT embedding FROM recordings CROSS JOIN candidates ON recording_id = recordings.id
         WHERE source = ?1 AND embedding IS NOT NULL
            AND first_analyzed_at < (SELECT max(reviewed_at) FROM reviews WHERE {IS_EVIDENCE})
         ORDER BY started_at DESC, content_sha256, first_patch LIMIT ?2"
    )
}

/// Of the store and of the reader.
impl<Q: Queries> ScoreReader for Q {
    fn scored_keys(&mut self, wanted: &ScoredSelection) -> Result<Vec<ScoredKey>, StoreError> {
        self.query(|connection| keys(connection, wanted))
    }

    fn scored(&mut self, ids: &[i64], with_embeddings: bool) -> Result<Vec<ScoredRecording>, StoreError> {
        self.query(|connection| scored(connection, ids, with_embeddings))
    }

    fn evidence(&mut self, source: &str) -> Result<Evidence, StoreError> {
        self.query(|connection| evidence(connection, source))
    }

    fn reviews(&mut self, source: &str) -> Result<Vec<StoredReview>, StoreError> {
        self.query(|connection| reviews(connection, source))
    }

    fn shown_verdicts(&mut self, source: Option<&str>) -> Result<Vec<ShownVerdicts>, StoreError> {
        self.query(|connection| shown_verdicts(connection, source))
    }

    fn row_span(&mut self, id: SpanId) -> Result<Option<RowSpan>, StoreError> {
        self.query(|connection| row_span(connection, id))
    }

    fn score_totals(&mut self, source: Option<&str>) -> Result<Vec<ScoreTotals>, StoreError> {
        self.query(|connection| totals(connection, source))
    }
}

fn keys(connection: &Connection, wanted: &ScoredSelection) -> rusqlite::Result<Vec<ScoredKey>> {
    let contents = wanted.contents.as_deref().map(|contents| json(&texts(contents)));
    let (from, to) = (wanted.window.from.map(instant), wanted.window.to.map(instant));
    let mut statement = connection.prepare_cached(KEYS)?;
    let asked = (&wanted.source, from, to, contents);
    statement.query_map(asked, |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned())))?.collect()
}

fn scored(connection: &Connection, ids: &[i64], with_embeddings: bool) -> rusqlite::Result<Vec<ScoredRecording>> {
    let transaction = connection.unchecked_transaction()?;
    let (scores, candidates) = (select_scores(), select_candidates(with_embeddings));
    let mut all = Vec::with_capacity(ids.len());
    for &id in ids {
        let found = transaction.prepare_cached(&scores)?.query_row([id], |row| FoundScores::read(row)).optional()?;
        if let Some(found) = found {
            let (candidates, detections) =
                (rows_of(&transaction, &candidates, id)?, rows_of(&transaction, &DETECTIONS, id)?);
            all.extend(found.with(candidates, detections));
        }
    }
    transaction.commit()?;
    Ok(all)
}

fn evidence(connection: &Connection, source: &str) -> rusqlite::Result<Evidence> {
    let transaction = connection.unchecked_transaction()?;
    let mut evidence = Evidence::default();
    {
        let mut statement = transaction.prepare_cached(&select_evidence())?;
        let mut rows = statement.query((source, EVIDENCE))?;
        while let Some(row) = rows.next()? {
            evidence.reviews.extend(scores::review_evidence(row)?);
        }
        let mut statement = transaction.prepare_cached(&select_reference())?;
        let mut rows = statement.query((source, EVIDENCE))?;
        while let Some(row) = rows.next()? {
            evidence.reference.extend(scores::embedding(row)?);
        }
    }
    transaction.commit()?;
    Ok(evidence)
}

fn reviews(connection: &Connection, source: &str) -> rusqlite::Result<Vec<StoredReview>> {
    let reviews = selected_reviews();
    let mut statement =
        connection.prepare(&format!("SELECT {reviews} FROM reviews WHERE source = ?1 ORDER BY starts_at, id"))?;
    let found: Vec<Option<StoredReview>> =
        statement.query_map([source], |row| scores::stored_review(row))?.collect::<rusqlite::Result<_>>()?;
    Ok(found.into_iter().flatten().collect())
}

fn totals(connection: &Connection, source: Option<&str>) -> rusqlite::Result<Vec<ScoreTotals>> {
    let mut statement = connection.prepare(&(select_totals("length", "?1") + " ORDER BY source"))?;
    statement.query_map([source], |row| scores::totals(row))?.collect()
}

fn shown_verdicts(connection: &Connection, source: Option<&str>) -> rusqlite::Result<Vec<ShownVerdicts>> {
    let mut statement = connection.prepare(&(scores::select_shown_verdicts("?1") + " ORDER BY source"))?;
    statement.query_map([source], |row| scores::shown_verdicts(row))?.collect()
}

fn row_span(connection: &Connection, id: SpanId) -> rusqlite::Result<Option<RowSpan>> {
    let (select, id) = scores::select_row_span(id, "?1");
    connection.query_row(&select, [id], |row| scores::row_span(row)).optional()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::tests::plan;

    #[test]
    fn candidates_and_reviews_are_found_by_an_index() {
        for sql in [select_scores(), select_evidence(), select_reference()] {
            assert!(!plan(&sql).contains("SCAN"), "{sql}\n{}", plan(&sql));
        }
        let reference = plan(&select_reference());
        assert!(
            reference.contains("recordings_in_order") && reference.contains("candidates_with_embedding"),
            "{reference}"
        );
    }
}
