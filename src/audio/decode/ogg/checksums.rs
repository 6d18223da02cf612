//! Whether a file's pages have checksums at all: some writers leave them zero, or compute them in a way of their own.
//!
//! Invariant: reads no more than the file's first pages; one right checksum among them means that all count.

use std::fs::File;
use std::io::{self, Read, Seek};

use super::page::{Found, LONGEST, Page, found};

/// Pages at the start that are looked at.
const PAGES: usize = 8;

/// Fewer pages than these say nothing.
const FEWEST: usize = 3;

/// False where the first pages follow each other by their lengths and numbers, and no checksum is right.
pub fn are_valid(file: &mut File) -> io::Result<bool> {
    file.rewind()?;
    let mut bytes = Vec::new();
    file.take(((PAGES + 1) * LONGEST) as u64).read_to_end(&mut bytes)?;
    let start = bytes.windows(5).position(|window| window == b"OggS\0");
    Ok(start.is_none_or(|start| !are_sound_but_wrong(&bytes[start..])))
}

fn are_sound_but_wrong(bytes: &[u8]) -> bool {
    let (mut at, mut pages) = (0, Vec::new());
    while pages.len() < PAGES && at < bytes.len() {
        match found(&bytes[at..]) {
            Found::Damaged(length) => {
                pages.push(Page::new(&bytes[at..at + length]));
                at += length;
            }
            // The file is cut.
            Found::Cut(_) => break,
            Found::Page(_) | Found::Nothing => return false,
        }
    }
    pages.len() >= FEWEST && pages.iter().enumerate().all(|(i, page)| is_next(page, &pages[..i]))
}

/// Whether the number of a page is that behind the last one of its stream.
fn is_next(page: &Page, before: &[Page]) -> bool {
    let last = before.iter().rev().find(|last| last.serial() == page.serial());
    last.is_none_or(|last| page.sequence() == last.sequence().wrapping_add(1))
}
