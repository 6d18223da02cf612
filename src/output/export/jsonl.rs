//! One JSON object a line, an object a laugh: what audio tools read as a list of events.
//!
//! `file`, `start`, `end` and `avg_prob` are the names that such tools know; the rest is ours.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Format, no_tail, nothing, score};
use crate::record::{Judgement, Laugh, StoredRecording};

pub const FORMAT: Format = Format {
    name: "jsonl",
    about: "a JSON object a line, an object a laugh",
    suffix: ".giggles.jsonl",
    is_of_one_recording: false,
    head: nothing,
    recording,
    tail: no_tail,
};

fn recording(text: &mut dyn Write, recording: &StoredRecording, _: bool) -> io::Result<()> {
    recording.laughs().iter().try_for_each(|laugh| writeln!(text, "{}", event(recording, laugh)))
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
