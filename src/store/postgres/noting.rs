//! The SQL of what people said, in Postgres' dialect.
//!
//! Invariant: asks for no more rights than SELECT on the tables, and INSERT and UPDATE on notes.

use postgres::{Client, Error};

use super::encoding::Encoding;
use super::statements::json;
use crate::store::noting::{Kept, NoteRow};

const ROWS: &str = "jsonb_to_recordset($1::text::jsonb) AS row (source text, content_sha256 text,
    start_seconds double precision, end_seconds double precision, recording text, starts_at timestamptz, verdict text,
    note text, noted_at timestamptz)";
const KEEP: &str = "
    ON CONFLICT (source, content_sha256, start_seconds, end_seconds) DO UPDATE SET recording = excluded.recording,
        starts_at = excluded.starts_at, verdict = excluded.verdict, note = excluded.note, noted_at = excluded.noted_at
    WHERE excluded.noted_at > notes.noted_at OR excluded.noted_at = notes.noted_at
        AND (excluded.verdict IS DISTINCT FROM notes.verdict OR excluded.note IS DISTINCT FROM notes.note)";
/// How many are older than what is stored, and of how many no laugh is stored.
const LOOK: &str = "
    SELECT count(*) FILTER (WHERE EXISTS (SELECT FROM notes WHERE notes.source = row.source
            AND notes.content_sha256 = row.content_sha256 AND notes.start_seconds = row.start_seconds
            AND notes.end_seconds = row.end_seconds AND notes.noted_at > row.noted_at)),
        count(*) FILTER (WHERE NOT EXISTS (SELECT FROM recordings AS r JOIN detections AS laugh ON laugh.recording_id = r.id
            WHERE r.source = row.source AND r.content_sha256 = row.content_sha256
                AND laugh.start_seconds < row.end_seconds AND laugh.end_seconds > row.start_seconds))";

pub fn keep(client: &mut Client, rows: &[NoteRow], encoding: &Encoding, dry_run: bool) -> Result<Kept, Error> {
    let rows = json(rows);
    let rows = encoding.escapes(client, [rows.as_str()])?.json(&rows).into_owned();
    let columns = "source, content_sha256, start_seconds, end_seconds, recording, starts_at, verdict, note, noted_at";
    let mut transaction = client.transaction()?;
    let insert = format!("INSERT INTO notes ({columns}) SELECT {columns} FROM {ROWS} {KEEP}");
    let changed = transaction.execute(&insert, &[&rows])?;
    let found = transaction.query_one(&format!("{LOOK} FROM {ROWS}"), &[&rows])?;
    let count = |column| found.get::<_, i64>(column).cast_unsigned();
    let kept = Kept { changed, older: count(0), strangers: count(1) };
    match dry_run {
        true => transaction.rollback()?,
        false => transaction.commit()?,
    }
    Ok(kept)
}
