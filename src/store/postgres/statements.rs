//! The SQL that saves a run and looks up known recordings, in Postgres' dialect.
//!
//! Invariant: the number of round trips of a save does not depend on the number of rows, except for scores: the rows of a
//! table are sent as one JSON document; score tracks, candidates and what is decided anew of them as documents of a few
//! megabytes.

use std::collections::HashMap;

use jiff::Timestamp;
use postgres::{Client, Error, GenericClient, Transaction};
use serde::Serialize;

use super::encoding::{Encoding, Escapes};
use super::values::{Decoded, insert, json, recordset};
use super::{candidates, redetected};
use crate::domain::{Counts, Unresolved, Window};
use crate::store::columns::{DetectionRow, Dialect, RecordingRow, RunRow};
use crate::store::found::{self, COUNTED, COUNTS};
use crate::store::known::{Known, Lookup};
use crate::store::rows::{Rows, stored_texts, texts};
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
    transaction.batch_execute(&migration.sql(Dialect::Postgres))?;
    transaction.execute("INSERT INTO giggles_schema (version) VALUES ($1)", &[&migration.version])?;
    Ok(())
}

/// The analyses of the stored results.
const ANALYSES: &str =
    "SELECT DISTINCT analysis FROM recordings WHERE source = $1 AND content_sha256 = ANY($2) AND status <> 'failed'";
/// Rows of these analyses: complete ones, and permanently damaged ones of the same program version.
const KNOWN: &str = "
    SELECT content_sha256, name, status,
        analysis = $9 AND (status = 'failed' OR clips_failed = 0 AND clips_cut OR NOT $3),
        EXISTS (SELECT FROM score_tracks WHERE recording_id = recordings.id)
    FROM recordings
    WHERE source = $1 AND analysis = ANY($2)
        AND (content_sha256 = ANY($4) OR content_sha256 IS NULL AND name = ANY($5))
        AND (status = 'analyzed' OR (SELECT version FROM runs WHERE id = run_id) = $6 AND NOT $7
            AND (status = 'partial' AND NOT missing_ranges @> '[{\"kind\": \"ffmpeg\"}]'
                OR failure_kind = ANY($8)))";

/// Results that another one would replace.
const EARLIER: &str = "
    SELECT content_sha256, analysis, (SELECT count(*) FROM detections WHERE recording_id = recordings.id)
    FROM recordings WHERE source = $1 AND content_sha256 = ANY($2) AND status <> 'failed' AND (analysis <> $3 OR $4)";

pub fn known(client: &mut Client, lookup: &Lookup, encoding: &Encoding) -> Result<Known, Error> {
    let names = stored_texts(&lookup.names);
    let escapes = encoding.escapes(client, names.iter().chain([&lookup.source]).map(String::as_str))?;
    let (source, contents) = (escapes.text(&lookup.source), texts(&lookup.contents));
    let stored = client.query(ANALYSES, &[&source, &contents])?;
    let stored = stored.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;
    let rows = client.query(
        KNOWN,
        &[
            &source,
            &lookup.analyses(&stored),
            &lookup.cuts_clips,
            &contents,
            &escapes.texts(&names),
            &lookup.version,
            &lookup.retry_failed,
            &lookup.permanent_failures(),
            &lookup.analysis.to_json(),
        ],
    )?;
    let mut known = Known::default();
    rows.iter().try_for_each(|row| known.add(&Decoded { row, encoding }))?;
    let rows = client.query(EARLIER, &[&source, &contents, &lookup.analysis.to_json(), &lookup.with_current])?;
    rows.iter().try_for_each(|row| known.add_earlier(&Decoded { row, encoding }))?;
    Ok(known)
}

/// A recording with unknown length counts as the instant of its start time; one without a start time is in every
/// window.
pub fn unresolved(
    client: &mut Client,
    source: &str,
    window: &Window,
    encoding: &Encoding,
) -> Result<Unresolved, Error> {
    let row = client.query_one(
        "SELECT count(*) FILTER (WHERE status = 'partial'), count(*) FILTER (WHERE status = 'failed') FROM recordings
         WHERE source = $1 AND status <> 'analyzed'
            AND (started_at IS NULL OR ($3::timestamptz IS NULL OR started_at < $3)
                AND ($2::timestamptz IS NULL OR started_at >= $2
                    OR extract(epoch FROM started_at) + duration_seconds > extract(epoch FROM $2)))",
        &[&source, &window.from, &window.to],
    )?;
    found::unresolved(&Decoded { row: &row, encoding })
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
    transaction.execute(&insert::<RunRow>(&[], &recordset::<RunRow>(&[])), &[&texts.run])?;
    let earlier = delete_replaced(&mut transaction, rows, &texts)?;
    insert_recordings(&mut transaction, rows, &texts, &earlier)?;
    redetected::update(&mut transaction, rows, &texts)?;
    insert_detections(&mut transaction, rows, &texts)?;
    candidates::insert_scores(&mut transaction, rows, &texts.source)?;
    candidates::fill(&mut transaction, &texts.source, &rows.decided_contents())?;
    candidates::remove_old(&mut transaction, rows, &texts.source)?;
    transaction.commit()
}

/// Texts from outside, escaped for this database's encoding.
pub struct Texts {
    pub source: String,
    names: Vec<String>,
    /// Names of recordings that are complete now.
    whole: Vec<String>,
    /// Rows for a recordset.
    run: String,
    detections: String,
    pub redetected: String,
    escapes: Escapes,
}

/// A row, and the content of its recording.
#[derive(Serialize)]
pub struct OfContent<'a, R> {
    pub content_sha256: &'a str,
    #[serde(flatten)]
    pub row: R,
}

/// A recording, and when its content was first analyzed.
#[derive(Serialize)]
struct Recorded<'a> {
    first_analyzed_at: Option<Timestamp>,
    #[serde(flatten)]
    row: &'a RecordingRow,
}

/// Contents and when they were first analyzed.
type FirstAnalyzed = HashMap<String, Timestamp>;

impl Texts {
    fn new(client: &mut Client, rows: &Rows, encoding: &Encoding) -> Result<Texts, Error> {
        let detected = rows.detections.iter().flat_map(|detections| {
            let content_sha256 = detections.content_sha256.as_str();
            detections.rows.iter().map(move |row| OfContent { content_sha256, row })
        });
        let (detections, redetected) = (json(&detected.collect::<Vec<_>>()), json(&rows.redetected));
        let (run, recordings) = (json(std::slice::from_ref(&rows.run)), json(&rows.recordings));
        let all = [&run, &recordings, &detections, &redetected].into_iter().chain(&rows.names).map(String::as_str);
        let escapes: Escapes = encoding.escapes(client, all)?;
        Ok(Texts {
            source: escapes.text(&rows.run.source).into_owned(),
            names: escapes.texts(&rows.names),
            whole: rows.replaced_partials().0.into_iter().map(|name| escapes.text(name).into_owned()).collect(),
            run: escapes.json(run),
            detections: escapes.json(detections),
            redetected: escapes.json(redetected),
            escapes,
        })
    }
}

/// Removes the rows that this run replaces; the module documentation of `store` has the rules.
fn delete_replaced(transaction: &mut Transaction<'_>, rows: &Rows, texts: &Texts) -> Result<FirstAnalyzed, Error> {
    let (_, start_times) = rows.replaced_partials();
    transaction.execute(
        "DELETE FROM recordings USING unnest($2::text[], $3::timestamptz[]) AS whole (name, started_at)
         WHERE source = $1 AND status = 'partial' AND recordings.name = whole.name
            AND recordings.started_at = whole.started_at",
        &[&texts.source, &texts.whole, &start_times],
    )?;
    let deleted = transaction.query(
        "DELETE FROM recordings WHERE source = $1 AND (
            content_sha256 = ANY($2)
            OR status = 'failed' AND (name = ANY($3) OR content_sha256 = ANY($4)))
         RETURNING content_sha256, first_analyzed_at",
        &[&texts.source, &rows.analyzed_contents(), &texts.names, &rows.contents],
    )?;
    let mut earlier = FirstAnalyzed::new();
    for row in &deleted {
        let (content, at): (Option<String>, Option<Timestamp>) = (row.try_get(0)?, row.try_get(1)?);
        earlier.extend(content.zip(at));
    }
    Ok(earlier)
}

/// A row that conflicts after `delete_replaced` was analyzed before and failed in this run: the earlier row stays.
fn insert_recordings(
    transaction: &mut Transaction<'_>,
    rows: &Rows,
    texts: &Texts,
    earlier: &FirstAnalyzed,
) -> Result<u64, Error> {
    let recorded = rows.recordings.iter().map(|row| {
        let first = row.content_sha256.as_ref().and_then(|content| earlier.get(content)).copied();
        let first_analyzed_at = row.is_analyzed().then(|| first.unwrap_or(rows.run.started_at));
        Recorded { first_analyzed_at, row }
    });
    let recordings = texts.escapes.json(json(&recorded.collect::<Vec<_>>()));
    let supplied = [
        ("source", "$2"),
        ("analysis", "$3"),
        ("run_id", "$4::text::uuid"),
        ("first_analyzed_at", "row.first_analyzed_at"),
    ];
    let insert = insert::<RecordingRow>(&supplied, &recordset::<RecordingRow>(&["first_analyzed_at timestamptz"]))
        + " ON CONFLICT (source, content_sha256) WHERE content_sha256 IS NOT NULL DO NOTHING";
    transaction.execute(&insert, &[&recordings, &texts.source, &rows.analysis, &rows.run.id.0])
}

/// The recording of a row, by its content. Without it, `recording_id` is NULL, which the NOT NULL constraint rejects.
pub const RECORDING: &str =
    "(SELECT id FROM recordings WHERE source = $2 AND recordings.content_sha256 = row.content_sha256)";

fn insert_detections(transaction: &mut Transaction<'_>, rows: &Rows, texts: &Texts) -> Result<u64, Error> {
    let supplied = [("source", "$2"), ("recording_id", RECORDING), ("run_id", "$3::text::uuid")];
    let insert = insert::<DetectionRow>(&supplied, &recordset::<DetectionRow>(&["content_sha256 text"]));
    transaction.execute(&insert, &[&texts.detections, &texts.source, &rows.run.id.0])
}

pub fn counts(client: &mut impl GenericClient, run: &str, encoding: &Encoding) -> Result<Counts, Error> {
    let select = format!("SELECT {COUNTS}, {COUNTED} FROM runs WHERE id = $1::text::uuid");
    found::counts(&Decoded { row: &client.query_one(&select, &[&run])?, encoding })
}
