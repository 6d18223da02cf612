//! Parses the chunks `desc`, `chan` and `kuki`: the codec, its channels, and its setup data.

use symphonia::core::audio::{Channels, Position};
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters, well_known::*};

use super::table::Table;
use crate::audio::decode::blocks::{self, Coding, Shape};
use crate::audio::decode::error_map;
use crate::domain::Reason;

/// The layout tag of a bitmap of WAV's speaker positions.
const BITMAP: u32 = 1 << 16;

/// Supported codecs by their four-character code, except PCM.
const CODECS: [(&[u8; 4], AudioCodecId); 10] = [
    (b"ima4", CODEC_ID_ADPCM_IMA_QT),
    (b"aac ", CODEC_ID_AAC),
    (b"ulaw", CODEC_ID_PCM_MULAW),
    (b"alaw", CODEC_ID_PCM_ALAW),
    (b".mp1", CODEC_ID_MP1),
    (b".mp2", CODEC_ID_MP2),
    (b".mp3", CODEC_ID_MP3),
    (b"alac", CODEC_ID_ALAC),
    (b"flac", CODEC_ID_FLAC),
    (b"opus", CODEC_ID_OPUS),
];

/// The four-character codes of HE-AAC versions 1 and 2.
const HE_AAC: [&[u8; 4]; 2] = [b"aach", b"aacp"];

/// The chunk `desc`.
#[derive(Debug, Clone)]
pub struct Description {
    pub parameters: AudioCodecParameters,
    /// Per packet; 0 if variable.
    pub bytes: u64,
    pub samples: u64,
    shape: Shape,
    letters: [u8; 4],
    codec: Option<AudioCodecId>,
}

impl Description {
    pub fn parse(bytes: &[u8]) -> Option<Description> {
        let bytes: &[u8; 32] = bytes.first_chunk()?;
        let number = |at: usize| bytes[at..].first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
        let rate = f64::from_be_bytes(*bytes.first_chunk()?);
        let letters = *bytes[8..].first_chunk()?;
        let flags = number(12);
        let codec = match &letters {
            b"lpcm" => blocks::pcm(number(28).div_ceil(8), flags & 1 != 0, flags & 2 == 0),
            letters if HE_AAC.contains(&letters) => Some(CODEC_ID_AAC),
            letters => CODECS.iter().find(|(name, _)| *name == letters).map(|(_, codec)| *codec),
        };
        // A rate out of range saturates and is rejected later.
        let shape = Shape { channels: number(24), rate: rate as u32, speakers: 0 };
        let (bytes, samples) = (u64::from(number(16)), u64::from(number(20)));
        Some(Description { parameters: AudioCodecParameters::new(), bytes, samples, shape, letters, codec })
    }

    /// Sets the codec's setup data and channels. Errors: unsupported, with the codec's name.
    pub fn set_parameters(&mut self, cookie: &[u8], speakers: u32, table: Option<&[u8]>) -> Result<(), Reason> {
        let codec = self.codec.ok_or_else(|| unknown(self.letters))?;
        self.shape.speakers = speakers;
        if self.shape.channels == 0 {
            return Err("its header names no channels".into());
        }
        let setup = match codec {
            CODEC_ID_AAC => decoder_config(cookie).map(<[u8]>::to_vec),
            CODEC_ID_OPUS => Some(opus_head(self.shape.channels, table)?),
            CODEC_ID_FLAC => flac_setup(cookie),
            _ => Some(cookie.to_vec()),
        };
        self.parameters.for_codec(codec).with_sample_rate(self.shape.rate);
        if let Some(setup) = setup.filter(|setup| !setup.is_empty()) {
            self.parameters.with_extra_data(setup.into());
        }
        if let Some(places) = Position::from_count(self.shape.channels.min(32)) {
            self.parameters.with_channels(Channels::Positioned(places));
        }
        if self.samples > 0 {
            self.parameters.with_max_frames_per_packet(self.samples).with_frames_per_block(self.samples);
        }
        Ok(())
    }

    /// The coding if all packets have one size; None if the packet table is needed.
    pub fn coding(&self, speakers: u32) -> Option<Result<Coding, Reason>> {
        let shape = Shape { speakers, ..self.shape };
        match self.codec? {
            _ if self.bytes == 0 || self.samples == 0 => None,
            codec if &self.letters == b"lpcm" || codec == CODEC_ID_PCM_ALAW || codec == CODEC_ID_PCM_MULAW => Some(
                blocks::samples(codec, shape).map(|coding| Coding { block: self.bytes.max(coding.block), ..coding }),
            ),
            CODEC_ID_ADPCM_IMA_QT => Some(blocks::blocks(CODEC_ID_ADPCM_IMA_QT, shape, self.bytes, self.samples)),
            codec => Some(
                blocks::blocks(codec, shape, self.bytes, self.samples)
                    .map(|coding| Coding { parameters: self.parameters.clone(), ..coding }),
            ),
        }
    }
}

fn unknown(letters: [u8; 4]) -> Reason {
    let name = crate::text::escape(&String::from_utf8_lossy(&letters));
    error_map::foreign(format!("it is CAF with the codec '{name}'"))
}

/// The speaker bitmap of a layout; 0 for other layouts.
pub fn speakers(chan: &[u8]) -> u32 {
    let number = |at: usize| chan.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_be_bytes(*bytes));
    if number(0) == BITMAP { number(4) } else { 0 }
}

/// Builds the `OpusHead` header, which CAF does not contain; its pre-skip is in the packet table.
fn opus_head(channels: u32, table: Option<&[u8]>) -> Result<Vec<u8>, Reason> {
    let channels = u8::try_from(channels).ok().filter(|channels| *channels <= 2);
    let channels = channels.ok_or("it is Opus in CAF with more than two channels, which is not supported")?;
    let priming = table.and_then(|table| Table::parse(table.get(..24)?.to_vec())).map_or(0, |table| table.priming);
    let skip = u16::try_from(priming).unwrap_or(u16::MAX).to_le_bytes();
    Ok([b"OpusHead", &[1, channels][..], &skip, &48_000u32.to_le_bytes(), &[0, 0, 0]].concat())
}

/// STREAMINFO, either plain or as in MP4 (`dfLa`).
fn flac_setup(cookie: &[u8]) -> Option<Vec<u8>> {
    let at = cookie.windows(4).position(|letters| letters == b"dfLa").map_or(0, |at| at + 8);
    let block = cookie.get(at..)?;
    let block = block.strip_prefix(b"fLaC").unwrap_or(block);
    // After its block header, if there is one.
    block.strip_prefix(&[0x80, 0, 0, 34]).or(block.strip_prefix(&[0, 0, 0, 34])).or(Some(block)).map(<[u8]>::to_vec)
}

/// The decoder configuration in an MPEG-4 elementary stream descriptor (ISO 14496-1, 7.2.6).
fn decoder_config(cookie: &[u8]) -> Option<&[u8]> {
    const STREAM: u8 = 3;
    const DECODER: u8 = 4;
    const CONFIG: u8 = 5;
    let (tag, stream) = descriptor(cookie)?;
    let flags = *stream.get(2)?;
    let optional = [(0x80, 2), (0x20, 2)].iter().filter(|(flag, _)| flags & flag != 0).map(|(_, width)| width);
    let url = if flags & 0x40 != 0 { 1 + usize::from(*stream.get(3)?) } else { 0 };
    let (inner, decoder) = descriptor(stream.get(3 + optional.sum::<usize>() + url..)?)?;
    let (last, config) = descriptor(decoder.get(13..)?)?;
    ((tag, inner, last) == (STREAM, DECODER, CONFIG)).then_some(config)
}

/// A descriptor's tag and its contents, limited to the available bytes.
fn descriptor(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let tag = *bytes.first()?;
    let mut length = 0;
    for (at, byte) in bytes.iter().enumerate().skip(1).take(4) {
        length = length << 7 | usize::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            let contents = &bytes[at + 1..];
            return Some((tag, contents.get(..length).unwrap_or(contents)));
        }
    }
    None
}
