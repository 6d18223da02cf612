//! The SQL that saves a run and looks up known recordings, in Postgres' dialect.
//!
//! Invariant: the number of round trips of a save does not depend on the number of rows: the rows of a table are sent
//! as one JSON document. Its numbers are exact (shortest decimals that round-trip).

use postgres::{Client, Error, GenericClient, Transaction};

use super::encoding::{Encoding, Escapes};
use crate::domain::{Counts, Unresolved, Window};
use crate::store::known::{Known, Lookup};
use crate::store::rows::{Rows, RunRow, stored_texts, texts};
use crate::store::schema::Migration;

pub const MIGRATION_LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('giggles schema', 0))";
pub const IS_MIGRATED: &str = "
    SELECT EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relname = 'giggles_schema' AND n.nspname = ANY (current_schemas(false)))";

pub fn apply(transaction: &mut Transaction<'_>, migration: &Migration) -> Result<(), Error> {
    transaction.batch_execute(
        "CREATE TABLE IF NOT EXISTS giggles_schema (
            version bigint PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())",
    )?;
    transaction.batch_execute(migration.postgres)?;
    transaction.execute("INSERT INTO giggles_schema (version) VALUES ($1)", &[&migration.version])?;
    Ok(())
}

/// Rows of the same analysis: complete ones, and permanently damaged ones of the same program version.
pub fn known(client: &mut Client, lookup: &Lookup, encoding: &Encoding) -> Result<Known, Error> {
    let names = stored_texts(&lookup.names);
    let escapes = encoding.escapes(client, names.iter().chain([&lookup.source]).map(String::as_str))?;
    let rows = client.query(
        "SELECT content_sha256, name, status FROM recordings
         WHERE source = $1 AND analysis = $2 AND (clips_failed = 0 OR NOT $3)
            AND (content_sha256 = ANY($4) OR content_sha256 IS NULL AND name = ANY($5))
            AND (status = 'analyzed' OR (SELECT version FROM runs WHERE id = run_id) = $6 AND NOT $7
                AND (status = 'partial' AND NOT missing_ranges @> '[{\"kind\": \"ffmpeg\"}]'
                    OR failure_kind = ANY($8)))",
        &[
            &escapes.text(&lookup.source),
            &lookup.analysis.to_json(),
            &lookup.cuts_clips,
            &texts(&lookup.contents),
            &escapes.texts(&names),
            &lookup.version,
            &lookup.retry_failed,
            &lookup.permanent_failures(),
        ],
    )?;
    let mut known = Known::default();
    rows.iter().for_each(|row| known.add(row.get(0), encoding.read(row.get(1)), row.get(2)));
    Ok(known)
}

/// A recording with unknown length counts as the instant of its start time; one without a start time is in every
/// window.
pub fn unresolved(client: &mut Client, source: &str, window: &Window) -> Result<Unresolved, Error> {
    let row = client.query_one(
        "SELECT count(*) FILTER (WHERE status = 'partial'), count(*) FILTER (WHERE status = 'failed') FROM recordings
         WHERE source = $1 AND status <> 'analyzed'
            AND (started_at IS NULL OR ($3::timestamptz IS NULL OR started_at < $3)
                AND ($2::timestamptz IS NULL OR started_at >= $2
                    OR extract(epoch FROM started_at) + duration_seconds > extract(epoch FROM $2)))",
        &[&source, &window.from, &window.to],
    )?;
    let count = |column| row.get::<_, i64>(column).cast_unsigned();
    Ok(Unresolved { partial: count(0), failed: count(1) })
}

/// True for a standby, or if the database or the user is configured as read-only.
pub fn is_read_only(client: &mut Client) -> Result<bool, Error> {
    Ok(client.query_one("SELECT current_setting('transaction_read_only') = 'on'", &[])?.get(0))
}

pub fn has_run(client: &mut Client, id: &str) -> Result<bool, Error> {
    Ok(client.query_opt("SELECT 1 FROM runs WHERE id = $1::text::uuid", &[&id])?.is_some())
}

/// Any error drops the transaction, which rolls it back.
pub fn commit(client: &mut Client, rows: &Rows, encoding: &Encoding) -> Result<(), Error> {
    let texts = Texts::new(client, rows, encoding)?;
    let mut transaction = client.transaction()?;
    // Shards of a source save one after the other: each must see and replace the rows of the previous one.
    transaction
        .execute("SELECT pg_advisory_xact_lock(hashtextextended('giggles save ' || $1, 0))", &[&texts.source])?;
    insert_run(&mut transaction, &rows.run, &texts)?;
    delete_replaced(&mut transaction, rows, &texts)?;
    insert_recordings(&mut transaction, rows, &texts)?;
    insert_detections(&mut transaction, rows, &texts)?;
    transaction.commit()
}

/// Texts from outside, escaped for this database's encoding.
struct Texts {
    source: String,
    zone: String,
    names: Vec<String>,
    /// Names of recordings that are complete now.
    whole: Vec<String>,
    recordings: String,
    detections: String,
}

impl Texts {
    fn new(client: &mut Client, rows: &Rows, encoding: &Encoding) -> Result<Texts, Error> {
        let (recordings, detections) = (json(&rows.recordings), json(&rows.detections));
        let run = [&rows.run.source, &rows.run.zone, &recordings, &detections];
        let all = run.into_iter().chain(&rows.names).map(String::as_str);
        let escapes: Escapes = encoding.escapes(client, all)?;
        Ok(Texts {
            source: escapes.text(&rows.run.source).into_owned(),
            zone: escapes.text(&rows.run.zone).into_owned(),
            names: escapes.texts(&rows.names),
            whole: rows.replaced_partials().0.into_iter().map(|name| escapes.text(name).into_owned()).collect(),
            recordings: escapes.json(&recordings).into_owned(),
            detections: escapes.json(&detections).into_owned(),
        })
    }
}

fn insert_run(transaction: &mut Transaction<'_>, run: &RunRow, texts: &Texts) -> Result<u64, Error> {
    transaction.execute(
        "INSERT INTO runs (id, external_id, source, started_at, ended_at, version, analysis, model_sha256, zone,
            window_from, window_to, shard, explicit_files, exit_code, analyzed, partial, skipped, in_progress,
            in_progress_from, failed, audio_seconds)
         VALUES ($1::text::uuid, $2, $3, $4, $5, $6, $7::text::jsonb, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
            $18, $19, $20, $21)",
        &[
            &run.id,
            &run.external_id,
            &texts.source,
            &run.started_at,
            &run.ended_at,
            &run.version,
            &run.analysis,
            &run.model_sha256,
            &texts.zone,
            &run.window_from,
            &run.window_to,
            &run.shard,
            &run.explicit_files,
            &run.exit_code,
            &run.analyzed,
            &run.partial,
            &run.skipped,
            &run.in_progress,
            &run.in_progress_from,
            &run.failed,
            &run.audio_seconds,
        ],
    )
}

/// Removes the rows that this run replaces; the module documentation of `store` has the rules.
fn delete_replaced(transaction: &mut Transaction<'_>, rows: &Rows, texts: &Texts) -> Result<u64, Error> {
    let (_, start_times) = rows.replaced_partials();
    transaction.execute(
        "DELETE FROM recordings USING unnest($2::text[], $3::timestamptz[]) AS whole (name, started_at)
         WHERE source = $1 AND status = 'partial' AND recordings.name = whole.name
            AND recordings.started_at = whole.started_at",
        &[&texts.source, &texts.whole, &start_times],
    )?;
    transaction.execute(
        "DELETE FROM recordings WHERE source = $1 AND (
            content_sha256 = ANY($2)
            OR status = 'failed' AND (name = ANY($3) OR content_sha256 = ANY($4)))",
        &[&texts.source, &rows.analyzed_contents(), &texts.names, &rows.contents],
    )
}

/// A row that conflicts after `delete_replaced` was analyzed before and failed in this run: the earlier row stays.
fn insert_recordings(transaction: &mut Transaction<'_>, rows: &Rows, texts: &Texts) -> Result<u64, Error> {
    transaction.execute(
        "INSERT INTO recordings (source, content_sha256, name, bytes, started_at, start_source, duration_seconds,
            sample_rate, channels, audio_tracks, codec, status, missing_ranges, missing_count, missing_seconds,
            failure_kind, failure_reason, failure_position_seconds, clips_failed, analysis, run_id)
         SELECT $1, content_sha256, name, bytes, started_at, start_source, duration_seconds,
            sample_rate, channels, audio_tracks, codec, status, nullif(missing_ranges, 'null'), missing_count,
            missing_seconds, failure_kind, failure_reason, failure_position_seconds, clips_failed, $2, $3::text::uuid
         FROM jsonb_to_recordset($4::text::jsonb) AS row (content_sha256 text, name text, bytes bigint,
            started_at timestamptz, start_source text, duration_seconds double precision, sample_rate bigint,
            channels bigint, audio_tracks bigint, codec text, status text, missing_ranges jsonb, missing_count bigint,
            missing_seconds double precision, failure_kind text, failure_reason text,
            failure_position_seconds double precision, clips_failed bigint)
         ON CONFLICT (source, content_sha256) WHERE content_sha256 IS NOT NULL DO NOTHING",
        &[&texts.source, &rows.run.analysis, &rows.run.id, &texts.recordings],
    )
}

/// For a detection without its recording, `recording_id` is NULL, which the NOT NULL constraint rejects.
fn insert_detections(transaction: &mut Transaction<'_>, rows: &Rows, texts: &Texts) -> Result<u64, Error> {
    transaction.execute(
        "INSERT INTO detections (recording_id, run_id, local_date, starts_at, ends_at, start_seconds, end_seconds,
            peak_score, mean_score, label, class_index, class_name, class_scores, clip)
         SELECT (SELECT id FROM recordings WHERE source = $1 AND content_sha256 = row.content_sha256),
            $2::text::uuid, local_date, starts_at, ends_at, start_seconds, end_seconds,
            peak_score, mean_score, label, class_index, class_name, class_scores, clip
         FROM jsonb_to_recordset($3::text::jsonb) AS row (content_sha256 text, local_date date,
            starts_at timestamptz, ends_at timestamptz, start_seconds double precision,
            end_seconds double precision, peak_score double precision, mean_score double precision,
            label text, class_index integer, class_name text, class_scores jsonb, clip text)",
        &[&texts.source, &rows.run.id, &texts.detections],
    )
}

pub fn counts(client: &mut impl GenericClient, run: &str) -> Result<Counts, Error> {
    let row = client.query_one(
        "SELECT analyzed, partial, skipped, in_progress, failed,
            (SELECT count(*) FROM detections WHERE run_id = runs.id),
            (SELECT coalesce(sum(clips_failed), 0)::bigint FROM recordings WHERE run_id = runs.id)
         FROM runs WHERE id = $1::text::uuid",
        &[&run],
    )?;
    let count = |column| row.get::<_, i64>(column).cast_unsigned();
    Ok(Counts {
        analyzed: count(0),
        partial: count(1),
        skipped: count(2),
        in_progress: count(3),
        failed: count(4),
        detections: count(5),
        clips_failed: count(6),
    })
}

/// Rows as a JSON array for jsonb_to_recordset.
pub fn json<T: serde::Serialize>(rows: &[T]) -> String {
    serde_json::to_string(rows).expect("plain numbers and strings always serialise")
}
