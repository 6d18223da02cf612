//! Audacity's label track: start, end and label, a line a laugh.
//!
//! Source: Audacity's manual, "Importing and Exporting Labels": seconds with six decimals, columns parted by tabs.

use super::{Format, laughs};
use crate::record::StoredRecording;

pub const FORMAT: Format = Format {
    name: "audacity",
    about: "label track for Audacity, a file a recording",
    suffix: ".giggles.labels.txt",
    is_of_one_recording: true,
    text,
};

fn text(recordings: &[&StoredRecording]) -> String {
    let lines = laughs(recordings).map(|(_, laugh)| {
        let event = &laugh.event;
        let (start, end) = (event.start.as_secs_f64(), event.end.as_secs_f64());
        format!("{start:.6}\t{end:.6}\t{} {:.2}\n", event.class_name(), event.peak)
    });
    lines.collect()
}
