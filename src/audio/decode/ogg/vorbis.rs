//! Determines the lengths of Vorbis packets from the headers (Vorbis I, 4.2 and 4.3.1).
//!
//! ```text
//! samples = (block size of the previous packet + block size of this packet) / 4;  0 for the first packet
//! ```
//!
//! Invariant: lengths are known only if both headers are valid.

use super::codec::Content;

/// Bits of a mode in the setup header: block flag, window, transform, mapping.
const MODE: usize = 1 + 16 + 16 + 8;
const IDENTIFICATION: usize = 30;

/// A Vorbis stream's headers.
pub struct Vorbis {
    identification: [u8; IDENTIFICATION],
    pub channels: u8,
    pub rate: u32,
    /// Block sizes, short and long.
    blocks: [u64; 2],
    setup: Option<Setup>,
    /// Size of the last packet's block.
    last: Option<u64>,
}

struct Setup {
    packet: Vec<u8>,
    /// Per mode, whether its blocks are long.
    modes: Vec<bool>,
}

/// Whether a packet is a Vorbis header of this type.
pub fn is_header(packet: &[u8], kind: u8) -> bool {
    packet.strip_prefix(&[kind]).is_some_and(|rest| rest.starts_with(b"vorbis"))
}

impl Vorbis {
    /// Parses a stream's first packet.
    pub fn new(packet: &[u8]) -> Option<Vorbis> {
        let identification: &[u8; IDENTIFICATION] = packet.first_chunk().filter(|packet| is_header(*packet, 1))?;
        let [_, _, _, _, _, _, _, 0, 0, 0, 0, channels, a, b, c, d, rest @ ..] = *identification else {
            return None;
        };
        let (sizes, rate) = (rest[12], u32::from_le_bytes([a, b, c, d]));
        let (short, long) = (sizes & 15, sizes >> 4);
        let is_sound = channels > 0 && rate > 0 && short >= 6 && short <= long && long <= 13;
        let blocks = [1 << short, 1 << long];
        is_sound.then_some(Vorbis { identification: *identification, channels, rate, blocks, setup: None, last: None })
    }

    pub fn is_ready(&self) -> bool {
        self.setup.is_some()
    }

    /// The headers that a decoder needs, concatenated.
    pub fn headers(&self) -> Option<Vec<u8>> {
        Some([&self.identification[..], &self.setup.as_ref()?.packet].concat())
    }

    pub fn content(&mut self, packet: &[u8]) -> Content {
        match packet {
            [first, ..] if first & 1 == 0 => self.sound(*first),
            _ if is_header(packet, 3) => Content::Comment(7),
            _ if is_header(packet, 5) && self.setup.is_none() => {
                let modes = modes(packet);
                self.setup = modes.map(|modes| Setup { packet: packet.to_vec(), modes });
                Content::Header
            }
            [] => Content::Sound { length: 0, discard: 0 },
            _ => Content::Header,
        }
    }

    /// A block returns the samples from the middle of the previous block to its own middle; the first returns none.
    fn sound(&mut self, first: u8) -> Content {
        let modes = self.setup.as_ref().map_or(&[][..], |setup| &setup.modes);
        let bits = usize::BITS - modes.len().saturating_sub(1).leading_zeros();
        let mode = usize::from(first >> 1) & ((1 << bits) - 1);
        let Some(&is_long) = modes.get(mode) else {
            return Content::Sound { length: 0, discard: 0 };
        };
        let block = self.blocks[usize::from(is_long)];
        match self.last.replace(block) {
            Some(last) => Content::Sound { length: (last + block) / 4, discard: 0 },
            None => Content::Sound { length: block / 2, discard: block / 2 },
        }
    }
}

/// Per mode, whether its blocks are long. The modes are at the end of the setup header, after data that can be skipped
/// only by decoding it. So they are read backwards from the end, where only zeros follow the last bit.
fn modes(setup: &[u8]) -> Option<Vec<bool>> {
    let bit = |at: usize| setup.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 != 0);
    let number = |at: usize, bits: usize| (0..bits).fold(0, |sum, i| sum | usize::from(bit(at + i)) << i);
    let framing = (0..8 * setup.len()).rev().find(|&at| bit(at))?;
    let (mut at, mut flags, mut found) = (framing, Vec::new(), None);
    while flags.len() < 64 && at >= MODE + 6 {
        at -= MODE;
        // Window and transform are always 0; there are at most 64 mappings.
        if number(at + 1, 32) != 0 || number(at + 33, 8) > 63 {
            break;
        }
        flags.push(bit(at));
        if number(at - 6, 6) + 1 == flags.len() {
            found = Some(flags.iter().rev().copied().collect());
        }
    }
    found
}
