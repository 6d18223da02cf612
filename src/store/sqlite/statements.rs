//! The SQL that saves a run and looks up known recordings, in SQLite's dialect.
//!
//! Invariant: each statement is prepared once, regardless of the number of rows.

use jiff::Timestamp;
use rusqlite::{Connection, Statement, Transaction, named_params};

use crate::domain::{Counts, Unresolved, Window};
use crate::store::known::{Known, Lookup};
use crate::store::rows::{DetectionRow, RecordingRow, Rows, RunRow, stored_texts, texts};
use crate::store::schema::Migration;

/// The schema version; 0 for a new database.
pub fn version(connection: &Connection) -> rusqlite::Result<i64> {
    let tables = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'giggles_schema'";
    match connection.query_row(tables, [], |row| row.get(0))? {
        0 => Ok(0),
        _ => connection.query_row("SELECT coalesce(max(version), 0) FROM giggles_schema", [], |row| row.get(0)),
    }
}

pub fn apply(transaction: &Transaction<'_>, migration: &Migration) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS giggles_schema (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL)",
    )?;
    transaction.execute_batch(migration.sqlite)?;
    transaction.execute(
        "INSERT INTO giggles_schema (version, applied_at) VALUES (?1, ?2)",
        (migration.version, instant(Timestamp::now())),
    )?;
    Ok(())
}

/// Rows of the same analysis: complete ones, and permanently damaged ones of the same program version.
pub fn known(connection: &Connection, lookup: &Lookup) -> rusqlite::Result<Known> {
    let condition = "source = :source AND analysis = :analysis AND (clips_failed = 0 OR NOT :cuts_clips)
        AND (status = 'analyzed' OR (SELECT version FROM runs WHERE id = run_id) = :version AND NOT :retry_failed
            AND (status = 'partial' AND NOT EXISTS (SELECT 1 FROM json_each(missing_ranges)
                    WHERE json_extract(json_each.value, '$.kind') = 'ffmpeg')
                OR failure_kind IN (SELECT value FROM json_each(:kinds))))";
    let mut statement = connection.prepare(&format!(
        "SELECT content_sha256, name, status FROM recordings
         WHERE content_sha256 IN (SELECT value FROM json_each(:contents)) AND {condition}
         UNION ALL SELECT content_sha256, name, status FROM recordings
         WHERE content_sha256 IS NULL AND name IN (SELECT value FROM json_each(:names)) AND {condition}"
    ))?;
    let mut rows = statement.query(named_params! {
        ":source": lookup.source, ":analysis": lookup.analysis.to_json(), ":version": lookup.version,
        ":contents": json(&texts(&lookup.contents)), ":names": json(&stored_texts(&lookup.names)),
        ":cuts_clips": lookup.cuts_clips, ":retry_failed": lookup.retry_failed,
        ":kinds": json(&lookup.permanent_failures()),
    })?;
    let mut known = Known::default();
    while let Some(row) = rows.next()? {
        known.add(row.get(0)?, row.get(1)?, &row.get::<_, String>(2)?);
    }
    Ok(known)
}

/// Any error drops the transaction, which rolls it back.
pub fn save(transaction: &Transaction<'_>, rows: &Rows) -> rusqlite::Result<()> {
    insert_run(transaction, &rows.run)?;
    delete_replaced(transaction, rows)?;
    insert_recordings(transaction, rows)?;
    insert_detections(transaction, rows)
}

fn insert_run(transaction: &Transaction<'_>, run: &RunRow) -> rusqlite::Result<usize> {
    transaction.execute(
        "INSERT INTO runs (id, external_id, source, started_at, ended_at, version, analysis, model_sha256, zone,
            window_from, window_to, shard, explicit_files, exit_code, analyzed, partial, skipped, in_progress,
            in_progress_from, failed, audio_seconds)
         VALUES (:id, :external_id, :source, :started_at, :ended_at, :version, :analysis, :model_sha256, :zone,
            :window_from, :window_to, :shard, :explicit_files, :exit_code, :analyzed, :partial, :skipped, :in_progress,
            :in_progress_from, :failed, :audio_seconds)",
        named_params! {
            ":id": run.id, ":external_id": run.external_id, ":source": run.source, ":started_at": instant(run.started_at),
            ":ended_at": instant(run.ended_at), ":version": run.version, ":analysis": run.analysis,
            ":model_sha256": run.model_sha256, ":zone": run.zone, ":window_from": run.window_from.map(instant),
            ":window_to": run.window_to.map(instant), ":shard": run.shard,
            ":explicit_files": run.explicit_files, ":exit_code": run.exit_code, ":analyzed": run.analyzed,
            ":partial": run.partial, ":skipped": run.skipped, ":in_progress": run.in_progress,
            ":in_progress_from": run.in_progress_from.map(instant), ":failed": run.failed, ":audio_seconds": run.audio_seconds,
        },
    )
}

/// Removes the rows that this run replaces; the module documentation of `store` has the rules.
fn delete_replaced(transaction: &Transaction<'_>, rows: &Rows) -> rusqlite::Result<()> {
    transaction.execute(
        "DELETE FROM recordings WHERE source = ?1 AND (
            content_sha256 IN (SELECT value FROM json_each(?2))
            OR status = 'failed' AND (name IN (SELECT value FROM json_each(?3))
                OR content_sha256 IN (SELECT value FROM json_each(?4))))",
        (&rows.run.source, json(&rows.analyzed_contents()), json(&rows.names), json(&rows.contents)),
    )?;
    let (names, beginnings) = rows.replaced_partials();
    let mut statement = transaction
        .prepare("DELETE FROM recordings WHERE source = ?1 AND name = ?2 AND started_at = ?3 AND status = 'partial'")?;
    names.iter().zip(beginnings).try_for_each(|(name, started)| {
        statement.execute((&rows.run.source, name, instant(started)))?;
        Ok(())
    })
}

/// A row that conflicts after `delete_replaced` was analyzed before and failed in this run: the earlier row stays.
fn insert_recordings(transaction: &Transaction<'_>, rows: &Rows) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare(
        "INSERT INTO recordings (source, content_sha256, name, bytes, started_at, start_source, duration_seconds,
            sample_rate, channels, audio_tracks, codec, status, missing_ranges, missing_count, missing_seconds,
            failure_kind, failure_reason, failure_position_seconds, clips_failed, analysis, run_id)
         VALUES (:source, :content_sha256, :name, :bytes, :started_at, :start_source, :duration_seconds,
            :sample_rate, :channels, :audio_tracks, :codec, :status, :missing_ranges, :missing_count, :missing_seconds,
            :failure_kind, :failure_reason, :failure_position_seconds, :clips_failed, :analysis, :run_id)
         ON CONFLICT (source, content_sha256) WHERE content_sha256 IS NOT NULL DO NOTHING",
    )?;
    rows.recordings.iter().try_for_each(|row| insert_recording(&mut statement, &rows.run, row))
}

fn insert_recording(statement: &mut Statement<'_>, run: &RunRow, row: &RecordingRow) -> rusqlite::Result<()> {
    statement.execute(named_params! {
        ":source": run.source, ":content_sha256": row.content_sha256, ":name": row.name, ":bytes": row.bytes,
        ":started_at": row.started_at.map(instant), ":start_source": row.start_source,
        ":duration_seconds": row.duration_seconds, ":sample_rate": row.sample_rate, ":channels": row.channels,
        ":audio_tracks": row.audio_tracks, ":codec": row.codec, ":status": row.status,
        ":missing_ranges": row.missing_ranges.as_ref().map(json), ":missing_count": row.missing_count,
        ":missing_seconds": row.missing_seconds, ":failure_kind": row.failure_kind,
        ":failure_reason": row.failure_reason, ":failure_position_seconds": row.failure_position_seconds,
        ":clips_failed": row.clips_failed, ":analysis": run.analysis, ":run_id": run.id,
    })?;
    Ok(())
}

/// For a detection without its recording, `recording_id` is NULL, which the NOT NULL constraint rejects.
fn insert_detections(transaction: &Transaction<'_>, rows: &Rows) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare(
        "INSERT INTO detections (recording_id, run_id, local_date, starts_at, ends_at, start_seconds, end_seconds,
            peak_score, mean_score, label, class_index, class_name,
            class_scores, clip)
         VALUES ((SELECT id FROM recordings WHERE source = :source AND content_sha256 = :content_sha256),
            :run_id, :local_date, :starts_at, :ends_at, :start_seconds, :end_seconds,
            :peak_score, :mean_score, :label, :class_index, :class_name, :class_scores, :clip)",
    )?;
    rows.detections.iter().try_for_each(|row| insert_detection(&mut statement, &rows.run, row))
}

fn insert_detection(statement: &mut Statement<'_>, run: &RunRow, row: &DetectionRow) -> rusqlite::Result<()> {
    statement.execute(named_params! {
        ":source": run.source, ":content_sha256": row.content_sha256, ":run_id": run.id,
        ":local_date": row.local_date.to_string(), ":starts_at": instant(row.starts_at),
        ":ends_at": instant(row.ends_at), ":start_seconds": row.start_seconds, ":end_seconds": row.end_seconds,
        ":peak_score": row.peak_score, ":mean_score": row.mean_score, ":label": row.label,
        ":class_index": row.class_index, ":class_name": row.class_name,
        ":class_scores": json(&row.class_scores), ":clip": row.clip,
    })?;
    Ok(())
}

pub fn counts(connection: &Connection, run: &str) -> rusqlite::Result<Counts> {
    connection.query_row(
        "SELECT analyzed, partial, skipped, in_progress, failed,
            (SELECT count(*) FROM detections WHERE run_id = runs.id),
            (SELECT coalesce(sum(clips_failed), 0) FROM recordings WHERE run_id = runs.id)
         FROM runs WHERE id = ?1",
        [run],
        |row| {
            let count = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
            Ok(Counts {
                analyzed: count(0)?,
                partial: count(1)?,
                skipped: count(2)?,
                in_progress: count(3)?,
                failed: count(4)?,
                detections: count(5)?,
                clips_failed: count(6)?,
            })
        },
    )
}

/// A recording with unknown length counts as the instant of its start time; one without a start time is in every
/// window.
pub fn unresolved(connection: &Connection, source: &str, window: &Window) -> rusqlite::Result<Unresolved> {
    connection.query_row(
        "SELECT coalesce(sum(status = 'partial'), 0), coalesce(sum(status = 'failed'), 0) FROM recordings
         WHERE source = ?1 AND status <> 'analyzed' AND (started_at IS NULL OR (?3 IS NULL OR started_at < ?3)
            AND (?2 IS NULL OR started_at >= ?2 OR unixepoch(started_at) + duration_seconds > unixepoch(?2)))",
        (source, window.from.map(instant), window.to.map(instant)),
        |row| {
            let count = |column| row.get::<_, i64>(column).map(i64::cast_unsigned);
            Ok(Unresolved { partial: count(0)?, failed: count(1)? })
        },
    )
}

/// ISO 8601 in UTC with six decimals: sorts as text, and SQLite's date functions accept it.
pub fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// JSON for SQLite's functions.
pub fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("strings always serialise")
}
