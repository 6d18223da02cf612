//! AAC without a container: frames with a header each (ADTS, ISO 13818-7, 6.2), found again behind damage.
//!
//! Invariant: needs no more than a few frames in memory.

use std::fs::File;
use std::time::Duration;

use symphonia::core::audio::{Channels, Position};
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::CODEC_ID_AAC;
use symphonia::core::errors::{Error, Result};
use symphonia::core::formats::FormatReader;
use symphonia::core::formats::well_known::FORMAT_ID_ADTS;
use symphonia::core::packet::Packet;

use super::mpeg::tags;
use super::packets::{self, Notes, PacketSource, Window, cut};

/// Samples of a frame, of each channel.
const SAMPLES: u64 = 1024;

/// How far the first frame may be from the start, bytes.
const LOOK: usize = 256 * 1024;

/// So many frames in a row at the start are a stream; fewer only if nothing else is in the file.
const CHAIN: usize = 4;

/// Bytes that the longest frame and a header behind it need.
const VIEW: usize = 16 * 1024;

/// Unknown bytes behind the last frame, from where on sound may be lost there.
const SHORT_TAIL: u64 = 4096;

const RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/// What a frame's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    object: u8,
    rate: u8,
    channels: u8,
    /// Bytes of the header, and of the frame with it.
    head: usize,
    length: usize,
    /// AAC frames inside.
    blocks: u64,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Header> {
        let &[0xFF, second, third, fourth, fifth, sixth, seventh] = bytes.first_chunk()? else {
            return None;
        };
        let header = Header {
            object: (third >> 6) + 1,
            rate: third >> 2 & 15,
            channels: (third & 1) << 2 | fourth >> 6,
            head: if second & 1 == 1 { 7 } else { 9 },
            length: usize::from(fourth & 3) << 11 | usize::from(fifth) << 3 | usize::from(sixth) >> 5,
            blocks: u64::from(seventh & 3) + 1,
        };
        let makes_sense = usize::from(header.rate) < RATES.len() && header.length > header.head;
        (second & 0xF6 == 0xF0 && makes_sense).then_some(header)
    }

    fn continues(&self, other: &Header) -> bool {
        (self.object, self.rate, self.channels) == (other.object, other.rate, other.channels)
    }

    fn rate(&self) -> u32 {
        RATES[usize::from(self.rate)]
    }

    /// The configuration that a container would have (ISO 14496-3, 1.6.2.1).
    fn config(&self) -> [u8; 2] {
        [self.object << 3 | self.rate >> 1, (self.rate & 1) << 7 | self.channels << 3]
    }
}

/// A stream found in a file.
pub struct Opened {
    pub reader: Box<dyn FormatReader>,
    /// How long it lasts if its first frames are like all others.
    pub estimate: Option<Duration>,
}

/// The AAC in a file; None if there is none.
pub fn open(file: File, bytes: u64, notes: &Notes) -> std::io::Result<Option<Opened>> {
    let mut window = Window::new(file, 0, bytes)?;
    while let Some(tag) = tags::length(window.view(tags::LOOK)?) {
        window.skip(tag)?;
    }
    let view = window.view(LOOK)?;
    let Some(at) = (0..view.len().min(LOOK)).find(|&at| view[at] == 0xFF && is_chain(&view[at..])) else {
        return Ok(None);
    };
    let Some(first) = Header::parse(&view[at..]) else { return Ok(None) };
    let mean = mean_length(&view[at..]);
    if at > 0 {
        notes.add(format!("{at} bytes before the first frame are no sound; they were passed over"));
    }
    window.skip(at as u64)?;
    let estimate = (window.remaining() / mean).saturating_mul(SAMPLES);
    let track = packets::track(parameters(&first), None);
    let source = Frames {
        window,
        notes: notes.clone(),
        first,
        bytes: 0,
        count: 0,
        clock: 0,
        lost: 0,
        begun: false,
        passed: (0, 0),
    };
    let reader = packets::reader(FORMAT_ID_ADTS, "AAC in ADTS", track, source);
    Ok(Some(Opened { reader, estimate: Some(crate::audio::duration(estimate, first.rate())) }))
}

/// Whether frames of one stream follow each other from here: several, or all that there are.
pub fn is_chain(bytes: &[u8]) -> bool {
    let (mut at, mut first) = (0, None);
    for _ in 0..CHAIN {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(header) =
            Header::parse(rest).filter(|header| first.is_none_or(|first: Header| first.continues(header)))
        else {
            return first.is_some() && (bytes.get(at..) == Some(&[]) || tags::length(rest).is_some());
        };
        first = first.or(Some(header));
        at += header.length;
    }
    true
}

/// Mean length of the frames at hand, bytes.
fn mean_length(view: &[u8]) -> u64 {
    let (mut at, mut frames) = (0, 0);
    while let Some(header) = view.get(at..).and_then(Header::parse) {
        (at, frames) = (at + header.length, frames + 1);
    }
    (at as u64).checked_div(frames).unwrap_or(1).max(1)
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
    /// Of all frames so far, and how many there were.
    bytes: u64,
    count: u64,
    /// Samples so far.
    clock: u64,
    /// Bytes since the last frame that are none and no tag.
    lost: u64,
    /// Those bytes begin as a frame does.
    begun: bool,
    /// How often and how many bytes were passed over.
    passed: (u64, u64),
}

impl PacketSource for Frames {
    fn next(&mut self) -> Result<Option<Packet>> {
        loop {
            if self.window.view(VIEW)?.is_empty() {
                return self.end();
            }
            if let Some(header) = self.frame()? {
                return self.packet(header).map(Some);
            }
            match tags::length(self.window.view(tags::LOOK)?) {
                Some(tag) => self.window.skip(tag)?,
                None => self.pass_over()?,
            }
        }
    }
}

impl Frames {
    /// The whole frame that stands here: of the stream, and not by chance behind what is none.
    fn frame(&mut self) -> Result<Option<Header>> {
        let view = self.window.view(VIEW)?;
        let Some(header) = Header::parse(view).filter(|header| header.length <= view.len()) else {
            return Ok(None);
        };
        let rest = &view[header.length..];
        let goes_on = rest.is_empty() || tags::length(rest).is_some();
        let goes_on = goes_on || Header::parse(rest).is_some_and(|next| next.continues(&header));
        if !header.continues(&self.first) {
            // Another stream begins, or chance would have it so.
            let other = is_chain(view);
            return if other { Err(Error::Unsupported("adts: its rate or its channels change")) } else { Ok(None) };
        }
        Ok((goes_on || self.lost == 0).then_some(header))
    }

    fn pass_over(&mut self) -> Result<()> {
        let view = self.window.view(VIEW)?;
        let marks = |byte: &u8| matches!(byte, 0xFF | b'I' | b'T' | b'A' | b'L');
        let step = view.iter().skip(1).position(marks).map_or(view.len(), |at| at + 1) as u64;
        if self.lost == 0 {
            self.begun = matches!(view, [0xFF] | [0xFF, 0xF0..=0xF9, ..]);
        }
        self.lost += step;
        Ok(self.window.skip(step)?)
    }

    fn packet(&mut self, header: Header) -> Result<Packet> {
        self.make_up();
        let samples = header.blocks * SAMPLES;
        let data = self.window.view(header.length)?.get(header.head..header.length).ok_or_else(cut)?;
        let packet = packets::packet(self.clock, samples, data);
        self.window.skip(header.length as u64)?;
        self.bytes += header.length as u64;
        self.count += 1;
        self.clock += samples;
        Ok(packet)
    }

    /// Lets time go by for what was passed over: as many frames as it had room for.
    fn make_up(&mut self) {
        let lost = std::mem::take(&mut self.lost);
        if lost > 0 {
            self.passed = (self.passed.0 + 1, self.passed.1 + lost);
            let mean = self.bytes.checked_div(self.count).unwrap_or(0);
            self.clock += SAMPLES * (lost + mean / 2).checked_div(mean).unwrap_or(0);
        }
    }

    /// Was that all? What is left is the beginning of a frame, or what is none.
    fn end(&mut self) -> Result<Option<Packet>> {
        if let (times @ 1.., bytes) = std::mem::take(&mut self.passed) {
            self.notes.add(format!("{bytes} bytes between its frames were passed over ({times} times)"));
        }
        match std::mem::take(&mut self.lost) {
            0 => Ok(None),
            _ if self.begun => Err(cut()),
            SHORT_TAIL.. => Err(Error::DecodeError("adts: no frame follows in the rest of the file")),
            lost => {
                self.notes.add(format!("{lost} bytes behind its last frame are no sound"));
                Ok(None)
            }
        }
    }
}
