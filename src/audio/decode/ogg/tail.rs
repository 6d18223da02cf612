//! Determines how an Ogg file ends, and whether a recorder may still write to it, without reading all of it.
//!
//! Invariant: reads the last 128 KiB of the file, which are two pages of maximum size.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::checksums;
use super::page::{LONGEST, Pages};

/// First bytes of other formats that may contain an Ogg page.
const OTHERS: [&[u8]; 8] = [b"RIFF", b"fLaC", b"FORM", b"caff", b"ID3", b"\x1A\x45\xDF\xA3", b"MThd", b"#!AMR"];

/// Whether an Ogg page follows after other bytes: a damaged start, or a transmission header.
pub fn starts_later(file: &mut File, first: &[u8]) -> io::Result<bool> {
    if OTHERS.iter().any(|other| first.starts_with(other)) || first.get(4..8) == Some(b"ftyp") {
        return Ok(false);
    }
    file.rewind()?;
    let is_page = Pages::new(Read::by_ref(file).take(2 * LONGEST as u64), true).next()?.is_ok();
    Ok(is_page || !checksums::are_valid(file)?)
}

/// The end of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail {
    /// The last complete page is an end-of-stream page.
    pub is_ended: bool,
    /// The bytes after it are the start of another page.
    pub is_cut: bool,
    /// The file has valid checksums.
    pub is_checked: bool,
}

impl Tail {
    /// None if there is no complete page at the end.
    pub fn read(file: &mut File, bytes: u64) -> io::Result<Option<Tail>> {
        let is_checked = checksums::are_valid(file)?;
        file.seek(SeekFrom::Start(bytes.saturating_sub(2 * LONGEST as u64)))?;
        let mut pages = Pages::new(file.take(2 * LONGEST as u64), is_checked);
        let mut last = None;
        loop {
            match pages.next()? {
                Ok(page) => last = Some(page.is_last()),
                Err(rest) => {
                    let is_cut = |is_ended: bool| rest.is_page || rest.bytes > 0 && !is_ended;
                    return Ok(last.map(|is_ended| Tail { is_ended, is_cut: is_cut(is_ended), is_checked }));
                }
            }
        }
    }
}
