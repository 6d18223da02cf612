//! Reads audio in blocks of fixed size: PCM and ADPCM in WAV and related formats, AU, AIFF and CAF.
//!
//! Invariant: returns whole blocks only, within the extent that was determined when the file was opened.

use std::fs::File;

use symphonia::core::audio::{Channels, Position};
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters, well_known::*};
use symphonia::core::errors::{Error, Result};
use symphonia::core::formats::{FormatId, FormatReader};
use symphonia::core::packet::Packet;

use super::packets::{self, PacketSource, Window, cut};
use crate::domain::Reason;

/// Minimum number of samples in a packet.
const SAMPLES_AT_ONCE: u64 = 1152;

/// Maximum size of a block, bytes.
const MAX_BLOCK: u64 = 1 << 20;

/// How the samples are encoded.
#[derive(Debug, Clone)]
pub struct Coding {
    pub parameters: AudioCodecParameters,
    /// Bytes per block.
    pub block: u64,
    /// Samples per block and channel.
    pub samples: u64,
}

/// Channels, sampling rate, and the speaker mask of the header (0 if there is none).
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub channels: u32,
    pub rate: u32,
    pub speakers: u32,
}

impl Shape {
    fn parameters(self, codec: AudioCodecId) -> OrMessage<AudioCodecParameters> {
        let named = Position::from_wave_channel_mask(self.speakers);
        let named = named.filter(|named| named.bits().count_ones() == self.channels);
        let channels = match (named, self.channels) {
            (_, 0) => return Err("its header names no channels".into()),
            (Some(places), _) => Channels::Positioned(places),
            (None, 1..=2) => Position::from_count(self.channels).map_or(Channels::None, Channels::Positioned),
            (None, many) => Channels::Discrete(u16::try_from(many).unwrap_or(u16::MAX)),
        };
        let mut parameters = AudioCodecParameters::new();
        parameters.for_codec(codec).with_sample_rate(self.rate).with_channels(channels);
        Ok(parameters)
    }
}

/// The error is a message for people.
type OrMessage<T> = std::result::Result<T, Reason>;

/// The coding of PCM. Errors: no channels.
pub fn samples(codec: AudioCodecId, shape: Shape) -> OrMessage<Coding> {
    let mut parameters = shape.parameters(codec)?;
    parameters.with_max_frames_per_packet(SAMPLES_AT_ONCE).with_frames_per_block(1);
    Ok(Coding { parameters, block: width(codec) * u64::from(shape.channels), samples: 1 })
}

/// The coding of blocks of several samples. Errors: no channels, or an invalid block size.
pub fn blocks(codec: AudioCodecId, shape: Shape, block: u64, samples: u64) -> OrMessage<Coding> {
    if block == 0 || block > MAX_BLOCK || samples == 0 || samples > 4 * MAX_BLOCK {
        return Err(format!("its header names blocks of {block} bytes and {samples} samples").into());
    }
    let mut parameters = shape.parameters(codec)?;
    parameters.with_max_frames_per_packet(samples * at_once(samples)).with_frames_per_block(samples);
    Ok(Coding { parameters, block, samples })
}

/// Number of blocks per packet.
fn at_once(samples: u64) -> u64 {
    (SAMPLES_AT_ONCE / samples).max(1)
}

/// Bytes per sample.
fn width(codec: AudioCodecId) -> u64 {
    match codec {
        CODEC_ID_PCM_S16LE | CODEC_ID_PCM_S16BE => 2,
        CODEC_ID_PCM_S24LE | CODEC_ID_PCM_S24BE => 3,
        CODEC_ID_PCM_S32LE | CODEC_ID_PCM_S32BE | CODEC_ID_PCM_F32LE | CODEC_ID_PCM_F32BE => 4,
        CODEC_ID_PCM_F64LE | CODEC_ID_PCM_F64BE => 8,
        _ => 1,
    }
}

/// The PCM codec with this number of bytes per sample and byte order; None if there is none.
pub fn pcm(bytes: u32, float: bool, big_endian: bool) -> Option<AudioCodecId> {
    let (little, big) = match (bytes, float) {
        (1, false) => (CODEC_ID_PCM_S8, CODEC_ID_PCM_S8),
        (2, false) => (CODEC_ID_PCM_S16LE, CODEC_ID_PCM_S16BE),
        (3, false) => (CODEC_ID_PCM_S24LE, CODEC_ID_PCM_S24BE),
        (4, false) => (CODEC_ID_PCM_S32LE, CODEC_ID_PCM_S32BE),
        (4, true) => (CODEC_ID_PCM_F32LE, CODEC_ID_PCM_F32BE),
        (8, true) => (CODEC_ID_PCM_F64LE, CODEC_ID_PCM_F64BE),
        _ => return None,
    };
    Some(if big_endian { big } else { little })
}

/// The part of a file that contains the blocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    pub start: u64,
    /// Available bytes.
    pub length: u64,
    /// Bytes that the header plausibly announces but the file does not contain.
    pub missing: u64,
    /// Bytes of another part of the file that is not read.
    pub unread: u64,
}

/// Creates a reader of blocks of `coding` in `extent`. If the unread part lasts a second or longer, the reader ends with
/// an error, so that this part counts as not analyzed.
pub fn reader(
    (format, name): (FormatId, &'static str),
    coding: Coding,
    file: File,
    extent: Extent,
) -> std::io::Result<Box<dyn FormatReader>> {
    let duration = |bytes: u64| (bytes / coding.block).saturating_mul(coding.samples);
    let second = u64::from(coding.parameters.sample_rate.unwrap_or(1));
    let unread = if duration(extent.unread) < second { 0 } else { extent.unread };
    let announced = duration(extent.length.saturating_add(extent.missing).saturating_add(unread));
    let window = Window::new(file, extent.start, extent.length)?;
    let source = Blocks { window, block: coding.block, samples: coding.samples, given: 0, ends_with_error: unread > 0 };
    let track = packets::track(coding.parameters, Some(announced));
    Ok(packets::reader(format, name, track, source))
}

struct Blocks {
    window: Window,
    block: u64,
    samples: u64,
    /// Number of blocks returned so far.
    given: u64,
    ends_with_error: bool,
}

impl PacketSource for Blocks {
    fn next(&mut self) -> Result<Option<Packet>> {
        let blocks = at_once(self.samples).min(self.window.remaining() / self.block);
        if blocks == 0 && self.ends_with_error {
            return Err(Error::Unsupported("another data chunk follows the audio; only the first one is read"));
        }
        if blocks == 0 {
            return Ok(None);
        }
        let bytes = (blocks * self.block) as usize;
        let data = self.window.view(bytes)?.get(..bytes).ok_or_else(cut)?;
        let packet = packets::packet(self.given * self.samples, blocks * self.samples, data);
        self.window.skip(bytes as u64)?;
        self.given += blocks;
        Ok(Some(packet))
    }
}
