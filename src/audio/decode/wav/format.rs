//! Parses the `fmt ` chunk of a WAV file: codec, channels, sampling rate, sample size.
//!
//! Invariant: the error for an unsupported codec contains its name.

use symphonia::core::codecs::audio::well_known::*;

use super::super::blocks::{self, Coding, Shape};
use super::super::error_map;
use crate::domain::Reason;

/// The format according to a `fmt ` chunk.
#[derive(Debug, Clone)]
pub enum Format {
    Blocks(Coding),
    /// An MPEG audio stream with its own headers.
    Mpeg,
    /// Not supported: the message with the codec's name or the error.
    Unknown(Reason),
}

/// Unsupported codecs by their number in Microsoft's mmreg.h.
const OTHERS: [(u16, &str); 24] = [
    (0x0005, "IBM CVSD"),
    (0x0008, "DTS"),
    (0x000A, "WMA Voice"),
    (0x0010, "OKI ADPCM"),
    (0x0014, "G.723 ADPCM"),
    (0x0020, "Yamaha ADPCM"),
    (0x0022, "DSP Group TrueSpeech"),
    (0x0031, "GSM 06.10"),
    (0x0032, "MSN Audio"),
    (0x0040, "G.721 ADPCM"),
    (0x0042, "G.723.1"),
    (0x0045, "G.726"),
    (0x0064, "G.726"),
    (0x0065, "G.722"),
    (0x0083, "G.729"),
    (0x00FF, "AAC"),
    (0x0160, "Windows Media Audio"),
    (0x0161, "Windows Media Audio"),
    (0x0162, "Windows Media Audio"),
    (0x1600, "AAC (ADTS)"),
    (0x2000, "AC-3 (Dolby Digital)"),
    (0x566F, "Vorbis"),
    (0x704F, "Opus"),
    (0xA109, "Speex"),
];

const PCM: u16 = 0x0001;
const ADPCM_MS: u16 = 0x0002;
const FLOAT: u16 = 0x0003;
const A_LAW: u16 = 0x0006;
const MU_LAW: u16 = 0x0007;
const ADPCM_IMA: u16 = 0x0011;
const MPEG: u16 = 0x0050;
const MP3: u16 = 0x0055;
const EXTENSIBLE: u16 = 0xFFFE;

/// The bytes after the codec number in an extensible header's subformat, if the number is one of mmreg.h.
const SUBFORMAT: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];

/// The same for Ambisonics in B-format.
const AMBISONIC: [u8; 14] = [0, 0, 0x21, 0x07, 0xD3, 0x11, 0x86, 0x44, 0xC8, 0xC1, 0xCA, 0, 0, 0];

impl Format {
    /// Parses the contents of the chunk; `big_endian` for RIFX.
    pub fn parse(bytes: &[u8], big_endian: bool) -> Format {
        let Some(fields) = Fields::parse(bytes, big_endian) else {
            return Format::Unknown("its format chunk is cut short".into());
        };
        fields.format(big_endian).unwrap_or_else(Format::Unknown)
    }
}

/// The fields of the chunk.
struct Fields {
    tag: u16,
    shape: Shape,
    block: u16,
    bits: u16,
}

impl Fields {
    fn parse(bytes: &[u8], big_endian: bool) -> Option<Fields> {
        let short = |at: usize| {
            let pair = *bytes.get(at..)?.first_chunk()?;
            Some(if big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) })
        };
        let long = |at: usize| {
            let (first, second) = (u32::from(short(at)?), u32::from(short(at + 2)?));
            Some(if big_endian { first << 16 | second } else { second << 16 | first })
        };
        let mut tag = short(0)?;
        let mut speakers = 0;
        if tag == EXTENSIBLE {
            let known = [SUBFORMAT, AMBISONIC].iter().any(|end| bytes.get(26..40) == Some(end));
            (tag, speakers) = if known { (short(24)?, long(20)?) } else { (EXTENSIBLE, 0) };
        }
        let shape = Shape { channels: u32::from(short(2)?), rate: long(4)?, speakers };
        Some(Fields { tag, shape, block: short(12)?, bits: short(14)? })
    }

    fn format(&self, big_endian: bool) -> Result<Format, Reason> {
        let samples = |codec| blocks::samples(codec, self.shape).map(Format::Blocks);
        match (self.tag, self.bytes()) {
            (PCM, 1) => samples(CODEC_ID_PCM_U8),
            (PCM, bytes) => samples(blocks::pcm(bytes, false, big_endian).ok_or_else(|| self.odd_size("PCM"))?),
            (FLOAT, bytes) => samples(blocks::pcm(bytes, true, big_endian).ok_or_else(|| self.odd_size("float PCM"))?),
            (A_LAW, _) => samples(CODEC_ID_PCM_ALAW),
            (MU_LAW, _) => samples(CODEC_ID_PCM_MULAW),
            (ADPCM_MS, _) => self.adpcm(CODEC_ID_ADPCM_MS, 7, 2),
            (ADPCM_IMA, _) => self.adpcm(CODEC_ID_ADPCM_IMA_WAV, 4, 1),
            (MPEG | MP3, _) => Ok(Format::Mpeg),
            (other, _) => Err(unknown(other)),
        }
    }

    /// Bytes per sample: 12, 20 and 24 bits are stored in whole bytes, or in the size that follows from the block.
    fn bytes(&self) -> u32 {
        let by_bits = u32::from(self.bits).div_ceil(8);
        let by_block = u32::from(self.block) / self.shape.channels.max(1);
        // 24 bits in 32: the block size shows it.
        if by_block > by_bits && by_block <= 4 && self.tag == PCM { by_block } else { by_bits }
    }

    fn odd_size(&self, what: &str) -> Reason {
        error_map::foreign(format!("it is {what} with {} bits a sample", self.bits))
    }

    /// ADPCM: 4 bits per sample, after a header per channel that contains the first `first` samples.
    fn adpcm(
        &self,
        codec: symphonia::core::codecs::audio::AudioCodecId,
        header: u64,
        first: u64,
    ) -> Result<Format, Reason> {
        let (block, channels) = (u64::from(self.block), u64::from(self.shape.channels.max(1)));
        let behind = block.checked_sub(header * channels).ok_or("its blocks are shorter than their headers")?;
        blocks::blocks(codec, self.shape, block, 2 * behind / channels + first).map(Format::Blocks)
    }
}

fn unknown(tag: u16) -> Reason {
    let name = OTHERS.iter().find(|(other, _)| *other == tag).map(|(_, name)| (*name).to_owned());
    let name = name.unwrap_or_else(|| format!("an unknown codec (0x{tag:04x})"));
    error_map::foreign(format!("it is {name} in WAV"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(tag: u16, channels: u16, block: u16, bits: u16) -> Vec<u8> {
        let [low, high] = 8_000u16.to_le_bytes();
        let fields = [tag, channels].map(u16::to_le_bytes).concat();
        [&fields[..], &[low, high, 0, 0, 0, 0, 0, 0], &block.to_le_bytes(), &bits.to_le_bytes()].concat()
    }

    fn name(tag: u16) -> String {
        match Format::parse(&chunk(tag, 1, 65, 0), false) {
            Format::Unknown(name) => name.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn unsupported_codecs_are_named() {
        for (tag, word) in [(0x31, "GSM 06.10"), (0x45, "G.726"), (0x40, "G.721"), (0x14, "G.723"), (0x1234, "0x1234")]
        {
            assert!(name(tag).contains(word), "{tag:#x}: {}", name(tag));
        }
        assert!(matches!(Format::parse(&chunk(1, 1, 2, 17)[..10], false), Format::Unknown(_)));
    }

    #[test]
    fn samples_are_stored_in_whole_bytes() {
        for (bits, block, bytes) in [(8, 1, 1), (12, 2, 2), (20, 3, 3), (24, 3, 3), (24, 4, 4), (32, 4, 4), (16, 0, 2)]
        {
            let Format::Blocks(coding) = Format::parse(&chunk(PCM, 1, block, bits), false) else { panic!("{bits}") };
            assert_eq!(coding.block, bytes, "{bits} bits in {block} bytes");
        }
    }
}
