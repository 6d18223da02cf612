//! The form that adds a laugh that was missed, and the recordings in which one can be.
//!
//! The script checks that the time is in an analyzed recording, and adds a row like those of the page. Without the
//! script there is no form.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Page, row, text};
use crate::calendar::Day;
use crate::domain::StoredRecording;

/// With more recordings, the page has no form: their data would make it too large.
const RECORDINGS: usize = 3000;

/// The form, hidden until the script works; empty if nothing was analyzed.
pub fn form(page: &Page) -> String {
    if recordings(page).is_empty() {
        return String::new();
    }
    format!(
        "<details class=\"missed\" hidden>\n<summary>Add a laugh that was missed</summary>\n\
         <form id=\"missed\">\n<label>In <select id=\"place\"></select></label>\n\
         <label>At <input type=\"text\" id=\"at\" inputmode=\"numeric\" autocomplete=\"off\" required aria-describedby=\"form-of-time\"></label>\n\
         <label>Seconds <input type=\"number\" id=\"length\" min=\"0.1\" max=\"60\" step=\"0.1\" value=\"3\" required></label>\n\
         <button type=\"submit\">Add</button>\n\
         <p id=\"form-of-time\" class=\"aside\"></p>\n<p id=\"answer\" role=\"status\"></p>\n</form>\n</details>\n\
         <template id=\"added\">{}</template>\n",
        row::template()
    )
}

/// Days with the offsets of their time zone, and recordings with what of them was not analyzed.
pub fn data(page: &Page) -> String {
    let days: Vec<Value> = page.view.days.iter().map(day).collect();
    text::json(&json!({ "days": days, "recordings": recordings(page) }))
}

fn recordings(page: &Page) -> Vec<Value> {
    let of_day = |(index, day): (usize, &Day)| -> Vec<Value> {
        day.recordings.iter().filter_map(|recording| entry(index, recording)).collect()
    };
    let all: Vec<Value> = page.view.days.iter().enumerate().flat_map(of_day).collect();
    if all.len() > RECORDINGS { Vec::new() } else { all }
}

/// None if it was not analyzed.
fn entry(index: usize, recording: &StoredRecording) -> Option<Value> {
    let (sound, content, started) = (recording.sound()?, recording.content?, recording.started?);
    let missing = sound.missing.ranges.iter();
    Some(json!({
        "day": index,
        "name": recording.name,
        "content_sha256": content.to_string(),
        "started_at": started.at.to_string(),
        "seconds": recording.duration?.as_secs_f64(),
        "missing": missing.map(|range| (range.start.as_secs_f64(), range.end.map(|end| end.as_secs_f64()))).collect::<Vec<_>>(),
    }))
}

fn day(day: &Day) -> Value {
    json!({
        "source": day.source,
        "date": day.calendar.date.to_string(),
        "offsets": offsets(day),
    })
}

/// From when on the local time of the day has which offset from UTC: two where clocks change.
fn offsets(day: &Day) -> Vec<Value> {
    let (zone, span) = (&day.calendar.zone, day.calendar.span);
    let changes = zone.following(span.from).map(|change| change.timestamp()).take_while(|at| *at < span.to);
    let mut starts: Vec<Timestamp> = std::iter::once(span.from).chain(changes).collect();
    starts.push(span.to);
    let spans = starts.windows(2).map(|pair| {
        let seconds = zone.to_offset(pair[0]).seconds();
        json!({ "from": pair[0].to_string(), "to": pair[1].to_string(), "seconds": seconds })
    });
    spans.collect()
}
