//! The table of laughs for people.
//!
//! Invariant: one row per laugh, in order of recording and time; empty if there are none.

use super::columns::{Column, column, table};
use super::{View, after};
use crate::domain::{Detection, Recording};
use crate::text::{escape, position};

const COLUMNS: [Column; 5] = [
    column("recording").name(),
    column("local time"),
    column("from - to").drops(2),
    column("score").number(),
    column("class").drops(1),
];

/// The laughs of a run; empty text if there are none. `width` is that of the terminal.
pub fn render(view: &View, width: Option<usize>) -> String {
    let rows: Vec<[String; 5]> = view
        .run
        .analyzed()
        .flat_map(|(recording, analyzed)| {
            analyzed.detections.iter().map(move |detection| row(view, recording, detection))
        })
        .collect();
    table(&COLUMNS, &rows, width)
}

fn row(view: &View, recording: &Recording, detection: &Detection) -> [String; 5] {
    [
        escape(&recording.name),
        local_time(view, recording, detection),
        format!("{} - {}", position(&detection.start), position(&detection.end)),
        format!("{:.2}", detection.peak),
        detection.class_name().to_owned(),
    ]
}

fn local_time(view: &View, recording: &Recording, detection: &Detection) -> String {
    let at = recording.started.map(|started| after(started.at, detection.start).to_zoned(view.run.zone.clone()));
    at.map_or_else(|| "unknown".into(), |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string())
}
