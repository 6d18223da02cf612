//! Determines how a Matroska or WebM file ends.
//!
//! symphonia rejects a file whose segment is cut with an unclear message, and it does not distinguish the end of a live
//! recording, whose segment has no length, from a cut through its last block.
//!
//! Invariant: reads element headers only, allocates nothing.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// Element identifiers, with their length markers.
const SEGMENT: u64 = 0x1853_8067;
const CLUSTER: u64 = 0x1F43_B675;

/// How a file's segment ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// At its announced length, within the file.
    Announced,
    /// At the end of the file, after a complete element: a live recording.
    Open,
    /// After the end of the file, or the file ends inside an element.
    Cut,
}

impl Ending {
    /// Returns errors of the file system only; invalid data counts as cut.
    pub fn read(file: &mut File, bytes: u64) -> io::Result<Ending> {
        file.rewind()?;
        let mut reader = BufReader::with_capacity(1 << 16, file);
        match ending(&mut reader, bytes) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Ending::Cut),
            other => other,
        }
    }
}

fn ending(reader: &mut BufReader<&mut File>, bytes: u64) -> io::Result<Ending> {
    let (_, head) = element(reader)?;
    skip(reader, head.unwrap_or(0))?;
    let (id, length) = element(reader)?;
    let start = reader.stream_position()?;
    match length {
        _ if id != SEGMENT => Ok(Ending::Announced), // symphonia reports the format
        Some(length) if start.saturating_add(length) <= bytes => Ok(Ending::Announced),
        Some(_) => Ok(Ending::Cut),
        None => walk(reader, start, bytes),
    }
}

/// Walks the elements of a segment without a length; enters clusters and skips all others.
fn walk(reader: &mut BufReader<&mut File>, mut at: u64, bytes: u64) -> io::Result<Ending> {
    while at < bytes {
        let before = at;
        let (id, length) = element(reader)?;
        at = reader.stream_position()?;
        match length {
            _ if id == CLUSTER => (),
            Some(length) if length <= bytes - at => {
                skip(reader, length)?;
                at += length;
            }
            _ => return Ok(Ending::Cut),
        }
        debug_assert!(at > before);
    }
    Ok(Ending::Open)
}

/// Reads an element's identifier, and its length unless that is unknown.
fn element(reader: &mut impl Read) -> io::Result<(u64, Option<u64>)> {
    let (id, _) = number(reader)?;
    let (size, width) = number(reader)?;
    let unknown = (1u64 << (7 * width)) - 1;
    Ok((id, Some(size & unknown).filter(|&value| value != unknown)))
}

/// Reads a variable-size integer including its marker; returns also its width in bytes.
fn number(reader: &mut impl Read) -> io::Result<(u64, u32)> {
    let mut bytes = [0; 8];
    reader.read_exact(&mut bytes[..1])?;
    let width = bytes[0].leading_zeros() + 1;
    let rest = bytes.get_mut(1..width as usize).ok_or(io::ErrorKind::UnexpectedEof)?;
    reader.read_exact(rest)?;
    let value = bytes[..width as usize].iter().fold(0, |value, &byte| (value << 8) | u64::from(byte));
    Ok((value, width))
}

fn skip(reader: &mut BufReader<&mut File>, length: u64) -> io::Result<()> {
    match i64::try_from(length) {
        Ok(length) => reader.seek_relative(length),
        Err(_) => reader.seek(SeekFrom::End(0)).map(drop),
    }
}
