//! How an Ogg file ends: with its end-of-stream page, with a whole page, or in the middle of one.
//!
//! symphonia reports the last two alike. A recorder that was switched off leaves no end-of-stream page
//! and all it heard; a copy that broke off leaves half a page.
//!
//! Invariant: reads the file's last 128 KiB, two of the longest pages, whatever the file says.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

const WINDOW: u64 = 128 * 1024;
const HEADER: usize = 27;
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
}

impl Tail {
    /// None if there is no whole page at the end.
    pub fn read(file: &mut File, bytes: u64) -> io::Result<Option<Tail>> {
        let mut window = Vec::new();
        file.seek(SeekFrom::Start(bytes.saturating_sub(WINDOW)))?;
        file.take(WINDOW).read_to_end(&mut window)?;
        Ok(last_page(&window))
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
    Some((Tail { serial, granule, end_of_stream, leftover: 0, begun: false }, length))
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
