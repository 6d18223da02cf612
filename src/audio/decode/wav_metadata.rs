//! Reads the recording date of a WAV file from the chunks before and after the samples: GUANO, AudioMoth's comment, the
//! broadcast extension, and RIFF's dates.
//!
//! Invariant: reads chunk headers and short texts only, allocates no memory based on lengths in the file, and never
//! fails, because a recording can be analyzed without a date.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use crate::audio::timestamps::{is_dated, is_dated_comment};

/// Maximum number of chunks in a file, and of entries in a list.
const MOST_CHUNKS: usize = 4096;
const MOST_ENTRIES: usize = 256;

/// Maximum size of a text chunk; GUANO contains a few lines.
const MOST_BYTES: u64 = 64 * 1024;

/// Offset of the origination date and time in the broadcast extension (EBU Tech 3285).
const ORIGINATION: usize = 320;

/// Sources of dates, best first: GUANO and AudioMoth contain a time zone, the others are local times of the recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum DateSource {
    Guano,
    Comment,
    Broadcast,
    Digitized,
    Created,
}

/// A chunk: its name, and where its contents begin and end.
struct Chunk {
    name: [u8; 4],
    start: u64,
    end: u64,
}

/// The best date in the file, in any form.
pub fn recorded(file: &mut File, bytes: u64) -> Option<String> {
    let first: [u8; 4] = array(file, 0)?;
    let is_big_endian = &first == b"RIFX";
    let mut best = Best(None);
    let (mut at, mut long_data) = (12, None);
    for _ in 0..MOST_CHUNKS {
        let Some(chunk) = chunk(file, at, long_data, is_big_endian) else { break };
        match &chunk.name {
            b"ds64" => long_data = array(file, chunk.start + 8).map(u64::from_le_bytes),
            b"guan" => best.offer(DateSource::Guano, guano(&contents(file, &chunk))),
            b"bext" => best.offer(DateSource::Broadcast, origination(&contents(file, &chunk))),
            b"LIST" => list(file, &chunk, is_big_endian, &mut best),
            _ => (),
        }
        at = following(file, &chunk, bytes);
    }
    best.0.map(|(_, text)| text)
}

/// The best date so far.
struct Best(Option<(DateSource, String)>);

impl Best {
    fn offer(&mut self, source: DateSource, text: Option<String>) {
        let is_better = self.0.as_ref().is_none_or(|(best, _)| source < *best);
        if let Some(text) = text.filter(|text| is_better && is_dated(text)) {
            self.0 = Some((source, text));
        }
    }
}

/// The chunk at `at`; None if there is none. `long_data` is the length of the samples in a file beyond 4 GiB.
fn chunk(file: &mut File, at: u64, long_data: Option<u64>, is_big_endian: bool) -> Option<Chunk> {
    let name: [u8; 4] = array(file, at)?;
    let size = array(file, at + 4)
        .map(|size| if is_big_endian { u32::from_be_bytes(size) } else { u32::from_le_bytes(size) })?;
    let is_name = name.iter().all(|byte| (0x20..0x7F).contains(byte));
    let size = match long_data {
        Some(long) if &name == b"data" && size == u32::MAX => long,
        _ => u64::from(size),
    };
    let start = at + 8;
    start.checked_add(size).filter(|_| is_name).map(|end| Chunk { name, start, end })
}

/// The offset of the next chunk: even, except for writers that omit the padding byte.
fn following(file: &mut File, chunk: &Chunk, bytes: u64) -> u64 {
    let is_odd = (chunk.end - chunk.start) % 2 == 1;
    let is_known = |name: [u8; 4]| [b"guan", b"bext", b"LIST", b"data"].contains(&&name);
    let is_unpadded = is_odd && chunk.end < bytes && array(file, chunk.end).is_some_and(is_known);
    chunk.end.saturating_add(u64::from(is_odd && !is_unpadded))
}

/// Reads the dates in an INFO list.
fn list(file: &mut File, list: &Chunk, is_big_endian: bool, best: &mut Best) {
    if array(file, list.start) != Some(*b"INFO") {
        return;
    }
    let mut at = list.start + 4;
    for _ in 0..MOST_ENTRIES {
        let entry = chunk(file, at, None, is_big_endian).filter(|entry| entry.end <= list.end.saturating_add(1));
        let Some(entry) = entry else { return };
        let source = match &entry.name {
            b"ICMT" => Some(DateSource::Comment),
            b"IDIT" => Some(DateSource::Digitized),
            b"ICRD" => Some(DateSource::Created),
            _ => None,
        };
        if let Some(source) = source {
            let text = text(&contents(file, &entry));
            let is_its = source != DateSource::Comment || is_dated_comment(&text);
            best.offer(source, Some(text).filter(|_| is_its));
        }
        at = entry.end + entry.end % 2;
    }
}

/// The value of the line `Timestamp: value` (GUANO specification 1.0).
fn guano(bytes: &[u8]) -> Option<String> {
    let text = text(bytes);
    let mut fields = text.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(key, _)| key.trim() == "Timestamp").map(|(_, value)| value.trim().to_owned())
}

/// Parses `2025-10-24` and `13:00:00`; recorders use different separators.
fn origination(bytes: &[u8]) -> Option<String> {
    let digits = |range: std::ops::Range<usize>| {
        let part = bytes.get(ORIGINATION + range.start..ORIGINATION + range.end)?;
        part.iter().all(u8::is_ascii_digit).then(|| String::from_utf8_lossy(part).into_owned())
    };
    let date = format!("{}-{}-{}", digits(0..4)?, digits(5..7)?, digits(8..10)?);
    let time = format!("{}:{}:{}", digits(10..12)?, digits(13..15)?, digits(16..18)?);
    Some(format!("{date}T{time}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_matches(|sign: char| sign == '\0' || sign.is_whitespace()).to_owned()
}

/// The first bytes of a chunk, up to the maximum.
fn contents(file: &mut File, chunk: &Chunk) -> Vec<u8> {
    let mut bytes = Vec::new();
    let length = (chunk.end - chunk.start).min(MOST_BYTES);
    if file.seek(SeekFrom::Start(chunk.start)).is_ok() {
        file.take(length).read_to_end(&mut bytes).ok();
    }
    bytes
}

fn array<const N: usize>(file: &mut File, at: u64) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(at)).ok()?;
    file.read_exact(&mut bytes).ok()?;
    Some(bytes)
}
