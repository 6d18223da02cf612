//! Reviews of laughs: what is offered for review, one at a time on a terminal; and the import of what people reviewed on
//! a page into the database that the page was created from.
//!
//! A file is imported completely or not at all: all its lines are parsed first, then stored in one transaction.
//!
//! Invariant: a review without a stored laugh is kept and counted, never dropped: its recording may be scanned later.

mod line;
pub mod offered;
pub mod place;
pub mod queue;
pub mod session;

pub use line::{DOCUMENT, FIELDS, comment, review as parse};

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use crate::domain::{ReviewedSpan, Window};
use crate::error::Fatal;
use crate::store::{self, Location, Reader, Selection};

/// Lines that an error names besides the first.
const NAMED: usize = 5;
/// A page rounds offsets.
const TOLERANCE: Duration = Duration::from_millis(100);
const DAY: Duration = Duration::from_secs(86_400);

/// Where to store the reviews.
pub struct Settings {
    pub database: Location,
    /// Only report what would be stored.
    pub dry_run: bool,
}

/// The result of an import.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// Lines of the file.
    pub reviews: u64,
    /// New, or different from what was stored.
    pub changed: u64,
    /// The same as stored before.
    pub unchanged: u64,
    /// Superseded by a later review of the same laugh, in the database or in the file.
    pub older: u64,
    /// Without a stored laugh.
    pub unmatched: u64,
    pub dry_run: bool,
}

/// Parses a file of reviews, one JSON object per line as the page exports them; empty lines are ignored.
///
/// # Errors
/// Names the first invalid line, what is wrong with it, and the number of other invalid lines.
pub fn read(name: &str, bytes: &[u8]) -> Result<Vec<Line>, Fatal> {
    // Some editors and shells write a byte order mark.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let lines = bytes.split(|&byte| byte == b'\n').zip(1..).filter(|(line, _)| !line.trim_ascii().is_empty());
    let (mut reviews, mut faults) = (Vec::new(), Vec::new());
    for (line, number) in lines {
        match line::review(line) {
            Ok(review) => reviews.push(Line { number, review }),
            Err(fault) => faults.push((number, fault)),
        }
    }
    refuse(name, &faults)?;
    Ok(reviews)
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// From 1.
    pub number: usize,
    pub review: ReviewedSpan,
}

/// Refuses a file with stretches that are beyond the end of their recording, as it is stored.
///
/// # Errors
/// As [`read`]; or the database cannot be read.
pub fn check_ends(name: &str, lines: &[Line], reader: &mut dyn Reader) -> Result<(), Fatal> {
    let mut lengths = HashMap::new();
    for source in lines.iter().map(|line| line.review.source.as_str()).collect::<BTreeSet<_>>() {
        // Not all of years: the recording is there when the reviewed stretch starts. A day more, if its start was corrected.
        let starts = || lines.iter().filter(|line| line.review.source == source).map(|line| line.review.starts);
        let window = Window { from: starts().min(), to: starts().max() };
        let wanted =
            Selection { source: Some(source), window, margin: DAY, without_laughs: true, ..Selection::default() };
        reader.each_recording(&wanted, &mut |recording| {
            lengths.extend(recording.content.zip(recording.duration));
            Ok(())
        })?;
    }
    let faults = lines.iter().filter_map(|Line { number, review }| {
        let length = lengths.get(&review.content).filter(|length| review.end > **length + TOLERANCE)?;
        let (end, length) = (review.end.as_secs_f64(), length.as_secs_f64());
        Some((*number, format!("the stretch ends at {end:.1} s, after the end of its recording at {length:.1} s")))
    });
    refuse(name, &faults.collect::<Vec<_>>())
}

/// An error for these lines, if there are any: all are counted, and the first are named.
fn refuse(name: &str, faults: &[(usize, String)]) -> Result<(), Fatal> {
    let [(number, fault), rest @ ..] = faults else { return Ok(()) };
    let numbers: Vec<String> = rest.iter().take(NAMED).map(|(number, _)| number.to_string()).collect();
    let more = if rest.len() > NAMED { ", …" } else { "" };
    let others = match rest.len() {
        0 => String::new(),
        1 => format!(", and another line is wrong too ({})", numbers.join(", ")),
        count => format!(", and {count} other lines are wrong too ({}{more})", numbers.join(", ")),
    };
    Err(Fatal::Failed(format!("{name}, line {number}: {fault}{others}; nothing was stored").into()))
}

/// Stores the reviews, or reports what would be stored.
pub fn import(settings: &Settings, reviews: &[ReviewedSpan]) -> Result<Imported, Fatal> {
    let distinct = store::distinct(reviews);
    let summary = store::open(&settings.database)?.save_reviews(reviews, settings.dry_run)?;
    let doubled = reviews.len() as u64 - distinct;
    Ok(Imported {
        reviews: reviews.len() as u64,
        changed: summary.changed,
        unchanged: distinct.saturating_sub(summary.changed + summary.older),
        older: summary.older + doubled,
        unmatched: summary.unmatched,
        dry_run: settings.dry_run,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"source":"neil","recording":"a.ogg","content_sha256":"0101010101010101010101010101010101010101010101010101010101010101","start_seconds":1.5,"end_seconds":3,"starts_at":"2025-10-24T13:00:01.5Z","verdict":"confirmed","comment":null,"at":"2025-10-25T08:00:00.123Z"}"#;

    #[test]
    fn empty_lines_byte_order_marks_and_crlf_are_accepted() {
        assert_eq!(read("f", b"").unwrap().len(), 0);
        assert_eq!(read("f", format!("\u{feff}{LINE}\r\n\r\n  \n{LINE}").as_bytes()).unwrap().len(), 2);
    }

    #[test]
    fn the_first_bad_line_is_named_and_the_others_are_counted() {
        let error = |text: &str| read("reviews.jsonl", text.as_bytes()).unwrap_err().to_string();
        let one = error(&format!("{LINE}\n\n{{}}\n{LINE}"));
        assert_eq!(one, "reviews.jsonl, line 3: source is missing; nothing was stored");
        assert!(error("1\n2\n").contains("line 1: is not a JSON object, and another line is wrong too (2); nothing"));
        assert!(error("1\n2\n3").contains("and 2 other lines are wrong too (2, 3);"));
        assert!(error("1\n2\n3\n4\n5\n6\n7").contains("and 6 other lines are wrong too (2, 3, 4, 5, 6, …);"));
    }
}
