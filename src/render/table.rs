//! The table of laughs for people.
//!
//! Invariant: one row per laugh, in order of recording and time; empty if there are none.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table, TableComponent};

use super::{View, after};
use crate::domain::{Detection, Recording};
use crate::text::{escape, position};

const HEADER: [&str; 5] = ["recording", "local time", "from - to", "score", "class"];
/// Index of the numeric column.
const SCORE: usize = 3;

/// The laughs of a run; empty text if there are none.
pub fn render(view: &View) -> String {
    let mut table = Table::new();
    table
        .load_preset(NOTHING)
        .set_style(TableComponent::HeaderLines, '─')
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(HEADER);
    for (recording, analyzed) in view.run.analyzed() {
        table.add_rows(analyzed.detections.iter().map(|detection| row(view, recording, detection)));
    }
    if let Some(column) = table.column_mut(SCORE) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    if table.is_empty() { String::new() } else { format!("{}\n", table.trim_fmt()) }
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
