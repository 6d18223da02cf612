//! The SQL that reads what decisions are made from, in Postgres' dialect.

use std::collections::HashMap;

use postgres::{Client, Error, IsolationLevel, Row};

use super::Postgres;
use super::encoding::Encoding;
use super::stream::{by_recording, select_candidates, select_detections};
use super::values::Decoded;
use crate::domain::{Evidence, RowSpan, ScoreTotals, ScoredRecording, ShownVerdicts, SpanId, StoredReview};
use crate::store::StoreError;
use crate::store::columns::{CandidateRow, DetectionRow};
use crate::store::rows::texts;
use crate::store::scores::{
    self, EVIDENCE, FoundScores, ScoreReader, ScoredKey, ScoredSelection, select_totals, selected_reviews,
    selected_scores,
};

/// A recording with unknown length counts as the instant of its start time.
const KEYS: &str = "
    SELECT id, octet_length(v)::bigint FROM recordings JOIN score_tracks ON recording_id = id
    WHERE ($1::text IS NULL OR source = $1) AND ($4::text[] IS NULL OR content_sha256 = ANY($4))
        AND ($3::timestamptz IS NULL OR started_at < $3)
        AND ($2::timestamptz IS NULL OR started_at >= $2
            OR extract(epoch FROM started_at) + coalesce(duration_seconds, 0) > extract(epoch FROM $2))
    ORDER BY source COLLATE \"C\", started_at, name COLLATE \"C\", id";
/// The conditions on reviews that the personal score uses.
const IS_EVIDENCE: &str = "source = $1 AND verdict IS NOT NULL AND is_personal AND embedding IS NOT NULL";

fn select_scores() -> String {
    let scores = selected_scores();
    format!("SELECT {scores} FROM recordings JOIN score_tracks ON recording_id = id WHERE id = ANY($1)")
}

fn select_evidence() -> String {
    format!(
        "SELECT id, verdict, embedding FROM reviews WHERE {IS_EVIDENCE} AND {}
         ORDER BY reviewed_at DESC, content_sha256 COLLATE \"C\", start_seconds, end_seconds LIMIT $2",
        scores::is_latest("least", "greatest")
    )
}

fn select_reference() -> String {
    format!(
        "SELECT embedding FROM recordings JOIN candidates ON recording_id = recordings.id
         WHERE source = $1 AND embedding IS NOT NULL
            AND first_analyzed_at < (SELECT max(reviewed_at) FROM reviews WHERE {IS_EVIDENCE})
         ORDER BY started_at DESC, content_sha256 COLLATE \"C\", first_patch LIMIT $2"
    )
}

impl ScoreReader for Postgres {
    fn scored_keys(&mut self, wanted: &ScoredSelection) -> Result<Vec<ScoredKey>, StoreError> {
        let (wanted, encoding) = (wanted.clone(), self.encoding.clone());
        self.asking(move |client| keys(client, &wanted, &encoding))
    }

    fn scored(&mut self, ids: &[i64], with_embeddings: bool) -> Result<Vec<ScoredRecording>, StoreError> {
        let (ids, encoding) = (ids.to_owned(), self.encoding.clone());
        self.asking(move |client| scored(client, &ids, with_embeddings, &encoding))
    }

    fn evidence(&mut self, source: &str) -> Result<Evidence, StoreError> {
        let (source, encoding) = (source.to_owned(), self.encoding.clone());
        self.asking(move |client| evidence(client, &source, &encoding))
    }

    fn reviews(&mut self, source: &str) -> Result<Vec<StoredReview>, StoreError> {
        let (source, encoding) = (source.to_owned(), self.encoding.clone());
        self.asking(move |client| reviews(client, &source, &encoding))
    }

    fn shown_verdicts(&mut self, source: Option<&str>) -> Result<Vec<ShownVerdicts>, StoreError> {
        let (source, encoding) = (source.map(str::to_owned), self.encoding.clone());
        self.asking(move |client| shown_verdicts(client, source.as_deref(), &encoding))
    }

    fn row_span(&mut self, id: SpanId) -> Result<Option<RowSpan>, StoreError> {
        let encoding = self.encoding.clone();
        self.asking(move |client| row_span(client, id, &encoding))
    }

    fn score_totals(&mut self, source: Option<&str>) -> Result<Vec<ScoreTotals>, StoreError> {
        let (source, encoding) = (source.map(str::to_owned), self.encoding.clone());
        self.asking(move |client| totals(client, source.as_deref(), &encoding))
    }
}

pub fn keys(client: &mut Client, wanted: &ScoredSelection, encoding: &Encoding) -> Result<Vec<ScoredKey>, Error> {
    let source = wanted.source.as_deref().map(|source| encoding.escaped(client, source)).transpose()?;
    let contents = wanted.contents.as_deref().map(texts);
    let rows = client.query(KEYS, &[&source, &wanted.window.from, &wanted.window.to, &contents])?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get::<_, i64>(1)?.cast_unsigned()))).collect()
}

pub fn scored(
    client: &mut Client,
    ids: &[i64],
    with_embeddings: bool,
    encoding: &Encoding,
) -> Result<Vec<ScoredRecording>, Error> {
    let begin = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    let mut transaction = begin.start()?;
    let mut found = HashMap::new();
    for row in transaction.query(&select_scores(), &[&ids])? {
        let scores = FoundScores::read(&Decoded { row: &row, encoding })?;
        found.insert(scores.id, scores);
    }
    let (candidates, detections) =
        (transaction.prepare(&select_candidates(with_embeddings))?, transaction.prepare(&select_detections())?);
    let mut candidates = by_recording::<CandidateRow>(&mut transaction, &candidates, ids, encoding)?;
    let mut detections = by_recording::<DetectionRow>(&mut transaction, &detections, ids, encoding)?;
    transaction.commit()?;
    let with_rows = |id: &i64| {
        let (candidates, detections) = (candidates.remove(id), detections.remove(id));
        found.remove(id)?.with(candidates.unwrap_or_default(), detections.unwrap_or_default())
    };
    Ok(ids.iter().filter_map(with_rows).collect())
}

pub fn evidence(client: &mut Client, source: &str, encoding: &Encoding) -> Result<Evidence, Error> {
    let source = encoding.escaped(client, source)?;
    let begin = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    let mut transaction = begin.start()?;
    let mut evidence = Evidence::default();
    for row in transaction.query(&select_evidence(), &[&source, &EVIDENCE])? {
        evidence.reviews.extend(scores::review_evidence(&Decoded { row: &row, encoding })?);
    }
    for row in transaction.query(&select_reference(), &[&source, &EVIDENCE])? {
        evidence.reference.extend(scores::embedding(&Decoded { row: &row, encoding })?);
    }
    transaction.commit()?;
    Ok(evidence)
}

pub fn reviews(client: &mut Client, source: &str, encoding: &Encoding) -> Result<Vec<StoredReview>, Error> {
    let (source, reviews) = (encoding.escaped(client, source)?, selected_reviews());
    let rows =
        client.query(&format!("SELECT {reviews} FROM reviews WHERE source = $1 ORDER BY starts_at, id"), &[&source])?;
    let read = |row: &Row| scores::stored_review(&Decoded { row, encoding }).transpose();
    rows.iter().filter_map(read).collect()
}

pub fn totals(client: &mut Client, source: Option<&str>, encoding: &Encoding) -> Result<Vec<ScoreTotals>, Error> {
    let source = source.map(|source| encoding.escaped(client, source)).transpose()?;
    let rows = client.query(&select_totals("octet_length", "$1::text"), &[&source])?;
    let mut totals: Vec<ScoreTotals> =
        rows.iter().map(|row| scores::totals(&Decoded { row, encoding })).collect::<Result<_, _>>()?;
    totals.sort_by(|a, b| a.source.cmp(&b.source));
    Ok(totals)
}

pub fn shown_verdicts(
    client: &mut Client,
    source: Option<&str>,
    encoding: &Encoding,
) -> Result<Vec<ShownVerdicts>, Error> {
    let source = source.map(|source| encoding.escaped(client, source)).transpose()?;
    let rows = client.query(&scores::select_shown_verdicts("$1::text"), &[&source])?;
    let mut shown: Vec<ShownVerdicts> =
        rows.iter().map(|row| scores::shown_verdicts(&Decoded { row, encoding })).collect::<Result<_, _>>()?;
    shown.sort_by(|a, b| a.source.cmp(&b.source));
    Ok(shown)
}

pub fn row_span(client: &mut Client, id: SpanId, encoding: &Encoding) -> Result<Option<RowSpan>, Error> {
    let (select, id) = scores::select_row_span(id, "$1");
    let row = client.query_opt(&select, &[&id])?;
    row.map(|row| scores::row_span(&Decoded { row: &row, encoding })).transpose()
}
