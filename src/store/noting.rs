//! What people said of laughs: how it is stored, and which laugh it is of once its recording was heard again.
//!
//! A note is of a stretch of sound: a source, a recording's content, two offsets. It has no foreign key, so that it
//! outlives the rows that a scan under new rules replaces and those that `prune` removes. It is of the laugh that has
//! most of its stretch now; of several notes on one laugh the latest holds. A laugh that was parted leaves its note
//! with the longer part, and laughs that became one have the latest note of all.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::rows::{microseconds, stored_text};
use crate::record::{Judgement, Laugh, Note, Noted};

/// What became of the notes that were to be stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// New, or other than what was stored.
    pub changed: u64,
    /// Something later is said of the same stretch: stored, or beside it.
    pub older: u64,
    /// Of a laugh that is not stored now. They are kept: their recording may be scanned yet.
    pub strangers: u64,
}

/// A row of `notes`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NoteRow {
    pub source: String,
    pub content_sha256: String,
    pub start_seconds: f64,
    pub end_seconds: f64,
    pub recording: String,
    pub starts_at: Timestamp,
    pub verdict: Option<&'static str>,
    pub note: Option<String>,
    pub noted_at: Timestamp,
}

/// A row of `notes`, and the recording it is of.
pub struct NoteColumns {
    pub recording_id: i64,
    pub start_seconds: f64,
    pub end_seconds: f64,
    pub verdict: Option<String>,
    pub note: Option<String>,
    pub noted_at: Timestamp,
}

/// Of how many stretches these are.
pub fn distinct(notes: &[Noted]) -> u64 {
    rows(notes).len() as u64
}

/// One a stretch, the latest; of equals the last. In the order of the table's key, so that two programs that store
/// notes at once do not wait for each other in a circle.
pub fn rows(notes: &[Noted]) -> Vec<NoteRow> {
    let mut latest: HashMap<(&str, [u8; 32], Duration, Duration), &Noted> = HashMap::new();
    for noted in notes {
        let one = latest.entry((&noted.source, noted.content.0, noted.start, noted.end)).or_insert(noted);
        if noted.note.at >= one.note.at {
            *one = noted;
        }
    }
    let mut latest: Vec<_> = latest.into_iter().collect();
    latest.sort_by_key(|(key, _)| *key);
    latest.into_iter().map(|(_, noted)| NoteRow::of(noted)).collect()
}

impl NoteRow {
    fn of(noted: &Noted) -> NoteRow {
        NoteRow {
            source: stored_text(&noted.source),
            content_sha256: noted.content.to_string(),
            start_seconds: noted.start.as_secs_f64(),
            end_seconds: noted.end.as_secs_f64(),
            recording: stored_text(&noted.recording),
            starts_at: microseconds(noted.starts),
            verdict: noted.note.verdict.map(Judgement::as_str),
            note: noted.note.words.as_deref().map(stored_text),
            noted_at: microseconds(noted.note.at),
        }
    }
}

/// Gives each note to the laugh of its recording that has most of its stretch, the first of equals.
pub fn attach(laughs: &mut [Laugh], mut notes: Vec<NoteColumns>) {
    notes.sort_by_key(|note| note.noted_at);
    for note in notes {
        let overlap = |laugh: &Laugh| {
            let (start, end) = (laugh.event.start.as_secs_f64(), laugh.event.end.as_secs_f64());
            end.min(note.end_seconds) - start.max(note.start_seconds)
        };
        let nearest = laughs.iter_mut().rev().max_by(|a, b| overlap(a).total_cmp(&overlap(b)));
        if let Some(laugh) = nearest.filter(|laugh| overlap(laugh) > 0.0) {
            let verdict = note.verdict.as_deref().and_then(Judgement::named);
            laugh.note = Some(Note { verdict, words: note.note, at: note.noted_at });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{ContentHash, Event};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn laugh(start: f64, end: f64) -> Laugh {
        let (start, end) = (Duration::from_secs_f64(start), Duration::from_secs_f64(end));
        let event = Event { start, end, peak: 0.9, mean: 0.6, class: 13, laughter_peaks: [0.0; 6], clip: None };
        Laugh { event, starts: at(0), ends: at(9), local_date: jiff::civil::date(1970, 1, 1), note: None }
    }

    fn note(start_seconds: f64, end_seconds: f64, second: i64) -> NoteColumns {
        let note = Some(format!("said at {second}"));
        NoteColumns { recording_id: 1, start_seconds, end_seconds, verdict: None, note, noted_at: at(second) }
    }

    /// What is said of each of these laughs.
    fn said(laughs: &[(f64, f64)], notes: Vec<NoteColumns>) -> Vec<Option<String>> {
        let mut laughs: Vec<Laugh> = laughs.iter().map(|&(start, end)| laugh(start, end)).collect();
        attach(&mut laughs, notes);
        laughs.into_iter().map(|laugh| laugh.note.and_then(|note| note.words)).collect()
    }

    #[test]
    fn a_note_finds_the_laugh_that_has_most_of_it() {
        let third = || Some("said at 3".to_owned());
        assert_eq!(said(&[(1.0, 2.0), (4.0, 9.0)], vec![note(1.0, 2.0, 3)]), [third(), None], "the same");
        assert_eq!(said(&[(1.0, 2.0), (2.5, 9.0)], vec![note(1.5, 4.0, 3)]), [None, third()], "parted");
        assert_eq!(said(&[(0.0, 1.0), (1.0, 2.0)], vec![note(0.0, 2.0, 3)]), [third(), None], "parted in halves");
        assert_eq!(said(&[(1.0, 2.0)], vec![note(2.0, 4.0, 3)]), [None], "they only touch");
        assert_eq!(said(&[], vec![note(2.0, 4.0, 3)]), []);
    }

    #[test]
    fn of_several_notes_on_one_laugh_the_latest_holds() {
        let notes = || vec![note(1.0, 3.0, 7), note(4.0, 5.0, 8), note(1.0, 2.0, 3)];
        assert_eq!(said(&[(1.0, 5.0)], notes()), [Some("said at 8".to_owned())]);
    }

    #[test]
    fn of_one_stretch_the_latest_is_stored_whatever_the_order() {
        let noted = |start, second, words: &str| Noted {
            source: "neil".into(),
            recording: "a.ogg".into(),
            content: ContentHash([1; 32]),
            start: Duration::from_secs(start),
            end: Duration::from_secs(9),
            starts: at(start as i64),
            note: Note { verdict: None, words: Some(words.into()), at: at(second) },
        };
        let rows = rows(&[noted(5, 8, "b"), noted(1, 2, "a"), noted(5, 7, "older"), noted(1, 2, "again")]);
        assert_eq!(rows.iter().map(|row| row.note.as_deref().unwrap()).collect::<Vec<_>>(), ["again", "b"]);
    }
}
