//! Parses the info table (Xing, LAME or Fraunhofer) that the first frame of many files contains instead of audio.

use super::header::Header;

/// Delay of the filter bank (ISO 11172-3), samples; LAME's delay does not include it.
const DECODER_DELAY: u64 = 529;

/// The contents of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Info {
    /// Number of frames in the stream.
    pub frames: Option<u64>,
    /// Encoder delay and padding in samples, if stored.
    pub delay: Option<(u64, u64)>,
}

impl Info {
    /// Parses the table in a frame; None for an audio frame.
    pub fn parse(header: &Header, frame: &[u8]) -> Option<Info> {
        if header.layer != 3 {
            return None;
        }
        // After the checksum, if there is one.
        let checksum = if frame.get(1)? & 1 == 0 { 2 } else { 0 };
        let xing = [4 + header.side, 4 + header.side + checksum].into_iter();
        xing.filter_map(|at| frame.get(at..)).find_map(xing_table).or_else(|| vbri(frame.get(36..)?))
    }
}

fn xing_table(table: &[u8]) -> Option<Info> {
    if !table.starts_with(b"Xing") && !table.starts_with(b"Info") {
        return None;
    }
    let flags = number(table, 4)?;
    let present = |flag: u32, size: usize| if flags & flag != 0 { size } else { 0 };
    let frames = (flags & 1 != 0).then(|| number(table, 8)).flatten();
    let encoder = 8 + present(1, 4) + present(2, 4) + present(4, 100) + present(8, 4);
    Some(Info {
        frames: frames.map(u64::from).filter(|frames| *frames > 0),
        delay: table.get(encoder..).and_then(lame),
    })
}

/// After nine characters of the encoder's name and 12 bytes: 12 bits of delay, 12 bits of padding.
fn lame(encoder: &[u8]) -> Option<(u64, u64)> {
    let known = [&b"LAME"[..], b"Lavf", b"Lavc", b"GOGO"].iter().any(|name| encoder.starts_with(name));
    let [first, second, third] = *encoder.get(21..)?.first_chunk::<3>()?;
    let delay = u64::from(first) << 4 | u64::from(second) >> 4;
    let padding = u64::from(second & 0xF) << 8 | u64::from(third);
    (known && (delay, padding) != (0, 0)).then(|| (delay + DECODER_DELAY, padding.saturating_sub(DECODER_DELAY)))
}

fn vbri(table: &[u8]) -> Option<Info> {
    let frames = table.starts_with(b"VBRI").then(|| number(table, 14)).flatten()?;
    Some(Info { frames: Some(u64::from(frames)).filter(|frames| *frames > 0), delay: None })
}

fn number(table: &[u8], at: usize) -> Option<u32> {
    table.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}
