//! The SQL of forgetting, in Postgres' dialect.
//!
//! Invariant: asks for no more rights than SELECT on the tables, UPDATE of `detections.clip` and, where rows go,
//! DELETE on recordings and runs (laughs go with their recordings).

use postgres::{Client, Error, Transaction};

use crate::store::pruning::{Pruned, Pruning, parted};

/// Whoever else holds a lock of ours: a run, or a save of one. None may be of another program, since a database of
/// giggles is its own.
pub const OTHERS: &str = "
    SELECT a.pid FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.pid <> pg_backend_pid()
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    LIMIT 1";
const FORGET_CLIPS: &str = "UPDATE detections SET clip = NULL WHERE clip = ANY($1)";
/// A failed one that tells no time is as old as the run that met it.
const OLD: &str = "
    SELECT recordings.id, EXISTS (SELECT FROM detections WHERE recording_id = recordings.id AND clip IS NOT NULL)
    FROM recordings JOIN runs ON runs.id = run_id WHERE ($1::text IS NULL OR recordings.source = $1) AND CASE
        WHEN began_at IS NULL THEN ended_at < $2
        ELSE began_at < $2 AND extract(epoch FROM began_at) + coalesce(duration_seconds, 0) <= extract(epoch FROM $2)
        END";
const LAUGHS: &str = "SELECT count(*) FROM detections WHERE recording_id = ANY($1)";
const RECORDINGS: &str = "DELETE FROM recordings WHERE id = ANY($1) RETURNING source, name";
const RUNS: &str = "
    DELETE FROM runs WHERE ($1::text IS NULL OR source = $1) AND started_at < $2
        AND NOT EXISTS (SELECT FROM recordings WHERE run_id = runs.id)
        AND NOT EXISTS (SELECT FROM detections WHERE run_id = runs.id)";

pub fn prune(client: &mut Client, pruning: &Pruning) -> Result<Pruned, Error> {
    let mut transaction = client.transaction()?;
    let mut pruned = Pruned::default();
    if !pruning.clips.is_empty() {
        pruned.clips = transaction.execute(FORGET_CLIPS, &[&pruning.clips])?;
    }
    if pruning.rows {
        remove(&mut transaction, pruning, &mut pruned)?;
    }
    match pruning.dry_run {
        true => transaction.rollback()?,
        false => transaction.commit()?,
    }
    Ok(pruned)
}

fn remove(transaction: &mut Transaction<'_>, pruning: &Pruning, pruned: &mut Pruned) -> Result<(), Error> {
    let old = transaction.query(OLD, &[&pruning.source, &pruning.before])?;
    let (ids, kept) = parted(old.iter().map(|row| (row.get(0), row.get(1))).collect());
    pruned.kept = kept;
    pruned.detections = transaction.query_one(LAUGHS, &[&ids])?.get::<_, i64>(0).cast_unsigned();
    let gone = transaction.query(RECORDINGS, &[&ids])?;
    pruned.recordings = gone.iter().map(|row| (row.get(0), row.get(1))).collect();
    pruned.recordings.sort();
    pruned.runs = transaction.execute(RUNS, &[&pruning.source, &pruning.before])?;
    Ok(())
}
