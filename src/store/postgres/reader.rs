//! The SQL of the read side, in Postgres' dialect.
//!
//! Invariant: the session is read-only, and its user needs only SELECT.

use std::collections::HashSet;

use jiff::Timestamp;
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::ToSql;
use postgres::{Client, Row};

use super::connect::connect;
use super::encoding::Encoding;
use super::error::{RetryClass, working};
use super::escaped::Escaped;
use super::server::Server;
use super::stream::Stream;
use super::version;
use crate::domain::{Coverage, PastRun, StoredRecording, Window};
use crate::error::Fatal;
use crate::store::reader::{
    CoverageColumns, Delivery, DetectionColumns, Reader, RecordingColumns, RunColumns, Selection,
};
use crate::store::review_rows::ReviewColumns;
use crate::store::{StoreError, schema};

const READ_ONLY: &str = "SET default_transaction_read_only = on";
/// One index seek per source, however many runs it has.
const SOURCES: &str = "
    WITH RECURSIVE found (source) AS (
        SELECT min(source) FROM runs
        UNION ALL
        SELECT (SELECT min(source) FROM runs WHERE runs.source > found.source) FROM found WHERE source IS NOT NULL)
    SELECT source FROM found WHERE source IS NOT NULL ORDER BY source COLLATE \"C\"";
/// Counts detections only for the selected runs.
const RUNS: &str = "
    SELECT *, id::text AS key, (SELECT count(*) FROM detections WHERE run_id = runs.id) AS detections,
        (SELECT coalesce(sum(clips_failed), 0)::bigint FROM recordings WHERE run_id = runs.id) AS clips_failed
    FROM (SELECT * FROM runs WHERE $1::text IS NULL OR source = $1 ORDER BY started_at DESC, id LIMIT $2) AS runs
    ORDER BY started_at DESC, id";
const COVERAGE: &str = "
    SELECT source, started_at, window_from, window_to, shard, explicit_files, exit_code, in_progress, in_progress_from
    FROM runs WHERE ($1::text IS NULL OR source = $1) AND started_at >= $2
        AND (window_from IS NULL OR $3::timestamptz IS NULL OR window_from <= $3)
        AND (window_to IS NULL OR $4::timestamptz IS NULL OR window_to >= $4)";
const NAMED_CLIPS: &str = "
    SELECT DISTINCT clip FROM detections WHERE clip COLLATE \"C\" = ANY($1) AND clip IS NOT NULL";

/// None if there are no tables yet.
pub fn read(server: &Server) -> Result<Option<Box<dyn Reader>>, StoreError> {
    let Some(mut reader) = PostgresReader::open(server)? else { return Ok(None) };
    let encoding = reader.read(Encoding::fetch)?;
    Ok(Some(match encoding.is_partial() {
        true => Box::new(Escaped::new(reader, encoding)),
        false => Box::new(reader),
    }))
}

pub struct PostgresReader {
    client: Client,
    server: Server,
}

impl PostgresReader {
    fn open(server: &Server) -> Result<Option<PostgresReader>, StoreError> {
        let mut client = connect(server).map_err(RetryClass::into_error)?;
        let class = |error| working(server, error).into_error();
        client.batch_execute(READ_ONLY).map_err(class)?;
        let version = version(&mut client).map_err(class)?;
        let reader = PostgresReader { client, server: server.clone() };
        Ok(schema::is_readable(server, version)?.then_some(reader))
    }

    pub fn read<T>(&mut self, query: impl FnOnce(&mut Client) -> Result<T, postgres::Error>) -> Result<T, StoreError> {
        query(&mut self.client).map_err(|error| working(&self.server, error).into_error())
    }
}

impl Reader for PostgresReader {
    fn sources(&mut self) -> Result<Vec<String>, StoreError> {
        self.read(|client| client.query(SOURCES, &[])?.iter().map(|row| row.try_get(0)).collect())
    }

    fn runs(&mut self, source: Option<&str>, limit: u32) -> Result<Vec<PastRun>, StoreError> {
        self.read(|client| {
            let rows = client.query(RUNS, &[&source, &i64::from(limit)])?;
            rows.iter().map(|row| Ok(run(row)?.run())).collect()
        })
    }

    fn each_coverage(
        &mut self,
        source: Option<&str>,
        window: &Window,
        since: Timestamp,
        each: &mut dyn FnMut(Coverage),
    ) -> Result<(), StoreError> {
        self.read(|client| {
            let asked: [&(dyn ToSql + Sync); 4] = [&source, &since, &window.from, &window.to];
            let mut rows = client.query_raw(COVERAGE, asked)?;
            while let Some(row) = rows.next()? {
                each(coverage(&row)?.coverage());
            }
            Ok(())
        })
    }

    fn each_recording(
        &mut self,
        wanted: &Selection,
        each: &mut dyn FnMut(StoredRecording) -> Result<(), Fatal>,
    ) -> Result<(), Fatal> {
        let mut delivery = Delivery::to(each);
        let server = &self.server;
        let class = |error| Fatal::from(working(server, error).into_error());
        let mut stream = Stream::open(&mut self.client, wanted).map_err(class)?;
        while let Some(found) = stream.next().map_err(class)? {
            found.into_iter().try_for_each(|recording| delivery.push(recording))?;
        }
        delivery.finish()
    }

    fn named_clips(&mut self, clips: &[String]) -> Result<HashSet<String>, StoreError> {
        self.read(|client| client.query(NAMED_CLIPS, &[&clips])?.iter().map(|row| row.try_get(0)).collect())
    }
}

fn coverage(row: &Row) -> Result<CoverageColumns, postgres::Error> {
    Ok(CoverageColumns {
        source: row.try_get("source")?,
        started_at: row.try_get("started_at")?,
        window_from: row.try_get("window_from")?,
        window_to: row.try_get("window_to")?,
        shard: row.try_get("shard")?,
        explicit_files: row.try_get("explicit_files")?,
        exit_code: row.try_get("exit_code")?,
        in_progress: row.try_get("in_progress")?,
        in_progress_from: row.try_get("in_progress_from")?,
    })
}

fn run(row: &Row) -> Result<RunColumns, postgres::Error> {
    Ok(RunColumns {
        id: row.try_get("key")?,
        source: row.try_get("source")?,
        started_at: row.try_get("started_at")?,
        ended_at: row.try_get("ended_at")?,
        version: row.try_get("version")?,
        zone: row.try_get("zone")?,
        window_from: row.try_get("window_from")?,
        window_to: row.try_get("window_to")?,
        shard: row.try_get("shard")?,
        explicit_files: row.try_get("explicit_files")?,
        exit_code: row.try_get("exit_code")?,
        analyzed: row.try_get("analyzed")?,
        partial: row.try_get("partial")?,
        skipped: row.try_get("skipped")?,
        in_progress: row.try_get("in_progress")?,
        in_progress_from: row.try_get("in_progress_from")?,
        failed: row.try_get("failed")?,
        audio_seconds: row.try_get("audio_seconds")?,
        detections: row.try_get("detections")?,
        clips_failed: row.try_get("clips_failed")?,
    })
}

pub fn recording(row: &Row) -> Result<RecordingColumns, postgres::Error> {
    Ok(RecordingColumns {
        id: row.try_get("id")?,
        source: row.try_get("source")?,
        name: row.try_get("name")?,
        content_sha256: row.try_get("content_sha256")?,
        bytes: row.try_get("bytes")?,
        started_at: row.try_get("started_at")?,
        start_source: row.try_get("start_source")?,
        duration_seconds: row.try_get("duration_seconds")?,
        sample_rate: row.try_get("sample_rate")?,
        channels: row.try_get("channels")?,
        audio_tracks: row.try_get("audio_tracks")?,
        codec: row.try_get("codec")?,
        status: row.try_get("status")?,
        missing_ranges: row.try_get("missing")?,
        missing_count: row.try_get("missing_count")?,
        missing_seconds: row.try_get("missing_seconds")?,
        failure_kind: row.try_get("failure_kind")?,
        failure_reason: row.try_get("failure_reason")?,
        failure_position_seconds: row.try_get("failure_position_seconds")?,
        clips_failed: row.try_get("clips_failed")?,
        run_id: row.try_get("run")?,
        run_window: Window { from: row.try_get("window_from")?, to: row.try_get("window_to")? },
    })
}

pub fn detection(row: &Row) -> Result<DetectionColumns, postgres::Error> {
    Ok(DetectionColumns {
        recording_id: row.try_get("recording_id")?,
        local_date: row.try_get("local_date")?,
        starts_at: row.try_get("starts_at")?,
        ends_at: row.try_get("ends_at")?,
        start_seconds: row.try_get("start_seconds")?,
        end_seconds: row.try_get("end_seconds")?,
        peak_score: row.try_get("peak_score")?,
        mean_score: row.try_get("mean_score")?,
        class_index: row.try_get("class_index")?,
        class_scores: row.try_get("scores")?,
        clip: row.try_get("clip")?,
    })
}

pub fn review(row: &Row) -> Result<ReviewColumns, postgres::Error> {
    Ok(ReviewColumns {
        recording_id: row.try_get("recording_id")?,
        start_seconds: row.try_get("start_seconds")?,
        end_seconds: row.try_get("end_seconds")?,
        verdict: row.try_get("verdict")?,
        comment: row.try_get("comment")?,
        reviewed_at: row.try_get("reviewed_at")?,
    })
}
