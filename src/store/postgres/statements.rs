//! The SQL of a save and of a look, in Postgres' dialect.
//!
//! Invariant: a save is a handful of round trips however many rows it has: rows travel as one JSON
//! document a table. Its numbers are exact (shortest decimals that read back the same).

use postgres::{Client, Error, GenericClient, Transaction};

use super::encoding::{Encoding, Escapes};
use crate::record::{Counts, Unresolved, Window};
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

/// Rows of the same analysis: those analyzed whole, and those damaged for good under the same version.
pub fn known(client: &mut Client, lookup: &Lookup, encoding: &Encoding) -> Result<Known, Error> {
    let names = stored_texts(&lookup.names);
    let escapes = encoding.escapes(client, names.iter().chain([&lookup.source]).map(String::as_str))?;
    let rows = client.query(
        "SELECT content_sha256, name, status FROM recordings
         WHERE source = $1 AND analysis = $2 AND (clips_lost = 0 OR NOT $3)
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

/// A recording of no known length counts as the instant at which it began; one of no known time as every window's.
pub fn unresolved(client: &mut Client, source: &str, window: &Window) -> Result<Unresolved, Error> {
    let row = client.query_one(
        "SELECT count(*) FILTER (WHERE status = 'partial'), count(*) FILTER (WHERE status = 'failed') FROM recordings
         WHERE source = $1 AND status <> 'analyzed'
            AND (began_at IS NULL OR ($3::timestamptz IS NULL OR began_at < $3)
                AND ($2::timestamptz IS NULL OR began_at >= $2
                    OR extract(epoch FROM began_at) + duration_seconds > extract(epoch FROM $2)))",
        &[&source, &window.from, &window.to],
    )?;
    let count = |column| row.get::<_, i64>(column).cast_unsigned();
    Ok(Unresolved { partial: count(0), failed: count(1) })
}

/// A standby, or a database or user set so.
pub fn is_read_only(client: &mut Client) -> Result<bool, Error> {
    Ok(client.query_one("SELECT current_setting('transaction_read_only') = 'on'", &[])?.get(0))
}

pub fn has_run(client: &mut Client, id: &str) -> Result<bool, Error> {
    Ok(client.query_opt("SELECT 1 FROM runs WHERE id = $1::text::uuid", &[&id])?.is_some())
}

/// Dropping the transaction on any error rolls all of it back.
pub fn commit(client: &mut Client, rows: &Rows, encoding: &Encoding) -> Result<(), Error> {
    let texts = Texts::of(client, rows, encoding)?;
    let mut transaction = client.transaction()?;
    // Shards of a source save one after the other: what one inserts, the next must see and replace.
    transaction
        .execute("SELECT pg_advisory_xact_lock(hashtextextended('giggles save ' || $1, 0))", &[&texts.source])?;
    insert_run(&mut transaction, &rows.run, &texts)?;
    clear(&mut transaction, rows, &texts)?;
    insert_recordings(&mut transaction, rows, &texts)?;
    insert_detections(&mut transaction, rows, &texts)?;
    transaction.commit()
}

/// What others have named, as this database can hold it.
struct Texts {
    source: String,
    zone: String,
    names: Vec<String>,
    /// Names of recordings that are whole now.
    whole: Vec<String>,
    recordings: String,
    detections: String,
}

impl Texts {
    fn of(client: &mut Client, rows: &Rows, encoding: &Encoding) -> Result<Texts, Error> {
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
        "INSERT INTO runs (id, source, started_at, ended_at, version, analysis, model_sha256, zone,
            window_from, window_to, shard, single_files, exit_code, analyzed, partial, skipped, unfinished,
            unfinished_from, failed, audio_seconds)
         VALUES ($1::text::uuid, $2, $3, $4, $5, $6::text::jsonb, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
            $18, $19, $20)",
        &[
            &run.id,
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
            &run.single_files,
            &run.exit_code,
            &run.analyzed,
            &run.partial,
            &run.skipped,
            &run.unfinished,
            &run.unfinished_from,
            &run.failed,
            &run.audio_seconds,
        ],
    )
}

/// Removes what this run replaces; see the rules at the top of `store`.
fn clear(transaction: &mut Transaction<'_>, rows: &Rows, texts: &Texts) -> Result<u64, Error> {
    let (_, beginnings) = rows.replaced_partials();
    transaction.execute(
        "DELETE FROM recordings USING unnest($2::text[], $3::timestamptz[]) AS whole (name, began_at)
         WHERE source = $1 AND status = 'partial' AND recordings.name = whole.name
            AND recordings.began_at = whole.began_at",
        &[&texts.source, &texts.whole, &beginnings],
    )?;
    transaction.execute(
        "DELETE FROM recordings WHERE source = $1 AND (
            content_sha256 = ANY($2)
            OR status = 'failed' AND (name = ANY($3) OR content_sha256 = ANY($4)))",
        &[&texts.source, &rows.heard_contents(), &texts.names, &rows.contents],
    )
}

/// What is still there after `clear` was heard before and failed now: it stays.
fn insert_recordings(transaction: &mut Transaction<'_>, rows: &Rows, texts: &Texts) -> Result<u64, Error> {
    transaction.execute(
        "INSERT INTO recordings (source, content_sha256, name, bytes, began_at, began_from, duration_seconds,
            sample_rate, channels, audio_tracks, codec, status, missing_ranges, missing_count, missing_seconds,
            failure_kind, failure_reason, failure_position_seconds, clips_lost, analysis, run_id)
         SELECT $1, content_sha256, name, bytes, began_at, began_from, duration_seconds,
            sample_rate, channels, audio_tracks, codec, status, nullif(missing_ranges, 'null'), missing_count,
            missing_seconds, failure_kind, failure_reason, failure_position_seconds, clips_lost, $2, $3::text::uuid
         FROM jsonb_to_recordset($4::text::jsonb) AS row (content_sha256 text, name text, bytes bigint,
            began_at timestamptz, began_from text, duration_seconds double precision, sample_rate bigint,
            channels bigint, audio_tracks bigint, codec text, status text, missing_ranges jsonb, missing_count bigint,
            missing_seconds double precision, failure_kind text, failure_reason text,
            failure_position_seconds double precision, clips_lost bigint)
         ON CONFLICT (source, content_sha256) WHERE content_sha256 IS NOT NULL DO NOTHING",
        &[&texts.source, &rows.run.analysis, &rows.run.id, &texts.recordings],
    )
}

/// A detection whose recording is not there has no `recording_id`, which its NOT NULL refuses.
fn insert_detections(transaction: &mut Transaction<'_>, rows: &Rows, texts: &Texts) -> Result<u64, Error> {
    transaction.execute(
        "INSERT INTO detections (recording_id, run_id, local_date, starts_at, ends_at, start_seconds, end_seconds,
            peak_score, mean_score, class_index, class_name, laughter, baby_laughter, giggle, snicker, belly_laugh,
            chuckle, clip)
         SELECT (SELECT id FROM recordings WHERE source = $1 AND content_sha256 = row.content_sha256),
            $2::text::uuid, local_date, starts_at, ends_at, start_seconds, end_seconds,
            peak_score, mean_score, class_index, class_name, laughter, baby_laughter, giggle, snicker, belly_laugh,
            chuckle, clip
         FROM jsonb_to_recordset($3::text::jsonb) AS row (content_sha256 text, local_date date,
            starts_at timestamptz, ends_at timestamptz, start_seconds double precision,
            end_seconds double precision, peak_score double precision, mean_score double precision,
            class_index integer, class_name text, laughter double precision, baby_laughter double precision,
            giggle double precision, snicker double precision, belly_laugh double precision,
            chuckle double precision, clip text)",
        &[&texts.source, &rows.run.id, &texts.detections],
    )
}

pub fn counts(client: &mut impl GenericClient, run: &str) -> Result<Counts, Error> {
    let row = client.query_one(
        "SELECT analyzed, partial, skipped, unfinished, failed,
            (SELECT count(*) FROM detections WHERE run_id = runs.id),
            (SELECT coalesce(sum(clips_lost), 0)::bigint FROM recordings WHERE run_id = runs.id)
         FROM runs WHERE id = $1::text::uuid",
        &[&run],
    )?;
    let count = |column| row.get::<_, i64>(column).cast_unsigned();
    Ok(Counts {
        analyzed: count(0),
        partial: count(1),
        skipped: count(2),
        unfinished: count(3),
        failed: count(4),
        detections: count(5),
        clips_lost: count(6),
    })
}

/// Rows as Postgres' jsonb_to_recordset reads them.
pub fn json<T: serde::Serialize>(rows: &[T]) -> String {
    serde_json::to_string(rows).expect("plain numbers and strings always serialise")
}
