//! Raven's selection table: a header, a row a laugh, tabs between.
//!
//! Source: Raven Pro's manual, "Selection tables": the seven columns that it needs come first, others follow.

use std::io::{self, Write};

use super::{Format, no_tail, said};
use crate::record::{Laugh, StoredRecording, plain};

pub const FORMAT: Format = Format {
    name: "raven",
    about: "selection table for Raven, a file a recording",
    suffix: ".giggles.selection.table.txt",
    is_of_one_recording: true,
    head,
    recording,
    tail: no_tail,
};

const HEADER: [&str; 14] = [
    "Selection",
    "View",
    "Channel",
    "Begin Time (s)",
    "End Time (s)",
    "Low Freq (Hz)",
    "High Freq (Hz)",
    "Begin File",
    "Class",
    "Peak Score",
    "Mean Score",
    "Begin Date Time",
    "Verdict",
    "Note",
];

/// The model hears nothing above half of its 16 kHz.
const HIGHEST: u32 = 8_000;

fn head(text: &mut dyn Write) -> io::Result<()> {
    writeln!(text, "{}", HEADER.join("\t"))
}

fn recording(text: &mut dyn Write, recording: &StoredRecording, _: bool) -> io::Result<()> {
    let rows = recording.laughs().iter().zip(1..).map(|(laugh, number)| row(number, recording, laugh));
    rows.into_iter().try_for_each(|row| writeln!(text, "{}", row.join("\t")))
}

fn row(number: usize, recording: &StoredRecording, laugh: &Laugh) -> [String; HEADER.len()] {
    let event = &laugh.event;
    let [verdict, note] = said(laugh);
    let file = recording.name.rsplit('/').next().unwrap_or_default();
    [
        number.to_string(),
        "Spectrogram 1".to_owned(),
        "1".to_owned(),
        format!("{:.6}", event.start.as_secs_f64()),
        format!("{:.6}", event.end.as_secs_f64()),
        "0.000".to_owned(),
        format!("{:.3}", highest(recording)),
        cell(file),
        event.class_name().to_owned(),
        event.peak.to_string(),
        event.mean.to_string(),
        laugh.starts.to_string(),
        verdict.to_owned(),
        cell(note),
    ]
}

/// What would end a cell or a row is a space, or written out. Readers of tables take a quote for the beginning of a quoted cell.
fn cell(text: &str) -> String {
    plain(&text.replace(['\t', '\n', '\r'], " ").replace('"', "'"))
}

fn highest(recording: &StoredRecording) -> f64 {
    let rate = recording.sound().map_or(2 * HIGHEST, |sound| sound.sample_rate);
    f64::from(rate.min(2 * HIGHEST)) / 2.0
}
