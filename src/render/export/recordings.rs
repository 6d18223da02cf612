//! CSV of recordings: a header, one row per recording, also of those without laughs and of those that failed (RFC 4180).

use std::io::{self, Write};
use std::time::Duration;

use super::csv::table;
use super::{Format, no_tail};
use crate::domain::{Field, StoredDetection, StoredRecording, field};
use crate::render::cell::cell;

pub const FORMAT: Format = Format {
    name: "recordings",
    about: "CSV table, one row per recording, also without laughs",
    suffix: ".giggles.recordings.csv",
    is_of_one_recording: false,
    contains_failures: true,
    head,
    recording,
    tail: no_tail,
};

pub(in crate::render) const COLUMNS: [Field; 13] = [
    field("source", "string", "the person or device of the recording"),
    field("recording", "string", "name of the recording: its path below the scanned folder"),
    field("content_sha256", "string", "SHA-256 of the file; empty if it could not be read"),
    field("bytes", "number", "size of the file"),
    field("started_at", "string", "when the recording started, RFC 3339 in UTC; empty if unknown"),
    field(
        "start_source",
        "string",
        "where the start was read: `filename`, `metadata`, `metadata_end`, `mtime`, `upload`",
    ),
    field("duration_seconds", "number", "duration; empty if unknown"),
    field("status", "string", "`analyzed`, `partial` or `failed`"),
    field("laughs", "number", "laughs that count; empty if it failed"),
    field("laughed_seconds", "number", "their duration in total; empty if it failed"),
    field("missing_seconds", "number", "duration of what could not be decoded; empty if it failed"),
    field("failure_reason", "string", "why it failed; empty of others"),
    field("run", "string", "id of the run that stored it"),
];

fn head(text: &mut dyn Write) -> io::Result<()> {
    let mut table = table(text);
    table.write_record(COLUMNS.map(|column| column.path))?;
    table.flush()
}

fn recording(text: &mut dyn Write, recording: &StoredRecording, _: bool) -> io::Result<()> {
    let mut table = table(text);
    table.write_record(row(recording))?;
    table.flush()
}

fn row(recording: &StoredRecording) -> [String; COLUMNS.len()] {
    let seconds = |length: Duration| format!("{:.6}", length.as_secs_f64());
    let of_laugh = |laugh: &StoredDetection| laugh.detection.end.saturating_sub(laugh.detection.start);
    let sound = recording.sound();
    [
        cell(&recording.source),
        cell(&recording.name),
        recording.content.map(|content| content.to_string()).unwrap_or_default(),
        recording.bytes.to_string(),
        recording.started.map(|started| started.at.to_string()).unwrap_or_default(),
        recording.started.map_or("", |started| started.from.as_str()).to_owned(),
        recording.duration.map(seconds).unwrap_or_default(),
        recording.status().to_owned(),
        sound.map(|sound| sound.laughs.len().to_string()).unwrap_or_default(),
        sound.map(|sound| seconds(sound.laughs.iter().map(of_laugh).sum())).unwrap_or_default(),
        sound.map(|sound| seconds(sound.missing.total)).unwrap_or_default(),
        recording.failure().map(|failure| cell(&failure.reason)).unwrap_or_default(),
        recording.run.clone(),
    ]
}
