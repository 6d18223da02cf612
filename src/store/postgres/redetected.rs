//! The SQL that stores what was decided anew, in Postgres' dialect.

use postgres::{Error, Transaction};

use super::candidates::each_document;
use super::statements::Texts;
use super::values::json;
use crate::store::rows::Rows;

const RECORDINGS: &str = "
    UPDATE recordings SET name = row.name, started_at = row.started_at, start_source = row.start_source,
        clips_failed = row.clips_failed, analysis = row.analysis, run_id = $3::text::uuid,
        clips_cut = recordings.clips_cut OR row.clips_cut
    FROM jsonb_to_recordset($1::text::jsonb) AS row (content_sha256 text, name text, started_at timestamptz,
        start_source text, clips_failed bigint, clips_cut boolean, analysis text)
    WHERE recordings.source = $2 AND recordings.content_sha256 = row.content_sha256";
const DETECTIONS: &str = "
    DELETE FROM detections USING recordings
    WHERE recordings.id = recording_id AND recordings.source = $1 AND recordings.content_sha256 = ANY($2)";
const CANDIDATES: &str = "
    UPDATE candidates SET is_detected = row.is_detected, personal = nullif(row.personal, 'null')
    FROM jsonb_to_recordset($1::text::jsonb) AS row (id bigint, is_detected boolean, personal jsonb)
    WHERE candidates.id = row.id";
const CANDIDATE_CLIPS: &str = "
    UPDATE candidates SET clip = row.clip FROM jsonb_to_recordset($1::text::jsonb) AS row (id bigint, clip text)
    WHERE candidates.id = row.id";

/// Updates recordings and candidates, and removes the detections that are replaced.
pub fn update(transaction: &mut Transaction<'_>, rows: &Rows, texts: &Texts) -> Result<(), Error> {
    if rows.redetected.is_empty() {
        return Ok(());
    }
    transaction.execute(RECORDINGS, &[&texts.redetected, &texts.source, &rows.run.id.0])?;
    transaction.execute(DETECTIONS, &[&texts.source, &rows.redetected_contents()])?;
    each_document(rows.decided.iter(), |document| transaction.execute(CANDIDATES, &[&document]).map(drop))?;
    if !rows.candidate_clips.is_empty() {
        transaction.execute(CANDIDATE_CLIPS, &[&json(&rows.candidate_clips)])?;
    }
    Ok(())
}
