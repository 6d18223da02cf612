//! How an Ogg file ends: with its end-of-stream page, with a whole page, or in the middle of one.
//!
//! symphonia reports the last two alike. A recorder that was switched off leaves no end-of-stream page
//! and all it heard; a copy that broke off leaves half a page.
//!
//! Invariant: reads the file's first and last 128 KiB, two of the longest pages, whatever the file says; headers of
//! the pages between only where the last page is of another stream than the first.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

const WINDOW: u64 = 128 * 1024;
const HEADER: usize = 27;
const BEGIN_OF_STREAM: u8 = 2;
const END_OF_STREAM: u8 = 4;

/// The last whole page of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail {
    pub serial: u32,
    /// Samples of its stream up to its end, in the codec's own count.
    pub granule: u64,
    pub end_of_stream: bool,
    /// Bytes behind it that make no whole page.
    pub leftover: u64,
    /// Those bytes begin another page.
    pub begun: bool,
    /// Before the first page with sound stands something that is no page: symphonia would begin behind it.
    pub torn_start: bool,
    /// Its stream has no first page in the file: symphonia would pass all of it over.
    pub orphaned: bool,
}

impl Tail {
    /// None if there is no whole page at the end.
    pub fn read(file: &mut File, bytes: u64) -> io::Result<Option<Tail>> {
        let mut window = Vec::new();
        file.seek(SeekFrom::Start(bytes.saturating_sub(WINDOW)))?;
        file.take(WINDOW).read_to_end(&mut window)?;
        let Some(tail) = last_page(&window) else {
            return Ok(None);
        };
        let mut start = Vec::new();
        file.rewind()?;
        file.take(WINDOW).read_to_end(&mut start)?;
        let first = page(&start).map(|(first, _)| first.serial);
        let orphaned = first != Some(tail.serial) && !begins(file, tail.serial)?;
        Ok(Some(Tail { torn_start: is_torn(&start), orphaned, ..tail }))
    }

    fn followed_by(self, rest: &[u8]) -> Tail {
        let begun = !rest.is_empty() && (rest.starts_with(b"OggS") || b"OggS".starts_with(rest));
        Tail { leftover: rest.len() as u64, begun, ..self }
    }

    /// Whether the file stops in the middle of a page.
    pub fn is_cut(&self) -> bool {
        self.begun || (self.leftover > 0 && !self.end_of_stream)
    }
}

fn last_page(window: &[u8]) -> Option<Tail> {
    let (mut at, mut last) = (0, None);
    while let Some(rest) = window.get(at..).filter(|rest| rest.len() >= HEADER) {
        match page(rest) {
            Some((tail, length)) => {
                at += length;
                last = Some(tail.followed_by(window.get(at..).unwrap_or_default()));
            }
            None => at += 1,
        }
    }
    last
}

/// Whether the pages from the file's first to the first with sound are not all there.
fn is_torn(start: &[u8]) -> bool {
    let mut at = 0;
    while let Some((found, length)) = start.get(at..).and_then(page) {
        at += length;
        if found.granule > 0 {
            return false;
        }
    }
    // A page that the window cuts has no other behind it.
    at > 0 && start.get(at..).and_then(last_page).is_some()
}

/// Whether a stream's first page is in the file. Looks at the headers of pages only.
fn begins(file: &mut File, serial: u32) -> io::Result<bool> {
    file.rewind()?;
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut header = [0; HEADER];
    while reader.read_exact(&mut header).is_ok() && header.starts_with(b"OggS") {
        let mut table = vec![0; usize::from(header[26])];
        if header[5] & BEGIN_OF_STREAM != 0 && header[14..18] == serial.to_le_bytes() {
            return Ok(true);
        }
        if reader.read_exact(&mut table).is_err() {
            break;
        }
        reader.seek_relative(table.iter().map(|&size| i64::from(size)).sum())?;
    }
    // Where the pages are out of step, a reader finds its way again; this does not, and will not judge.
    Ok(!header.starts_with(b"OggS"))
}

/// The page that begins `bytes`, and its length, if it is whole and its checksum right.
fn page(bytes: &[u8]) -> Option<(Tail, usize)> {
    let header: &[u8; HEADER] = bytes.strip_prefix(b"OggS").and(bytes.first_chunk())?;
    let segments = usize::from(header[26]);
    let table = bytes.get(HEADER..HEADER + segments)?;
    let length = HEADER + segments + table.iter().map(|&size| usize::from(size)).sum::<usize>();
    let page = bytes.get(..length)?;
    if checksum(page) != u32::from_le_bytes(*page.get(22..)?.first_chunk()?) {
        return None;
    }
    let granule = u64::from_le_bytes(*page.get(6..)?.first_chunk()?);
    let serial = u32::from_le_bytes(*page.get(14..)?.first_chunk()?);
    let end_of_stream = header[5] & END_OF_STREAM != 0;
    Some((
        Tail { serial, granule, end_of_stream, leftover: 0, begun: false, torn_start: false, orphaned: false },
        length,
    ))
}

/// CRC-32 of RFC 3533: polynomial 0x04c11db7, not reflected, its own four bytes counted as zero.
fn checksum(page: &[u8]) -> u32 {
    page.iter().enumerate().fold(0, |crc: u32, (place, &byte)| {
        let byte = if (22..26).contains(&place) { 0 } else { byte };
        (0..8).fold(crc ^ (u32::from(byte) << 24), |crc, _| {
            if crc & 0x8000_0000 != 0 { (crc << 1) ^ 0x04c1_1db7 } else { crc << 1 }
        })
    })
}
