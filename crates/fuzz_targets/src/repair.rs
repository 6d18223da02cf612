//! Puts right the checksums that keep a fuzzer out: of Ogg pages, and of FLAC frames.

/// The same bytes with every Ogg page and every FLAC frame's checksums made right, as far as their lengths
/// let them be found.
pub fn repair(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    match bytes.first_chunk() {
        Some(b"OggS") => pages(&mut bytes),
        Some(b"fLaC") => frames(&mut bytes),
        _ => (),
    }
    bytes
}

fn pages(bytes: &mut [u8]) {
    let starts = pages_of(bytes);
    for (i, &at) in starts.iter().enumerate() {
        let next = starts.get(i + 1).copied().unwrap_or(bytes.len());
        let end = page_end(bytes, at).unwrap_or(next);
        bytes[at + 22..at + 26].fill(0);
        let checksum = crc32(&bytes[at..end]);
        bytes[at + 22..at + 26].copy_from_slice(&checksum.to_le_bytes());
    }
}

/// Where Ogg pages begin.
pub fn pages_of(bytes: &[u8]) -> Vec<usize> {
    let (mut at, mut starts) = (0, Vec::new());
    while at + 27 <= bytes.len() {
        let begins = bytes[at..].starts_with(b"OggS");
        starts.extend(begins.then_some(at));
        at = if begins { page_end(bytes, at).unwrap_or(at + 4) } else { at + 1 };
    }
    starts
}

fn page_end(bytes: &[u8], at: usize) -> Option<usize> {
    let table = at + 27..at + 27 + usize::from(bytes[at + 26]);
    let body: usize = bytes.get(table.clone())?.iter().map(|&size| usize::from(size)).sum();
    Some(table.end + body).filter(|&end| end <= bytes.len())
}

/// CRC-32 of RFC 3533.
pub fn crc32(page: &[u8]) -> u32 {
    page.iter().fold(0, |crc: u32, &byte| {
        (0..8).fold(crc ^ (u32::from(byte) << 24), |crc, _| (crc << 1) ^ (0x04c1_1db7 * (crc >> 31)))
    })
}

fn frames(bytes: &mut [u8]) {
    let starts = frames_of(bytes);
    for (i, &(at, length)) in starts.iter().enumerate() {
        let end = starts.get(i + 1).map_or(bytes.len(), |&(next, _)| next);
        bytes[at + length - 1] = crc(&bytes[at..at + length - 1], 8, 0x07) as u8;
        if end >= at + length + 2 {
            let checksum = crc(&bytes[at..end - 2], 16, 0x8005);
            bytes[end - 2..end].copy_from_slice(&(checksum as u16).to_be_bytes());
        }
    }
}

/// Where FLAC frames begin, and how long their headers are. Sound may look like a header: only one whose checksum
/// is right counts, or one that begins as the first does.
pub fn frames_of(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut starts = Vec::new();
    for (at, length) in (0..bytes.len()).filter_map(|at| header(&bytes[at..]).map(|length| (at, length))) {
        let right = crc(&bytes[at..at + length - 1], 8, 0x07) == u32::from(bytes[at + length - 1]);
        let first = starts.first().map_or(at, |&(first, _)| first);
        if right || bytes[at..at + 4] == bytes[first..first + 4] {
            starts.push((at, length));
        }
    }
    starts
}

/// Length in bytes of the FLAC frame header that begins here (RFC 9639, 9.1), its checksum with it.
fn header(bytes: &[u8]) -> Option<usize> {
    let &[0xFF, 0xF8 | 0xF9, sizes, channels, number, ..] = bytes else {
        return None;
    };
    let (block, rate) = (sizes >> 4, sizes & 15);
    let coded = match number.leading_ones() {
        0 => 1,
        ones @ 2..=7 => ones as usize,
        _ => return None,
    };
    let more = [(block == 6, 1), (block == 7, 2), (rate == 12, 1), (rate == 13 || rate == 14, 2)];
    let length = 4 + coded + more.iter().filter(|(is, _)| *is).map(|(_, more)| more).sum::<usize>() + 1;
    (block > 0 && rate < 15 && channels & 1 == 0 && channels >> 4 < 11 && length < bytes.len()).then_some(length)
}

/// A checksum of `width` bits, not reflected, that begins with zero.
fn crc(bytes: &[u8], width: u32, polynomial: u32) -> u32 {
    let top = 1 << (width - 1);
    let mask = (top << 1) - 1;
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ (u32::from(byte) << (width - 8)), |crc, _| {
            ((crc << 1) ^ if crc & top != 0 { polynomial } else { 0 }) & mask
        })
    })
}
