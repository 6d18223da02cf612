//! Finds frames: skips tags and damage.
//!
//! MPEG audio has no timestamps. Bytes that are neither frames nor tags count as as many frames as fit into them, so
//! that later frames keep their time.

use std::fs::File;
use std::time::Duration;

use symphonia::core::codecs::audio::{AudioCodecParameters, well_known::*};
use symphonia::core::errors::{Error, Result};
use symphonia::core::formats::FormatReader;
use symphonia::core::formats::well_known::FORMAT_ID_MP3;
use symphonia::core::packet::Packet;
use symphonia::core::units;

use super::header::Header;
use super::info::Info;
use super::tags;
use crate::audio::decode::packets::{self, Notes, PacketSource, Window, cut};
use crate::audio::decode::sync::{self, FrameHeader, MAX_START, Passed, VIEW, is_chain};

/// An opened stream.
pub struct Opened {
    pub reader: Box<dyn FormatReader>,
    /// Estimated duration, assuming that all frames are like the first ones.
    pub estimate: Option<Duration>,
}

/// Opens the MPEG audio in a part of a file; None if there is none.
pub fn open(file: File, start: u64, length: u64, notes: &Notes) -> std::io::Result<Option<Opened>> {
    let mut window = Window::new(file, start, length)?;
    sync::skip_tags(&mut window)?;
    let view = window.view(MAX_START)?;
    // Free format, whose frame headers contain no length, must start at the first byte.
    let may_begin = |at: usize| view[at] == 0xFF && (at == 0 || view.get(at + 2).is_none_or(|byte| byte >> 4 != 0));
    let Some(at) = (0..view.len().min(MAX_START)).find(|&at| may_begin(at) && is_chain::<Header>(&view[at..])) else {
        return Ok(None);
    };
    if at > 0 {
        notes.add(format!("{at} bytes before the first frame are not audio; they were skipped"));
    }
    window.skip(at as u64)?;
    let Some(header) = Header::parse(window.view(VIEW)?) else {
        return Ok(None);
    };
    begin(window, header, notes).map(Some)
}

fn begin(mut window: Window, header: Header, notes: &Notes) -> std::io::Result<Opened> {
    let view = window.view(VIEW)?;
    let length = header.length(view).unwrap_or(view.len());
    let info = Info::parse(&header, view.get(..length).unwrap_or(view));
    let frames = info.and_then(|info| info.frames);
    let delay = info.and_then(|info| info.delay);
    if info.is_some() {
        window.skip(length as u64)?;
    }
    // Some writers include the frame with the table in the count; those that store the encoder delay do not.
    let counted = frames.map(|frames| if delay.is_some() { frames } else { frames - 1 });
    let announced = counted.map(|frames| frames.saturating_mul(header.samples));
    let mean = sync::mean_length::<Header>(window.view(VIEW)?);
    let estimate = mean.map(|length| window.remaining() / length * header.samples);
    let mut track = packets::track(parameters(&header), announced);
    if let Some(announced) = announced {
        let (front, behind) = delay.unwrap_or((0, 0));
        // Only an announced length is reliable.
        track.with_delay(front as u32).with_padding(behind as u32);
        track.with_duration(units::Duration::from(announced.saturating_sub(front + behind)));
    }
    let source = Frames {
        window,
        notes: notes.clone(),
        first: header,
        last: header,
        trim: delay.zip(frames).map(|((front, behind), frames)| Trim { front, behind, frames }),
        is_counted: frames.is_some(),
        bytes: 0,
        count: 0,
        clock: 0,
        passed: Passed::default(),
    };
    let estimate = estimate.map(|samples| crate::audio::duration(samples, header.rate));
    Ok(Opened { reader: packets::reader(FORMAT_ID_MP3, "MPEG audio", track, source), estimate })
}

fn parameters(header: &Header) -> AudioCodecParameters {
    let codec = [CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3][usize::from(header.layer) - 1];
    let mut parameters = AudioCodecParameters::new();
    let channels = symphonia::core::audio::Position::from_count(header.channels);
    parameters.for_codec(codec).with_sample_rate(header.rate);
    if let Some(places) = channels {
        parameters.with_channels(symphonia::core::audio::Channels::Positioned(places));
    }
    parameters
}

/// Encoder delay and padding, samples.
struct Trim {
    front: u64,
    behind: u64,
    /// Number of frames that the encoder announced; others may follow.
    frames: u64,
}

struct Frames {
    window: Window,
    notes: Notes,
    first: Header,
    last: Header,
    trim: Option<Trim>,
    /// Whether the number of frames is announced.
    is_counted: bool,
    /// Total of all frames so far.
    bytes: u64,
    count: u64,
    /// Samples so far, at the sampling rate of the first frame.
    clock: u64,
    passed: Passed,
}

impl PacketSource for Frames {
    fn next(&mut self) -> Result<Option<Packet>> {
        loop {
            let view = self.window.view(VIEW)?;
            if view.is_empty() {
                return self.end();
            }
            if let Some((header, length)) = self.frame()? {
                if let Some(packet) = self.packet(header, length)? {
                    return Ok(Some(packet));
                }
            } else if let Some(tag) = tags::length(self.window.view(tags::MAX_HEADER)?) {
                self.window.skip(tag)?;
            } else if self.is_cut()? {
                return self.end();
            } else if self.first.is_free() && self.passed.unknown() > MAX_START as u64 {
                return Err(Error::DecodeError("mpa: no frame follows within the search limit"));
            } else {
                self.passed.skip_to_next(&mut self.window)?;
            }
        }
    }
}

impl Frames {
    /// The complete frame at the current position and its length, if it continues the stream or starts a chain.
    fn frame(&mut self) -> Result<Option<(Header, usize)>> {
        let view = self.window.view(VIEW)?;
        let known = |header: &Header| self.first.is_free() || !header.is_free();
        let Some(header) = Header::parse(view).filter(known) else { return Ok(None) };
        // The last frames of free format have the same length as the previous ones.
        let length = header.length(view).or_else(|| (self.bytes).checked_div(self.count).map(|mean| mean as usize));
        let Some(length) = length.filter(|length| *length <= view.len()) else {
            return Ok(None);
        };
        let rest = &view[length..];
        let goes_on = match Header::parse(rest) {
            Some(next) => next.continues(&header) || is_chain::<Header>(rest),
            None => rest.is_empty() || tags::length(rest).is_some(),
        };
        let is_next = self.passed.lost == 0 && header.continues(&self.last);
        Ok((goes_on || is_next).then_some((header, length)))
    }

    /// Whether the file ends inside a frame that starts here.
    fn is_cut(&mut self) -> Result<bool> {
        let is_end = self.window.remaining() < VIEW as u64;
        let (lost, last) = (self.passed.lost, self.last);
        let view = self.window.view(VIEW)?;
        let begins = match view.len() {
            0..4 => view.first() == Some(&0xFF),
            _ => Header::parse(view).is_some_and(|header| {
                header.continues(&last) && header.length(view).is_none_or(|length| length > view.len())
            }),
        };
        Ok(is_end && lost == 0 && begins)
    }

    /// The packet of a frame; None if the frame contains an info table.
    fn packet(&mut self, header: Header, length: usize) -> Result<Option<Packet>> {
        self.advance_over_skipped();
        // In free format nanomp3 needs the following frames as well.
        let wanted = if header.is_free() { 3 * length + 8 } else { length };
        let view = self.window.view(VIEW)?;
        let data = &view[..wanted.min(view.len())];
        let is_table = Info::parse(&header, &view[..length]).is_some();
        let data: Box<[u8]> = data.into();
        let samples = self.in_clock(header);
        let packet = (!is_table).then(|| self.trimmed(packets::packet(self.clock, samples, data), samples));
        self.window.skip(length as u64)?;
        self.last = header;
        if packet.is_some() {
            self.bytes += length as u64;
            self.count += 1;
            self.clock += samples;
        }
        Ok(packet)
    }

    /// A frame's length at the sampling rate of the first frame.
    fn in_clock(&self, header: Header) -> u64 {
        header.samples * u64::from(self.first.rate) / u64::from(header.rate.max(1))
    }

    /// Advances the time by as many frames as fit into the skipped bytes.
    fn advance_over_skipped(&mut self) {
        let frames = self.passed.frames(self.bytes.checked_div(self.count).unwrap_or(0));
        self.clock += frames * self.in_clock(self.last);
    }

    /// Sets the trims of a packet for encoder delay and padding.
    fn trimmed(&self, mut packet: Packet, samples: u64) -> Packet {
        if let Some(trim) = &self.trim {
            let end = (trim.frames * samples).saturating_sub(trim.behind);
            packet.trim_start = units::Duration::from(trim.front.saturating_sub(self.clock).min(samples));
            if self.clock < trim.frames * samples {
                packet.trim_end = units::Duration::from((self.clock + samples).saturating_sub(end).min(samples));
            }
            let trimmed = packet.trim_start.saturating_add(packet.trim_end);
            packet.dur = packet.dur.saturating_sub(trimmed);
        }
        packet
    }

    /// Handles the rest of the file: the start of a frame, or other bytes.
    fn end(&mut self) -> Result<Option<Packet>> {
        self.passed.note(&self.notes);
        let rest = self.window.remaining();
        self.window.skip(rest)?;
        match rest + self.passed.lost {
            0 => Ok(None),
            // The number of frames shows whether one is missing.
            left if self.is_counted => {
                self.passed = Passed::default();
                self.notes.add(format!("{left} bytes after its last frame are not audio"));
                Ok(None)
            }
            _ if rest > 0 && self.count > 0 => Ok(Some(self.cut_frame())),
            _ if rest > 0 => Err(cut()),
            _ => self.passed.end(&self.notes, "mpa: no frame follows in the rest of the file"),
        }
    }

    /// The frame that the file stops inside of: an empty packet, which becomes silence and a missing range.
    fn cut_frame(&self) -> Packet {
        self.notes.add("the file stops inside a frame");
        packets::packet(self.clock, self.in_clock(self.last), [])
    }
}
