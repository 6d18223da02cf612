//! Stored laughs for other programs: one file a format, each a pure function from recordings to text.
//!
//! Invariant: a recording that was heard and holds no laugh gives a file that says so; one that failed gives none,
//! or says that it failed, and never looks like silence.

mod audacity;
mod csv;
mod json;
mod jsonl;
mod raven;

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
    /// The recordings' laughs, in the order given.
    pub text: fn(&[&StoredRecording]) -> String,
}

pub const FORMATS: [Format; 5] = [audacity::FORMAT, raven::FORMAT, csv::FORMAT, jsonl::FORMAT, json::FORMAT];

impl Format {
    pub fn named(name: &str) -> Option<&'static Format> {
        FORMATS.iter().find(|format| format.name == name)
    }

    /// `walk/a.ogg` gives `walk/a.giggles.csv`.
    pub fn file_name(&self, recording: &str) -> String {
        let folder = recording.rfind('/').map_or(0, |at| at + 1);
        let dot = recording[folder..].rfind('.').filter(|&at| at > 0);
        let stem = dot.map_or(recording, |at| &recording[..folder + at]);
        format!("{stem}{}", self.suffix)
    }
}

/// Every laugh with its recording.
fn laughs<'a>(recordings: &'a [&'a StoredRecording]) -> impl Iterator<Item = (&'a StoredRecording, &'a Laugh)> {
    recordings.iter().flat_map(|recording| recording.laughs().iter().map(move |laugh| (*recording, laugh)))
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
