//! The SQL of looking back, in Postgres' dialect.
//!
//! Invariant: the session is read-only, and SELECT is all that its user needs to be allowed.

use std::collections::HashSet;

use jiff::Timestamp;
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::ToSql;
use postgres::{Client, Row};

use super::connect::connect;
use super::encoding::Encoding;
use super::error::{Trouble, working};
use super::escaped::Escaped;
use super::server::Server;
use super::stream::Stream;
use super::version;
use crate::exit::Fatal;
use crate::record::{Coverage, PastRun, StoredRecording, Window};
use crate::store::noting::NoteColumns;
use crate::store::reading::{
    CoverageColumns, Delivery, DetectionColumns, Reader, RecordingColumns, RunColumns, Selection,
};
use crate::store::{StoreError, schema};

const READ_ONLY: &str = "SET default_transaction_read_only = on";
/// One seek a source, however many runs it has.
const SOURCES: &str = "
    WITH RECURSIVE found (source) AS (
        SELECT min(source) FROM runs
        UNION ALL
        SELECT (SELECT min(source) FROM runs WHERE runs.source > found.source) FROM found WHERE source IS NOT NULL)
    SELECT source FROM found WHERE source IS NOT NULL ORDER BY source COLLATE \"C\"";
/// Detections are counted of those runs alone that are asked for.
const RUNS: &str = "
    SELECT *, id::text AS key, (SELECT count(*) FROM detections WHERE run_id = runs.id) AS detections,
        (SELECT coalesce(sum(clips_lost), 0)::bigint FROM recordings WHERE run_id = runs.id) AS clips_lost
    FROM (SELECT * FROM runs WHERE $1::text IS NULL OR source = $1 ORDER BY started_at DESC, id LIMIT $2) AS runs
    ORDER BY started_at DESC, id";
const COVERAGE: &str = "
    SELECT source, started_at, window_from, window_to, shard, single_files, exit_code, unfinished, unfinished_from
    FROM runs WHERE ($1::text IS NULL OR source = $1) AND started_at >= $2
        AND (window_from IS NULL OR $3::timestamptz IS NULL OR window_from <= $3)
        AND (window_to IS NULL OR $4::timestamptz IS NULL OR window_to >= $4)";
const NAMED_CLIPS: &str = "
    SELECT DISTINCT clip FROM detections WHERE clip COLLATE \"C\" = ANY($1) AND clip IS NOT NULL";

/// None where there are no tables yet.
pub fn read(server: &Server) -> Result<Option<Box<dyn Reader>>, StoreError> {
    let Some(mut past) = Past::open(server)? else { return Ok(None) };
    let encoding = past.look(Encoding::of)?;
    Ok(Some(match encoding.is_partial() {
        true => Box::new(Escaped::new(past, encoding)),
        false => Box::new(past),
    }))
}

pub struct Past {
    client: Client,
    server: Server,
}

impl Past {
    fn open(server: &Server) -> Result<Option<Past>, StoreError> {
        let mut client = connect(server).map_err(Trouble::into_error)?;
        let trouble = |error| working(server, &error).into_error();
        client.batch_execute(READ_ONLY).map_err(trouble)?;
        let version = version(&mut client).map_err(trouble)?;
        let past = Past { client, server: server.clone() };
        Ok(schema::is_readable(server, version)?.then_some(past))
    }

    pub fn look<T>(&mut self, look: impl FnOnce(&mut Client) -> Result<T, postgres::Error>) -> Result<T, StoreError> {
        look(&mut self.client).map_err(|error| working(&self.server, &error).into_error())
    }
}

impl Reader for Past {
    fn sources(&mut self) -> Result<Vec<String>, StoreError> {
        self.look(|client| client.query(SOURCES, &[])?.iter().map(|row| row.try_get(0)).collect())
    }

    fn runs(&mut self, source: Option<&str>, limit: u32) -> Result<Vec<PastRun>, StoreError> {
        self.look(|client| {
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
        self.look(|client| {
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
        let trouble = |error| Fatal::from(working(server, &error).into_error());
        let mut stream = Stream::open(&mut self.client, wanted).map_err(trouble)?;
        while let Some(found) = stream.next().map_err(trouble)? {
            found.into_iter().try_for_each(|recording| delivery.push(recording))?;
        }
        delivery.finish()
    }

    fn named_clips(&mut self, clips: &[String]) -> Result<HashSet<String>, StoreError> {
        self.look(|client| client.query(NAMED_CLIPS, &[&clips])?.iter().map(|row| row.try_get(0)).collect())
    }
}

fn coverage(row: &Row) -> Result<CoverageColumns, postgres::Error> {
    Ok(CoverageColumns {
        source: row.try_get("source")?,
        started_at: row.try_get("started_at")?,
        window_from: row.try_get("window_from")?,
        window_to: row.try_get("window_to")?,
        shard: row.try_get("shard")?,
        single_files: row.try_get("single_files")?,
        exit_code: row.try_get("exit_code")?,
        unfinished: row.try_get("unfinished")?,
        unfinished_from: row.try_get("unfinished_from")?,
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
        single_files: row.try_get("single_files")?,
        exit_code: row.try_get("exit_code")?,
        analyzed: row.try_get("analyzed")?,
        partial: row.try_get("partial")?,
        skipped: row.try_get("skipped")?,
        unfinished: row.try_get("unfinished")?,
        unfinished_from: row.try_get("unfinished_from")?,
        failed: row.try_get("failed")?,
        audio_seconds: row.try_get("audio_seconds")?,
        detections: row.try_get("detections")?,
        clips_lost: row.try_get("clips_lost")?,
    })
}

pub fn recording(row: &Row) -> Result<RecordingColumns, postgres::Error> {
    Ok(RecordingColumns {
        id: row.try_get("id")?,
        source: row.try_get("source")?,
        name: row.try_get("name")?,
        content_sha256: row.try_get("content_sha256")?,
        bytes: row.try_get("bytes")?,
        began_at: row.try_get("began_at")?,
        began_from: row.try_get("began_from")?,
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
        clips_lost: row.try_get("clips_lost")?,
        run_id: row.try_get("run")?,
        run_window: Window { from: row.try_get("window_from")?, to: row.try_get("window_to")? },
    })
}

pub fn detection(row: &Row) -> Result<DetectionColumns, postgres::Error> {
    let [a, b, c, d, e, f] = ["laughter", "baby_laughter", "giggle", "snicker", "belly_laugh", "chuckle"];
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
        peaks: [row.try_get(a)?, row.try_get(b)?, row.try_get(c)?, row.try_get(d)?, row.try_get(e)?, row.try_get(f)?],
        clip: row.try_get("clip")?,
    })
}

pub fn note(row: &Row) -> Result<NoteColumns, postgres::Error> {
    Ok(NoteColumns {
        recording_id: row.try_get("recording_id")?,
        start_seconds: row.try_get("start_seconds")?,
        end_seconds: row.try_get("end_seconds")?,
        verdict: row.try_get("verdict")?,
        note: row.try_get("note")?,
        noted_at: row.try_get("noted_at")?,
    })
}
