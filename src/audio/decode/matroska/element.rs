//! Parses EBML elements (RFC 8794): an identifier, a size, and contents.
//!
//! Invariant: reads headers and small numbers only.

use std::io;

use super::super::view::View;

pub const EBML: u32 = 0x1A45_DFA3;
pub const SEGMENT: u32 = 0x1853_8067;
pub const SEEK_HEAD: u32 = 0x114D_9B74;
pub const INFO: u32 = 0x1549_A966;
pub const TRACKS: u32 = 0x1654_AE6B;
pub const TAGS: u32 = 0x1254_C367;
pub const CLUSTER: u32 = 0x1F43_B675;
pub const TIMESTAMP: u32 = 0xE7;
pub const SIMPLE_BLOCK: u32 = 0xA3;
pub const BLOCK_GROUP: u32 = 0xA0;
pub const BLOCK: u32 = 0xA1;
pub const BLOCK_DURATION: u32 = 0x9B;
pub const DISCARD_PADDING: u32 = 0x75A2;

/// Cues, Chapters, Attachments, and elements in a cluster without audio: Position, PrevSize, SilentTracks,
/// EncryptedBlock, Void, CRC-32.
const OTHERS: [u32; 9] = [0x1C53_BB6B, 0x1043_A770, 0x1941_A469, 0xA7, 0xAB, 0x5854, 0xAF, 0xEC, 0xBF];

/// An element: the start of its contents, and their end unless that is unknown.
#[derive(Debug, Clone, Copy)]
pub struct Element {
    pub id: u32,
    pub start: u64,
    pub end: Option<u64>,
}

impl Element {
    /// The element at an offset; None if the bytes are not an element.
    pub fn read(view: &mut View, at: u64) -> io::Result<Option<Element>> {
        let Some((id, id_width)) = number(view, at, 4)? else { return Ok(None) };
        let Some((size, width)) = number(view, at + id_width, 8)? else { return Ok(None) };
        let unknown = (1u64 << (7 * width)) - 1;
        let start = at + id_width + width;
        let size = size & unknown;
        let end = (size != unknown).then(|| start.saturating_add(size));
        Ok(u32::try_from(id).ok().map(|id| Element { id, start, end }))
    }

    /// Whether such elements occur in a segment or a cluster.
    pub fn is_known(&self) -> bool {
        let sound = [EBML, SEGMENT, SEEK_HEAD, INFO, TRACKS, TAGS, CLUSTER, TIMESTAMP, SIMPLE_BLOCK, BLOCK_GROUP];
        sound.contains(&self.id) || OTHERS.contains(&self.id)
    }

    /// Whether its children are walked.
    pub fn is_entered(&self) -> bool {
        matches!(self.id, SEGMENT | CLUSTER)
    }

    /// Its first `most` children. Stops without an error at invalid data.
    pub fn children(&self, view: &mut View, most: usize) -> io::Result<Vec<Element>> {
        let (mut at, mut children) = (self.start, Vec::new());
        let end = self.end.unwrap_or(view.length()).min(view.length());
        while at < end && children.len() < most {
            let Some(child) = Element::read(view, at).or_else(none_at_the_end)? else { break };
            let Some(child_end) = child.end.filter(|child_end| *child_end <= end) else { break };
            at = child_end;
            children.push(child);
        }
        Ok(children)
    }

    /// Its contents, if they have at most `most` bytes.
    pub fn bytes<'a>(&self, view: &'a mut View, most: usize) -> io::Result<Option<&'a [u8]>> {
        let length = self.end.map(|end| end - self.start).filter(|length| *length <= most as u64);
        length.map(|length| view.bytes(self.start, length as usize)).transpose()
    }

    /// Its contents as a number; 0 if it is too long.
    pub fn unsigned(&self, view: &mut View) -> io::Result<u64> {
        let bytes = self.bytes(view, 8)?.unwrap_or_default();
        Ok(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// Its contents as a signed number.
    pub fn signed(&self, view: &mut View) -> io::Result<i64> {
        let bytes = self.bytes(view, 8)?.unwrap_or_default();
        let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
        let start = if negative { -1i64 } else { 0 };
        Ok(bytes.iter().fold(start, |value, byte| value << 8 | i64::from(*byte)))
    }
}

/// Converts an unexpected end of file to None: a file that ends inside an element.
pub fn none_at_the_end<T>(error: io::Error) -> io::Result<Option<T>> {
    if error.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(error) }
}

/// Reads a variable-size integer including its marker; returns also its width in bytes.
fn number(view: &mut View, at: u64, most: u32) -> io::Result<Option<(u64, u64)>> {
    let [first] = view.array(at)?;
    let width = first.leading_zeros() + 1;
    if width > most {
        return Ok(None);
    }
    let bytes = view.bytes(at, width as usize)?;
    let value = bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
    Ok(Some((value, u64::from(width))))
}
