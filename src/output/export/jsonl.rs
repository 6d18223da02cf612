//! One JSON object a line, an object a laugh: what audio tools read as a list of events.
//!
//! `file`, `start`, `end` and `avg_prob` are the names that such tools know; the rest is ours.

use serde_json::{Value, json};

use super::{Format, laughs, score};
use crate::record::{Judgement, Laugh, StoredRecording};

pub const FORMAT: Format = Format {
    name: "jsonl",
    about: "a JSON object a line, an object a laugh",
    suffix: ".giggles.jsonl",
    is_of_one_recording: false,
    text,
};

fn text(recordings: &[&StoredRecording]) -> String {
    laughs(recordings).map(|(recording, laugh)| format!("{}\n", event(recording, laugh))).collect()
}

fn event(recording: &StoredRecording, laugh: &Laugh) -> Value {
    let event = &laugh.event;
    json!({
        "file": recording.name,
        "source": recording.source,
        "start": event.start.as_secs_f64(),
        "end": event.end.as_secs_f64(),
        "avg_prob": score(event.mean),
        "max_prob": score(event.peak),
        "class": event.class_name(),
        "starts_at": laugh.starts.to_string(),
        "ends_at": laugh.ends.to_string(),
        "local_date": laugh.local_date.to_string(),
        "verdict": laugh.note.as_ref().and_then(|note| note.verdict).map(Judgement::as_str),
        "note": laugh.note.as_ref().and_then(|note| note.words.as_deref()),
    })
}
