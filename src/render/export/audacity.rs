//! Audacity label track: start, end and label, one line per laugh.
//!
//! Source: Audacity's manual, "Importing and Exporting Labels": seconds with six decimals, columns separated by tabs.

use std::io::{self, Write};

use super::{Format, no_head, no_tail};
use crate::domain::{Field, StoredRecording, field};

pub const FORMAT: Format = Format {
    name: "audacity",
    about: "Audacity label track, one file per recording",
    suffix: ".giggles.labels.txt",
    is_of_one_recording: true,
    contains_failures: false,
    head: no_head,
    recording,
    tail: no_tail,
};

/// A label track has no header.
pub(in crate::render) const COLUMNS: [Field; 3] = [
    field("start", "number", "offset of the start in the recording, seconds"),
    field("end", "number", "offset of the end in the recording, seconds"),
    field("label", "string", "AudioSet name of the highest-scoring laughter class, and the highest score"),
];

fn recording(text: &mut dyn Write, recording: &StoredRecording, _: bool) -> io::Result<()> {
    recording.laughs().iter().try_for_each(|laugh| {
        let detection = &laugh.detection;
        let (start, end) = (detection.start.as_secs_f64(), detection.end.as_secs_f64());
        writeln!(text, "{start:.6}\t{end:.6}\t{} {:.2}", detection.class_name(), detection.peak)
    })
}
