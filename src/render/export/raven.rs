//! Raven selection table: a header, one row per laugh, columns separated by tabs.
//!
//! Source: Raven Pro's manual, "Selection tables": the seven required columns come first, others follow.

use std::io::{self, Write};

use super::{Format, no_tail, verdict_and_comment};
use crate::domain::{StoredDetection, StoredRecording};
use crate::text::escape;

pub const FORMAT: Format = Format {
    name: "raven",
    about: "Raven selection table, one file per recording",
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

/// The Nyquist frequency of the model's 16 kHz input.
const MAX_FREQUENCY: u32 = 8_000;

fn head(text: &mut dyn Write) -> io::Result<()> {
    writeln!(text, "{}", HEADER.join("\t"))
}

fn recording(text: &mut dyn Write, recording: &StoredRecording, _: bool) -> io::Result<()> {
    let rows = recording.laughs().iter().zip(1..).map(|(laugh, number)| row(number, recording, laugh));
    rows.into_iter().try_for_each(|row| writeln!(text, "{}", row.join("\t")))
}

fn row(number: usize, recording: &StoredRecording, laugh: &StoredDetection) -> [String; HEADER.len()] {
    let detection = &laugh.detection;
    let [verdict, comment] = verdict_and_comment(laugh);
    let file = recording.name.rsplit('/').next().unwrap_or_default();
    [
        number.to_string(),
        "Spectrogram 1".to_owned(),
        "1".to_owned(),
        format!("{:.6}", detection.start.as_secs_f64()),
        format!("{:.6}", detection.end.as_secs_f64()),
        "0.000".to_owned(),
        format!("{:.3}", high_frequency(recording)),
        cell(file),
        detection.class_name().to_owned(),
        detection.peak.to_string(),
        detection.mean.to_string(),
        laugh.starts.to_string(),
        verdict.to_owned(),
        cell(comment),
    ]
}

/// Replaces tabs and line breaks with spaces and escapes control characters. Quotes become apostrophes, since readers
/// take them for the start of a quoted cell.
fn cell(text: &str) -> String {
    escape(&text.replace(['\t', '\n', '\r'], " ").replace('"', "'"))
}

fn high_frequency(recording: &StoredRecording) -> f64 {
    let rate = recording.sound().map_or(2 * MAX_FREQUENCY, |sound| sound.sample_rate);
    f64::from(rate.min(2 * MAX_FREQUENCY)) / 2.0
}
