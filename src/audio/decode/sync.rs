//! Finds frames by their headers; shared by MPEG audio and ADTS.
//!
//! ```text
//! start:  the first position from which CHAIN frames follow each other
//! next:   a frame that continues the stream, or the first of a chain  -> packet
//!         a tag                                                       -> skipped
//!         anything else                                               -> skipped byte by byte and counted;
//!                                                                        becomes a gap of as many frames as fit
//! ```
//!
//! Invariant: bytes between frames are counted. Zeros up to the end are padding; other bytes there may be lost audio.

use std::io;

use symphonia::core::errors::{Error, Result};
use symphonia::core::packet::Packet;

use super::mpeg::tags;
use super::packets::{Notes, Window};

/// Maximum offset of the first frame, bytes.
pub const MAX_START: usize = 256 * 1024;

/// Bytes that the longest frames and a following header need.
pub const VIEW: usize = 16 * 1024;

/// Number of consecutive frames that identify a stream; fewer are enough if the file contains nothing else.
const CHAIN: usize = 4;

/// From this number of unknown bytes after the last frame, audio may have been lost.
const SHORT_TAIL: u64 = 4096;

/// The header of a frame.
pub trait FrameHeader: Copy {
    /// Whether a frame that is cut by the end of the file counts as part of a chain.
    const MAY_BE_CUT: bool;
    fn parse(bytes: &[u8]) -> Option<Self>;
    /// Whether both can belong to one stream.
    fn continues(&self, other: &Self) -> bool;
    /// Length of the frame at the start of `bytes`, including its header.
    fn length(&self, bytes: &[u8]) -> Option<usize>;
}

/// Whether `bytes` start with a chain: [`CHAIN`] frames of one stream, or all frames up to the end.
pub fn is_chain<H: FrameHeader>(bytes: &[u8]) -> bool {
    let (mut at, mut first) = (0, None);
    for _ in 0..CHAIN {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(header) = H::parse(rest).filter(|header| first.is_none_or(|first: H| first.continues(header))) else {
            let is_end = if H::MAY_BE_CUT { at >= bytes.len() } else { at == bytes.len() };
            return first.is_some() && (is_end || tags::length(rest).is_some());
        };
        let Some(length) = header.length(rest) else { return false };
        first = first.or(Some(header));
        at += length;
    }
    true
}

/// Mean length of the frames in `view`, bytes.
pub fn mean_length<H: FrameHeader>(view: &[u8]) -> Option<u64> {
    let (mut at, mut frames) = (0, 0);
    while let Some(length) = view.get(at..).and_then(|rest| H::parse(rest)?.length(rest)) {
        (at, frames) = (at + length, frames + 1);
    }
    (at as u64).checked_div(frames).filter(|length| *length > 0)
}

/// Skips the tags at the current position.
pub fn skip_tags(window: &mut Window) -> io::Result<()> {
    while let Some(tag) = tags::length(window.view(tags::MAX_HEADER)?) {
        window.skip(tag)?;
    }
    Ok(())
}

/// Distance to the next position, behind the first byte, at which a frame or a tag may start; else to the end.
pub fn to_next_mark(view: &[u8]) -> usize {
    let marks = |byte: &u8| matches!(byte, 0xFF | b'I' | b'T' | b'A' | b'L');
    view.iter().skip(1).position(marks).map_or(view.len(), |at| at + 1)
}

/// Counts bytes that are neither frames nor tags.
#[derive(Default)]
pub struct Passed {
    /// Bytes since the last frame.
    pub lost: u64,
    /// Number of zeros at the end of those.
    zeros: u64,
    /// Number of interruptions between frames, and their total length in bytes.
    total: (u64, u64),
}

impl Passed {
    /// Skips to the next position that may be a frame or a tag.
    pub fn skip_to_next(&mut self, window: &mut Window) -> io::Result<()> {
        let view = window.view(VIEW)?;
        let step = to_next_mark(view);
        let zeros = view[..step].iter().rev().take_while(|byte| **byte == 0).count();
        self.zeros = if zeros == step { self.zeros + zeros as u64 } else { zeros as u64 };
        self.lost += step as u64;
        window.skip(step as u64)
    }

    /// Bytes since the last frame, without trailing zeros.
    pub fn unknown(&self) -> u64 {
        self.lost - self.zeros
    }

    /// Called at the next frame: the number of frames of `mean` bytes that fit into the skipped bytes.
    pub fn frames(&mut self, mean: u64) -> u64 {
        let lost = std::mem::take(&mut self.lost);
        self.zeros = 0;
        if lost > 0 {
            self.total = (self.total.0 + 1, self.total.1 + lost);
        }
        (lost + mean / 2).checked_div(mean).unwrap_or(0)
    }

    /// Adds a note about the skipped bytes.
    pub fn note(&mut self, notes: &Notes) {
        if let (times @ 1.., bytes) = std::mem::take(&mut self.total) {
            notes.add(format!("{bytes} bytes between its frames were skipped ({times} times)"));
        }
    }

    /// Called at the end. Errors: more unknown bytes follow the last frame than writers leave there.
    pub fn end(&mut self, notes: &Notes, error: &'static str) -> Result<Option<Packet>> {
        let (lost, unknown) = (self.lost, self.unknown());
        (self.lost, self.zeros) = (0, 0);
        match (lost, unknown) {
            (0, _) => Ok(None),
            (_, SHORT_TAIL..) => Err(Error::DecodeError(error)),
            (_, unknown) => {
                let zeros = if unknown == 0 { ", all zero," } else { "" };
                notes.add(format!("{lost} bytes after its last frame{zeros} are not audio"));
                Ok(None)
            }
        }
    }
}
