//! What people said of laughs on a page, brought back to the database that the page was made from.
//!
//! A file is taken whole or not at all: all its lines are read before the database is written, in one transaction.
//!
//! Invariant: a note of a laugh that is not stored is kept and counted, never dropped: its recording may be scanned yet.

mod line;

use crate::exit::Fatal;
use crate::record::Noted;
use crate::store::{self, Location};

/// Where notes go.
pub struct Settings {
    pub database: Location,
    /// Says what would be stored.
    pub dry_run: bool,
}

/// What came of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// Lines of the file.
    pub notes: u64,
    /// New, or other than what was stored.
    pub changed: u64,
    /// As they were stored before.
    pub unchanged: u64,
    /// Something later is said of the same laugh, in the database or in the file.
    pub older: u64,
    /// Of a laugh that is not stored now.
    pub strangers: u64,
    pub dry_run: bool,
}

/// The notes of a file, a JSON object a line as the page exports them; empty lines are passed over.
///
/// # Errors
/// Names the file's first line that is no note, what is wrong with it, and how many more there are.
pub fn read(name: &str, bytes: &[u8]) -> Result<Vec<Noted>, Fatal> {
    // Some editors and shells write a byte order mark.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let lines = bytes.split(|&byte| byte == b'\n').zip(1..).filter(|(line, _)| !line.trim_ascii().is_empty());
    let (mut notes, mut faults) = (Vec::new(), Vec::new());
    for (line, number) in lines {
        match line::note(line) {
            Ok(note) => notes.push(note),
            Err(fault) => faults.push((number, fault)),
        }
    }
    match &faults[..] {
        [] => Ok(notes),
        [first, rest @ ..] => Err(refused(name, first, rest.len())),
    }
}

fn refused(name: &str, (number, fault): &(usize, String), others: usize) -> Fatal {
    let others = match others {
        0 => String::new(),
        1 => ", and another line is wrong too".to_owned(),
        count => format!(", and {count} other lines are wrong too"),
    };
    Fatal::Failed(format!("{name}, line {number}: {fault}{others}; nothing was stored"))
}

/// Stores them, or says what would be stored.
pub fn import(settings: &Settings, notes: &[Noted]) -> Result<Imported, Fatal> {
    let distinct = store::distinct(notes);
    let kept = store::open(&settings.database)?.keep_notes(notes, settings.dry_run)?;
    let doubled = notes.len() as u64 - distinct;
    Ok(Imported {
        notes: notes.len() as u64,
        changed: kept.changed,
        unchanged: distinct.saturating_sub(kept.changed + kept.older),
        older: kept.older + doubled,
        strangers: kept.strangers,
        dry_run: settings.dry_run,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"source":"neil","recording":"a.ogg","content_sha256":"0101010101010101010101010101010101010101010101010101010101010101","start_seconds":1.5,"end_seconds":3,"starts_at":"2025-10-24T13:00:01.5Z","verdict":"keep","note":null,"at":"2025-10-25T08:00:00.123Z"}"#;

    #[test]
    fn empty_lines_marks_and_line_ends_of_other_systems_are_no_fault() {
        assert_eq!(read("f", b"").unwrap().len(), 0);
        assert_eq!(read("f", format!("\u{feff}{LINE}\r\n\r\n  \n{LINE}").as_bytes()).unwrap().len(), 2);
    }

    #[test]
    fn the_first_bad_line_is_named_and_the_others_are_counted() {
        let said = |text: &str| read("notes.jsonl", text.as_bytes()).unwrap_err().to_string();
        let one = said(&format!("{LINE}\n\n{{}}\n{LINE}"));
        assert_eq!(one, "notes.jsonl, line 3: source is missing; nothing was stored");
        assert!(said("1\n2\n").contains("line 1: is no JSON object, and another line is wrong too; nothing"));
        assert!(said("1\n2\n3").contains("and 2 other lines are wrong too"));
    }
}
