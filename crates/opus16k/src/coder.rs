//! The range coder (RFC 6716, 4.1): symbols from a packet's front, plain bits from its back.
//!
//! Invariant: beyond either end of a packet it reads zeros, for ever.

/// A range is wider than this before a symbol is read, so that symbols stay apart.
const LEAST_RANGE: u32 = 1 << 23;
/// The range begins as this.
const FIRST_RANGE: u32 = 1 << 7;

/// A frame's or a packet's bytes, as far as they are read.
#[derive(Clone, Copy)]
pub struct Coder<'a> {
    packet: &'a [u8],
    /// Bits that went into `value`.
    symbols: u32,
    /// Bits that were read from the packet's back.
    plain: u32,
    /// How far the code lies below the range's upper end.
    value: u32,
    range: u32,
}

/// Where the code lies among places that are all as wide.
#[derive(Clone, Copy)]
pub struct Place {
    pub at: u32,
    total: u32,
    /// How much of the range each has. The first also has what does not divide.
    width: u32,
}

impl<'a> Coder<'a> {
    pub fn new(packet: &'a [u8]) -> Coder<'a> {
        let mut coder = Coder { packet, symbols: 0, plain: 0, value: 0, range: FIRST_RANGE };
        coder.value = coder.take(7);
        coder.widen();
        coder
    }

    /// The next bits, at most 32, each turned over.
    #[inline(always)]
    fn take(&mut self, bits: u32) -> u32 {
        let left = self.packet.get(self.symbols as usize / 8..).unwrap_or_default();
        let next = left.first_chunk().map_or_else(|| last(left), |&next| next);
        let turned = !u64::from_be_bytes(next) << (self.symbols % 8);
        self.symbols += bits;
        ((turned >> 1) >> (63 - bits)) as u32
    }

    /// Whole bytes, until the range is wide enough again. Behind most symbols of a few bits it still is.
    #[inline(always)]
    fn widen(&mut self) {
        if self.range <= LEAST_RANGE {
            self.widen_whatever();
        }
    }

    /// The same without a jump, for symbols behind which either is as likely.
    #[inline(always)]
    fn widen_whatever(&mut self) {
        let bits = ((self.range - 1).leading_zeros() - 1) & !7;
        self.range <<= bits;
        self.value = self.value << bits | self.take(bits);
    }

    /// A symbol of a distribution in 256ths, of which there is what lies above each symbol; the last is 0.
    #[inline(always)]
    pub fn symbol(&mut self, distribution: &[u8]) -> usize {
        self.symbol_of(8, distribution)
    }

    /// The same of another power of two; here too the last is 0.
    #[inline(always)]
    pub fn symbol_of(&mut self, power: u32, distribution: &[u8]) -> usize {
        let (unit, mut symbol, mut above) = (self.range >> power, 0, self.range);
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

    /// Whether the code lies in so much of the range at its end. Which of the two it is needs no jump.
    #[inline(always)]
    fn choose(&mut self, part: u32) -> bool {
        let second = self.value < part;
        let (from, range) = if second { (0, part) } else { (part, self.range - part) };
        self.value -= from;
        self.range = range;
        self.widen();
        second
    }

    /// Where the code lies among `total` places, 1 to 2^16.
    #[inline(always)]
    pub fn place(&self, total: u32) -> Place {
        let width = self.range / total;
        Place { at: total - (self.value / width + 1).min(total), total, width }
    }

    /// The symbol is the one that has the places from `low` on and before `high`: the code's, as [`Coder::place`] has just
    /// given it, is among them.
    #[inline(always)]
    pub fn enter(&mut self, place: Place, low: u32, high: u32) {
        let behind = place.width * (place.total - high);
        self.value -= behind;
        self.range = if low > 0 { place.width * (high - low) } else { self.range - behind };
        self.widen_whatever();
    }

    /// A number below `most`, which is 1 or more, all alike, its lower bits from the packet's back if it is a large one. Bytes that no
    /// encoder writes may give a number that is not below it: none.
    #[inline(always)]
    pub fn number(&mut self, most: u32) -> Option<u32> {
        let lower = (u32::BITS - (most - 1).leading_zeros()).saturating_sub(8);
        let place = self.place(((most - 1) >> lower) + 1);
        self.enter(place, place.at, place.at + 1);
        let number = place.at << lower | self.plain(lower);
        (number < most).then_some(number)
    }

    /// The next bits from the packet's back, at most 32; the very last bit of a packet is the lowest that is read first.
    #[inline(always)]
    pub fn plain(&mut self, bits: u32) -> u32 {
        let left = &self.packet[..self.packet.len().saturating_sub(self.plain as usize / 8)];
        let last = left.last_chunk().map_or_else(|| first(left), |&last| last);
        let plain = u64::from_be_bytes(last) >> (self.plain % 8) & ((1 << bits) - 1);
        self.plain += bits;
        plain as u32
    }

    /// What the range is now: nobody can foretell it.
    pub fn range(&self) -> u32 {
        self.range
    }

    /// Bits that have been read, rounded up.
    pub fn tell(&self) -> u32 {
        self.symbols + self.plain + 2 - (32 - self.range.leading_zeros())
    }
}

/// Fewer than eight bytes, and zeros.
#[cold]
fn last(bytes: &[u8]) -> [u8; 8] {
    std::array::from_fn(|at| bytes.get(at).copied().unwrap_or(0))
}

/// Zeros, and fewer than eight bytes.
#[cold]
fn first(bytes: &[u8]) -> [u8; 8] {
    let mut first = [0; 8];
    first[8 - bytes.len()..].copy_from_slice(bytes);
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twins::random;
    use ruopus::RangeDecoder;

    const QUARTERS: [u8; 3] = [2, 1, 0];
    const SOME: [u8; 5] = [250, 128, 40, 1, 0];

    /// Whatever is read, in any order, far beyond the end.
    #[test]
    fn it_reads_what_its_twin_reads() {
        let mut random = random(1);
        for _ in 0..1_000 {
            let packet: Vec<u8> = (0..random() % 60).map(|_| random() as u8).collect();
            let (mut ours, mut twin) = (Coder::new(&packet), RangeDecoder::new(&packet));
            for _ in 0..200 {
                match random() % 9 {
                    0 => assert_eq!(ours.bit(1), twin.decode_bit_logp(1)),
                    1 => assert_eq!(ours.bit(12), twin.decode_bit_logp(12)),
                    2 => assert_eq!(usize::from(ours.second(136)), twin.decode_icdf(&[136, 0], 8)),
                    3 => assert_eq!(ours.symbol(&SOME), twin.decode_icdf(&SOME, 8)),
                    4 => assert_eq!(ours.symbol_of(2, &QUARTERS), twin.decode_icdf(&QUARTERS, 2)),
                    5 => {
                        let bits = 1 + random() as u32 % 24;
                        assert_eq!(ours.plain(bits), twin.decode_raw_bits(bits));
                    }
                    6 | 7 => {
                        let most = 2 + (random() as u32 >> (random() % 31));
                        assert_eq!(ours.number(most), twin.decode_uint(most), "{most}");
                    }
                    _ => {
                        let total = 2 + random() as u32 % 0x7FFF;
                        let place = ours.place(total);
                        assert_eq!(place.at, twin.decode(total));
                        let (low, high) = (place.at / 2, total - (total - place.at) / 2);
                        ours.enter(place, low, high);
                        twin.update(low, high, total);
                    }
                }
                assert_eq!((ours.range(), ours.tell()), (twin.range_size(), twin.tell()));
            }
        }
    }
}
