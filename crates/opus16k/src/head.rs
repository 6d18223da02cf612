//! The identification header of an Opus stream, and how its elementary streams make up one channel (RFC 7845, 5.1).

use std::fmt;

/// The most channels of mapping family 1, and of what is decoded.
const MAX_CHANNELS: u8 = 8;

/// An identification header, validated.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// Channels of the stream, 1 to 8.
    pub channels: u8,
    /// Samples at 48 kHz to drop from the start of the decoded stream.
    pub pre_skip: u16,
    /// Linear factor of the header's output gain.
    pub(crate) gain: f32,
    /// The weight of each elementary stream in the mono mix, 0 to 1.
    pub(crate) weights: Vec<f32>,
}

/// Why a header cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeadError {
    /// It has fewer than 19 bytes.
    TooShort,
    /// It does not start with `OpusHead`.
    NoMagic,
    /// A major version that this crate does not know.
    Version(u8),
    /// No channel, or more than 8.
    Channels(u8),
    /// More than two channels in mapping family 0.
    ChannelsOfFamily0(u8),
    /// The channel mapping table ends too early.
    ShortMapping,
    /// No stream, too many, or more stereo streams than there are streams.
    Streams {
        /// The number of streams.
        streams: u8,
        /// How many of them are stereo.
        coupled: u8,
    },
    /// A channel is mapped to a stream that does not exist.
    Mapping(u8),
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeadError::TooShort => write!(f, "its Opus header is too short"),
            HeadError::NoMagic => write!(f, "its Opus header does not start with OpusHead"),
            HeadError::Version(version) => write!(f, "its Opus header has the unknown version {version}"),
            HeadError::Channels(channels) => {
                write!(f, "its Opus stream has {channels} channels; 1 to {MAX_CHANNELS} are supported")
            }
            HeadError::ChannelsOfFamily0(channels) => {
                write!(f, "its Opus header names {channels} channels in mapping family 0, which has 2 at most")
            }
            HeadError::ShortMapping => write!(f, "its Opus channel mapping table is cut short"),
            HeadError::Streams { streams, coupled } => {
                write!(f, "its Opus channel mapping names {streams} streams, {coupled} of them stereo")
            }
            HeadError::Mapping(channel) => {
                write!(f, "its Opus channel mapping names channel {channel}, which no stream holds")
            }
        }
    }
}

impl std::error::Error for HeadError {}

impl From<HeadError> for String {
    fn from(error: HeadError) -> String {
        error.to_string()
    }
}

impl Head {
    /// Reads an `OpusHead` packet (Ogg, Matroska), or the content of an MP4 `dOps` box behind the same eight letters.
    ///
    /// # Errors
    ///
    /// What is wrong with the header.
    pub fn parse(bytes: &[u8]) -> Result<Head, HeadError> {
        let fixed: &[u8; 19] = bytes.first_chunk().ok_or(HeadError::TooShort)?;
        let [b'O', b'p', b'u', b's', b'H', b'e', b'a', b'd', version, channels, fields @ .., family] = fixed else {
            return Err(HeadError::NoMagic);
        };
        let [skip_0, skip_1, _, _, _, _, gain_0, gain_1] = *fields;
        // MP4 has version 0 and big-endian numbers; all others have version 1 to 15.
        let (pre_skip, gain) = match version {
            0 => (u16::from_be_bytes([skip_0, skip_1]), i16::from_be_bytes([gain_0, gain_1])),
            1..=15 => (u16::from_le_bytes([skip_0, skip_1]), i16::from_le_bytes([gain_0, gain_1])),
            &newer => return Err(HeadError::Version(newer)),
        };
        if *channels == 0 || *channels > MAX_CHANNELS {
            return Err(HeadError::Channels(*channels));
        }
        let weights = stream_weights(*family, *channels, bytes.get(19..).unwrap_or_default())?;
        let gain = 10f32.powf(f32::from(gain) / (20.0 * 256.0));
        Ok(Head { channels: *channels, pre_skip, gain, weights })
    }
}

/// The weight of each elementary stream in the mono mix.
fn stream_weights(family: u8, channels: u8, table: &[u8]) -> Result<Vec<f32>, HeadError> {
    match (family, table) {
        (0, _) if channels <= 2 => Ok(vec![1.0]),
        (0, _) => Err(HeadError::ChannelsOfFamily0(channels)),
        (_, &[streams, coupled, ref mapping @ ..]) if mapping.len() >= usize::from(channels) => {
            mapped_weights(family, streams, coupled, &mapping[..usize::from(channels)])
        }
        _ => Err(HeadError::ShortMapping),
    }
}

/// Counts for each stream the output channels that it feeds. The low-frequency channel of surround layouts (family 1,
/// the last from six channels on) is left out.
fn mapped_weights(family: u8, streams: u8, coupled: u8, mapping: &[u8]) -> Result<Vec<f32>, HeadError> {
    if streams == 0 || streams > MAX_CHANNELS || coupled > streams {
        return Err(HeadError::Streams { streams, coupled });
    }
    let mixed = if family == 1 && mapping.len() >= 6 { mapping.len() - 1 } else { mapping.len() };
    let mut weights = vec![0.0; usize::from(streams)];
    for &channel in &mapping[..mixed] {
        let stream = if u16::from(channel) < 2 * u16::from(coupled) { channel / 2 } else { channel - coupled };
        match weights.get_mut(usize::from(stream)) {
            Some(weight) => *weight += 1.0 / mixed as f32,
            None if channel == 255 => (), // a silent channel
            None => return Err(HeadError::Mapping(channel)),
        }
    }
    Ok(weights)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn head(channels: u8, family: u8, table: &[u8]) -> Vec<u8> {
        let mut bytes = b"OpusHead\x01".to_vec();
        bytes.extend([channels, 0x38, 0x01, 0x80, 0xBB, 0, 0, 0, 0, family]);
        bytes.extend(table);
        bytes
    }

    #[test]
    fn a_head_says_what_to_skip_and_how_to_mix() {
        let stereo = Head::parse(&head(2, 0, &[])).unwrap();
        assert_eq!((stereo.channels, stereo.pre_skip, stereo.weights), (2, 312, vec![1.0]));
        // 5.1 in the order of Vorbis: left, centre, right, rear left, rear right, low frequencies.
        let surround = Head::parse(&head(6, 1, &[4, 2, 0, 4, 1, 2, 3, 5])).unwrap();
        assert_eq!(surround.weights, vec![0.4, 0.4, 0.2, 0.0]);
    }

    #[test]
    fn invalid_heads_are_refused() {
        let invalid: [(u8, u8, &[u8]); 7] = [
            (0, 0, &[]),
            (255, 0, &[]),
            (3, 0, &[]),
            (2, 1, &[0, 0, 0, 1]),
            (2, 1, &[1, 2, 0, 1]),
            (2, 1, &[1, 1, 0, 9]),
            (6, 1, &[4, 2, 0]),
        ];
        for (channels, family, table) in invalid {
            assert!(Head::parse(&head(channels, family, table)).is_err(), "{channels} {family} {table:?}");
        }
        assert!((0..27).all(|length| Head::parse(&head(6, 1, &[4, 2, 0, 4, 1, 2, 3, 5])[..length]).is_err()));
    }
}
