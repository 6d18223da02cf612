//! CSV for spreadsheets and data frames: a header, one row per laugh (RFC 4180).

use std::io::{self, Write};

use csv::{Terminator, Writer, WriterBuilder};

use super::{Format, no_tail, verdict_and_comment};
use crate::domain::{StoredDetection, StoredRecording};
use crate::render::cell::cell;

pub const FORMAT: Format = Format {
    name: "csv",
    about: "CSV table, one row per laugh",
    suffix: ".giggles.csv",
    is_of_one_recording: false,
    head,
    recording,
    tail: no_tail,
};

const HEADER: [&str; 19] = [
    "source",
    "file",
    "start",
    "end",
    "starts_at",
    "ends_at",
    "local_date",
    "class",
    "class_index",
    "peak_score",
    "mean_score",
    "laughter",
    "baby_laughter",
    "giggle",
    "snicker",
    "belly_laugh",
    "chuckle",
    "verdict",
    "comment",
];

fn table(text: &mut dyn Write) -> Writer<&mut dyn Write> {
    WriterBuilder::new().terminator(Terminator::CRLF).from_writer(text)
}

fn head(text: &mut dyn Write) -> io::Result<()> {
    let mut table = table(text);
    table.write_record(HEADER)?;
    table.flush()
}

fn recording(text: &mut dyn Write, recording: &StoredRecording, _: bool) -> io::Result<()> {
    let mut table = table(text);
    recording.laughs().iter().try_for_each(|laugh| table.write_record(row(recording, laugh)))?;
    table.flush()
}

fn row(recording: &StoredRecording, laugh: &StoredDetection) -> [String; HEADER.len()] {
    let detection = &laugh.detection;
    let [laughter, baby_laughter, giggle, snicker, belly_laugh, chuckle] =
        detection.class_scores.map(|peak| peak.to_string());
    let [verdict, comment] = verdict_and_comment(laugh);
    [
        cell(&recording.source),
        cell(&recording.name),
        format!("{:.6}", detection.start.as_secs_f64()),
        format!("{:.6}", detection.end.as_secs_f64()),
        laugh.starts.to_string(),
        laugh.ends.to_string(),
        laugh.local_date.to_string(),
        detection.class_name().to_owned(),
        detection.class.to_string(),
        detection.peak.to_string(),
        detection.mean.to_string(),
        laughter,
        baby_laughter,
        giggle,
        snicker,
        belly_laugh,
        chuckle,
        verdict.to_owned(),
        cell(comment),
    ]
}
