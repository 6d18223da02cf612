//! Checks whether a file's writer computed valid page checksums: some leave them zero or use another algorithm.
//!
//! Invariant: reads the first pages only; if one of their checksums is correct, all checksums of the file are checked.

use std::fs::File;
use std::io::{self, Read, Seek};

use super::page::{Candidate, LONGEST, Page, candidate};

/// Number of pages that are checked.
const PAGES: usize = 8;

/// Minimum number of pages for a decision.
const FEWEST: usize = 3;

/// False if the lengths and sequence numbers of the first pages are consistent, but no checksum is correct.
pub fn are_valid(file: &mut File) -> io::Result<bool> {
    file.rewind()?;
    let mut bytes = Vec::new();
    file.take(((PAGES + 1) * LONGEST) as u64).read_to_end(&mut bytes)?;
    let start = bytes.windows(5).position(|window| window == b"OggS\0");
    Ok(start.is_none_or(|start| !are_consistent_without_checksums(&bytes[start..])))
}

fn are_consistent_without_checksums(bytes: &[u8]) -> bool {
    let (mut at, mut pages) = (0, Vec::new());
    while pages.len() < PAGES && at < bytes.len() {
        match candidate(&bytes[at..]) {
            Candidate::Damaged(length) => {
                pages.push(Page::new(&bytes[at..at + length]));
                at += length;
            }
            // The file ends here.
            Candidate::Cut(_) => break,
            Candidate::Page(_) | Candidate::Nothing => return false,
        }
    }
    pages.len() >= FEWEST && pages.iter().enumerate().all(|(i, page)| is_next(page, &pages[..i]))
}

/// Whether a page has the sequence number after the previous page of its stream.
fn is_next(page: &Page, before: &[Page]) -> bool {
    let last = before.iter().rev().find(|last| last.serial() == page.serial());
    last.is_none_or(|last| page.sequence() == last.sequence().wrapping_add(1))
}
