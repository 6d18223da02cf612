//! Ogg files taken apart and put together in other ways: other page layouts, granule positions, damage.

use std::collections::VecDeque;

/// A page, its checksum apart.
#[derive(Clone, Debug)]
pub struct Page {
    pub flags: u8,
    pub granule: i64,
    pub serial: u32,
    pub sequence: u32,
    pub table: Vec<u8>,
    pub body: Vec<u8>,
}

/// CRC-32 of RFC 3533, bit by bit.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |crc: u32, &byte| {
        (0..8).fold(crc ^ (u32::from(byte) << 24), |crc, _| (crc << 1) ^ (0x04c1_1db7 * (crc >> 31)))
    })
}

impl Page {
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = [&b"OggS\0"[..], &[self.flags], &self.granule.to_le_bytes()].concat();
        bytes.extend(self.serial.to_le_bytes());
        bytes.extend(self.sequence.to_le_bytes());
        bytes.extend([0, 0, 0, 0, self.table.len() as u8]);
        bytes.extend(&self.table);
        bytes.extend(&self.body);
        let checksum = checksum(&bytes);
        bytes[22..26].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// The packets that end on the page; only of pages that no packet spans.
    pub fn packets(&self) -> Vec<Vec<u8>> {
        let (mut body, mut packets, mut packet) = (&self.body[..], Vec::new(), Vec::new());
        for &size in &self.table {
            let (part, rest) = body.split_at(usize::from(size));
            packet.extend(part);
            body = rest;
            if size < 255 {
                packets.push(std::mem::take(&mut packet));
            }
        }
        packets
    }
}

/// The pages of a good file.
pub fn pages(mut bytes: &[u8]) -> Vec<Page> {
    let mut pages = Vec::new();
    while !bytes.is_empty() {
        assert!(bytes.starts_with(b"OggS\0"));
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let table = bytes[27..27 + usize::from(bytes[26])].to_vec();
        let (start, length) = (27 + table.len(), table.iter().map(|&size| usize::from(size)).sum::<usize>());
        pages.push(Page {
            flags: bytes[5],
            granule: i64::from_le_bytes(bytes[6..14].try_into().unwrap()),
            serial: number(14),
            sequence: number(18),
            table,
            body: bytes[start..start + length].to_vec(),
        });
        bytes = &bytes[start + length..];
    }
    pages
}

pub fn file(pages: &[Page]) -> Vec<u8> {
    pages.iter().flat_map(Page::bytes).collect()
}

/// Samples at 48 kHz of an Opus packet (RFC 6716, 3.1).
pub fn opus_length(packet: &[u8]) -> i64 {
    let frame = match packet[0] >> 3 {
        silk @ 0..12 => [480, 960, 1920, 2880][usize::from(silk & 3)],
        hybrid @ 12..16 => [480, 960][usize::from(hybrid & 1)],
        celt => [120, 240, 480, 960][usize::from(celt & 3)],
    };
    let frames = match packet[0] & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => i64::from(packet[1] & 63),
    };
    frames * frame
}

/// Joins up to `count` one-frame packets of one configuration to packets of code 3, each frame of a length of its own.
pub fn merged(packets: &[Vec<u8>], count: usize) -> Vec<Vec<u8>> {
    let mut rest: VecDeque<&Vec<u8>> = packets.iter().collect();
    let mut merged = Vec::new();
    while let Some(first) = rest.front().copied() {
        let same = rest.iter().take(count).take_while(|packet| packet[0] == first[0]).count();
        assert_eq!(first[0] & 3, 0, "one frame a packet");
        let frames: Vec<&Vec<u8>> = rest.drain(..same).collect();
        let mut packet = vec![first[0] | 3, 0x80 | same as u8];
        for frame in &frames[..same - 1] {
            let length = frame.len() - 1;
            match length {
                0..252 => packet.push(length as u8),
                _ => packet.extend([252 + (length & 3) as u8, ((length - 252 - (length & 3)) / 4) as u8]),
            }
        }
        frames.iter().for_each(|frame| packet.extend(&frame[1..]));
        merged.push(packet);
    }
    merged
}

/// An Opus file of these packets: the headers' pages, then pages of so many segments at most, each beginning with a
/// packet unless they are to be spanned.
pub fn opus(headers: &[Page], packets: &[Vec<u8>], most: usize, spans: bool) -> Vec<Page> {
    let mut pages = headers.to_vec();
    let fresh = |sequence: usize| Page {
        flags: 0,
        granule: -1,
        serial: headers[0].serial,
        sequence: sequence as u32,
        table: Vec::new(),
        body: Vec::new(),
    };
    let (mut page, mut time) = (fresh(pages.len()), 0);
    for packet in packets {
        let segments = packet.len() / 255 + 1;
        if !spans && !page.table.is_empty() && page.table.len() + segments > most {
            pages.push(std::mem::replace(&mut page, fresh(pages.len() + 1)));
        }
        let mut rest = &packet[..];
        for segment in 0..segments {
            if page.table.len() >= most.max(if spans { 1 } else { segments }) {
                pages.push(std::mem::replace(&mut page, fresh(pages.len() + 1)));
                page.flags = u8::from(segment > 0);
            }
            let (part, behind) = rest.split_at(rest.len().min(255));
            page.table.push(part.len() as u8);
            page.body.extend(part);
            rest = behind;
        }
        time += opus_length(packet);
        page.granule = time;
    }
    page.flags |= 4;
    pages.push(page);
    pages
}
