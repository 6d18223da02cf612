//! The SQL that stores score tracks and candidates, and copies and removes embeddings, in Postgres' dialect.

use postgres::{Error, GenericClient, Transaction};
use serde::Serialize;

use super::statements::{OfContent, RECORDING};
use super::values::{insert, recordset};
use crate::store::columns::{CandidateRow, TrackRow};
use crate::store::rows::Rows;
use crate::store::scores::{ENDS, STARTS};

/// Characters after which a document is sent.
const DOCUMENT: usize = 4_000_000;

pub fn insert_scores(transaction: &mut Transaction<'_>, rows: &Rows, source: &str) -> Result<(), Error> {
    let supplied = [("recording_id", RECORDING)];
    let of_content = ["content_sha256 text"];
    // A role from which policies hide rows stores some again (doctor warns of it).
    let tracks = insert::<TrackRow>(&supplied, &recordset::<TrackRow>(&of_content)) + " ON CONFLICT DO NOTHING";
    let candidates = insert::<CandidateRow>(&supplied, &recordset::<CandidateRow>(&of_content));
    let of_tracks = rows.scores.iter().map(|scores| {
        let content_sha256 = scores.content_sha256.as_str();
        OfContent { content_sha256, row: scores.track() }
    });
    each_document(of_tracks, |document| transaction.execute(&tracks, &[&document, &source]).map(drop))?;
    let of_candidates = rows.scores.iter().flat_map(|scores| {
        let content_sha256 = scores.content_sha256.as_str();
        scores.candidates().map(move |row| OfContent { content_sha256, row })
    });
    each_document(of_candidates, |document| transaction.execute(&candidates, &[&document, &source]).map(drop))
}

/// Passes rows on as JSON arrays of bounded length: jsonb has a limit, and a year has many candidates.
pub fn each_document<R: Serialize>(
    rows: impl Iterator<Item = R>,
    mut each: impl FnMut(String) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut document = String::new();
    for row in rows {
        document.push(if document.is_empty() { '[' } else { ',' });
        document += &serde_json::to_string(&row).expect("plain numbers and strings always serialize");
        if document.len() >= DOCUMENT {
            each(std::mem::take(&mut document) + "]")?;
        }
    }
    if document.is_empty() { Ok(()) } else { each(document + "]") }
}

/// Stores the embeddings of reviewed stretches of these contents that have none: that of the candidate which overlaps
/// the stretch most; among equals, the first.
pub fn fill(client: &mut impl GenericClient, source: &str, contents: &[&str]) -> Result<u64, Error> {
    let candidate = format!(
        "SELECT c.embedding FROM recordings AS r JOIN candidates AS c ON c.recording_id = r.id
         WHERE r.source = reviews.source AND r.content_sha256 = reviews.content_sha256 AND c.embedding IS NOT NULL
            AND {STARTS} < reviews.end_seconds AND {ENDS} > reviews.start_seconds
         ORDER BY least({ENDS}, reviews.end_seconds) - greatest({STARTS}, reviews.start_seconds) DESC, c.first_patch LIMIT 1"
    );
    let fill = format!(
        "UPDATE reviews SET embedding = ({candidate}) WHERE source = $1 AND content_sha256 = ANY($2) AND embedding IS NULL"
    );
    client.execute(&fill, &[&source, &contents])
}

/// Removes the embeddings of candidates in old recordings, except those that a review with a verdict overlaps.
pub fn remove_old(transaction: &mut Transaction<'_>, rows: &Rows, source: &str) -> Result<u64, Error> {
    let Some(from) = rows.embeddings_from else { return Ok(0) };
    let remove = format!(
        "UPDATE candidates AS c SET embedding = NULL FROM recordings AS r
         WHERE r.id = c.recording_id AND r.source = $1 AND r.first_analyzed_at < $2 AND c.embedding IS NOT NULL
            AND NOT EXISTS (SELECT FROM reviews WHERE reviews.source = r.source
                AND reviews.content_sha256 = r.content_sha256 AND verdict IS NOT NULL
                AND reviews.start_seconds < {ENDS} AND reviews.end_seconds > {STARTS})"
    );
    transaction.execute(&remove, &[&source, &from])
}
