//! Audacity label track: start, end and label, one line per laugh.
//!
//! Source: Audacity's manual, "Importing and Exporting Labels": seconds with six decimals, columns separated by tabs.

use std::io::{self, Write};

use super::{Format, no_head, no_tail};
use crate::domain::StoredRecording;

pub const FORMAT: Format = Format {
    name: "audacity",
    about: "Audacity label track, one file per recording",
    suffix: ".giggles.labels.txt",
    is_of_one_recording: true,
    head: no_head,
    recording,
    tail: no_tail,
};

fn recording(text: &mut dyn Write, recording: &StoredRecording, _: bool) -> io::Result<()> {
    recording.laughs().iter().try_for_each(|laugh| {
        let detection = &laugh.detection;
        let (start, end) = (detection.start.as_secs_f64(), detection.end.as_secs_f64());
        writeln!(text, "{start:.6}\t{end:.6}\t{} {:.2}", detection.class_name(), detection.peak)
    })
}
