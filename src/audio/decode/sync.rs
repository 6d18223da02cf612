//! Frames that carry their own headers, found by them: what MPEG audio and ADTS have in common.
//!
//! Invariant: what stands between frames is counted; zeros up to the end are padding, all else there may be sound.

use std::io;

use symphonia::core::errors::{Error, Result};
use symphonia::core::packet::Packet;

use super::mpeg::tags;
use super::packets::{Notes, Window};

/// How far the first frame may be from the start, bytes.
pub const LOOK: usize = 256 * 1024;

/// Bytes that the longest frames and a header behind them need.
pub const VIEW: usize = 16 * 1024;

/// So many frames in a row at the start are a stream; fewer only if nothing else is in the file.
const CHAIN: usize = 4;

/// Unknown bytes behind the last frame, from where on sound may be lost there.
const SHORT_TAIL: u64 = 4096;

/// What begins a frame.
pub trait FrameHeader: Copy {
    /// Whether a frame that the file's end cuts off tells a stream as a whole one does.
    const MAY_BE_CUT: bool;
    fn parse(bytes: &[u8]) -> Option<Self>;
    /// Whether both can be of one stream.
    fn continues(&self, other: &Self) -> bool;
    /// Bytes of the frame that begins `bytes`, with its header.
    fn length(&self, bytes: &[u8]) -> Option<usize>;
}

/// Whether frames of one stream follow each other from here: several, or all that there are.
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

/// Mean length of the frames at hand, bytes.
pub fn mean_length<H: FrameHeader>(view: &[u8]) -> Option<u64> {
    let (mut at, mut frames) = (0, 0);
    while let Some(length) = view.get(at..).and_then(|rest| H::parse(rest)?.length(rest)) {
        (at, frames) = (at + length, frames + 1);
    }
    (at as u64).checked_div(frames).filter(|length| *length > 0)
}

/// Goes over the tags that stand here.
pub fn skip_tags(window: &mut Window) -> io::Result<()> {
    while let Some(tag) = tags::length(window.view(tags::LOOK)?) {
        window.skip(tag)?;
    }
    Ok(())
}

/// What is no frame and no tag.
#[derive(Default)]
pub struct Passed {
    /// Bytes since the last frame.
    pub lost: u64,
    /// The last of those are zeros.
    zeros: u64,
    /// How often and how many bytes lay between frames.
    total: (u64, u64),
}

impl Passed {
    /// Goes on to what may be a frame or a tag.
    pub fn over(&mut self, window: &mut Window) -> io::Result<()> {
        let view = window.view(VIEW)?;
        let marks = |byte: &u8| matches!(byte, 0xFF | b'I' | b'T' | b'A' | b'L');
        let step = view.iter().skip(1).position(marks).map_or(view.len(), |at| at + 1);
        let zeros = view[..step].iter().rev().take_while(|byte| **byte == 0).count();
        self.zeros = if zeros == step { self.zeros + zeros as u64 } else { zeros as u64 };
        self.lost += step as u64;
        window.skip(step as u64)
    }

    /// Bytes since the last frame without the zeros at their end.
    pub fn unknown(&self) -> u64 {
        self.lost - self.zeros
    }

    /// A frame follows: how many of `mean` bytes had room in what lies before it.
    pub fn frames(&mut self, mean: u64) -> u64 {
        let lost = std::mem::take(&mut self.lost);
        self.zeros = 0;
        if lost > 0 {
            self.total = (self.total.0 + 1, self.total.1 + lost);
        }
        (lost + mean / 2).checked_div(mean).unwrap_or(0)
    }

    /// Says what lay between frames.
    pub fn note(&mut self, notes: &Notes) {
        if let (times @ 1.., bytes) = std::mem::take(&mut self.total) {
            notes.add(format!("{bytes} bytes between its frames were passed over ({times} times)"));
        }
    }

    /// Nothing follows: was that all? Errors: more is left than a writer leaves there.
    pub fn end(&mut self, notes: &Notes, error: &'static str) -> Result<Option<Packet>> {
        let (lost, unknown) = (self.lost, self.unknown());
        (self.lost, self.zeros) = (0, 0);
        match (lost, unknown) {
            (0, _) => Ok(None),
            (_, SHORT_TAIL..) => Err(Error::DecodeError(error)),
            (_, unknown) => {
                let zeros = if unknown == 0 { ", all zero," } else { "" };
                notes.add(format!("{lost} bytes behind its last frame{zeros} are no sound"));
                Ok(None)
            }
        }
    }
}
