//! Stored laughs for other programs: one file a format, each from a recording at a time to its part of the text.
//!
//! Invariant: a recording that was heard and holds no laugh gives a file that says so; one that failed gives none,
//! or says that it failed, and never looks like silence.

mod audacity;
mod csv;
mod json;
mod jsonl;
mod raven;

use std::io::{self, Write};

use crate::record::{Judgement, Laugh, StoredRecording};

/// One format.
pub struct Format {
    /// On the command line.
    pub name: &'static str,
    /// What it is for, in a few words.
    pub about: &'static str,
    /// What a recording's own file ends with, behind the recording's name without its extension.
    pub suffix: &'static str,
    /// Its times are offsets in one recording, and it has no place for the recording's name.
    pub is_of_one_recording: bool,
    /// What comes before all recordings.
    pub head: fn(&mut dyn Write) -> io::Result<()>,
    /// A recording's laughs; of the first recording, `is_first`.
    pub recording: fn(&mut dyn Write, &StoredRecording, is_first: bool) -> io::Result<()>,
    /// What comes behind all; whether there was none.
    pub tail: fn(&mut dyn Write, is_empty: bool) -> io::Result<()>,
}

pub const FORMATS: [Format; 5] = [audacity::FORMAT, raven::FORMAT, csv::FORMAT, jsonl::FORMAT, json::FORMAT];

impl Format {
    pub fn named(name: &str) -> Option<&'static Format> {
        FORMATS.iter().find(|format| format.name == name)
    }

    /// The text of these recordings, in the order given.
    pub fn text(&self, recordings: &[&StoredRecording]) -> String {
        let mut text = Vec::new();
        let mut write = || {
            (self.head)(&mut text)?;
            for (index, recording) in recordings.iter().enumerate() {
                (self.recording)(&mut text, recording, index == 0)?;
            }
            (self.tail)(&mut text, recordings.is_empty())
        };
        write().expect("memory can be written");
        String::from_utf8(text).expect("texts stay texts")
    }

    /// `walk/a.ogg` gives `walk/a.giggles.csv`.
    pub fn file_name(&self, recording: &str) -> String {
        let folder = recording.rfind('/').map_or(0, |at| at + 1);
        let dot = recording[folder..].rfind('.').filter(|&at| at > 0);
        let stem = dot.map_or(recording, |at| &recording[..folder + at]);
        format!("{stem}{}", self.suffix)
    }
}

/// Before or behind the recordings of a format that has nothing there.
fn nothing(_: &mut dyn Write) -> io::Result<()> {
    Ok(())
}

fn no_tail(_: &mut dyn Write, _: bool) -> io::Result<()> {
    Ok(())
}

/// `keep` or `discard`, and a person's words; each empty where there is none.
fn said(laugh: &Laugh) -> [&str; 2] {
    let note = laugh.note.as_ref();
    let verdict = note.and_then(|note| note.verdict).map_or("", Judgement::as_str);
    [verdict, note.and_then(|note| note.words.as_deref()).unwrap_or_default()]
}

/// The shortest decimal that is this f32: 0.56, not 0.5600000023841858.
fn score(score: f32) -> serde_json::Value {
    score.to_string().parse::<f64>().map_or(serde_json::Value::Null, Into::into)
}

#[cfg(test)]
mod tests;
