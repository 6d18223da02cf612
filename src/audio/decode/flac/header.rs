//! Parses frame headers (RFC 9639, 9.1) and the STREAMINFO block (RFC 9639, 8.2).

/// Length of a STREAMINFO block.
pub const STREAM_INFO: usize = 34;

/// The parameters of a frame; one decoder can decode all frames with the same parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    pub rate: u32,
    pub channels: u32,
    pub bits: u32,
}

/// The STREAMINFO block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamInfo {
    pub kind: Kind,
    /// Size of the smallest frame, bytes; 0 if unknown.
    pub min_frame: u32,
    pub samples: Option<u64>,
}

impl StreamInfo {
    pub fn parse(bytes: &[u8]) -> Option<StreamInfo> {
        let bytes: &[u8; STREAM_INFO] = bytes.first_chunk()?;
        let packed = u64::from_be_bytes(*bytes[10..].first_chunk()?);
        let kind = Kind {
            rate: (packed >> 44) as u32,
            channels: (packed >> 41 & 7) as u32 + 1,
            bits: (packed >> 36 & 31) as u32 + 1,
        };
        let samples = packed & ((1 << 36) - 1);
        let min_frame = u32::from_be_bytes([0, bytes[4], bytes[5], bytes[6]]);
        (kind.rate > 0).then_some(StreamInfo { kind, min_frame, samples: Some(samples).filter(|samples| *samples > 0) })
    }

    /// Builds a block for frames with these parameters.
    pub fn for_kind(kind: Kind) -> [u8; STREAM_INFO] {
        let mut bytes = [0; STREAM_INFO];
        bytes[..4].copy_from_slice(&[0, 16, 0xFF, 0xFF]);
        let packed = u64::from(kind.rate) << 44 | u64::from(kind.channels - 1) << 41 | u64::from(kind.bits - 1) << 36;
        bytes[10..18].copy_from_slice(&packed.to_be_bytes());
        bytes
    }
}

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub kind: Kind,
    /// Samples per channel.
    pub samples: u64,
    /// The number of the frame, or of its first sample.
    pub number: u64,
    /// Whether the number is that of the first sample.
    pub counts_samples: bool,
    /// Size of the header, bytes.
    pub length: usize,
}

impl Header {
    /// Parses the header at the start of `bytes`; None if its checksum is wrong. `default` provides omitted values.
    pub fn parse(bytes: &[u8], default: Option<Kind>) -> Option<Header> {
        let [0xFF, second @ (0xF8 | 0xF9), third, fourth] = *bytes.first_chunk()? else {
            return None;
        };
        let (number, width) = number(bytes.get(4..)?)?;
        let mut at = 4 + width;
        let samples = match third >> 4 {
            0 => return None,
            1 => 192,
            code @ 2..=5 => 576 << (code - 2),
            6 => u64::from(read_number(bytes, &mut at, 1)?) + 1,
            7 => u64::from(read_number(bytes, &mut at, 2)?) + 1,
            code => 256 << (code - 8),
        };
        let rate = match third & 15 {
            0 => default?.rate,
            12 => read_number(bytes, &mut at, 1)? * 1000,
            13 => read_number(bytes, &mut at, 2)?,
            14 => read_number(bytes, &mut at, 2)? * 10,
            code => *RATES.get(usize::from(code) - 1)?,
        };
        let bits = match fourth >> 1 & 7 {
            0 => default?.bits,
            3 => return None,
            code => [8, 12, 0, 16, 20, 24, 32][usize::from(code) - 1],
        };
        let channels = match fourth >> 4 {
            code @ 0..8 => u32::from(code) + 1,
            8..=10 => 2,
            _ => return None,
        };
        let checksum = *bytes.get(at)?;
        let is_right = fourth & 1 == 0 && rate > 0 && crc8(&bytes[..at]) == checksum;
        let kind = Kind { rate, channels, bits };
        is_right.then_some(Header { kind, samples, number, counts_samples: second & 1 == 1, length: at + 1 })
    }

    /// Whether `next` is the directly following frame, according to its number.
    pub fn precedes(&self, next: &Header) -> bool {
        next.number == self.number + 1 || next.number == self.number + self.samples
    }

    /// Maximum size of such a frame: uncompressed samples and 1 KiB for all headers.
    pub fn max_length(&self) -> usize {
        self.samples as usize * self.kind.channels as usize * (self.kind.bits as usize + 1) / 8 + 1024
    }
}

const RATES: [u32; 11] = [88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000];

/// Reads a number of `width` bytes at `at` and advances `at`.
fn read_number(bytes: &[u8], at: &mut usize, width: usize) -> Option<u32> {
    let number = bytes.get(*at..*at + width)?.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
    *at += width;
    Some(number)
}

/// Reads a number of up to 36 bits in UTF-8 coding; returns also its width.
fn number(bytes: &[u8]) -> Option<(u64, usize)> {
    let first = *bytes.first()?;
    let width = match first.leading_ones() {
        0 => return Some((u64::from(first), 1)),
        width @ 2..=7 => width as usize,
        _ => return None,
    };
    let mut number = u64::from(first) & (0x7F >> width);
    for byte in bytes.get(1..width)? {
        if byte >> 6 != 2 {
            return None;
        }
        number = number << 6 | u64::from(byte & 0x3F);
    }
    Some((number, width))
}

/// CRC-8 with polynomial x^8 + x^2 + x + 1.
fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc: u8, byte| {
        (0..8).fold(crc ^ byte, |crc, _| if crc & 0x80 != 0 { crc << 1 ^ 0x07 } else { crc << 1 })
    })
}

/// CRC-16 with polynomial x^16 + x^15 + x^2 + 1, one byte at a time.
pub const CRC16: [u16; 256] = {
    let (mut table, mut byte) = ([0; 256], 0);
    while byte < 256 {
        let (mut crc, mut bit) = ((byte as u16) << 8, 0);
        while bit < 8 {
            crc = if crc & 0x8000 != 0 { crc << 1 ^ 0x8005 } else { crc << 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

pub fn crc16(crc: u16, byte: u8) -> u16 {
    crc << 8 ^ CRC16[usize::from((crc >> 8) as u8 ^ byte)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The frames of RFC 9639's examples (appendix D): one sample, two channels of 16 bits at 44,100 Hz.
    #[test]
    fn the_examples_of_the_standard_are_parsed() {
        let header = Header::parse(&[0xFF, 0xF8, 0x69, 0x18, 0x00, 0x00, 0xBF], None).unwrap();
        assert_eq!(header.kind, Kind { rate: 44_100, channels: 2, bits: 16 });
        assert_eq!((header.samples, header.number, header.length), (1, 0, 7));
        let frame = [0xFF, 0xF8, 0x69, 0x18, 0, 0, 0xBF, 0x03, 0x58, 0xFD, 0x03, 0x12, 0x8B, 0xAA, 0x9A];
        assert_eq!(frame.iter().fold(0, |crc, byte| crc16(crc, *byte)), 0);
    }

    #[test]
    fn a_built_stream_info_has_the_given_parameters() {
        let kind = Kind { rate: 48_000, channels: 6, bits: 24 };
        assert_eq!(
            StreamInfo::parse(&StreamInfo::for_kind(kind)),
            Some(StreamInfo { kind, min_frame: 0, samples: None })
        );
    }

    #[test]
    fn the_first_byte_determines_the_width_of_a_number() {
        assert_eq!(number(&[0x24]), Some((36, 1)));
        assert_eq!(number(&[0xE2, 0x82, 0xAC]), Some((0x20AC, 3)));
        assert_eq!(number(&[0xFE, 0xBF, 0xBF, 0xBF, 0xBF, 0xBF, 0xBF]), Some(((1 << 36) - 1, 7)));
        assert_eq!(number(&[0xE2, 0x02, 0xAC]), None);
        assert_eq!(number(&[0x80]), None);
    }
}
