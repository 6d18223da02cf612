//! Any packets, to the Opus decoder: in an Ogg file whose framing is right in everything.

use crate::Numbers;
use crate::decode::{Analyzed, decode};
use crate::repair::crc32;

/// Of each frame, in units of 2.5 ms, by the configuration (RFC 6716, table 2).
const FRAMES: [u64; 32] =
    [4, 8, 16, 24, 4, 8, 16, 24, 4, 8, 16, 24, 4, 8, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8];
/// Samples of 2.5 ms at 48 kHz.
const UNIT: u64 = 120;

/// The first byte says how many channels, and in which mapping; then come packets, each behind its length.
pub fn opus(bytes: &[u8]) -> Analyzed {
    decode(&ogg(bytes))
}

/// The Ogg file.
pub fn ogg(bytes: &[u8]) -> Vec<u8> {
    let mut numbers = Numbers(bytes);
    let mut file = Vec::new();
    let mut pages = 0;
    let mut put = |flags: u8, granule: u64, packets: &[Vec<u8>]| {
        page(&mut file, flags, granule, pages, packets);
        pages += 1;
    };
    put(2, 0, &[head(&mut numbers)]);
    put(0, 0, &[b"OpusTags\x07\0\0\0giggles\0\0\0\0".to_vec()]);
    let mut granule = 0;
    while !numbers.is_empty() {
        let packets = packets(&mut numbers);
        granule += packets.iter().map(|packet| length(packet)).sum::<u64>();
        put(if numbers.is_empty() { 4 } else { 0 }, granule, &packets);
    }
    file
}

/// As many packets as surely fit into a page.
fn packets(numbers: &mut Numbers) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    while packets.len() < 40 && !numbers.is_empty() {
        let length = usize::from(numbers.byte());
        let longer = if length == 255 { 4 * usize::from(numbers.byte()) } else { 0 };
        packets.push(numbers.piece(length + longer));
    }
    packets
}

fn head(numbers: &mut Numbers) -> Vec<u8> {
    let kind = numbers.byte();
    let (channels, family, table): (u8, u8, &[u8]) = match kind & 7 {
        0..=2 => (1, 0, &[]),
        3 | 4 => (2, 0, &[]),
        5 => (2, 1, &[2, 0, 0, 1]),
        6 => (6, 1, &[4, 2, 0, 4, 1, 2, 3, 5]),
        _ => (2, 255, &[1, 1, 0, 1]),
    };
    let gain = if kind & 8 == 0 { [0; 2] } else { numbers.array() };
    let mut head = [&b"OpusHead\x01"[..], &[channels, 0x38, 1, 0x80, 0xBB, 0, 0], &gain, &[family]].concat();
    head.extend(table);
    head
}

/// Samples at 48 kHz that a packet stands for, by its table of contents.
fn length(packet: &[u8]) -> u64 {
    let frames = match packet {
        [] => return 0,
        [toc, ..] if toc & 3 == 0 => 1,
        [toc, ..] if toc & 3 < 3 => 2,
        [_, count, ..] => u64::from(count & 63),
        [_] => 0,
    };
    frames * FRAMES[usize::from(packet[0] >> 3)] * UNIT
}

fn page(file: &mut Vec<u8>, flags: u8, granule: u64, number: u32, packets: &[Vec<u8>]) {
    let laced = |packet: &Vec<u8>| [vec![255; packet.len() / 255], vec![(packet.len() % 255) as u8]].concat();
    let table: Vec<u8> = packets.iter().flat_map(laced).collect();
    let start = file.len();
    file.extend([&b"OggS\0"[..], &[flags], &granule.to_le_bytes(), b"gigg", &number.to_le_bytes(), &[0; 4]].concat());
    file.push(u8::try_from(table.len()).expect("40 packets of at most 6 segments fit"));
    file.extend(table);
    file.extend(packets.concat());
    let checksum = crc32(&file[start..]);
    file[start + 22..start + 26].copy_from_slice(&checksum.to_le_bytes());
}

/// An Ogg Opus file's packets as this target wants them: how its seeds are made.
pub fn seed(file: &[u8], most: usize) -> Vec<u8> {
    let (mut seed, mut at, mut packet) = (vec![0], 0, Vec::new());
    let mut packets = Vec::new();
    while let Some(table) = file.get(at + 27..).and_then(|rest| rest.get(..usize::from(file[at + 26]))) {
        at += 27 + table.len();
        for &size in table {
            packet.extend(file.get(at..at + usize::from(size)).unwrap_or_default());
            at += usize::from(size);
            if size < 255 {
                packets.push(std::mem::take(&mut packet));
            }
        }
    }
    for packet in packets.iter().skip(2).filter(|packet| packet.len() < 255).take(most) {
        seed.push(packet.len() as u8);
        seed.extend(packet);
    }
    seed
}
