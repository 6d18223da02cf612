//! The data of each row for the script: the identity for reviews, the score, and the addresses of its clips.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::{Audio, Page, Sound, text};
use crate::calendar::{Day, MergedDetection, Uncounted};
use crate::domain::{Review, StoredDetection, StoredRecording, Verdict};
use crate::text::shortest_f64;

/// An array with one object per laugh, per rejected laugh, and per sound that does not count, in the order of the page.
pub fn json(page: &Page) -> String {
    let laughs = |day: &Day| day.laughs().iter().map(|laugh| identity(day, laugh)).collect::<Vec<_>>();
    let rejected = |day: &Day| day.rejected().iter().map(|laugh| rejected(day, laugh)).collect::<Vec<_>>();
    let sounds = |day: &Day| day.uncounted().iter().map(|sound| uncounted(day, sound)).collect::<Vec<_>>();
    let days = page.view.days;
    let rows = days.iter().flat_map(laughs).chain(days.iter().flat_map(rejected)).chain(days.iter().flat_map(sounds));
    let none = Vec::new();
    let sounds = page.sounds.iter().chain(std::iter::repeat(&none));
    let with_sound = rows.zip(sounds).map(|(mut row, sounds)| {
        row["audio"] = sounds.iter().filter_map(address).collect::<Vec<_>>().into();
        row
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
        // Its verdict decides whether it is in the number of laughs.
        "decides": !day.include_rejected,
        "review": laugh.review().map(review),
    })
}

/// The same of a laugh in the list of rejected ones. The filter does not hide it.
fn rejected(day: &Day, laugh: &MergedDetection) -> Value {
    let mut row = identity(day, laugh);
    row["peak"] = Value::Null;
    row
}

/// The same of a sound that does not count. It has no peak: the filter does not hide it.
fn uncounted(day: &Day, sound: &Uncounted) -> Value {
    let part = json!({
        "recording": sound.recording.name,
        "content_sha256": content(sound.recording),
        "start_seconds": sound.start.as_secs_f64(),
        "end_seconds": sound.end.as_secs_f64(),
        "starts_at": sound.starts.to_string(),
    });
    let mut row = part.clone();
    row["source"] = day.source.as_str().into();
    row["parts"] = json!([part]);
    row["peak"] = Value::Null;
    row["decides"] = false.into();
    row["review"] = sound.review.map(review).into();
    row
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
        "favourite": review.favourite,
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
