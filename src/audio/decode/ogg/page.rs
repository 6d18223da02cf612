//! Finds complete Ogg pages (RFC 3533, 6) with correct checksums in a stream of bytes.
//!
//! Invariant: a page is returned only if its checksum is correct, or, in a file without checksums, if another page or
//! the end of the file follows it. Memory is bounded by two pages of maximum size.

use std::io::{self, Read};

pub const HEADER: usize = 27;
/// Maximum page size: 255 segments of 255 bytes.
pub const LONGEST: usize = HEADER + 255 + 255 * 255;
/// Bytes per read.
const PIECE: usize = 1 << 16;
const CAPTURE: &[u8; 5] = b"OggS\0";

const CONTINUED: u8 = 1;
const FIRST: u8 = 2;
const LAST: u8 = 4;

/// One page.
#[derive(Debug, Clone, Default)]
pub struct Page {
    bytes: Vec<u8>,
    /// Bytes between the previous page and this one.
    pub skipped: u64,
    /// Damaged pages among them.
    pub damaged: u32,
}

impl Page {
    pub fn new(bytes: &[u8]) -> Page {
        Page { bytes: bytes.to_vec(), skipped: 0, damaged: 0 }
    }

    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        self.bytes.get(at..).and_then(|rest| rest.first_chunk().copied()).unwrap_or([0; N])
    }

    fn flags(&self) -> u8 {
        self.array::<1>(5)[0]
    }

    /// Whether the page's first packet started on an earlier page.
    pub fn is_continued(&self) -> bool {
        self.flags() & CONTINUED != 0
    }

    pub fn is_first(&self) -> bool {
        self.flags() & FIRST != 0
    }

    pub fn is_last(&self) -> bool {
        self.flags() & LAST != 0
    }

    /// The granule position; -1 if there is none.
    pub fn granule(&self) -> i64 {
        i64::from_le_bytes(self.array(6))
    }

    pub fn serial(&self) -> u32 {
        u32::from_le_bytes(self.array(14))
    }

    pub fn sequence(&self) -> u32 {
        u32::from_le_bytes(self.array(18))
    }

    pub fn checksum(&self) -> u32 {
        u32::from_le_bytes(self.array(22))
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The parts of packets in the page, and whether each is the end of its packet.
    pub fn parts(&self) -> impl Iterator<Item = (&[u8], bool)> {
        let segments = usize::from(self.array::<1>(26)[0]);
        let (table, body) = self.bytes.get(HEADER..).unwrap_or_default().split_at_checked(segments).unwrap_or_default();
        let (mut table, mut body) = (table, body);
        std::iter::from_fn(move || {
            let count = table.iter().position(|&size| size < 255).map_or(table.len(), |short| short + 1);
            let (sizes, rest) = table.split_at_checked(count).filter(|(sizes, _)| !sizes.is_empty())?;
            let length = sizes.iter().map(|&size| usize::from(size)).sum();
            let (part, behind) = body.split_at_checked(length)?;
            (table, body) = (rest, behind);
            Some((part, sizes.last().is_some_and(|&size| size < 255)))
        })
    }

    /// The first packet of the page, if it is complete.
    pub fn first_packet(&self) -> Option<&[u8]> {
        self.parts().next().filter(|(_, ends)| *ends).map(|(part, _)| part)
    }
}

/// What a position contains.
#[derive(Debug, PartialEq, Eq)]
pub enum Candidate {
    /// Not a page.
    Nothing,
    /// A page that needs this many bytes.
    Cut(usize),
    /// A page of this many bytes with a wrong checksum.
    Damaged(usize),
    /// A page of this many bytes.
    Page(usize),
}

/// What is at the start of `bytes`.
pub fn candidate(bytes: &[u8]) -> Candidate {
    if !bytes.starts_with(CAPTURE) {
        return Candidate::Nothing;
    }
    let Some(&[.., flags]) = bytes.get(..6) else { return Candidate::Cut(HEADER) };
    // Audio data may contain the capture pattern by chance; then undefined flags are usually set.
    if flags > CONTINUED | FIRST | LAST {
        return Candidate::Nothing;
    }
    let Some(&segments) = bytes.get(HEADER - 1) else { return Candidate::Cut(HEADER) };
    let end = HEADER + usize::from(segments);
    let Some(table) = bytes.get(HEADER..end) else { return Candidate::Cut(end) };
    let end = end + table.iter().map(|&size| usize::from(size)).sum::<usize>();
    match bytes.get(..end) {
        None => Candidate::Cut(end),
        Some(page) if checksum(page) == u32::from_le_bytes([page[22], page[23], page[24], page[25]]) => {
            Candidate::Page(end)
        }
        Some(_) => Candidate::Damaged(end),
    }
}

/// The rest of the file after the last page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rest {
    /// Bytes after the last page.
    pub bytes: u64,
    /// They start like a page that is cut off or whose end is damaged.
    pub is_page: bool,
    /// Complete but damaged pages among them.
    pub damaged: u32,
    /// They consist of one damaged page.
    pub is_damaged_page: bool,
}

/// Reads pages from a stream of bytes and resynchronizes after anything else.
pub struct Pages<R> {
    source: R,
    buffer: Vec<u8>,
    /// Position of the next byte in the buffer.
    at: usize,
    ended: bool,
    /// Whether checksums are checked.
    checks: bool,
}

impl<R: Read> Pages<R> {
    pub fn new(source: R, checks: bool) -> Pages<R> {
        Pages { source, buffer: Vec::new(), at: 0, ended: false, checks }
    }

    pub fn into_inner(self) -> R {
        self.source
    }

    /// The next page, or the rest after the last one.
    pub fn next(&mut self) -> io::Result<Result<Page, Rest>> {
        self.fill(HEADER)?;
        let is_page = begins(self.rest());
        let (mut skipped, mut damaged, mut length_of_first) = (0, 0, 0);
        loop {
            self.fill(HEADER)?;
            let mut candidate = candidate(self.rest());
            while let Candidate::Cut(length) = candidate
                && self.fill(length)?
            {
                candidate = self::candidate(self.rest());
            }
            if !self.checks {
                candidate = self.unchecked(candidate)?;
            }
            if let Candidate::Page(length) = candidate {
                let bytes = self.rest()[..length].to_vec();
                self.at += length;
                return Ok(Ok(Page { bytes, skipped, damaged }));
            }
            if let Candidate::Damaged(length) = candidate {
                length_of_first = if skipped == 0 { length as u64 } else { length_of_first };
                damaged += 1;
            }
            let step = self.to_capture();
            skipped += step as u64;
            self.at += step;
            if self.rest().is_empty() && !self.fill(1)? {
                let is_damaged_page = skipped > 0 && skipped == length_of_first;
                return Ok(Err(Rest { bytes: skipped, is_page, damaged, is_damaged_page }));
            }
        }
    }

    /// Without checksums, a page counts if another page or the end of the file follows it.
    fn unchecked(&mut self, candidate: Candidate) -> io::Result<Candidate> {
        let (Candidate::Page(length) | Candidate::Damaged(length)) = candidate else { return Ok(candidate) };
        self.fill(length + CAPTURE.len())?;
        let behind = &self.rest()[length..];
        Ok(if behind.is_empty() || begins(behind) { Candidate::Page(length) } else { Candidate::Damaged(length) })
    }

    fn rest(&self) -> &[u8] {
        &self.buffer[self.at..]
    }

    /// Number of bytes to the next possible page start, at least one if there are any.
    fn to_capture(&self) -> usize {
        let rest = self.rest();
        let next = rest.iter().enumerate().skip(1).find(|(at, byte)| **byte == b'O' && begins(&rest[*at..]));
        next.map_or(rest.len(), |(at, _)| at)
    }

    /// Fills the buffer with at least `length` bytes, if the source has them.
    fn fill(&mut self, length: usize) -> io::Result<bool> {
        while self.rest().len() < length && !self.ended {
            if self.at >= PIECE {
                self.buffer.drain(..self.at);
                self.at = 0;
            }
            let (end, more) = (self.buffer.len(), PIECE.max(length));
            self.buffer.resize(end + more, 0);
            let read = match self.source.read(&mut self.buffer[end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    self.buffer.truncate(end);
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
                read => read.inspect_err(|_| self.buffer.truncate(end))?,
            };
            self.buffer.truncate(end + read);
            self.ended = read == 0;
        }
        Ok(self.rest().len() >= length)
    }
}

/// Whether a page may start here; `bytes` may be shorter than the capture pattern.
fn begins(bytes: &[u8]) -> bool {
    let seen = bytes.len().min(CAPTURE.len());
    seen > 0 && bytes[..seen] == CAPTURE[..seen]
}

/// CRC-32 of RFC 3533: polynomial 0x04c11db7, not reflected, with the checksum field counted as zero.
pub fn checksum(page: &[u8]) -> u32 {
    let (front, rest) = page.split_at(page.len().min(22));
    let rest = rest.get(4..).unwrap_or_default();
    update(update(update(0, front), &[0; 4]), rest)
}

/// Slicing-by-8: `TABLES[n]` is the effect of a byte on the checksum when `n` more bytes follow.
fn update(crc: u32, bytes: &[u8]) -> u32 {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let crc = chunks.iter().fold(crc, |crc, &[a, b, c, d, e, f, g, h]| {
        let [i, j, k, l] = crc.to_be_bytes();
        let table = |n: usize, byte: u8| TABLES[n][usize::from(byte)];
        table(7, a ^ i)
            ^ table(6, b ^ j)
            ^ table(5, c ^ k)
            ^ table(4, d ^ l)
            ^ table(3, e)
            ^ table(2, f)
            ^ table(1, g)
            ^ table(0, h)
    });
    rest.iter().fold(crc, |crc, &byte| (crc << 8) ^ TABLES[0][usize::from((crc >> 24) as u8 ^ byte)])
}

static TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let (mut crc, mut bit) = ((byte as u32) << 24, 0);
        while bit < 8 {
            crc = (crc << 1) ^ (0x04c1_1db7 * (crc >> 31));
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut n = 1;
    while n < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[n - 1][byte];
            tables[n][byte] = (before << 8) ^ tables[0][(before >> 24) as usize];
            byte += 1;
        }
        n += 1;
    }
    tables
}
