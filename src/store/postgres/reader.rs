//! The SQL of the read side, in Postgres' dialect.
//!
//! Invariant: the session is read-only, and its user needs only SELECT.

use std::collections::HashSet;

use jiff::Timestamp;
use postgres::Client;
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::ToSql;

use super::connect::connect;
use super::encoding::Encoding;
use super::error::{RetryClass, working};
use super::server::Server;
use super::stream::Stream;
use super::values::Decoded;
use super::version;
use super::{laughs, scores};
use crate::calendar::Span;
use crate::domain::{
    Coverage, Evidence, PastRun, RowSpan, ScoreTotals, ScoredRecording, ShownVerdicts, SpanId, StoredRecording,
    StoredReview, Window,
};
use crate::error::Fatal;
use crate::store::columns::{DetectionRow, Row, RunRow};
use crate::store::found::{self, COUNTED, COVERAGE, FoundRecording, Numbered};
use crate::store::laughs::{LaughReader, LaughRow, ReviewScope, ReviewedRow, RowSelection, SpanCount};
use crate::store::reader::{Delivery, Reader, Selection};
use crate::store::scores::{ScoreReader, ScoredKey, ScoredSelection};
use crate::store::{StoreError, schema};

const READ_ONLY: &str = "SET default_transaction_read_only = on";
/// One index seek per source, however many runs it has.
const SOURCES: &str = "
    WITH RECURSIVE found (source) AS (
        SELECT min(source) FROM runs
        UNION ALL
        SELECT (SELECT min(source) FROM runs WHERE runs.source > found.source) FROM found WHERE source IS NOT NULL)
    SELECT source FROM found WHERE source IS NOT NULL ORDER BY source COLLATE \"C\"";
const NAMED_CLIPS: &str = "
    SELECT clip FROM detections WHERE clip COLLATE \"C\" = ANY($1) AND clip IS NOT NULL
    UNION SELECT clip FROM candidates WHERE clip COLLATE \"C\" = ANY($1) AND clip IS NOT NULL";

/// Counts detections only for the selected runs.
fn select_runs() -> String {
    let fields = RunRow::selected();
    format!(
        "SELECT {fields}, {COUNTED}
         FROM (SELECT * FROM runs WHERE $1::text IS NULL OR source = $1 ORDER BY started_at DESC, id LIMIT $2) AS runs
         ORDER BY started_at DESC, id"
    )
}

fn select_coverage() -> String {
    format!(
        "SELECT {COVERAGE} FROM runs WHERE ($1::text IS NULL OR source = $1) AND started_at >= $2 AND command = 'scan'
            AND (window_from IS NULL OR $3::timestamptz IS NULL OR window_from <= $3)
            AND (window_to IS NULL OR $4::timestamptz IS NULL OR window_to >= $4)"
    )
}

/// None if there are no tables yet.
pub fn read(server: &Server) -> Result<Option<Box<dyn Reader>>, StoreError> {
    let mut client = connect(server).map_err(RetryClass::into_error)?;
    let class = |error| working(server, error).into_error();
    client.batch_execute(READ_ONLY).map_err(class)?;
    let version = version(&mut client).map_err(class)?;
    if !schema::is_readable(server, version)? {
        return Ok(None);
    }
    let encoding = Encoding::fetch(&mut client).map_err(class)?;
    Ok(Some(Box::new(PostgresReader { client, server: server.clone(), encoding })))
}

/// Texts in queries are escaped for the server's encoding, and those in results are unescaped.
struct PostgresReader {
    client: Client,
    server: Server,
    encoding: Encoding,
}

impl PostgresReader {
    fn read<T>(
        &mut self,
        query: impl FnOnce(&mut Client, &Encoding) -> Result<T, postgres::Error>,
    ) -> Result<T, StoreError> {
        query(&mut self.client, &self.encoding).map_err(|error| working(&self.server, error).into_error())
    }

    fn escaped(&mut self, source: Option<&str>) -> Result<Option<String>, StoreError> {
        source.map(|source| self.read(|client, encoding| encoding.escaped(client, source))).transpose()
    }
}

impl ScoreReader for PostgresReader {
    fn scored_keys(&mut self, wanted: &ScoredSelection) -> Result<Vec<ScoredKey>, StoreError> {
        self.read(|client, encoding| scores::keys(client, wanted, encoding))
    }

    fn scored(&mut self, ids: &[i64], with_embeddings: bool) -> Result<Vec<ScoredRecording>, StoreError> {
        self.read(|client, encoding| scores::scored(client, ids, with_embeddings, encoding))
    }

    fn evidence(&mut self, source: &str) -> Result<Evidence, StoreError> {
        self.read(|client, encoding| scores::evidence(client, source, encoding))
    }

    fn reviews(&mut self, source: &str) -> Result<Vec<StoredReview>, StoreError> {
        self.read(|client, encoding| scores::reviews(client, source, encoding))
    }

    fn shown_verdicts(&mut self, source: Option<&str>) -> Result<Vec<ShownVerdicts>, StoreError> {
        self.read(|client, encoding| scores::shown_verdicts(client, source, encoding))
    }

    fn row_span(&mut self, id: SpanId) -> Result<Option<RowSpan>, StoreError> {
        self.read(|client, encoding| scores::row_span(client, id, encoding))
    }

    fn score_totals(&mut self, source: Option<&str>) -> Result<Vec<ScoreTotals>, StoreError> {
        self.read(|client, encoding| scores::totals(client, source, encoding))
    }
}

impl LaughReader for PostgresReader {
    fn span_counts(&mut self, source: &str, spans: &[Span]) -> Result<Vec<SpanCount>, StoreError> {
        self.read(|client, encoding| laughs::span_counts(client, source, spans, encoding))
    }

    fn recordings_cut_at_start(&mut self, source: &str, span: &Span) -> Result<Vec<i64>, StoreError> {
        self.read(|client, encoding| laughs::recordings_cut_at_start(client, source, span, encoding))
    }

    fn edge_rows(&mut self, recordings: &[i64]) -> Result<Vec<(i64, Numbered<DetectionRow>)>, StoreError> {
        self.read(|client, encoding| laughs::edge_rows(client, recordings, encoding))
    }

    fn reviewed_rows(&mut self, scope: &ReviewScope) -> Result<Vec<ReviewedRow>, StoreError> {
        self.read(|client, encoding| laughs::reviewed_rows(client, scope, encoding))
    }

    fn next_rows(&mut self, wanted: &RowSelection) -> Result<Vec<LaughRow>, StoreError> {
        self.read(|client, encoding| laughs::next_rows(client, wanted, encoding))
    }

    fn rows_by_id(&mut self, ids: &[i64]) -> Result<Vec<LaughRow>, StoreError> {
        self.read(|client, encoding| laughs::rows_by_id(client, ids, encoding))
    }

    fn rows_of_recordings(&mut self, recordings: &[i64]) -> Result<Vec<LaughRow>, StoreError> {
        self.read(|client, encoding| laughs::rows_of_recordings(client, recordings, encoding))
    }

    fn names(&mut self, source: &str) -> Result<Vec<(i64, String)>, StoreError> {
        self.read(|client, encoding| laughs::names(client, source, encoding))
    }

    fn full_rows(&mut self, ids: &[i64]) -> Result<Vec<(FoundRecording, Numbered<DetectionRow>)>, StoreError> {
        self.read(|client, encoding| laughs::full_rows(client, ids, encoding))
    }

    fn change_token(&mut self) -> Result<String, StoreError> {
        self.read(|client, _| laughs::change_token(client))
    }
}

impl Reader for PostgresReader {
    fn sources(&mut self) -> Result<Vec<String>, StoreError> {
        let mut sources: Vec<String> = self.read(|client, encoding| {
            let rows = client.query(SOURCES, &[])?;
            rows.iter().map(|row| row.try_get(0).map(|source| encoding.read(source))).collect()
        })?;
        // Escaped texts have another order.
        if self.encoding.is_partial() {
            sources.sort();
        }
        Ok(sources)
    }

    fn runs(&mut self, source: Option<&str>, limit: u32) -> Result<Vec<PastRun>, StoreError> {
        let source = self.escaped(source)?;
        self.read(|client, encoding| {
            let rows = client.query(&select_runs(), &[&source, &i64::from(limit)])?;
            rows.iter().map(|row| found::past_run(&Decoded { row, encoding })).collect()
        })
    }

    fn each_coverage(
        &mut self,
        source: Option<&str>,
        window: &Window,
        since: Timestamp,
        each: &mut dyn FnMut(Coverage),
    ) -> Result<(), StoreError> {
        let source = self.escaped(source)?;
        self.read(|client, encoding| {
            let asked: [&(dyn ToSql + Sync); 4] = [&source, &since, &window.from, &window.to];
            let mut rows = client.query_raw(&select_coverage(), asked)?;
            while let Some(row) = rows.next()? {
                each(found::coverage(&Decoded { row: &row, encoding })?);
            }
            Ok(())
        })
    }

    fn each_recording(
        &mut self,
        wanted: &Selection,
        each: &mut dyn FnMut(StoredRecording) -> Result<(), Fatal>,
    ) -> Result<(), Fatal> {
        let source = self.escaped(wanted.source)?;
        let wanted = Selection { source: source.as_deref(), ..*wanted };
        let mut delivery = Delivery::to(each);
        let server = &self.server;
        let class = |error| Fatal::from(working(server, error).into_error());
        let mut stream = Stream::open(&mut self.client, &wanted, &self.encoding).map_err(class)?;
        while let Some(found) = stream.next().map_err(class)? {
            found.into_iter().try_for_each(|recording| delivery.push(recording))?;
        }
        delivery.finish()
    }

    fn named_clips(&mut self, clips: &[String]) -> Result<HashSet<String>, StoreError> {
        self.read(|client, encoding| {
            let clips = encoding.escapes(client, clips.iter().map(String::as_str))?.texts(clips);
            let rows = client.query(NAMED_CLIPS, &[&clips])?;
            rows.iter().map(|row| row.try_get(0).map(|clip| encoding.read(clip))).collect()
        })
    }
}
