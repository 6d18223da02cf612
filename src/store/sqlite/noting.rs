//! The SQL of what people said, in SQLite's dialect.

use rusqlite::{Statement, Transaction, named_params};

use super::statements::instant;
use crate::store::noting::{Kept, NoteRow};

const KEEP: &str = "
    INSERT INTO notes (source, content_sha256, start_seconds, end_seconds, recording, starts_at, verdict, note, noted_at)
    VALUES (:source, :content_sha256, :start_seconds, :end_seconds, :recording, :starts_at, :verdict, :note, :noted_at)
    ON CONFLICT (source, content_sha256, start_seconds, end_seconds) DO UPDATE SET recording = excluded.recording,
        starts_at = excluded.starts_at, verdict = excluded.verdict, note = excluded.note, noted_at = excluded.noted_at
    WHERE excluded.noted_at > notes.noted_at OR excluded.noted_at = notes.noted_at
        AND (excluded.verdict IS NOT notes.verdict OR excluded.note IS NOT notes.note)";
/// Whether something later was stored before, and whether its laugh is stored.
const LOOK: &str = "
    SELECT (SELECT noted_at > :noted_at FROM notes WHERE source = :source AND content_sha256 = :content_sha256
            AND start_seconds = :start_seconds AND end_seconds = :end_seconds),
        EXISTS (SELECT 1 FROM recordings JOIN detections AS laugh ON laugh.recording_id = recordings.id
            WHERE source = :source AND content_sha256 = :content_sha256
                AND laugh.start_seconds < :end_seconds AND laugh.end_seconds > :start_seconds)";

pub fn keep(transaction: &Transaction<'_>, rows: &[NoteRow]) -> rusqlite::Result<Kept> {
    let mut kept = Kept::default();
    let (mut keep, mut look) = (transaction.prepare(KEEP)?, transaction.prepare(LOOK)?);
    for row in rows {
        kept.changed += keep_one(&mut keep, row)? as u64;
        let (is_older, is_known) = look_at(&mut look, row)?;
        kept.older += u64::from(is_older);
        kept.strangers += u64::from(!is_known);
    }
    Ok(kept)
}

fn keep_one(statement: &mut Statement<'_>, row: &NoteRow) -> rusqlite::Result<usize> {
    statement.execute(named_params! {
        ":source": row.source, ":content_sha256": row.content_sha256, ":start_seconds": row.start_seconds,
        ":end_seconds": row.end_seconds, ":recording": row.recording, ":starts_at": instant(row.starts_at),
        ":verdict": row.verdict, ":note": row.note, ":noted_at": instant(row.noted_at),
    })
}

fn look_at(statement: &mut Statement<'_>, row: &NoteRow) -> rusqlite::Result<(bool, bool)> {
    let asked = named_params! {
        ":source": row.source, ":content_sha256": row.content_sha256, ":start_seconds": row.start_seconds,
        ":end_seconds": row.end_seconds, ":noted_at": instant(row.noted_at),
    };
    statement.query_row(asked, |found| Ok((found.get(0)?, found.get(1)?)))
}
