//! Parses the four-byte header of a frame (ISO 11172-3, 2.4.1.3; 13818-3).

use crate::audio::decode::sync::FrameHeader;

/// kbit/s by bitrate index: version 1 layers I, II, III; version 2 layer I; version 2 layers II and III.
const BITRATES: [[u32; 14]; 5] = [
    [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/// Maximum length of a free-format frame: the limit of nanomp3.
const MAX_FREE: usize = 2304;

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub layer: u8,
    pub rate: u32,
    pub channels: u32,
    /// Samples per channel.
    pub samples: u64,
    /// Length of the frame in bytes; None in free format, where the next header determines it.
    length: Option<usize>,
    padding: usize,
    /// Size of the side information of layer III, bytes.
    pub side: usize,
    version: u8,
}

impl FrameHeader for Header {
    const MAY_BE_CUT: bool = true;

    /// Parses the header at the start of `bytes`.
    fn parse(bytes: &[u8]) -> Option<Header> {
        let &[0xFF, second, third, fourth] = bytes.first_chunk()? else {
            return None;
        };
        let (version, layer) = ((second >> 3) & 3, 4 - ((second >> 1) & 3));
        let is_first = version == 3;
        let rate =
            [44_100u32, 48_000, 32_000].get(usize::from((third >> 2) & 3))? >> [2, 0, 1, 0][usize::from(version)];
        if second >> 5 != 7 || version == 1 || layer == 4 || fourth & 3 == 2 {
            return None;
        }
        let table = match (is_first, layer) {
            (true, layer) => usize::from(layer) - 1,
            (false, 1) => 3,
            (false, _) => 4,
        };
        let index = usize::from(third >> 4);
        let bitrate = if index == 0 { None } else { Some(BITRATES[table].get(index - 1)? * 1000) };
        let (bits, unit) = match (layer, is_first) {
            (1, _) => (12, 4),
            (3, false) => (72, 1),
            _ => (144, 1),
        };
        let padding = ((third >> 1) & 1) as usize * unit;
        let channels = if fourth >> 6 == 3 { 1 } else { 2 };
        Some(Header {
            layer,
            rate,
            channels,
            samples: [384, 1152, if is_first { 1152 } else { 576 }][usize::from(layer) - 1],
            length: bitrate.map(|bitrate| (bits * bitrate / rate) as usize * unit + padding),
            padding,
            side: match (is_first, channels) {
                (true, 1) => 17,
                (true, _) => 32,
                (false, 1) => 9,
                (false, _) => 17,
            },
            version,
        })
    }

    fn continues(&self, other: &Header) -> bool {
        let known = self.length.is_some() == other.length.is_some();
        known && (self.version, self.layer, self.rate) == (other.version, other.layer, other.rate)
    }

    /// Length of the frame at the start of `bytes`. In free format: the distance to the next header that is followed by
    /// another one at the same distance.
    fn length(&self, bytes: &[u8]) -> Option<usize> {
        if self.length.is_some() {
            return self.length;
        }
        let follows = |at: usize| Header::parse(bytes.get(at..)?).filter(|next| self.continues(next));
        (self.side + 4..MAX_FREE).find(|&length| {
            let Some(second) = follows(length) else { return false };
            let third = length - self.padding + second.padding;
            length > self.padding && (follows(length + third).is_some() || bytes.len() <= length + third + 4)
        })
    }
}

impl Header {
    pub fn is_free(&self) -> bool {
        self.length.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_lengths_match_the_standard() {
        for (bytes, length, samples, rate) in [
            ([0xFF, 0xFB, 0x90, 0x00], 417, 1152, 44_100),
            ([0xFF, 0xFB, 0x92, 0x00], 418, 1152, 44_100),
            ([0xFF, 0xF3, 0x88, 0xC4], 288, 576, 16_000),
            ([0xFF, 0xE3, 0x48, 0xC4], 288, 576, 8_000),
            ([0xFF, 0xFD, 0x84, 0x04], 384, 1152, 48_000),
            ([0xFF, 0xFF, 0x54, 0x04], 160, 384, 48_000),
        ] {
            let header = Header::parse(&bytes).unwrap();
            assert_eq!(
                (header.length(&bytes), header.samples, header.rate),
                (Some(length), samples, rate),
                "{bytes:x?}"
            );
        }
    }

    #[test]
    fn other_bytes_are_not_parsed_as_a_header() {
        for bytes in
            [[0xFF, 0xFB, 0xF0, 0x00], [0xFF, 0xFB, 0x9C, 0x00], [0xFF, 0xF1, 0x50, 0x80], [0xFF, 0xEB, 0x90, 0]]
        {
            assert_eq!(Header::parse(&bytes), None, "{bytes:x?}");
        }
    }
}
