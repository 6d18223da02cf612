//! The data of each laugh for the script: the identity for reviews, the score, and the addresses of its clips.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::{Audio, Page, Sound, text};
use crate::calendar::{Day, MergedDetection};
use crate::domain::{Review, StoredDetection, StoredRecording, Verdict};
use crate::text::shortest_f64;

/// An array with one object per laugh, in the order of the page.
pub fn json(page: &Page) -> String {
    let identities = |day: &Day| day.laughs().iter().map(|laugh| identity(day, laugh)).collect::<Vec<_>>();
    let laughs = page.view.days.iter().flat_map(identities);
    let none = Vec::new();
    let sounds = page.sounds.iter().chain(std::iter::repeat(&none));
    let with_sound = laughs.zip(sounds).map(|(mut laugh, sounds)| {
        laugh["audio"] = sounds.iter().filter_map(address).collect::<Vec<_>>().into();
        laugh
    });
    text::json(&Value::Array(with_sound.collect()))
}

/// Identifies a laugh by its source, the content of its recording and its position in it.
fn identity(day: &Day, laugh: &MergedDetection) -> Value {
    let (recording, row) = laugh.first();
    json!({
        "source": day.source,
        "recording": recording.name,
        "content_sha256": content(recording),
        "start_seconds": row.detection.start.as_secs_f64(),
        "end_seconds": row.detection.end.as_secs_f64(),
        "starts_at": laugh.starts().to_string(),
        "parts": laugh.parts.iter().map(part).collect::<Vec<_>>(),
        "peak": shortest_f64(laugh.peak()),
        "review": laugh.review().map(review),
    })
}

/// A review is exported for each row of a laugh that spans recordings.
fn part((recording, row): &(&StoredRecording, &StoredDetection)) -> Value {
    json!({
        "recording": recording.name,
        "content_sha256": content(recording),
        "start_seconds": row.detection.start.as_secs_f64(),
        "end_seconds": row.detection.end.as_secs_f64(),
        "starts_at": row.starts.to_string(),
    })
}

fn content(recording: &StoredRecording) -> Option<String> {
    recording.content.map(|content| content.to_string())
}

/// The stored review. The browser may have a later one.
fn review(review: &Review) -> Value {
    json!({
        "verdict": review.verdict.map(Verdict::as_str),
        "comment": review.comment,
        "at": review.at.to_string(),
    })
}

fn address(sound: &Sound) -> Option<String> {
    match &sound.audio {
        Audio::Embedded(bytes) => Some(format!("data:audio/flac;base64,{}", BASE64.encode(bytes))),
        Audio::Linked(path) => Some(path.clone()),
        Audio::Missing(_) => None,
    }
}
