//! What stands behind a packet's SILK part: whether CELT follows.

use ruopus::RangeDecoder;

use crate::coder::Coder;

/// A packet behind its SILK part, whoever has read that. (Hybrid frames, of which more is read, are always ours.)
pub enum Rest<'a> {
    Ours(Coder<'a>),
    Twins(RangeDecoder<'a>),
}

impl Rest<'_> {
    pub fn tell(&self) -> u32 {
        match self {
            Rest::Ours(coder) => coder.tell(),
            Rest::Twins(coder) => coder.tell(),
        }
    }

    pub fn bit(&mut self, rarity: u32) -> bool {
        match self {
            Rest::Ours(coder) => coder.bit(rarity),
            Rest::Twins(coder) => coder.decode_bit_logp(rarity),
        }
    }

    pub fn byte(&mut self) -> usize {
        match self {
            Rest::Ours(coder) => coder.number(256).unwrap_or(0) as usize,
            Rest::Twins(coder) => coder.decode_uint(256).unwrap_or(0) as usize,
        }
    }
}
