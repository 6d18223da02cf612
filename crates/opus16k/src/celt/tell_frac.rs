//! How much of a frame has been used, in eighths of a bit (RFC 6716, 4.1.6.2).
//!
//! ```text
//! r_Q15 = rng >> (ilog(rng) - 16)
//! three times: r_Q15 = (r_Q15 * r_Q15) >> 15; lg = 2 * lg + (r_Q15 >> 16); if r_Q15 >> 16: r_Q15 >>= 1
//! tell_frac = 8 * tell bits - lg
//! ```
//!
//! All budgets depend on it, so it is called often: here lg comes from a table of thresholds.

use super::tables::ONE_BIT;
use crate::range_decoder::RangeDecoder;

/// Where lg becomes k + 1: `2^(15 + (k + 1) / 8)`, rounded up. A value that is k eighths of the way from 2^15 to 2^16
/// has passed k of them or k + 1.
const THRESHOLDS: [u32; 8] = [35_734, 38_968, 42_496, 46_341, 50_536, 55_110, 60_098, 65_536];

/// Eighths of a bit that have been used.
pub(super) fn tell_frac(decoder: &RangeDecoder) -> i32 {
    decoder.tell() as i32 * ONE_BIT - log2_frac(decoder.range())
}

/// The fraction of log2 of a range, in eighths.
fn log2_frac(range: u32) -> i32 {
    let r_q15 = range << range.leading_zeros() >> 16;
    let eighth = (r_q15 >> 12 & 7) as usize;
    eighth as i32 + i32::from(r_q15 >= THRESHOLDS[eighth])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_squaring(range: u32) -> i32 {
        let (mut r_q15, mut lg) = (range << range.leading_zeros() >> 16, 0);
        for _ in 0..3 {
            r_q15 = (r_q15 * r_q15) >> 15;
            let octave = r_q15 >> 16;
            lg = 2 * lg + octave as i32;
            r_q15 >>= octave;
        }
        lg
    }

    #[test]
    fn thresholds_give_what_squaring_gives() {
        for top in 1 << 15..1 << 16 {
            assert_eq!(log2_frac(top << 8), by_squaring(top << 8), "{top}");
        }
    }

    #[test]
    fn it_is_what_the_reference_says() {
        let bytes: Vec<u8> = (0..1_000u32).map(|i| ((i * i * 31) >> 3) as u8).collect();
        let (mut decoder, mut reference) = (RangeDecoder::new(&bytes), ruopus::RangeDecoder::new(&bytes));
        for i in 0..2_000 {
            let total = 2 + i % 250;
            assert_eq!(decoder.dec_uint(total), reference.decode_uint(total));
            assert_eq!(tell_frac(&decoder), reference.tell_frac() as i32);
        }
    }
}
