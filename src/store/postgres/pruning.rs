//! The SQL of `prune`, in Postgres' dialect.
//!
//! Invariant: needs no more privileges than SELECT on the tables, UPDATE of `clip` in detections and candidates and, to remove rows,
//! DELETE on recordings and runs (detections are deleted with their recordings by a foreign key).

use postgres::{Client, Error};

use super::encoding::Encoding;
use super::values::Decoded;
use crate::store::pruning::{Old, PruneReport, Pruning, RECORDINGS};

/// Another session that holds an advisory lock: a run, or the save of one. All advisory locks in the database are
/// giggles' own, because giggles needs a database of its own.
pub const OTHERS: &str = "
    SELECT a.pid FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.pid <> pg_backend_pid()
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    LIMIT 1";
const FORGET_CLIPS: &str = "
    WITH of_detections AS (
        UPDATE detections SET clip = NULL WHERE clip COLLATE \"C\" = ANY($1) AND clip IS NOT NULL RETURNING 1),
    of_candidates AS (
        UPDATE candidates SET clip = NULL WHERE clip COLLATE \"C\" = ANY($1) AND clip IS NOT NULL RETURNING 1)
    SELECT (SELECT count(*) FROM of_detections) + (SELECT count(*) FROM of_candidates)";
/// Recordings that ended before $2. A failed one without a start time is as old as its run.
const IS_OLD: &str = "
    CASE WHEN started_at IS NULL THEN (SELECT ended_at FROM runs AS own WHERE own.id = run_id) < $2
        ELSE started_at < $2 AND extract(epoch FROM started_at) + coalesce(duration_seconds, 0) <= extract(epoch FROM $2)
        END";
/// Whether one of a recording's detections or candidates names a clip; one of $3, if that is a list.
const NAMES_A_CLIP: &str = "
    (EXISTS (SELECT FROM detections WHERE recording_id = recordings.id AND clip IS NOT NULL
        AND ($3::text[] IS NULL OR clip = ANY($3)))
    OR EXISTS (SELECT FROM candidates WHERE recording_id = recordings.id AND clip IS NOT NULL
        AND ($3::text[] IS NULL OR clip = ANY($3))))";
const COUNT_DETECTIONS: &str = "SELECT count(*) FROM detections WHERE recording_id = ANY($1)";
const REMOVE: &str = "DELETE FROM recordings WHERE id = ANY($1)";
const RUNS: &str = "
    DELETE FROM runs WHERE ($1::text IS NULL OR source = $1) AND started_at < $2
        AND NOT EXISTS (SELECT FROM recordings WHERE run_id = runs.id)
        AND NOT EXISTS (SELECT FROM detections WHERE run_id = runs.id)";

fn old() -> String {
    format!(
        "SELECT id, source, name, {NAMES_A_CLIP} AS names_a_clip FROM recordings
         WHERE ($1::text IS NULL OR source = $1) AND id > $4 AND {IS_OLD} ORDER BY id LIMIT $5"
    )
}

/// Counts the runs that no row would refer to after the removal.
fn runs_without_old() -> String {
    format!(
        "SELECT count(*) FROM runs WHERE ($1::text IS NULL OR source = $1) AND started_at < $2
            AND NOT EXISTS (SELECT FROM recordings WHERE run_id = runs.id AND NOT ({IS_OLD} AND NOT {NAMES_A_CLIP}))"
    )
}

/// With texts escaped for the database's encoding.
fn written(client: &mut Client, pruning: &Pruning, encoding: &Encoding) -> Result<Pruning, Error> {
    let texts = pruning.stuck.iter().flatten().chain(&pruning.source);
    let escapes = encoding.escapes(client, texts.map(String::as_str))?;
    Ok(Pruning {
        source: pruning.source.as_deref().map(|source| escapes.text(source).into_owned()),
        stuck: pruning.stuck.as_deref().map(|clips| escapes.texts(clips)),
        ..pruning.clone()
    })
}

pub fn forget_clips(client: &mut Client, clips: &[String], encoding: &Encoding) -> Result<u64, Error> {
    let escapes = encoding.escapes(client, clips.iter().map(String::as_str))?;
    Ok(client.query_one(FORGET_CLIPS, &[&escapes.texts(clips)])?.get::<_, i64>(0).cast_unsigned())
}

pub fn prune(client: &mut Client, pruning: &Pruning, after: i64, encoding: &Encoding) -> Result<PruneReport, Error> {
    let Pruning { source, before, stuck, .. } = written(client, pruning, encoding)?;
    let mut transaction = client.transaction()?;
    let old = transaction.query(&old(), &[&source, &before, &stuck, &after, &RECORDINGS])?;
    let (mut pruned, ids) =
        PruneReport::of_batch(old.iter().map(|row| Old::read(&Decoded { row, encoding })).collect::<Result<_, _>>()?);
    pruned.detections = transaction.query_one(COUNT_DETECTIONS, &[&ids])?.get::<_, i64>(0).cast_unsigned();
    transaction.execute(REMOVE, &[&ids])?;
    if pruning.dry_run {
        transaction.rollback()?;
    } else {
        transaction.commit()?;
    }
    Ok(pruned)
}

pub fn prune_runs(client: &mut Client, pruning: &Pruning, encoding: &Encoding) -> Result<u64, Error> {
    let Pruning { source, before, stuck, .. } = written(client, pruning, encoding)?;
    if pruning.dry_run {
        let found = client.query_one(&runs_without_old(), &[&source, &before, &stuck])?;
        return Ok(found.get::<_, i64>(0).cast_unsigned());
    }
    client.execute(RUNS, &[&source, &before])
}
