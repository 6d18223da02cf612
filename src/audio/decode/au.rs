//! Sun's and NeXT's AU (`.au`, `.snd`): a header of 24 bytes or more, big-endian, and samples.
//!
//! Invariant: reads the header only.

use std::fs::File;
use std::io;

use symphonia::core::codecs::audio::well_known::*;

use super::blocks::{self, Coding, Extent, Shape};
use super::error_map;
use super::wav::array;
use crate::domain::Reason;

/// The length field of writers that did not know the length.
const UNKNOWN: u32 = u32::MAX;

/// The layout of an AU file according to its header.
#[derive(Debug, Clone)]
pub struct Layout {
    pub extent: Extent,
    /// Error: the message for an unsupported codec.
    pub coding: Result<Coding, Reason>,
    /// The header contains no length.
    pub open: bool,
    pub notes: Vec<String>,
}

/// Unsupported codecs by their number.
const OTHERS: [(u32, &str); 5] = [
    (23, "G.721 ADPCM"),
    (24, "G.722"),
    (25, "G.723 ADPCM (3 bits)"),
    (26, "G.723 ADPCM (5 bits)"),
    (8, "fragmented AU"),
];

impl Layout {
    /// Reads the header. Errors: the file is shorter than the header.
    pub fn read(file: &mut File, bytes: u64) -> io::Result<Layout> {
        let header = array::<24>(file, 0)?;
        let number = |at: usize| header[at..].first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
        let start = u64::from(number(4)).max(24);
        let there = bytes.saturating_sub(start);
        let open = number(8) == UNKNOWN || number(8) == 0;
        let announced = if open { there } else { u64::from(number(8)) };
        let mut notes = Vec::new();
        let over = announced.saturating_sub(there);
        match announced.checked_sub(there) {
            Some(missing) if missing > 0 => {
                notes.push(format!("{missing} bytes that its header announces are missing"))
            }
            None => {
                notes.push(format!("{} bytes follow what its header announces; they are ignored", there - announced))
            }
            Some(_) => (),
        }
        let extent = Extent { start, length: announced.min(there), missing: over, unread: 0 };
        let shape = Shape { channels: number(20), rate: number(16), speakers: 0 };
        Ok(Layout { extent, coding: coding(number(12), shape), open, notes })
    }
}

fn coding(encoding: u32, shape: Shape) -> Result<Coding, Reason> {
    let codec = match encoding {
        1 => CODEC_ID_PCM_MULAW,
        2 => CODEC_ID_PCM_S8,
        3 => CODEC_ID_PCM_S16BE,
        4 => CODEC_ID_PCM_S24BE,
        5 => CODEC_ID_PCM_S32BE,
        6 => CODEC_ID_PCM_F32BE,
        7 => CODEC_ID_PCM_F64BE,
        27 => CODEC_ID_PCM_ALAW,
        other => {
            let name = OTHERS.iter().find(|(number, _)| *number == other).map(|(_, name)| (*name).to_owned());
            let name = name.unwrap_or_else(|| format!("encoding {other}"));
            return Err(error_map::foreign(format!("it is {name} in AU")));
        }
    };
    blocks::samples(codec, shape)
}
