//! The SQL that saves a run and looks up known recordings, in SQLite's dialect.
//!
//! Invariant: each statement is prepared once, regardless of the number of rows.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, named_params};

use super::embeddings;
use super::redetected;
use super::values::{execute, insert, instant};
use crate::domain::{Counts, Unresolved, Window};
use crate::store::columns::{CandidateRow, DetectionRow, Dialect, RecordingRow, RunRow, TrackRow};
use crate::store::found::{self, COUNTED, COUNTS};
use crate::store::known::{Known, Lookup};
use crate::store::rows::{Rows, stored_texts, texts};
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
    transaction.execute_batch(&migration.sql(Dialect::Sqlite))?;
    transaction.execute(
        "INSERT INTO giggles_schema (version, applied_at) VALUES (?1, ?2)",
        (migration.version, instant(Timestamp::now())),
    )?;
    Ok(())
}

/// Rows of these analyses: complete ones, and permanently damaged ones of the same program version.
fn select_known() -> String {
    let condition = "source = :source AND analysis IN (SELECT value FROM json_each(:analyses))
        AND (status = 'analyzed' OR (SELECT version FROM runs WHERE id = run_id) = :version AND NOT :retry_failed
            AND (status = 'partial' AND NOT EXISTS (SELECT 1 FROM json_each(missing_ranges)
                    WHERE json_extract(json_each.value, '$.kind') = 'ffmpeg')
                OR failure_kind IN (SELECT value FROM json_each(:kinds))))";
    let is_current =
        "analysis = :analysis AND (status = 'failed' OR clips_failed = 0 AND clips_cut OR NOT :cuts_clips)";
    let has_scores = "EXISTS (SELECT 1 FROM score_tracks WHERE recording_id = recordings.id)";
    format!(
        "SELECT content_sha256, name, status, {is_current}, {has_scores} FROM recordings
         WHERE content_sha256 IN (SELECT value FROM json_each(:contents)) AND {condition}
         UNION ALL SELECT content_sha256, name, status, {is_current}, false FROM recordings
         WHERE content_sha256 IS NULL AND name IN (SELECT value FROM json_each(:names)) AND {condition}"
    )
}

pub fn known(connection: &Connection, lookup: &Lookup) -> rusqlite::Result<Known> {
    let analyses = lookup.analyses(&analyses(connection, lookup)?);
    let mut statement = connection.prepare(&select_known())?;
    let mut rows = statement.query(named_params! {
        ":source": lookup.source, ":analysis": lookup.analysis.to_json(), ":analyses": json(&analyses),
        ":version": lookup.version, ":contents": json(&texts(&lookup.contents)),
        ":names": json(&stored_texts(&lookup.names)), ":cuts_clips": lookup.cuts_clips,
        ":retry_failed": lookup.retry_failed, ":kinds": json(&lookup.permanent_failures()),
    })?;
    let mut known = Known::default();
    while let Some(row) = rows.next()? {
        known.add(row)?;
    }
    let mut statement = connection.prepare(
        "SELECT content_sha256, analysis, (SELECT count(*) FROM detections WHERE recording_id = recordings.id)
         FROM recordings WHERE source = ?1 AND content_sha256 IN (SELECT value FROM json_each(?2))
            AND status <> 'failed' AND (analysis <> ?3 OR ?4)",
    )?;
    let (contents, analysis) = (json(&texts(&lookup.contents)), lookup.analysis.to_json());
    let mut rows = statement.query((&lookup.source, contents, analysis, lookup.with_current))?;
    while let Some(row) = rows.next()? {
        known.add_earlier(row)?;
    }
    Ok(known)
}

/// The analyses of the stored results.
fn analyses(connection: &Connection, lookup: &Lookup) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(
        "SELECT DISTINCT analysis FROM recordings
         WHERE source = ?1 AND content_sha256 IN (SELECT value FROM json_each(?2)) AND status <> 'failed'",
    )?;
    statement.query_map((&lookup.source, json(&texts(&lookup.contents))), |row| row.get(0))?.collect()
}

/// Any error drops the transaction, which rolls it back.
pub fn save(transaction: &Transaction<'_>, rows: &Rows) -> rusqlite::Result<()> {
    insert_run(transaction, &rows.run)?;
    let earlier = delete_replaced(transaction, rows)?;
    insert_recordings(transaction, rows, &earlier)?;
    redetected::update(transaction, rows)?;
    insert_detections(transaction, rows)?;
    insert_scores(transaction, rows)?;
    embeddings::fill(transaction, &rows.run.source, &rows.decided_contents())?;
    embeddings::remove_old(transaction, rows)
}

fn insert_run(transaction: &Transaction<'_>, run: &RunRow) -> rusqlite::Result<()> {
    execute(&mut transaction.prepare(&insert::<RunRow>(&[], 0))?, 0, run).map(drop)
}

/// Contents and when they were first analyzed.
type FirstAnalyzed = HashMap<String, String>;

/// Removes the rows that this run replaces; the module documentation of `store` has the rules.
fn delete_replaced(transaction: &Transaction<'_>, rows: &Rows) -> rusqlite::Result<FirstAnalyzed> {
    let mut statement = transaction.prepare(
        "DELETE FROM recordings WHERE source = ?1 AND (
            content_sha256 IN (SELECT value FROM json_each(?2))
            OR status = 'failed' AND (name IN (SELECT value FROM json_each(?3))
                OR content_sha256 IN (SELECT value FROM json_each(?4))))
         RETURNING content_sha256, first_analyzed_at",
    )?;
    let asked = (&rows.run.source, json(&rows.analyzed_contents()), json(&rows.names), json(&rows.contents));
    let deleted: Vec<(Option<String>, Option<String>)> =
        statement.query_map(asked, |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    delete_replaced_partials(transaction, rows)?;
    Ok(deleted.into_iter().filter_map(|(content, at)| content.zip(at)).collect())
}

fn delete_replaced_partials(transaction: &Transaction<'_>, rows: &Rows) -> rusqlite::Result<()> {
    let (names, beginnings) = rows.replaced_partials();
    let mut statement = transaction
        .prepare("DELETE FROM recordings WHERE source = ?1 AND name = ?2 AND started_at = ?3 AND status = 'partial'")?;
    names.iter().zip(beginnings).try_for_each(|(name, started)| {
        statement.execute((&rows.run.source, name, instant(started)))?;
        Ok(())
    })
}

/// A row that conflicts after `delete_replaced` was analyzed before and failed in this run: the earlier row stays.
fn insert_recordings(transaction: &Transaction<'_>, rows: &Rows, earlier: &FirstAnalyzed) -> rusqlite::Result<()> {
    let supplied = [("source", "?1"), ("analysis", "?2"), ("run_id", "?3"), ("first_analyzed_at", "?4")];
    let insert = insert::<RecordingRow>(&supplied, 4)
        + " ON CONFLICT (source, content_sha256) WHERE content_sha256 IS NOT NULL DO NOTHING";
    let mut statement = transaction.prepare(&insert)?;
    statement.raw_bind_parameter(1, &rows.run.source)?;
    statement.raw_bind_parameter(2, &rows.analysis)?;
    statement.raw_bind_parameter(3, &rows.run.id.0)?;
    let now = instant(rows.run.started_at);
    rows.recordings.iter().try_for_each(|row| {
        let first = row.content_sha256.as_ref().and_then(|content| earlier.get(content)).unwrap_or(&now);
        statement.raw_bind_parameter(4, row.is_analyzed().then_some(first))?;
        execute(&mut statement, 4, row).map(drop)
    })
}

/// For a row without its recording, `recording_id` is NULL, which the NOT NULL constraint rejects.
const RECORDING: &str = "(SELECT id FROM recordings WHERE source = ?1 AND content_sha256 = ?2)";

fn insert_detections(transaction: &Transaction<'_>, rows: &Rows) -> rusqlite::Result<()> {
    let insert = insert::<DetectionRow>(&[("source", "?1"), ("recording_id", RECORDING), ("run_id", "?3")], 3);
    let mut statement = transaction.prepare(&insert)?;
    statement.raw_bind_parameter(1, &rows.run.source)?;
    statement.raw_bind_parameter(3, &rows.run.id.0)?;
    for detections in &rows.detections {
        statement.raw_bind_parameter(2, &detections.content_sha256)?;
        detections.rows.iter().try_for_each(|row| execute(&mut statement, 3, row).map(drop))?;
    }
    Ok(())
}

fn insert_scores(transaction: &Transaction<'_>, rows: &Rows) -> rusqlite::Result<()> {
    let mut tracks = transaction.prepare(&insert::<TrackRow>(&[("recording_id", RECORDING)], 2))?;
    let mut candidates = transaction.prepare(&insert::<CandidateRow>(&[("recording_id", RECORDING)], 2))?;
    for statement in [&mut tracks, &mut candidates] {
        statement.raw_bind_parameter(1, &rows.run.source)?;
    }
    for scores in &rows.scores {
        tracks.raw_bind_parameter(2, &scores.content_sha256)?;
        execute(&mut tracks, 2, &scores.track())?;
        candidates.raw_bind_parameter(2, &scores.content_sha256)?;
        scores.candidates().try_for_each(|row| execute(&mut candidates, 2, &row).map(drop))?;
    }
    Ok(())
}

pub fn counts(connection: &Connection, run: &str) -> rusqlite::Result<Counts> {
    let select = format!("SELECT {COUNTS}, {COUNTED} FROM runs WHERE id = ?1");
    connection.query_row(&select, [run], |row| found::counts(row))
}

/// A recording with unknown length counts as the instant of its start time; one without a start time is in every
/// window.
pub fn unresolved(connection: &Connection, source: &str, window: &Window) -> rusqlite::Result<Unresolved> {
    connection.query_row(
        "SELECT coalesce(sum(status = 'partial'), 0), coalesce(sum(status = 'failed'), 0) FROM recordings
         WHERE source = ?1 AND status <> 'analyzed' AND (started_at IS NULL OR (?3 IS NULL OR started_at < ?3)
            AND (?2 IS NULL OR started_at >= ?2 OR unixepoch(started_at) + duration_seconds > unixepoch(?2)))",
        (source, window.from.map(instant), window.to.map(instant)),
        |row| found::unresolved(row),
    )
}

/// JSON for SQLite's functions.
pub fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("strings always serialise")
}
