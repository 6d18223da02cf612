//! The SQL that stores what was decided anew, in SQLite's dialect.

use rusqlite::Transaction;

use super::values::instant;
use crate::store::columns::{Field, Json};
use crate::store::rows::Rows;

/// Updates recordings and candidates, and removes the detections that are replaced.
pub fn update(transaction: &Transaction<'_>, rows: &Rows) -> rusqlite::Result<()> {
    let mut recordings = transaction.prepare(
        "UPDATE recordings SET name = ?3, started_at = ?4, start_source = ?5, clips_failed = ?6, analysis = ?7, run_id = ?8,
            clips_cut = clips_cut OR ?9
         WHERE source = ?1 AND content_sha256 = ?2 RETURNING id",
    )?;
    let mut detections = transaction.prepare("DELETE FROM detections WHERE recording_id = ?1")?;
    for row in &rows.redetected {
        let (started, run) = (instant(row.started_at), &rows.run.id.0);
        let asked = (
            &rows.run.source,
            &row.content_sha256,
            &row.name,
            started,
            row.start_source,
            row.clips_failed,
            &row.analysis,
            run,
            row.clips_cut,
        );
        let id: i64 = recordings.query_row(asked, |row| row.get(0))?;
        detections.execute([id])?;
    }
    let mut candidates = transaction.prepare("UPDATE candidates SET is_detected = ?2, personal = ?3 WHERE id = ?1")?;
    for decided in &rows.decided {
        let personal = decided.personal.clone().map(Json);
        candidates.execute((decided.id, decided.is_detected, personal.to_value()))?;
    }
    let mut clips = transaction.prepare("UPDATE candidates SET clip = ?2 WHERE id = ?1")?;
    for cut in &rows.candidate_clips {
        clips.execute((cut.id, &cut.clip))?;
    }
    Ok(())
}
