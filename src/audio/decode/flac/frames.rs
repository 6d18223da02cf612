//! Finds frames: skips metadata and damage, and delimits each frame by its checksums.

use std::fs::File;

use symphonia::core::audio::{Channels, Position};
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::CODEC_ID_FLAC;
use symphonia::core::errors::{Error, Result};
use symphonia::core::formats::FormatReader;
use symphonia::core::formats::well_known::FORMAT_ID_FLAC;
use symphonia::core::packet::Packet;

use super::header::{Header, Kind, STREAM_INFO, StreamInfo, crc16};
use crate::audio::decode::mpeg::tags;
use crate::audio::decode::packets::{self, Notes, PacketSource, Window, cut};
use crate::audio::decode::sync::{skip_tags, to_next_mark};

/// Bytes that two headers need.
const VIEW: usize = 64;

/// Maximum number of metadata blocks.
const MAX_BLOCKS: usize = 4096;

/// Without STREAMINFO, the first frame is searched for in this many bytes.
const MAX_START: usize = 1 << 20;

/// From this number of unknown bytes after the last frame, audio may have been lost.
const SHORT_TAIL: u64 = 4096;

/// Maximum number of bytes searched without finding the end of a frame; only crafted files exceed it.
const MAX_WASTED: u64 = 1 << 28;

/// A larger jump of the frame numbers is not a gap, samples.
const MAX_GAP: u64 = 24 * 3600 * 48_000;

/// Opens a FLAC file; None if it has neither STREAMINFO nor a frame with its own parameters.
///
/// Errors: unexpected end of file before the first frame.
pub fn open(file: File, bytes: u64, notes: &Notes) -> std::io::Result<Option<Box<dyn FormatReader>>> {
    let mut window = Window::new(file, 0, bytes)?;
    skip_tags(&mut window)?;
    let info = metadata(&mut window, notes)?;
    if window.view(1)?.is_empty() {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    let first = match info {
        Some(info) => Some(info.kind),
        None => first_kind(&mut window)?,
    };
    let Some(kind) = first else {
        return Ok(None);
    };
    let samples = info.and_then(|info| info.samples);
    let track = packets::track(parameters(kind), samples);
    let min_frame = info.map_or(0, |info| info.min_frame as usize);
    let source = Frames {
        window,
        notes: notes.clone(),
        kind,
        min_frame,
        is_counted: samples.is_some(),
        last: None,
        numbering: None,
        clock: 0,
        lost: 0,
        begun: false,
        passed: (0, 0),
        wasted: 0,
    };
    Ok(Some(packets::reader(FORMAT_ID_FLAC, "FLAC", track, source)))
}

/// Skips the metadata; reads STREAMINFO only.
fn metadata(window: &mut Window, notes: &Notes) -> std::io::Result<Option<StreamInfo>> {
    let mut info = None;
    if window.view(4)?.starts_with(b"fLaC") {
        window.skip(4)?;
    }
    for _ in 0..MAX_BLOCKS {
        let remaining = window.remaining();
        let view = window.view(4 + STREAM_INFO)?;
        let Some([head, size @ ..]) = view.first_chunk::<4>().copied() else { break };
        let length = 4 + u64::from(u32::from_be_bytes([0, size[0], size[1], size[2]]));
        // A frame or damage: the frames are found without metadata.
        if head & 0x7F == 0x7F || Header::parse(view, info.map(|info: StreamInfo| info.kind)).is_some() {
            break;
        }
        if head & 0x7F == 0 {
            info = info.or_else(|| StreamInfo::parse(&view[4..]));
        }
        if length > remaining {
            notes.add("a block of its metadata is longer than the file; it was skipped");
            window.skip(4)?;
            break;
        }
        window.skip(length)?;
        if head & 0x80 != 0 {
            break;
        }
    }
    Ok(info)
}

/// The parameters of the first frame that contains them.
fn first_kind(window: &mut Window) -> std::io::Result<Option<Kind>> {
    let view = window.view(MAX_START)?;
    Ok((0..view.len()).find_map(|at| Header::parse(&view[at..], None)).map(|header| header.kind))
}

fn parameters(kind: Kind) -> AudioCodecParameters {
    let mut parameters = AudioCodecParameters::new();
    parameters.for_codec(CODEC_ID_FLAC).with_sample_rate(kind.rate).with_bits_per_sample(kind.bits);
    parameters.with_extra_data(StreamInfo::for_kind(kind).into());
    if let Some(places) = Position::from_count(kind.channels) {
        parameters.with_channels(Channels::Positioned(places));
    }
    parameters
}

/// What the frame numbers count, as shown by two consecutive frames.
#[derive(Clone, Copy, PartialEq)]
enum Numbering {
    /// Frames of this many samples.
    Frames(u64),
    Samples,
    /// Nothing consistent.
    Nothing,
}

struct Frames {
    window: Window,
    notes: Notes,
    kind: Kind,
    min_frame: usize,
    /// Whether the number of samples is announced.
    is_counted: bool,
    last: Option<Header>,
    numbering: Option<Numbering>,
    /// Samples so far, at the sampling rate of STREAMINFO.
    clock: u64,
    /// Bytes since the last frame that are neither frames nor tags.
    lost: u64,
    /// Whether those bytes start like a frame.
    begun: bool,
    /// Number of interruptions between frames, and their total length in bytes.
    passed: (u64, u64),
    /// Bytes searched without finding the end of a frame.
    wasted: u64,
}

impl PacketSource for Frames {
    fn next(&mut self) -> Result<Option<Packet>> {
        loop {
            let view = self.window.view(VIEW)?;
            if view.is_empty() {
                return self.end();
            }
            if self.wasted > MAX_WASTED {
                return Err(Error::DecodeError("flac: only beginnings of frames"));
            }
            if let Some(header) = Header::parse(view, Some(self.kind))
                && let Some(length) = self.frame_length(&header)?
            {
                return self.packet(header, length).map(Some);
            }
            match tags::length(self.window.view(tags::MAX_HEADER)?) {
                Some(tag) => self.window.skip(tag)?,
                None => self.skip_unknown()?,
            }
        }
    }
}

impl Frames {
    /// The length of the frame at the current position: up to the first offset where its checksum is correct and a
    /// valid successor starts; if no next frame is visible, up to the first offset where its checksum is correct.
    fn frame_length(&mut self, header: &Header) -> Result<Option<usize>> {
        let kind = Some(self.kind);
        let max = header.max_length();
        // The bytes after the longest possible frame are needed to check what follows.
        let view = self.window.view(max + VIEW)?;
        let (mut crc, mut plain) = (0, None);
        for (at, byte) in view.iter().enumerate().take(max) {
            crc = crc16(crc, *byte);
            if crc != 0 || at < header.length {
                continue;
            }
            let rest = &view[at + 1..];
            if rest.is_empty() || Header::parse(rest, kind).is_some() || tags::length(rest).is_some() {
                return Ok(Some(at + 1));
            }
            plain = plain.or(Some(at + 1).filter(|length| *length >= self.min_frame));
        }
        self.wasted += view.len() as u64;
        let is_next = |at: usize| Header::parse(&view[at..], kind).is_some_and(|next| header.precedes(&next));
        let damaged = (header.length..view.len()).any(|at| view[at] == 0xFF && is_next(at));
        Ok(plain.filter(|_| !damaged))
    }

    fn skip_unknown(&mut self) -> Result<()> {
        let view = self.window.view(VIEW)?;
        let step = to_next_mark(view) as u64;
        if self.lost == 0 {
            self.begun = matches!(view, [0xFF] | [0xFF, 0xF8 | 0xF9, ..]);
        }
        self.lost += step;
        Ok(self.window.skip(step)?)
    }

    fn packet(&mut self, header: Header, length: usize) -> Result<Packet> {
        self.clock += self.missing(&header);
        if std::mem::take(&mut self.lost) > 0 {
            self.passed.0 += 1;
        }
        let samples = self.in_clock(&header, header.samples);
        let packet = packets::packet(self.clock, samples, &self.window.view(length)?[..length]);
        self.window.skip(length as u64)?;
        self.clock += samples;
        self.last = Some(header);
        Ok(packet)
    }

    /// Converts a length to the sampling rate of STREAMINFO.
    fn in_clock(&self, header: &Header, samples: u64) -> u64 {
        samples * u64::from(self.kind.rate) / u64::from(header.kind.rate.max(1))
    }

    /// Number of missing samples before a frame, according to its number.
    fn missing(&mut self, header: &Header) -> u64 {
        let passed = self.lost;
        self.passed.1 += passed;
        let Some(last) = self.last else {
            // A file that starts with a later frame was cut out of another one, unless other bytes precede the frame.
            let unit = if header.counts_samples { 1 } else { header.samples };
            let before = header.number.saturating_mul(unit);
            return if passed > 0 && before <= MAX_GAP { self.in_clock(header, before) } else { 0 };
        };
        let step = header.number.checked_sub(last.number).filter(|_| header.kind == last.kind);
        let Some(step) = step else {
            // Another stream starts.
            self.numbering = None;
            return 0;
        };
        let numbering = self.numbering.unwrap_or(match step {
            1 => Numbering::Frames(last.samples),
            step if step == last.samples => Numbering::Samples,
            _ if passed == 0 => Numbering::Nothing,
            _ if header.counts_samples => Numbering::Samples,
            _ => Numbering::Frames(last.samples),
        });
        self.numbering = Some(numbering);
        let length = match numbering {
            Numbering::Frames(samples) => step.saturating_mul(samples),
            Numbering::Samples => step,
            Numbering::Nothing => 0,
        };
        let missing = length.saturating_sub(last.samples);
        if missing <= MAX_GAP { self.in_clock(header, missing) } else { 0 }
    }

    /// Handles the rest of the file: the start of a frame, or other bytes.
    fn end(&mut self) -> Result<Option<Packet>> {
        if let (times @ 1.., bytes) = std::mem::take(&mut self.passed) {
            self.notes.add(format!("{bytes} bytes between its frames were skipped ({times} times)"));
        }
        let lost = std::mem::take(&mut self.lost);
        match lost {
            0 => Ok(None),
            _ if self.last.is_none() => Err(cut()),
            SHORT_TAIL.. if !self.is_counted => {
                Err(Error::DecodeError("flac: no frame follows in the rest of the file"))
            }
            _ if !self.is_counted && self.begun => Err(cut()),
            _ => {
                self.notes.add(format!("{lost} bytes after its last frame are not audio"));
                Ok(None)
            }
        }
    }
}
