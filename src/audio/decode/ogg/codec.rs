//! Codecs in Ogg: parses their header packets and determines the length of each packet.
//!
//! Invariant: a packet's length follows from the packet (and the previous one, in Vorbis), never from the container.

use symphonia::core::audio::Channels;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known::{CODEC_ID_FLAC, CODEC_ID_OPUS, CODEC_ID_VORBIS};
use symphonia::core::formats::Track;

use super::vorbis::Vorbis;

/// Unsupported codecs by the start of their first packet; an empty name is not audio or video.
const UNSUPPORTED_CODECS: [(&[u8], &str); 10] = [
    (b"Speex   ", "Speex"),
    (b"CELT    ", "CELT"),
    (b"PCM     ", "PCM"),
    (b"\x7FFLAC", "FLAC of an unknown version"),
    (b"fishead\0", ""),
    (b"fisbone\0", ""),
    (b"\x80theora", "Theora video"),
    (b"BBCD\0", "Dirac video"),
    (b"OVP80", "VP8 video"),
    (b"\x01video", "video"),
];

/// The Opus header for a stream whose first page is lost: one or two channels, depending on the packet; the pre-skip is
/// unknown.
const DEFAULT_HEAD: &[u8; 19] = b"OpusHead\x01\x02\0\0\x80\xBB\0\0\0\0\0";

/// The type of a stream, determined by its first packet.
pub enum Identity {
    Audio(Codec),
    /// Known but not supported; not audio or video if the name is empty.
    Unsupported(&'static str),
    Unknown,
}

/// A codec and the data of its headers so far.
pub enum Codec {
    Opus { head: Vec<u8> },
    Vorbis(Vorbis),
    Flac { info: [u8; 34] },
}

/// The type of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    Header,
    /// A comment header; its comments start at this offset.
    Comment(usize),
    /// Audio of this many samples, of which the first are to be dropped.
    Sound {
        length: u64,
        discard: u64,
    },
}

impl Codec {
    pub fn identify(packet: &[u8]) -> Identity {
        if packet.starts_with(b"OpusHead") {
            return Identity::Audio(Codec::Opus { head: packet.to_vec() });
        }
        if let Some(vorbis) = Vorbis::new(packet) {
            return Identity::Audio(Codec::Vorbis(vorbis));
        }
        // The mapping's own 13 bytes, a block header of 4, and the block (RFC 9639, 10.1).
        if let [0x7F, b'F', b'L', b'A', b'C', 1, _, _, _, b'f', b'L', b'a', b'C', 0 | 0x80, 0, 0, 34, info @ ..] =
            packet
            && let Some(&info) = info.first_chunk()
        {
            return Identity::Audio(Codec::Flac { info });
        }
        let known = UNSUPPORTED_CODECS.iter().find(|(mark, _)| packet.starts_with(mark));
        known.map_or(Identity::Unknown, |(_, name)| Identity::Unsupported(name))
    }

    /// Opus without its first page.
    pub fn headless() -> Codec {
        Codec::Opus { head: DEFAULT_HEAD.to_vec() }
    }

    /// Samples per second of its granule positions.
    pub fn rate(&self) -> u32 {
        match self {
            Codec::Opus { .. } => opus16k::CLOCK,
            Codec::Vorbis(vorbis) => vorbis.rate,
            Codec::Flac { info } => u32::from_be_bytes([0, info[10], info[11], info[12]]) >> 4,
        }
    }

    /// Whether all headers that the decoder needs were read.
    pub fn is_ready(&self) -> bool {
        match self {
            Codec::Vorbis(vorbis) => vorbis.is_ready(),
            _ => true,
        }
    }

    /// Processes the next packet and returns its type.
    pub fn content(&mut self, packet: &[u8]) -> Content {
        match self {
            // A recorder that continues a stream may repeat its headers.
            Codec::Opus { .. } => match packet {
                [b'O', b'p', b'u', b's', b'T', b'a', b'g', b's', ..] => Content::Comment(8),
                [b'O', b'p', b'u', b's', b'H', b'e', b'a', b'd', ..] => Content::Header,
                _ => Content::Sound { length: opus16k::packet_length(packet) as u64, discard: 0 },
            },
            Codec::Vorbis(vorbis) => vorbis.content(packet),
            Codec::Flac { .. } => match packet {
                [0xFF, ..] => Content::Sound { length: flac_length(packet).unwrap_or(0), discard: 0 },
                // The header of a metadata block has four bytes.
                [4 | 0x84, ..] => Content::Comment(4),
                _ => Content::Header,
            },
        }
    }

    /// The track description for symphonia. None before all headers are read.
    pub fn track(&self, serial: u32) -> Option<Track> {
        let mut parameters = AudioCodecParameters::new();
        let (codec, channels, data) = match self {
            Codec::Opus { head, .. } => (CODEC_ID_OPUS, head.get(9).copied().unwrap_or(0), head.clone()),
            Codec::Vorbis(vorbis) => (CODEC_ID_VORBIS, vorbis.channels, vorbis.headers()?),
            Codec::Flac { info } => {
                parameters.with_bits_per_sample((u32::from(info[12] & 1) << 4 | u32::from(info[13] >> 4)) + 1);
                (CODEC_ID_FLAC, (info[12] >> 1 & 7) + 1, info.to_vec())
            }
        };
        parameters.for_codec(codec).with_sample_rate(self.rate()).with_extra_data(data.into());
        if channels > 0 {
            parameters.with_channels(Channels::Discrete(u16::from(channels)));
        }
        let mut track = Track::new(serial);
        track.with_codec_params(CodecParameters::Audio(parameters));
        Some(track)
    }
}

/// Number of samples in a FLAC frame, from its header (RFC 9639, 9.1).
fn flac_length(frame: &[u8]) -> Option<u64> {
    let &[0xFF, 0xF8 | 0xF9, sizes, _, number, ..] = frame else { return None };
    let coded = match number.leading_ones() {
        0 => 1,
        ones @ 2..=7 => ones as usize,
        _ => return None,
    };
    let at = 4 + coded;
    match sizes >> 4 {
        0 => None,
        1 => Some(192),
        code @ 2..=5 => Some(576 << (code - 2)),
        6 => frame.get(at).map(|&size| u64::from(size) + 1),
        7 => Some(u64::from(u16::from_be_bytes([*frame.get(at)?, *frame.get(at + 1)?])) + 1),
        code => Some(256 << (code - 8)),
    }
}

/// Whether a stream without its first page is Opus: it contains `OpusTags`, or it has many packets, all of which are
/// well-formed and most of which have the same configuration. The first bits of Vorbis packets vary.
pub fn are_opus(packets: &[Vec<u8>]) -> bool {
    let configuration = |packet: &Vec<u8>| packet.first().map(|toc| toc >> 2);
    let same = packets.windows(2).filter(|pair| configuration(&pair[0]) == configuration(&pair[1])).count();
    let are_alike = packets.len() >= 8 && 4 * same >= 3 * (packets.len() - 1);
    let is_named = |packet: &Vec<u8>| packet.starts_with(b"OpusTags");
    packets.iter().any(is_named) || are_alike && packets.iter().all(|packet| opus16k::is_packet(packet))
}
