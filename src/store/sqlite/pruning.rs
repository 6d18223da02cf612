//! The SQL of `prune`, in SQLite's dialect.

use rusqlite::Transaction;

use super::statements::json;
use super::values::instant;
use crate::store::pruning::{Old, PruneReport, Pruning, RECORDINGS};

const FORGET_CLIPS: [&str; 2] = [
    "UPDATE detections SET clip = NULL WHERE clip IN (SELECT value FROM json_each(?1)) AND clip IS NOT NULL",
    "UPDATE candidates SET clip = NULL WHERE clip IN (SELECT value FROM json_each(?1)) AND clip IS NOT NULL",
];
/// Recordings that ended before ?2. A failed one without a start time is as old as its run.
const IS_OLD: &str = "
    CASE WHEN started_at IS NULL THEN (SELECT ended_at FROM runs AS own WHERE own.id = run_id) < ?2
        ELSE started_at < ?2
            AND unixepoch(started_at, 'subsec') + coalesce(duration_seconds, 0) <= unixepoch(?2, 'subsec') END";
/// Whether one of a recording's detections or candidates names a clip; one of ?3, if that is a list.
const NAMES_A_CLIP: &str = "
    (EXISTS (SELECT 1 FROM detections WHERE recording_id = recordings.id AND clip IS NOT NULL
        AND (?3 IS NULL OR clip IN (SELECT value FROM json_each(?3))))
    OR EXISTS (SELECT 1 FROM candidates WHERE recording_id = recordings.id AND clip IS NOT NULL
        AND (?3 IS NULL OR clip IN (SELECT value FROM json_each(?3)))))";
const COUNT_DETECTIONS: &str =
    "SELECT count(*) FROM detections WHERE recording_id IN (SELECT value FROM json_each(?1))";
const REMOVE: &str = "DELETE FROM recordings WHERE id IN (SELECT value FROM json_each(?1))";
const RUNS: &str = "
    DELETE FROM runs WHERE (?1 IS NULL OR source = ?1) AND started_at < ?2
        AND NOT EXISTS (SELECT 1 FROM recordings WHERE run_id = runs.id)
        AND NOT EXISTS (SELECT 1 FROM detections WHERE run_id = runs.id)";

fn old() -> String {
    format!(
        "SELECT id, source, name, {NAMES_A_CLIP} AS names_a_clip FROM recordings
         WHERE (?1 IS NULL OR source = ?1) AND id > ?4 AND {IS_OLD} ORDER BY id LIMIT ?5"
    )
}

/// Counts the runs that no row would refer to after the removal.
fn runs_without_old() -> String {
    format!(
        "SELECT count(*) FROM runs WHERE (?1 IS NULL OR source = ?1) AND started_at < ?2
            AND NOT EXISTS (SELECT 1 FROM recordings WHERE run_id = runs.id AND NOT ({IS_OLD} AND NOT {NAMES_A_CLIP}))"
    )
}

pub fn forget_clips(transaction: &Transaction<'_>, clips: &[String]) -> rusqlite::Result<u64> {
    let clips = json(clips);
    let forget = |sql| Ok(transaction.prepare_cached(sql)?.execute([&clips])? as u64);
    FORGET_CLIPS.into_iter().map(forget).sum()
}

pub fn prune(transaction: &Transaction<'_>, pruning: &Pruning, after: i64) -> rusqlite::Result<PruneReport> {
    let (before, stuck) = (instant(pruning.before), stuck(pruning));
    let old = {
        let mut statement = transaction.prepare(&old())?;
        let asked = (&pruning.source, &before, &stuck, after, RECORDINGS);
        statement.query_map(asked, |row| Old::read(row))?.collect::<rusqlite::Result<_>>()?
    };
    let (mut pruned, ids) = PruneReport::of_batch(old);
    let ids = json(&ids);
    pruned.detections = transaction.query_row(COUNT_DETECTIONS, [&ids], |row| row.get::<_, i64>(0))?.cast_unsigned();
    transaction.execute(REMOVE, [&ids])?;
    Ok(pruned)
}

fn stuck(pruning: &Pruning) -> Option<String> {
    pruning.stuck.as_deref().map(json)
}

pub fn prune_runs(transaction: &Transaction<'_>, pruning: &Pruning) -> rusqlite::Result<u64> {
    let before = instant(pruning.before);
    if pruning.dry_run {
        let asked = (&pruning.source, &before, stuck(pruning));
        return transaction.query_row(&runs_without_old(), asked, |row| row.get::<_, i64>(0)).map(i64::cast_unsigned);
    }
    Ok(transaction.execute(RUNS, (&pruning.source, &before))? as u64)
}
