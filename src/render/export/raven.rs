//! Raven selection table: a header, one row per laugh, columns separated by tabs.
//!
//! Source: Raven Pro's manual, "Selection tables": the seven required columns come first, others follow.

use std::io::{self, Write};

use super::{Format, no_tail, verdict_and_comment};
use crate::domain::{Field, StoredDetection, StoredRecording, field};
use crate::text::escape;

pub const FORMAT: Format = Format {
    name: "raven",
    about: "Raven selection table, one file per recording",
    suffix: ".giggles.selection.table.txt",
    is_of_one_recording: true,
    contains_failures: false,
    head,
    recording,
    tail: no_tail,
};

pub(in crate::render) const COLUMNS: [Field; 14] = [
    field("Selection", "number", "number of the laugh in the recording, from 1"),
    field("View", "string", "always `Spectrogram 1`"),
    field("Channel", "number", "always 1"),
    field("Begin Time (s)", "number", "offset of the start in the recording"),
    field("End Time (s)", "number", "offset of the end in the recording"),
    field("Low Freq (Hz)", "number", "always 0"),
    field("High Freq (Hz)", "number", "half of the recording's sampling rate, 8000 at most"),
    field("Begin File", "string", "file name of the recording"),
    field("Class", "string", "AudioSet name of the highest-scoring laughter class"),
    field("Peak Score", "number", "highest score, 0 to 1"),
    field("Mean Score", "number", "mean score of its patches, 0 to 1"),
    field("Begin Date Time", "string", "start, RFC 3339 in UTC"),
    field("Verdict", "string", "`confirmed` or `rejected`; empty without a review"),
    field("Note", "string", "comment of the review"),
];

/// The Nyquist frequency of the model's 16 kHz input.
const MAX_FREQUENCY: u32 = 8_000;

fn head(text: &mut dyn Write) -> io::Result<()> {
    writeln!(text, "{}", COLUMNS.map(|column| column.path).join("\t"))
}

fn recording(text: &mut dyn Write, recording: &StoredRecording, _: bool) -> io::Result<()> {
    let rows = recording.laughs().iter().zip(1..).map(|(laugh, number)| row(number, recording, laugh));
    rows.into_iter().try_for_each(|row| writeln!(text, "{}", row.join("\t")))
}

fn row(number: usize, recording: &StoredRecording, laugh: &StoredDetection) -> [String; COLUMNS.len()] {
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
