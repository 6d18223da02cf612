//! The candidates of a day as JSON: every event that may be a laugh, whether it counts or not.

use serde_json::{Value, json};

use super::json::seconds;
use crate::calendar::Day;
use crate::domain::{Field, Neighbour, StoredCandidate, StoredRecording, Verdict, field};
use crate::text::shortest_f64;

/// Fields of a candidate.
pub(super) const CANDIDATE: &[Field] = &[
    field("recording", "string", "the recording that contains it"),
    field("starts_at", "string", "start"),
    field("start_seconds", "number", "offset of the start in the recording, without padding"),
    field("end_seconds", "number", "offset of the end in the recording, without padding"),
    field("v", "number", "highest decision value of its patches, logits, before the personal score"),
    field("shifted_v", "number", "the same after the personal score: what the threshold is compared with"),
    field("score", "number", "the same from 0 to 1"),
    field("class", "string", "AudioSet name of the highest-scoring laughter class"),
    field("is_detected", "boolean", "whether it counts: a laugh overlaps it"),
    field("is_offered", "boolean", "whether it is offered for review although it does not count"),
    field("clip", "string or null", "path of its own clip below the folder of clips; null: none"),
    field("verdict", "string or null", "`confirmed` or `rejected`; null without a review"),
    field("comment", "string or null", "comment of the review"),
    field("personal", "object or null", "what the reviews of the source changed; null: nothing"),
    field("personal.shift", "number", "added to v"),
    field("personal.confirmed[].review", "number", "number of a confirmed review that sounds alike"),
    field("personal.confirmed[].similarity", "number", "how alike, -1 to 1"),
    field("personal.rejected[].review", "number", "number of a rejected review that sounds alike"),
    field("personal.rejected[].similarity", "number", "how alike, -1 to 1"),
];

/// Those that start on the day, recording by recording.
pub fn values(day: &Day) -> Vec<Value> {
    let of_recording = |recording: &StoredRecording| -> Vec<Value> {
        recording.candidates().iter().filter_map(|one| value(day, recording, one)).collect()
    };
    day.recordings.iter().flat_map(of_recording).collect()
}

/// None if it starts on another day.
fn value(day: &Day, recording: &StoredRecording, one: &StoredCandidate) -> Option<Value> {
    let candidate = &one.candidate;
    let starts = recording.instant(candidate.start()).filter(|at| day.calendar.span.holds(*at))?;
    let personal = candidate.personal.as_ref().map(|personal| {
        json!({
            "shift": shortest_f64(personal.shift),
            "confirmed": neighbours(&personal.confirmed),
            "rejected": neighbours(&personal.rejected),
        })
    });
    Some(json!({
        "recording": recording.name,
        "starts_at": starts.to_string(),
        "start_seconds": seconds(candidate.start()),
        "end_seconds": seconds(candidate.end()),
        "v": shortest_f64(candidate.peak_v),
        "shifted_v": shortest_f64(candidate.shifted_v()),
        "score": shortest_f64(candidate.score()),
        "class": candidate.class_name(),
        "is_detected": one.is_detected,
        "is_offered": day.reviewing.offered.contains(&one.id),
        "clip": candidate.clip,
        "verdict": one.review.as_ref().and_then(|review| review.verdict).map(Verdict::as_str),
        "comment": one.review.as_ref().and_then(|review| review.comment.as_deref()),
        "personal": personal,
    }))
}

fn neighbours(neighbours: &[Neighbour]) -> Vec<Value> {
    let value = |one: &Neighbour| json!({ "review": one.review, "similarity": shortest_f64(one.similarity) });
    neighbours.iter().map(value).collect()
}
