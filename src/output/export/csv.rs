//! A table for spreadsheets and data frames: a header, a row a laugh (RFC 4180).

use std::io::{self, Write};

use csv::{Terminator, Writer, WriterBuilder};

use super::{Format, no_tail, said};
use crate::output::cell::cell;
use crate::record::{Laugh, StoredRecording};

pub const FORMAT: Format = Format {
    name: "csv",
    about: "table, a row a laugh",
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
    "note",
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

fn row(recording: &StoredRecording, laugh: &Laugh) -> [String; HEADER.len()] {
    let event = &laugh.event;
    let [laughter, baby_laughter, giggle, snicker, belly_laugh, chuckle] =
        event.laughter_peaks.map(|peak| peak.to_string());
    let [verdict, note] = said(laugh);
    [
        cell(&recording.source),
        cell(&recording.name),
        format!("{:.6}", event.start.as_secs_f64()),
        format!("{:.6}", event.end.as_secs_f64()),
        laugh.starts.to_string(),
        laugh.ends.to_string(),
        laugh.local_date.to_string(),
        event.class_name().to_owned(),
        event.class.to_string(),
        event.peak.to_string(),
        event.mean.to_string(),
        laughter,
        baby_laughter,
        giggle,
        snicker,
        belly_laugh,
        chuckle,
        verdict.to_owned(),
        cell(note),
    ]
}
