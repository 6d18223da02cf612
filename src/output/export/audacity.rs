//! Audacity's label track: start, end and label, a line a laugh.
//!
//! Source: Audacity's manual, "Importing and Exporting Labels": seconds with six decimals, columns parted by tabs.

use std::io::{self, Write};

use super::{Format, no_tail, nothing};
use crate::record::StoredRecording;

pub const FORMAT: Format = Format {
    name: "audacity",
    about: "label track for Audacity, a file a recording",
    suffix: ".giggles.labels.txt",
    is_of_one_recording: true,
    head: nothing,
    recording,
    tail: no_tail,
};

fn recording(text: &mut dyn Write, recording: &StoredRecording, _: bool) -> io::Result<()> {
    recording.laughs().iter().try_for_each(|laugh| {
        let event = &laugh.event;
        let (start, end) = (event.start.as_secs_f64(), event.end.as_secs_f64());
        writeln!(text, "{start:.6}\t{end:.6}\t{} {:.2}", event.class_name(), event.peak)
    })
}
