//! What the script needs of each laugh: by what a note knows it again, its score, and where its sound is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::{Audio, Page, Sound, text};
use crate::day::{Day, Joined};
use crate::output::json::score;
use crate::record::{Judgement, Laugh, Note, StoredRecording};

/// An array, an object a laugh, in the page's order.
pub fn json(page: &Page) -> String {
    let of = |day: &Day| day.laughs().iter().map(|laugh| identity(day, laugh)).collect::<Vec<_>>();
    let laughs = page.telling.days.iter().flat_map(of);
    let none = Vec::new();
    let sounds = page.sounds.iter().chain(std::iter::repeat(&none));
    let with_sound = laughs.zip(sounds).map(|(mut laugh, sounds)| {
        laugh["audio"] = sounds.iter().filter_map(address).collect::<Vec<_>>().into();
        laugh
    });
    text::json(&Value::Array(with_sound.collect()))
}

/// A laugh is known by its source, its recording's content and its place in it.
fn identity(day: &Day, laugh: &Joined) -> Value {
    let (recording, row) = laugh.first();
    json!({
        "source": day.source,
        "recording": recording.name,
        "content_sha256": content(recording),
        "start_seconds": row.event.start.as_secs_f64(),
        "end_seconds": row.event.end.as_secs_f64(),
        "starts_at": laugh.starts().to_string(),
        "parts": laugh.parts.iter().map(part).collect::<Vec<_>>(),
        "peak": score(laugh.peak()),
        "said": laugh.note().map(said),
    })
}

/// What is said of a laugh is exported for each row that the recorder made of it.
fn part((recording, row): &(&StoredRecording, &Laugh)) -> Value {
    json!({
        "recording": recording.name,
        "content_sha256": content(recording),
        "start_seconds": row.event.start.as_secs_f64(),
        "end_seconds": row.event.end.as_secs_f64(),
        "starts_at": row.starts.to_string(),
    })
}

fn content(recording: &StoredRecording) -> Option<String> {
    recording.content.map(|content| content.to_string())
}

/// What is stored. The browser may know something later.
fn said(note: &Note) -> Value {
    json!({
        "verdict": note.verdict.map(Judgement::as_str),
        "note": note.words,
        "at": note.at.to_string(),
    })
}

fn address(sound: &Sound) -> Option<String> {
    match &sound.audio {
        Audio::Embedded(bytes) => Some(format!("data:audio/flac;base64,{}", BASE64.encode(bytes))),
        Audio::Linked(path) => Some(path.clone()),
        Audio::Missing(_) => None,
    }
}
