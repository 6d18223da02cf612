//! CSV for spreadsheets and data frames: a header, one row per laugh (RFC 4180).

use std::io::{self, Write};

use csv::{Terminator, Writer, WriterBuilder};

use super::{Format, is_favourite, no_tail, verdict_and_comment};
use crate::domain::{Field, StoredDetection, StoredRecording, field};
use crate::render::cell::cell;

pub const FORMAT: Format = Format {
    name: "csv",
    about: "CSV table, one row per laugh",
    suffix: ".giggles.csv",
    is_of_one_recording: false,
    contains_failures: false,
    head,
    recording,
    tail: no_tail,
};

pub(in crate::render) const COLUMNS: [Field; 20] = [
    field("source", "string", "the person or device of the recording"),
    field("recording", "string", "name of the recording: its path below the scanned folder"),
    field("start_seconds", "number", "offset of the start in the recording, seconds"),
    field("end_seconds", "number", "offset of the end in the recording, seconds"),
    field("starts_at", "string", "start, RFC 3339 in UTC"),
    field("ends_at", "string", "end, RFC 3339 in UTC"),
    field("local_date", "string", "calendar day of the start, in the zone of the run"),
    field("class", "string", "AudioSet name of the highest-scoring laughter class"),
    field("class_index", "number", "its AudioSet index"),
    field("peak_score", "number", "highest score, 0 to 1"),
    field("mean_score", "number", "mean score of its patches, 0 to 1"),
    field("laughter", "number", "the model's highest score for Laughter"),
    field("baby_laughter", "number", "the same for Baby laughter"),
    field("giggle", "number", "the same for Giggle"),
    field("snicker", "number", "the same for Snicker"),
    field("belly_laugh", "number", "the same for Belly laugh"),
    field("chuckle", "number", "the same for Chuckle, chortle"),
    field("verdict", "string", "`confirmed` or `rejected`; empty without a review"),
    field("comment", "string", "comment of the review"),
    field("favourite", "boolean", "whether the reviewer marked it as favourite: `true` or `false`"),
];

pub(super) fn table(text: &mut dyn Write) -> Writer<&mut dyn Write> {
    WriterBuilder::new().terminator(Terminator::CRLF).from_writer(text)
}

fn head(text: &mut dyn Write) -> io::Result<()> {
    let mut table = table(text);
    table.write_record(COLUMNS.map(|column| column.path))?;
    table.flush()
}

fn recording(text: &mut dyn Write, recording: &StoredRecording, _: bool) -> io::Result<()> {
    let mut table = table(text);
    recording.laughs().iter().try_for_each(|laugh| table.write_record(row(recording, laugh)))?;
    table.flush()
}

fn row(recording: &StoredRecording, laugh: &StoredDetection) -> [String; COLUMNS.len()] {
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
        is_favourite(laugh).to_string(),
    ]
}
