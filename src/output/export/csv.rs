//! A table for spreadsheets and data frames: a header, a row a laugh (RFC 4180).

use csv::{Terminator, WriterBuilder};

use super::{Format, laughs, said};
use crate::output::cell::cell;
use crate::record::{Laugh, StoredRecording};

pub const FORMAT: Format =
    Format { name: "csv", about: "table, a row a laugh", suffix: ".giggles.csv", is_of_one_recording: false, text };

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

fn text(recordings: &[&StoredRecording]) -> String {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    let rows = laughs(recordings).map(|(recording, laugh)| row(recording, laugh));
    let header = HEADER.map(str::to_owned);
    for row in std::iter::once(header).chain(rows) {
        writer.write_record(row).expect("rows of one length, into memory");
    }
    let bytes = writer.into_inner().expect("memory can be flushed");
    String::from_utf8(bytes).expect("texts stay texts")
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
