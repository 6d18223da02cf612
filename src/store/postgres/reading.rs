//! The SQL of looking back, in Postgres' dialect.
//!
//! Invariant: the session is read-only, and SELECT is all that its user needs to be allowed.

use postgres::{Client, Row};

use super::connect::connect;
use super::error::{Trouble, working};
use super::server::Server;
use super::version;
use crate::record::{PastRun, StoredRecording, Window};
use crate::store::noting::NoteColumns;
use crate::store::reading::{DetectionColumns, Reader, RecordingColumns, RunColumns, together};
use crate::store::{StoreError, schema};

const READ_ONLY: &str = "SET default_transaction_read_only = on";
const RUNS: &str = "
    SELECT *, id::text AS key, (SELECT count(*) FROM detections WHERE run_id = runs.id) AS detections,
        (SELECT coalesce(sum(clips_lost), 0)::bigint FROM recordings WHERE run_id = runs.id) AS clips_lost
    FROM runs
    WHERE $1::text IS NULL OR source = $1 ORDER BY started_at DESC, id LIMIT $2";
/// A second too many at the window's beginning: exactly is for `lies_in` to say.
const RECORDINGS: &str = "
    SELECT recordings.*, run_id::text AS run, window_from, window_to
    FROM recordings JOIN runs ON runs.id = run_id
    WHERE ($1::text IS NULL OR recordings.source = $1)
        AND (began_at IS NULL OR ($3::timestamptz IS NULL OR began_at < $3)
            AND ($2::timestamptz IS NULL OR began_at >= $2
                OR extract(epoch FROM began_at) + duration_seconds + 1 >= extract(epoch FROM $2)))
    ORDER BY recordings.source COLLATE \"C\", began_at NULLS LAST, name COLLATE \"C\"";
const DETECTIONS: &str = "SELECT * FROM detections WHERE recording_id = ANY($1) ORDER BY starts_at, id";
const NOTES: &str = "
    SELECT recordings.id AS recording_id, notes.* FROM recordings JOIN notes USING (source, content_sha256)
    WHERE recordings.id = ANY($1)";

pub struct Past {
    client: Client,
    server: Server,
}

impl Past {
    /// None where there are no tables yet.
    pub fn open(server: &Server) -> Result<Option<Past>, StoreError> {
        let mut client = connect(server).map_err(Trouble::into_error)?;
        let trouble = |error| working(server, &error).into_error();
        client.batch_execute(READ_ONLY).map_err(trouble)?;
        let version = version(&mut client).map_err(trouble)?;
        let past = Past { client, server: server.clone() };
        Ok(schema::is_readable(server, version)?.then_some(past))
    }

    fn look<T>(&mut self, look: impl FnOnce(&mut Client) -> Result<T, postgres::Error>) -> Result<T, StoreError> {
        look(&mut self.client).map_err(|error| working(&self.server, &error).into_error())
    }
}

impl Reader for Past {
    fn sources(&mut self) -> Result<Vec<String>, StoreError> {
        self.look(|client| {
            let rows = client.query("SELECT DISTINCT source COLLATE \"C\" AS source FROM runs ORDER BY 1", &[])?;
            rows.iter().map(|row| row.try_get(0)).collect()
        })
    }

    fn runs(&mut self, source: Option<&str>, limit: u32) -> Result<Vec<PastRun>, StoreError> {
        self.look(|client| {
            let rows = client.query(RUNS, &[&source, &i64::from(limit)])?;
            rows.iter().map(|row| Ok(run(row)?.run())).collect()
        })
    }

    fn recordings(&mut self, source: Option<&str>, window: &Window) -> Result<Vec<StoredRecording>, StoreError> {
        self.look(|client| {
            let rows = client.query(RECORDINGS, &[&source, &window.from, &window.to])?;
            let mut found = rows.iter().map(recording).collect::<Result<Vec<_>, _>>()?;
            found.retain(|columns| columns.lies_in(window));
            let ids: Vec<i64> = found.iter().map(|columns| columns.id).collect();
            let rows = client.query(DETECTIONS, &[&ids])?;
            let laughs = rows.iter().map(detection).collect::<Result<Vec<_>, _>>()?;
            let rows = client.query(NOTES, &[&ids])?;
            Ok(together(found, &laughs, rows.iter().map(note).collect::<Result<_, _>>()?))
        })
    }
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
        heard: row.try_get("heard")?,
        skipped: row.try_get("skipped")?,
        unfinished: row.try_get("unfinished")?,
        unfinished_from: row.try_get("unfinished_from")?,
        failed: row.try_get("failed")?,
        audio_seconds: row.try_get("audio_seconds")?,
        detections: row.try_get("detections")?,
        clips_lost: row.try_get("clips_lost")?,
    })
}

fn recording(row: &Row) -> Result<RecordingColumns, postgres::Error> {
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
        codec: row.try_get("codec")?,
        failure_kind: row.try_get("failure_kind")?,
        failure_reason: row.try_get("failure_reason")?,
        failure_position_seconds: row.try_get("failure_position_seconds")?,
        clips_lost: row.try_get("clips_lost")?,
        run_id: row.try_get("run")?,
        run_window: Window { from: row.try_get("window_from")?, to: row.try_get("window_to")? },
    })
}

fn detection(row: &Row) -> Result<DetectionColumns, postgres::Error> {
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

fn note(row: &Row) -> Result<NoteColumns, postgres::Error> {
    Ok(NoteColumns {
        recording_id: row.try_get("recording_id")?,
        start_seconds: row.try_get("start_seconds")?,
        end_seconds: row.try_get("end_seconds")?,
        verdict: row.try_get("verdict")?,
        note: row.try_get("note")?,
        noted_at: row.try_get("noted_at")?,
    })
}
