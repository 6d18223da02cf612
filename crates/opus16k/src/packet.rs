//! Packets: the table of contents and the framing (RFC 6716, 3 and appendix B).
//!
//! ```text
//!  0                       config (5)  s  c (2)       one byte: configuration, stereo, frame count code
//! c = 0                    one frame
//! c = 1                    two frames of the same size
//! c = 2    length          two frames; the first one's length
//! c = 3    v p M (6)       M frames; v: lengths of all but the last, else all of the same size; p: padding
//! ```
//!
//! A length is one byte, or two from 252 on: `4 * second + first`. In the self-delimited framing of appendix B, which
//! all streams but the last of a packet have, the last frame's length (or that of all) is written too.

use std::fmt;

/// The sampling rate of what is decoded, Hz.
pub const RATE: u32 = 16_000;

/// The rate at which positions in Opus containers count, Hz.
pub const CLOCK: u32 = 48_000;

/// Samples at [`CLOCK`] for each one at [`RATE`].
pub(crate) const DOWNSAMPLING: usize = (CLOCK / RATE) as usize;

/// 120 ms at 48 kHz: the longest packet (R5).
const MAX_PACKET: usize = 5760;
/// The longest frame, bytes (R2).
const MAX_FRAME_BYTES: usize = 1275;

/// Table 2: which layers code a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Silk,
    Hybrid,
    Celt,
}

/// Table 1: audio bandwidths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bandwidth {
    Narrow,
    Medium,
    Wide,
    SuperWide,
    Full,
}

/// The table of contents, the first byte of a packet (3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Toc(pub(crate) u8);

impl Toc {
    pub(crate) fn mode(self) -> Mode {
        match self.0 >> 3 {
            0..12 => Mode::Silk,
            12..16 => Mode::Hybrid,
            _ => Mode::Celt,
        }
    }

    pub(crate) fn bandwidth(self) -> Bandwidth {
        match self.0 >> 3 {
            0..4 | 16..20 => Bandwidth::Narrow,
            4..8 => Bandwidth::Medium,
            8..12 | 20..24 => Bandwidth::Wide,
            12..14 | 24..28 => Bandwidth::SuperWide,
            _ => Bandwidth::Full,
        }
    }

    pub(crate) fn channels(self) -> usize {
        1 + usize::from(self.0 >> 2 & 1)
    }

    /// Samples of a frame at 48 kHz.
    fn frame_size_48k(self) -> usize {
        /// 2.5 ms.
        const UNIT: usize = 120;
        let size = usize::from(self.0 >> 3 & 3);
        match self.mode() {
            Mode::Silk => UNIT * [4, 8, 16, 24][size],
            Mode::Hybrid => UNIT * [4, 8][size & 1],
            Mode::Celt => UNIT << size,
        }
    }

    /// Samples of a frame at 16 kHz.
    pub(crate) fn frame_size(self) -> usize {
        self.frame_size_48k() / DOWNSAMPLING
    }
}

/// Why bytes are not a packet, by the rules of section 3.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PacketError {
    /// A packet of another stream was expected, and there is nothing left (R1).
    Empty,
    /// A frame is longer than 1275 bytes (R2).
    FrameTooLong,
    /// Frames of one size do not divide the bytes there are (R3, R6).
    UnevenFrames,
    /// A length is missing, or larger than what is left (R4, R7).
    BadLength,
    /// There is no frame, or more than 120 ms of them (R5).
    BadFrameCount,
    /// The padding is longer than the packet (R6, R7).
    BadPadding,
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PacketError::Empty => "an Opus packet is empty",
            PacketError::FrameTooLong => "a frame of an Opus packet is longer than 1275 bytes",
            PacketError::UnevenFrames => "the frames of an Opus packet are not of one size",
            PacketError::BadLength => "a frame length exceeds its Opus packet",
            PacketError::BadFrameCount => "an Opus packet has no frame or more than 120 ms",
            PacketError::BadPadding => "the padding of an Opus packet exceeds it",
        })
    }
}

impl std::error::Error for PacketError {}

/// The frames of one packet of one stream.
pub(crate) struct Frames<'a> {
    pub(crate) toc: Toc,
    pub(crate) data: Vec<&'a [u8]>,
}

impl<'a> Frames<'a> {
    /// The frames of a packet that takes all `bytes`. No bytes stand for a lost frame of 20 ms.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Frames<'a>, PacketError> {
        if bytes.is_empty() {
            /// SILK, 20 ms.
            const LOST: Toc = Toc(1 << 3);
            return Ok(Frames { toc: LOST, data: vec![&[]] });
        }
        parse(bytes, false).map(|(frames, _)| frames)
    }

    /// Whether the first frame has LBRR data of the lost one before it, in any channel (opus_packet_has_lbrr).
    pub(crate) fn has_lbrr(&self) -> bool {
        let Some([flags, _, ..]) = self.data.first().filter(|_| self.toc.mode() != Mode::Celt) else { return false };
        // One voice activity flag of each SILK frame, then the LBRR flag; and the same of the second channel.
        let each = self.toc.frame_size().div_ceil(RATE as usize / 50) + 1;
        (1..=self.toc.channels()).any(|channel| flags >> (8 - channel * each) & 1 == 1)
    }

    /// The frames of the self-delimited packet that `bytes` begin with, and what follows it.
    pub(crate) fn parse_self_delimited(bytes: &'a [u8]) -> Result<(Frames<'a>, &'a [u8]), PacketError> {
        parse(bytes, true)
    }
}

fn parse(bytes: &[u8], self_delimited: bool) -> Result<(Frames<'_>, &[u8]), PacketError> {
    let (&toc, mut rest) = bytes.split_first().ok_or(PacketError::Empty)?;
    let toc = Toc(toc);
    let (mut count, mut variable, mut padding) = (1, false, 0);
    match toc.0 & 3 {
        0 => (),
        1 => count = 2,
        2 => (count, variable) = (2, true),
        _ => {
            let (&frames, behind) = rest.split_first().ok_or(PacketError::BadLength)?;
            (count, variable, rest) = (usize::from(frames & 63), frames & 0x80 != 0, behind);
            if count == 0 || count * toc.frame_size_48k() > MAX_PACKET {
                return Err(PacketError::BadFrameCount);
            }
            if frames & 0x40 != 0 {
                padding = read_padding(&mut rest)?;
            }
        }
    }
    let before_last = if variable { count - 1 } else { 0 };
    let mut lengths: Vec<usize> = Vec::with_capacity(count);
    for _ in 0..before_last {
        lengths.push(read_length(&mut rest)?);
    }
    let last = if self_delimited { Some(read_length(&mut rest)?) } else { None };
    let available = rest.len().checked_sub(padding).ok_or(PacketError::BadPadding)?;
    let coded: usize = lengths.iter().sum();
    let others = count - lengths.len();
    let each = match last {
        Some(last) => last,
        None => {
            let left = available.checked_sub(coded).ok_or(PacketError::BadLength)?;
            if left % others != 0 {
                return Err(PacketError::UnevenFrames);
            }
            left / others
        }
    };
    lengths.resize(count, each);
    if lengths.iter().sum::<usize>() > available {
        return Err(PacketError::BadLength);
    }
    if lengths.iter().any(|&length| length > MAX_FRAME_BYTES) {
        return Err(PacketError::FrameTooLong);
    }
    let mut data = Vec::with_capacity(count);
    for length in lengths {
        let (frame, behind) = rest.split_at(length);
        data.push(frame);
        rest = behind;
    }
    Ok((Frames { toc, data }, &rest[padding..]))
}

/// Section 3.2.1.
fn read_length(rest: &mut &[u8]) -> Result<usize, PacketError> {
    let (length, behind) = match **rest {
        [length @ 0..252, ref behind @ ..] => (usize::from(length), behind),
        [low, high, ref behind @ ..] => (4 * usize::from(high) + usize::from(low), behind),
        _ => return Err(PacketError::BadLength),
    };
    *rest = behind;
    Ok(length)
}

/// Section 3.2.5: each byte of 255 stands for 254 bytes of padding and one more byte of the length.
fn read_padding(rest: &mut &[u8]) -> Result<usize, PacketError> {
    let mut padding = 0;
    loop {
        let (&byte, behind) = rest.split_first().ok_or(PacketError::BadPadding)?;
        *rest = behind;
        if byte < 255 {
            return Ok(padding + usize::from(byte));
        }
        padding += 254;
    }
}

/// Samples at 48 kHz that a packet gives, by its table of contents; an empty one stands for 20 ms.
///
/// It reads two bytes at most, and does not say whether the packet is well-formed.
///
/// ```
/// // SILK, wideband, 20 ms, one frame.
/// assert_eq!(opus16k::packet_length(&[9 << 3]), 960);
/// ```
pub fn packet_length(packet: &[u8]) -> usize {
    let [toc, rest @ ..] = packet else { return CLOCK as usize / 50 };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => rest.first().map_or(1, |count| usize::from(count & 63)),
    };
    (frames * Toc(*toc).frame_size_48k()).min(MAX_PACKET)
}

/// Whether bytes are a well-formed packet of one stream.
pub fn is_packet(bytes: &[u8]) -> bool {
    !bytes.is_empty() && Frames::parse(bytes).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference_tests::random;

    #[test]
    fn every_table_of_contents_says_what_the_reference_says() {
        for byte in 0..=255 {
            let (ours, reference) = (Toc(byte), ruopus::Toc::new(byte));
            assert_eq!(ours.frame_size_48k(), reference.frame_size().samples_per_channel_48k());
            assert_eq!(ours.channels(), usize::from(reference.channels()));
            assert_eq!(
                format!("{:?}Only", ours.mode()).replace("HybridOnly", "Hybrid"),
                format!("{:?}", reference.mode())
            );
            assert_eq!(format!("{:?}Band", ours.bandwidth()), format!("{:?}", reference.bandwidth()));
        }
    }

    #[test]
    fn packets_have_the_frames_that_the_reference_finds() {
        let (mut random, mut parsed) = (random(1), 0);
        for _ in 0..200_000 {
            let mut bytes: Vec<u8> = (0..random() % 40).map(|_| random() as u8).collect();
            // Small counts and lengths, of which more are right.
            bytes.iter_mut().skip(1).take(4).for_each(|byte| *byte = if *byte < 200 { *byte % 8 } else { *byte });
            let reference = ruopus::Packet::parse(&bytes);
            if !bytes.is_empty() {
                assert_eq!(is_packet(&bytes), reference.is_ok(), "{bytes:?}");
            }
            if let Ok(reference) = reference {
                assert_eq!(Frames::parse(&bytes).ok().map(|frames| frames.data), Some(reference.frames().to_vec()));
                parsed += 1;
            }
            let ours = Frames::parse_self_delimited(&bytes).ok();
            let reference = ruopus::Packet::parse_self_delimited(&bytes).ok();
            assert_eq!(ours.is_some(), reference.is_some(), "{bytes:?}");
            if let (Some((ours, rest)), Some((reference, used))) = (ours, reference) {
                assert_eq!((&ours.data[..], rest), (reference.frames(), &bytes[used..]), "{bytes:?}");
            }
        }
        assert!(parsed > 20_000, "{parsed}");
    }

    #[test]
    fn lengths_are_those_of_the_table_of_contents() {
        assert_eq!(
            [&[][..], &[8 << 3 | 1], &[28 << 3], &[3, 5], &[3 << 3 | 3, 63]].map(packet_length),
            [960, 960, 120, 2_400, 5_760]
        );
    }
}
