//! The SQL of forgetting, in SQLite's dialect.

use rusqlite::Transaction;

use super::statements::{instant, json};
use crate::store::pruning::{Pruned, Pruning, parted};

const FORGET_CLIPS: &str = "UPDATE detections SET clip = NULL WHERE clip IN (SELECT value FROM json_each(?1))";
/// A failed one that tells no time is as old as the run that met it.
const OLD: &str = "
    SELECT recordings.id, EXISTS (SELECT 1 FROM detections WHERE recording_id = recordings.id AND clip IS NOT NULL)
    FROM recordings JOIN runs ON runs.id = run_id WHERE (?1 IS NULL OR recordings.source = ?1) AND CASE
        WHEN began_at IS NULL THEN ended_at < ?2
        ELSE began_at < ?2
            AND unixepoch(began_at, 'subsec') + coalesce(duration_seconds, 0) <= unixepoch(?2, 'subsec') END";
const LAUGHS: &str = "SELECT count(*) FROM detections WHERE recording_id IN (SELECT value FROM json_each(?1))";
const RECORDINGS: &str = "DELETE FROM recordings WHERE id IN (SELECT value FROM json_each(?1)) RETURNING source, name";
const RUNS: &str = "
    DELETE FROM runs WHERE (?1 IS NULL OR source = ?1) AND started_at < ?2
        AND NOT EXISTS (SELECT 1 FROM recordings WHERE run_id = runs.id)
        AND NOT EXISTS (SELECT 1 FROM detections WHERE run_id = runs.id)";

pub fn prune(transaction: &Transaction<'_>, pruning: &Pruning) -> rusqlite::Result<Pruned> {
    let clips = transaction.execute(FORGET_CLIPS, [json(&pruning.clips)])? as u64;
    let mut pruned = Pruned { clips, ..Pruned::default() };
    if pruning.rows {
        remove(transaction, pruning, &mut pruned)?;
    }
    Ok(pruned)
}

fn remove(transaction: &Transaction<'_>, pruning: &Pruning, pruned: &mut Pruned) -> rusqlite::Result<()> {
    let before = instant(pruning.before);
    let mut statement = transaction.prepare(OLD)?;
    let old = statement.query_map((&pruning.source, &before), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (ids, kept) = parted(old.collect::<rusqlite::Result<_>>()?);
    let ids = json(&ids);
    pruned.kept = kept;
    pruned.detections = transaction.query_row(LAUGHS, [&ids], |row| row.get::<_, i64>(0))?.cast_unsigned();
    let mut statement = transaction.prepare(RECORDINGS)?;
    let gone = statement.query_map([&ids], |row| Ok((row.get(0)?, row.get(1)?)))?;
    pruned.recordings = gone.collect::<rusqlite::Result<_>>()?;
    pruned.recordings.sort();
    pruned.runs = transaction.execute(RUNS, (&pruning.source, &before))? as u64;
    Ok(())
}
