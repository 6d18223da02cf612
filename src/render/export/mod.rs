//! Formats of stored laughs for other programs: one file per format; each formats one recording at a time.
//!
//! Invariant: an analyzed recording without laughs gives an output without rows. A failed recording gives no output, or
//! one that contains the failure; it never looks like an analyzed recording.

mod audacity;
mod csv;
mod json;
mod jsonl;
mod raven;
mod recordings;

use std::io::{self, Write};

pub(super) use audacity::COLUMNS as AUDACITY_COLUMNS;
pub(super) use csv::COLUMNS as CSV_COLUMNS;
pub use json::without_laughs as recording;
pub(super) use json::{FIELDS as JSON_FIELDS, REVIEW as REVIEW_FIELDS};
pub(super) use jsonl::FIELDS as JSONL_FIELDS;
pub(super) use raven::COLUMNS as RAVEN_COLUMNS;
pub(super) use recordings::COLUMNS as RECORDINGS_COLUMNS;

use crate::domain::{StoredDetection, StoredRecording, Verdict};

/// An export format.
pub struct Format {
    /// Name on the command line.
    pub name: &'static str,
    /// Short description for the help.
    pub about: &'static str,
    /// Suffix of a recording's own file; replaces the extension of the recording.
    pub suffix: &'static str,
    /// The format describes one recording: times are offsets in it, and it has no field for its name.
    pub is_of_one_recording: bool,
    /// A failed recording has a place in it, and is exported like any other.
    pub contains_failures: bool,
    /// Writes what comes before all recordings.
    pub head: fn(&mut dyn Write) -> io::Result<()>,
    /// Writes the laughs of a recording; `is_first` for the first recording.
    pub recording: fn(&mut dyn Write, &StoredRecording, is_first: bool) -> io::Result<()>,
    /// Writes what comes after all recordings; `is_empty` if there were none.
    pub tail: fn(&mut dyn Write, is_empty: bool) -> io::Result<()>,
}

pub const FORMATS: [Format; 6] =
    [audacity::FORMAT, raven::FORMAT, csv::FORMAT, recordings::FORMAT, jsonl::FORMAT, json::FORMAT];

impl Format {
    pub fn named(name: &str) -> Option<&'static Format> {
        FORMATS.iter().find(|format| format.name == name)
    }

    /// The text of these recordings, in the given order.
    pub fn text(&self, recordings: &[&StoredRecording]) -> String {
        let mut text = Vec::new();
        let mut write = || {
            (self.head)(&mut text)?;
            for (index, recording) in recordings.iter().enumerate() {
                (self.recording)(&mut text, recording, index == 0)?;
            }
            (self.tail)(&mut text, recordings.is_empty())
        };
        write().expect("writing to memory succeeds");
        String::from_utf8(text).expect("formats write UTF-8")
    }

    /// The file of a recording: `walk/a.ogg` gives `walk/a.giggles.csv`.
    pub fn file_name(&self, recording: &str) -> String {
        let folder = recording.rfind('/').map_or(0, |at| at + 1);
        let dot = recording[folder..].rfind('.').filter(|&at| at > 0);
        let stem = dot.map_or(recording, |at| &recording[..folder + at]);
        format!("{stem}{}", self.suffix)
    }
}

/// The head of a format that has none.
fn no_head(_: &mut dyn Write) -> io::Result<()> {
    Ok(())
}

/// The tail of a format that has none.
fn no_tail(_: &mut dyn Write, _: bool) -> io::Result<()> {
    Ok(())
}

/// The verdict, `confirmed` or `rejected`, and the comment; each empty if there is none.
fn verdict_and_comment(laugh: &StoredDetection) -> [&str; 2] {
    let review = laugh.review.as_ref();
    let verdict = review.and_then(|review| review.verdict).map_or("", Verdict::as_str);
    [verdict, review.and_then(|review| review.comment.as_deref()).unwrap_or_default()]
}

fn is_favourite(laugh: &StoredDetection) -> bool {
    laugh.review.as_ref().is_some_and(|review| review.favourite)
}

#[cfg(test)]
mod tests;
