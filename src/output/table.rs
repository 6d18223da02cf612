//! The table of laughs that a person reads.
//!
//! Invariant: a row a laugh, in order of recording and time; empty if there is none.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table, TableComponent};

use super::{View, after};
use crate::record::{Event, Recording, plain, position};

const HEADER: [&str; 5] = ["recording", "local time", "from - to", "score", "class"];
/// Index of the column of numbers.
const SCORE: usize = 3;

/// The laughs of a run, or nothing at all if nobody laughed.
pub fn render(view: &View) -> String {
    let mut table = Table::new();
    table
        .load_preset(NOTHING)
        .set_style(TableComponent::HeaderLines, '─')
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(HEADER);
    for (recording, heard) in view.run.heard() {
        table.add_rows(heard.events.iter().map(|event| row(view, recording, event)));
    }
    if let Some(column) = table.column_mut(SCORE) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    if table.is_empty() { String::new() } else { format!("{}\n", table.trim_fmt()) }
}

fn row(view: &View, recording: &Recording, event: &Event) -> [String; 5] {
    [
        plain(&recording.name),
        local_time(view, recording, event),
        format!("{} - {}", position(&event.start), position(&event.end)),
        format!("{:.2}", event.peak),
        event.class_name().to_owned(),
    ]
}

fn local_time(view: &View, recording: &Recording, event: &Event) -> String {
    let at = recording.began.map(|began| after(began.at, event.start).to_zoned(view.run.zone.clone()));
    at.map_or_else(|| "unknown".into(), |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string())
}
