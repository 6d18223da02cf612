//! Reads AAC in ADTS frames (ISO 13818-7, 6.2) and resynchronizes after damage.
//!
//! An empty packet replaces a block that is cut off or cannot be located.
//!
//! Invariant: holds a few frames in memory.

use std::collections::VecDeque;
use std::fs::File;
use std::time::Duration;

use symphonia::core::audio::{Channels, Position};
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::CODEC_ID_AAC;
use symphonia::core::errors::{Error, Result};
use symphonia::core::formats::FormatReader;
use symphonia::core::formats::well_known::FORMAT_ID_ADTS;
use symphonia::core::packet::Packet;

use super::aac::SAMPLING_FREQUENCIES;
use super::mpeg::tags;
use super::packets::{self, Notes, PacketSource, Window, cut};
use super::sync::{self, FrameHeader, MAX_START, Passed, VIEW, is_chain};

/// Samples per block and channel.
const SAMPLES: u64 = 1024;

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    object: u8,
    rate: u8,
    channels: u8,
    /// Whether there are checksums and block positions.
    is_protected: bool,
    /// Length of the frame including its header, bytes.
    length: usize,
    /// Number of raw data blocks.
    count: u64,
}

impl FrameHeader for Header {
    const MAY_BE_CUT: bool = false;

    fn parse(bytes: &[u8]) -> Option<Header> {
        let &[0xFF, second, third, fourth, fifth, sixth, seventh] = bytes.first_chunk()? else {
            return None;
        };
        let header = Header {
            object: (third >> 6) + 1,
            rate: third >> 2 & 15,
            channels: (third & 1) << 2 | fourth >> 6,
            is_protected: second & 1 == 0,
            length: usize::from(fourth & 3) << 11 | usize::from(fifth) << 3 | usize::from(sixth) >> 5,
            count: u64::from(seventh & 3) + 1,
        };
        let makes_sense = usize::from(header.rate) < SAMPLING_FREQUENCIES.len() && header.length > header.head();
        (second & 0xF6 == 0xF0 && makes_sense).then_some(header)
    }

    fn continues(&self, other: &Header) -> bool {
        (self.object, self.rate, self.channels) == (other.object, other.rate, other.channels)
    }

    fn length(&self, _: &[u8]) -> Option<usize> {
        Some(self.length)
    }
}

impl Header {
    /// Bytes before the first block: the header, and the positions of other blocks and a checksum if present.
    fn head(&self) -> usize {
        if self.is_protected { 7 + 2 * self.count as usize } else { 7 }
    }

    fn samples(&self) -> u64 {
        self.count * SAMPLES
    }

    /// The raw data blocks of a frame. Without checksums, the position of the second block is only known after decoding
    /// the first one, so that it and the following ones are returned as empty.
    fn blocks(&self, frame: &[u8]) -> Vec<Box<[u8]>> {
        let body = frame.get(self.head()..).unwrap_or_default();
        let place = |at: usize| frame.get(at..)?.first_chunk().map(|place| usize::from(u16::from_be_bytes(*place)));
        let mut places = vec![Some(0)];
        places.extend((1..self.count as usize).map(|i| place(5 + 2 * i).filter(|_| self.is_protected)));
        let end = |i: usize| match places.get(i + 1) {
            // A checksum follows each block.
            Some(Some(next)) => next.saturating_sub(2),
            _ => body.len(),
        };
        let block = |i: usize| places[i].and_then(|start| body.get(start..end(i))).unwrap_or_default();
        (0..places.len()).map(|i| block(i).into()).collect()
    }

    fn rate(&self) -> u32 {
        SAMPLING_FREQUENCIES[usize::from(self.rate)]
    }

    /// The equivalent AudioSpecificConfig (ISO 14496-3, 1.6.2.1).
    fn config(&self) -> [u8; 2] {
        [self.object << 3 | self.rate >> 1, (self.rate & 1) << 7 | self.channels << 3]
    }
}

/// An opened stream.
pub struct Opened {
    pub reader: Box<dyn FormatReader>,
    /// Estimated duration, assuming that all frames are like the first ones.
    pub estimate: Option<Duration>,
}

/// Opens the ADTS stream in a file; None if there is none.
pub fn open(file: File, bytes: u64, notes: &Notes) -> std::io::Result<Option<Opened>> {
    let mut window = Window::new(file, 0, bytes)?;
    sync::skip_tags(&mut window)?;
    let view = window.view(MAX_START)?;
    let Some(at) = (0..view.len().min(MAX_START)).find(|&at| view[at] == 0xFF && is_chain::<Header>(&view[at..]))
    else {
        return Ok(None);
    };
    let Some(first) = Header::parse(&view[at..]) else { return Ok(None) };
    let mean = sync::mean_length::<Header>(&view[at..]).unwrap_or(1);
    if at > 0 {
        notes.add(format!("{at} bytes before the first frame are not audio; they were skipped"));
    }
    window.skip(at as u64)?;
    let estimate = (window.remaining() / mean).saturating_mul(first.samples());
    let track = packets::track(parameters(&first), None);
    let source = Frames {
        window,
        notes: notes.clone(),
        first,
        bytes: 0,
        count: 0,
        clock: 0,
        passed: Passed::default(),
        is_begun: false,
        ready: VecDeque::new(),
        parted: 0,
    };
    let reader = packets::reader(FORMAT_ID_ADTS, "AAC in ADTS", track, source);
    Ok(Some(Opened { reader, estimate: Some(crate::audio::duration(estimate, first.rate())) }))
}

fn parameters(header: &Header) -> AudioCodecParameters {
    let mut parameters = AudioCodecParameters::new();
    parameters.for_codec(CODEC_ID_AAC).with_sample_rate(header.rate()).with_extra_data(header.config().into());
    if let Some(places) = Position::from_count(u32::from(header.channels)).filter(|_| header.channels > 0) {
        parameters.with_channels(Channels::Positioned(places));
    }
    parameters
}

struct Frames {
    window: Window,
    notes: Notes,
    first: Header,
    /// Total bytes and number of frames so far.
    bytes: u64,
    count: u64,
    /// Samples so far.
    clock: u64,
    passed: Passed,
    /// The bytes skipped since the last frame start like a frame.
    is_begun: bool,
    ready: VecDeque<Packet>,
    /// Number of frames whose blocks could not all be located.
    parted: u64,
}

impl PacketSource for Frames {
    fn next(&mut self) -> Result<Option<Packet>> {
        loop {
            if let Some(packet) = self.ready.pop_front() {
                return Ok(Some(packet));
            }
            if self.window.view(VIEW)?.is_empty() {
                return self.end();
            }
            if let Some(header) = self.frame()? {
                self.split_frame(header)?;
                continue;
            }
            match tags::length(self.window.view(tags::MAX_HEADER)?) {
                Some(tag) => self.window.skip(tag)?,
                None => self.skip_unknown()?,
            }
        }
    }
}

impl Frames {
    /// The complete frame at the current position, if it belongs to the stream and is not a chance match.
    fn frame(&mut self) -> Result<Option<Header>> {
        let view = self.window.view(VIEW)?;
        let Some(header) = Header::parse(view).filter(|header| header.length <= view.len()) else {
            return Ok(None);
        };
        let rest = &view[header.length..];
        let goes_on = rest.is_empty() || tags::length(rest).is_some();
        let goes_on = goes_on || Header::parse(rest).is_some_and(|next| next.continues(&header));
        if !header.continues(&self.first) {
            // Another stream starts, or this is a chance match.
            let other = is_chain::<Header>(view);
            return if other { Err(Error::Unsupported("adts: its rate or its channels change")) } else { Ok(None) };
        }
        Ok((goes_on || self.passed.lost == 0).then_some(header))
    }

    /// Splits the frame at the current position into packets.
    fn split_frame(&mut self, header: Header) -> Result<()> {
        self.advance_over_skipped();
        let bytes = self.window.view(header.length)?.get(..header.length).ok_or_else(cut)?;
        let blocks = header.blocks(bytes);
        self.parted += u64::from(header.count > 1 && blocks.iter().any(|block| block.is_empty()));
        let start = self.clock;
        let packets = (0..).zip(blocks).map(|(i, block)| packets::packet(start + i * SAMPLES, SAMPLES, block));
        self.ready.extend(packets);
        self.window.skip(header.length as u64)?;
        self.bytes += header.length as u64;
        self.count += 1;
        self.clock += header.samples();
        self.is_begun = false;
        Ok(())
    }

    fn mean(&self) -> u64 {
        self.bytes.checked_div(self.count).unwrap_or(0)
    }

    /// Advances the time by as many frames as fit into the skipped bytes.
    fn advance_over_skipped(&mut self) {
        let frames = self.passed.frames(self.mean());
        self.clock += frames * self.first.samples();
    }

    /// Skips to the next position that may be a frame or a tag.
    fn skip_unknown(&mut self) -> Result<()> {
        if self.passed.lost == 0 {
            let view = self.window.view(VIEW)?;
            self.is_begun = matches!(view, [0xFF] | [0xFF, 0xF0..=0xF9, ..]);
        }
        Ok(self.passed.skip_to_next(&mut self.window)?)
    }

    /// Handles the rest of the file: the start of a frame, or other bytes.
    fn end(&mut self) -> Result<Option<Packet>> {
        self.passed.note(&self.notes);
        if let count @ 1.. = std::mem::take(&mut self.parted) {
            self.notes.add(format!("{count} frames of several blocks do not contain the position of the second block"));
        }
        if std::mem::take(&mut self.is_begun) && self.passed.lost < VIEW as u64 {
            self.notes.add("the file stops inside a frame");
            let frames = std::mem::take(&mut self.passed).frames(self.mean()).max(1);
            return Ok(Some(packets::packet(self.clock, frames * self.first.samples(), [])));
        }
        self.passed.end(&self.notes, "adts: no frame follows in the rest of the file")
    }
}
