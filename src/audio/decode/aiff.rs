//! AIFF and AIFF-C: chunks as in RIFF, big-endian, with the codec in `COMM` and the samples in `SSND`, in any order.
//!
//! symphonia's reader rejects a file whose samples are cut, so this module walks the chunks itself.
//!
//! Invariant: reads headers only, allocates no memory based on lengths in the file.

use std::fs::File;
use std::io;

use symphonia::core::codecs::audio::well_known::*;

use super::blocks::{self, Coding, Extent, Shape};
use super::error_map;
use super::wav::array;
use crate::domain::Reason;

const MAX_CHUNKS: usize = 4096;

/// The layout of an AIFF file according to its header.
#[derive(Debug, Clone)]
pub struct Layout {
    pub extent: Extent,
    /// Error: the message for an unsupported codec.
    pub coding: Result<Coding, Reason>,
    pub notes: Vec<String>,
}

/// The chunk `COMM`.
struct Common {
    /// Samples per channel.
    samples: u64,
    coding: Result<Coding, Reason>,
}

pub fn is_aiff(first: &[u8]) -> bool {
    first.starts_with(b"FORM") && matches!(first.get(8..12), Some(b"AIFF" | b"AIFC"))
}

impl Layout {
    /// Walks the chunks. None if there are no samples or no `COMM`.
    ///
    /// Errors: unexpected end of file inside `COMM`.
    pub fn read(file: &mut File, bytes: u64) -> io::Result<Option<Layout>> {
        let end = 8 + u64::from(u32::from_be_bytes(array(file, 4)?));
        let (mut common, mut sound, mut at) = (None, None, 12);
        for _ in 0..MAX_CHUNKS {
            let header = match array::<8>(file, at) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                other => other?,
            };
            let [a, b, c, d, size @ ..] = header;
            let (start, size) = (at + 8, u64::from(u32::from_be_bytes(size)));
            match &[a, b, c, d] {
                b"COMM" => common = Some(Common::read(file, start, size)?),
                b"SSND" if sound.is_none() => {
                    let offset = u64::from(u32::from_be_bytes(array(file, start).unwrap_or_default()));
                    sound = Some((start + 8 + offset, size.saturating_sub(8 + offset)));
                }
                _ => (),
            }
            at = start.saturating_add(size).saturating_add(size & 1);
        }
        Ok(common.zip(sound).map(|(common, (start, size))| Layout::new(common, start, size, end, bytes)))
    }

    fn new(common: Common, start: u64, size: u64, end: u64, bytes: u64) -> Layout {
        let there = bytes.saturating_sub(start);
        let (block, samples) = common.coding.as_ref().map_or((1, 1), |coding| (coding.block, coding.samples));
        // The number of blocks is stored twice; a streaming writer knows neither.
        let counted = Some(common.samples.div_ceil(samples).saturating_mul(block)).filter(|counted| *counted > 0);
        let announced = match size {
            0 => counted.unwrap_or(there),
            size => counted.map_or(size, |counted| counted.min(size)),
        };
        let missing = announced.saturating_sub(there);
        let mut notes = Vec::new();
        if missing > 0 {
            notes.push(format!("{missing} bytes that its header announces are missing"));
        }
        // If the outermost header contradicts the length, no audio is missing.
        let missing = if end <= bytes { 0 } else { missing };
        Layout {
            extent: Extent { start, length: announced.min(there), missing, unread: 0 },
            coding: common.coding,
            notes,
        }
    }
}

impl Common {
    fn read(file: &mut File, start: u64, size: u64) -> io::Result<Common> {
        let bytes = array::<18>(file, start)?;
        let short = |at: usize| u32::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
        let samples = u64::from(short(2)) << 16 | u64::from(short(4));
        let shape = Shape { channels: short(0), rate: rate([8, 10, 12, 14, 16].map(short)), speakers: 0 };
        let compression = if size >= 22 { array::<4>(file, start + 18)? } else { *b"NONE" };
        Ok(Common { samples, coding: coding(compression, short(6), shape) })
    }
}

/// Converts an 80-bit float (15 bits of exponent, 64 of mantissa) to an integer rate.
fn rate([exponent, high, low, ..]: [u32; 5]) -> u32 {
    let mantissa = u64::from(high) << 16 | u64::from(low);
    let shift = i64::from(exponent & 0x7FFF) - 16_383 - 31;
    match shift {
        0..32 => u32::try_from(mantissa << shift).unwrap_or(u32::MAX),
        -32..0 => (mantissa >> -shift) as u32,
        32.. => u32::MAX,
        _ => 0,
    }
}

fn coding(compression: [u8; 4], bits: u32, shape: Shape) -> Result<Coding, Reason> {
    let pcm = |float, big_endian| {
        let odd = || error_map::foreign(format!("it is PCM with {bits} bits a sample"));
        blocks::samples(blocks::pcm(bits.div_ceil(8), float, big_endian).ok_or_else(odd)?, shape)
    };
    match &compression {
        b"NONE" | b"twos" => pcm(false, true),
        b"sowt" => pcm(false, false),
        b"raw " if bits <= 8 => blocks::samples(CODEC_ID_PCM_U8, shape),
        b"in24" => blocks::samples(CODEC_ID_PCM_S24BE, shape),
        b"in32" => blocks::samples(CODEC_ID_PCM_S32BE, shape),
        b"fl32" | b"FL32" => blocks::samples(CODEC_ID_PCM_F32BE, shape),
        b"fl64" | b"FL64" => blocks::samples(CODEC_ID_PCM_F64BE, shape),
        b"alaw" | b"ALAW" => blocks::samples(CODEC_ID_PCM_ALAW, shape),
        b"ulaw" | b"ULAW" => blocks::samples(CODEC_ID_PCM_MULAW, shape),
        b"ima4" => blocks::blocks(CODEC_ID_ADPCM_IMA_QT, shape, 34 * u64::from(shape.channels), 64),
        other => {
            let name = crate::text::escape(&String::from_utf8_lossy(other));
            Err(error_map::foreign(format!("it is AIFF-C with the codec '{name}'")))
        }
    }
}
