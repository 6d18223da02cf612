//! The range coder (RFC 6716, 4.1), for SILK and what stands directly behind it: no bits from a packet's end.
//!
//! Invariant: behind a packet's end it reads zeros, for ever.

use ruopus::RangeDecoder;

/// A range is wider than this before a symbol is read, so that symbols stay apart.
const LEAST_RANGE: u32 = 1 << 23;
/// The range begins as this.
const FIRST_RANGE: u32 = 1 << 7;

#[derive(Clone, Copy)]
pub struct Coder<'a> {
    /// Not yet in `window`.
    bytes: &'a [u8],
    /// The next bits, from the top, each turned over.
    window: u64,
    /// Of the window's bits, those that are there.
    held: u32,
    /// How far the code lies below the range's upper end.
    value: u32,
    range: u32,
    /// Bits that went into `value`, and two, as the RFC counts.
    spent: u32,
}

impl<'a> Coder<'a> {
    pub fn new(packet: &'a [u8]) -> Coder<'a> {
        let mut coder = Coder { bytes: packet, window: 0, held: 0, value: 0, range: FIRST_RANGE, spent: 9 };
        coder.refill();
        coder.value = coder.take(7);
        coder.widen();
        coder
    }

    /// At least four bytes are in the window thereafter.
    #[inline(always)]
    fn refill(&mut self) {
        let (word, rest) =
            self.bytes.split_first_chunk().map_or_else(|| (last(self.bytes), &[][..]), |(&w, rest)| (w, rest));
        self.bytes = rest;
        self.window |= u64::from(!u32::from_be_bytes(word)) << (32 - self.held);
        self.held += 32;
    }

    /// The next bits, at most 32.
    #[inline(always)]
    fn take(&mut self, bits: u32) -> u32 {
        let taken = (self.window >> 1) >> (63 - bits);
        self.window <<= bits;
        self.held -= bits;
        if self.held < 32 {
            self.refill();
        }
        taken as u32
    }

    /// Whole bytes, until the range is wide enough again. Mostly it is.
    #[inline(always)]
    fn widen(&mut self) {
        if self.range <= LEAST_RANGE {
            let bits = ((self.range - 1).leading_zeros() - 1) & !7;
            self.range <<= bits;
            self.value = self.value << bits | self.take(bits);
            self.spent += bits;
        }
    }

    /// A symbol. Of a distribution in 256ths it holds what lies above each symbol; the last is 0.
    #[inline(always)]
    pub fn symbol(&mut self, distribution: &[u8]) -> usize {
        let (unit, mut symbol, mut above) = (self.range >> 8, 0, self.range);
        let mut below = unit * u32::from(distribution[0]);
        while self.value < below {
            symbol += 1;
            above = below;
            below = unit * u32::from(distribution[symbol]);
        }
        self.value -= below;
        self.range = above - below;
        self.widen();
        symbol
    }

    /// Whether the second of two symbols comes: it has `part` of 256.
    #[inline(always)]
    pub fn second(&mut self, part: u8) -> bool {
        self.choose((self.range >> 8) * u32::from(part))
    }

    /// A bit that is set once in two to the `rarity`.
    #[inline(always)]
    pub fn bit(&mut self, rarity: u32) -> bool {
        self.choose(self.range >> rarity)
    }

    /// Whether the code lies in so much of the range at its end. Both ways are as likely, so nothing jumps.
    #[inline(always)]
    fn choose(&mut self, part: u32) -> bool {
        let second = self.value < part;
        let (from, range) = if second { (0, part) } else { (part, self.range - part) };
        self.value -= from;
        self.range = range;
        self.widen();
        second
    }

    /// A number below 256, all alike.
    pub fn byte(&mut self) -> usize {
        let unit = self.range >> 8;
        let place = (self.value / unit).min(255);
        self.value -= unit * place;
        // The first number has what does not divide.
        self.range = if place == 255 { self.range - unit * 255 } else { unit };
        self.widen();
        255 - place as usize
    }

    /// Bits that have been read, rounded up.
    pub fn tell(&self) -> u32 {
        self.spent - (32 - self.range.leading_zeros())
    }
}

/// Fewer than four bytes, and zeros.
#[cold]
fn last(bytes: &[u8]) -> [u8; 4] {
    std::array::from_fn(|at| bytes.get(at).copied().unwrap_or(0))
}

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
            Rest::Ours(coder) => coder.byte(),
            Rest::Twins(coder) => coder.decode_uint(256).unwrap_or(0) as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tables::pitch::CONTOUR_20;
    use super::super::tables::pulses::LOWEST_BIT;
    use super::super::tables::{ACTIVE_KIND, EIGHT, GAIN_STEP};
    use super::*;
    use crate::audio::opus::twins::random;

    /// Whatever is read, in any order, far beyond the end.
    #[test]
    fn it_reads_what_its_twin_reads() {
        let mut random = random(1);
        for _ in 0..300 {
            let packet: Vec<u8> = (0..random() % 60).map(|_| random() as u8).collect();
            let (mut ours, mut twin) = (Coder::new(&packet), RangeDecoder::new(&packet));
            for _ in 0..400 {
                match random() % 8 {
                    0 => assert_eq!(ours.bit(1), twin.decode_bit_logp(1)),
                    1 => assert_eq!(ours.bit(12), twin.decode_bit_logp(12)),
                    2 => assert_eq!(ours.byte(), twin.decode_uint(256).unwrap() as usize),
                    3 => assert_eq!(usize::from(ours.second(LOWEST_BIT)), twin.decode_icdf(&[LOWEST_BIT, 0], 8)),
                    kind => {
                        let distribution = [&ACTIVE_KIND[..], &CONTOUR_20, &EIGHT, &GAIN_STEP][kind as usize - 4];
                        assert_eq!(ours.symbol(distribution), twin.decode_icdf(distribution, 8));
                    }
                }
                assert_eq!((ours.range, ours.tell()), (twin.range_size(), twin.tell()));
            }
        }
    }
}
