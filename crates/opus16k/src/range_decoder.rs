//! The range decoder (RFC 6716, 4.1): symbols from the front of a frame, raw bits from its back.
//!
//! The state is `val`, the distance from the upper end of the current range to the coded value, less one, and `rng`,
//! the size of the range. A symbol with the cumulative frequencies fl to fh of ft shrinks both:
//!
//! ```text
//! s = rng / ft
//! val = val - s * (ft - fh)
//! rng = fl > 0 ? s * (fh - fl) : rng - s * (ft - fh)
//! while rng <= 2^23: rng = 256 * rng, val = 256 * val + (255 - next byte)     (4.1.2.1)
//! ```
//!
//! Beyond either end of a frame there are zeros.

/// The range is larger than this before a symbol is decoded.
const EC_CODE_BOT: u32 = 1 << 23;
/// The first range.
const EC_CODE_EXTRA: u32 = 1 << 7;

/// A frame, as far as it has been decoded.
#[derive(Clone, Copy)]
pub(crate) struct RangeDecoder<'a> {
    frame: &'a [u8],
    /// Bits from the front that went into `val`.
    front_bits: u32,
    /// Raw bits that were read from the back.
    raw_bits: u32,
    val: u32,
    rng: u32,
}

/// What [`RangeDecoder::decode`] found, for [`RangeDecoder::update`].
#[derive(Clone, Copy)]
pub(crate) struct Frequency {
    /// A number from fl to fh - 1 of the symbol.
    pub(crate) fs: u32,
    ft: u32,
    /// The share of the range that each of `ft` has; the first also has the remainder.
    scale: u32,
}

impl<'a> RangeDecoder<'a> {
    pub(crate) fn new(frame: &'a [u8]) -> RangeDecoder<'a> {
        let mut decoder = RangeDecoder { frame, front_bits: 0, raw_bits: 0, val: 0, rng: EC_CODE_EXTRA };
        decoder.val = decoder.next_inverted(7);
        decoder.normalize();
        decoder
    }

    /// The next bits from the front, at most 32, inverted.
    #[inline(always)]
    fn next_inverted(&mut self, bits: u32) -> u32 {
        let rest = self.frame.get(self.front_bits as usize / 8..).unwrap_or_default();
        let next = rest.first_chunk().map_or_else(|| padded_behind(rest), |&next| next);
        let inverted = !u64::from_be_bytes(next) << (self.front_bits % 8);
        self.front_bits += bits;
        ((inverted >> 1) >> (63 - bits)) as u32
    }

    /// Section 4.1.2.1. After most symbols of a few bits there is nothing to do.
    #[inline(always)]
    fn normalize(&mut self) {
        if self.rng <= EC_CODE_BOT {
            self.normalize_branchless();
        }
    }

    /// The same without a branch, for symbols after which either case is as likely.
    #[inline(always)]
    fn normalize_branchless(&mut self) {
        let bits = ((self.rng - 1).leading_zeros() - 1) & !7;
        self.rng <<= bits;
        self.val = self.val << bits | self.next_inverted(bits);
    }

    /// A symbol of an inverse cumulative distribution: `2^ftb` minus fh of each symbol, the last of which is 0.
    #[inline(always)]
    pub(crate) fn dec_icdf(&mut self, icdf: &[u8], ftb: u32) -> usize {
        let (scale, mut symbol, mut above) = (self.rng >> ftb, 0, self.rng);
        let mut below = scale * u32::from(icdf[0]);
        while self.val < below {
            symbol += 1;
            above = below;
            below = scale * u32::from(icdf[symbol]);
        }
        self.val -= below;
        self.rng = above - below;
        self.normalize();
        symbol
    }

    /// [`RangeDecoder::dec_icdf`] of two symbols in 256ths: whether it is the second, whose probability is given.
    #[inline(always)]
    pub(crate) fn dec_binary(&mut self, probability: u8) -> bool {
        self.split((self.rng >> 8) * u32::from(probability))
    }

    /// A bit that is 1 with a probability of `2^-logp` (4.1.3.2).
    #[inline(always)]
    pub(crate) fn dec_bit_logp(&mut self, logp: u32) -> bool {
        self.split(self.rng >> logp)
    }

    /// Whether the value is in the last `part` of the range, without a branch.
    #[inline(always)]
    fn split(&mut self, part: u32) -> bool {
        let second = self.val < part;
        let (from, rng) = if second { (0, part) } else { (part, self.rng - part) };
        self.val -= from;
        self.rng = rng;
        self.normalize();
        second
    }

    /// Where the value is among `ft` equal parts, 1 to 2^16 (4.1.2).
    #[inline(always)]
    pub(crate) fn decode(&self, ft: u32) -> Frequency {
        let scale = self.rng / ft;
        Frequency { fs: ft - (self.val / scale + 1).min(ft), ft, scale }
    }

    /// Takes the symbol from `fl` to `fh - 1`, which [`RangeDecoder::decode`] has just found.
    #[inline(always)]
    pub(crate) fn update(&mut self, frequency: Frequency, fl: u32, fh: u32) {
        let behind = frequency.scale * (frequency.ft - fh);
        self.val -= behind;
        self.rng = if fl > 0 { frequency.scale * (fh - fl) } else { self.rng - behind };
        self.normalize_branchless();
    }

    /// A number below `ft`, which is 1 or more, uniformly distributed; of more than 8 bits the lower ones are raw
    /// (4.1.5). `None` if the bytes give a number that is not below it, which no encoder writes.
    #[inline(always)]
    pub(crate) fn dec_uint(&mut self, ft: u32) -> Option<u32> {
        let raw = (u32::BITS - (ft - 1).leading_zeros()).saturating_sub(8);
        let frequency = self.decode(((ft - 1) >> raw) + 1);
        self.update(frequency, frequency.fs, frequency.fs + 1);
        let number = frequency.fs << raw | self.dec_bits(raw);
        (number < ft).then_some(number)
    }

    /// Raw bits from the back, at most 32 (4.1.4): the lowest bit of the last byte is the lowest bit of the first
    /// number.
    #[inline(always)]
    pub(crate) fn dec_bits(&mut self, bits: u32) -> u32 {
        let rest = &self.frame[..self.frame.len().saturating_sub(self.raw_bits as usize / 8)];
        let last = rest.last_chunk().map_or_else(|| padded_before(rest), |&last| last);
        let raw = u64::from_be_bytes(last) >> (self.raw_bits % 8) & ((1 << bits) - 1);
        self.raw_bits += bits;
        raw as u32
    }

    /// The size of the range: what decoders compare to find out whether they are in step.
    pub(crate) fn range(&self) -> u32 {
        self.rng
    }

    /// Bits that have been used, rounded up (4.1.6.1).
    pub(crate) fn tell(&self) -> u32 {
        self.front_bits + self.raw_bits + 2 - (32 - self.rng.leading_zeros())
    }
}

/// Fewer than eight bytes, then zeros.
#[cold]
fn padded_behind(bytes: &[u8]) -> [u8; 8] {
    std::array::from_fn(|at| bytes.get(at).copied().unwrap_or(0))
}

/// Zeros, then fewer than eight bytes.
#[cold]
fn padded_before(bytes: &[u8]) -> [u8; 8] {
    let mut padded = [0; 8];
    padded[8 - bytes.len()..].copy_from_slice(bytes);
    padded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference_tests::random;

    const QUARTERS: [u8; 3] = [2, 1, 0];
    const SKEWED: [u8; 5] = [250, 128, 40, 1, 0];

    /// Any symbols in any order, far beyond the end.
    #[test]
    fn it_reads_what_the_reference_reads() {
        let mut random = random(1);
        for _ in 0..1_000 {
            let frame: Vec<u8> = (0..random() % 60).map(|_| random() as u8).collect();
            let (mut ours, mut reference) = (RangeDecoder::new(&frame), ruopus::RangeDecoder::new(&frame));
            for _ in 0..200 {
                match random() % 9 {
                    0 => assert_eq!(ours.dec_bit_logp(1), reference.decode_bit_logp(1)),
                    1 => assert_eq!(ours.dec_bit_logp(12), reference.decode_bit_logp(12)),
                    2 => assert_eq!(usize::from(ours.dec_binary(136)), reference.decode_icdf(&[136, 0], 8)),
                    3 => assert_eq!(ours.dec_icdf(&SKEWED, 8), reference.decode_icdf(&SKEWED, 8)),
                    4 => assert_eq!(ours.dec_icdf(&QUARTERS, 2), reference.decode_icdf(&QUARTERS, 2)),
                    5 => {
                        let bits = 1 + random() as u32 % 24;
                        assert_eq!(ours.dec_bits(bits), reference.decode_raw_bits(bits));
                    }
                    6 | 7 => {
                        let ft = 2 + (random() as u32 >> (random() % 31));
                        assert_eq!(ours.dec_uint(ft), reference.decode_uint(ft), "{ft}");
                    }
                    _ => {
                        let ft = 2 + random() as u32 % 0x7FFF;
                        let frequency = ours.decode(ft);
                        assert_eq!(frequency.fs, reference.decode(ft));
                        let (fl, fh) = (frequency.fs / 2, ft - (ft - frequency.fs) / 2);
                        ours.update(frequency, fl, fh);
                        reference.update(fl, fh, ft);
                    }
                }
                assert_eq!((ours.range(), ours.tell()), (reference.range_size(), reference.tell()));
            }
        }
    }
}
