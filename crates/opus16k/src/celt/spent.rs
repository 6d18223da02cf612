//! How much of a frame is read, to the eighth of a bit (RFC 6716, 4.1.6.2): asked for at every turn.
//!
//! Invariant: as in every decoder, to the eighth: all budgets come from it.

use super::partition::BIT;
use crate::coder::Coder;

/// Where the logarithm of a range's upper 16 bits passes the next eighth of an octave, for each eighth of the way from
/// 2^15 to 2^16: `2^(15 + (k + 1) / 8)`, rounded up. It has passed as many as the value has eighths of the way, or one more.
const EIGHTHS: [u32; 8] = [35_734, 38_968, 42_496, 46_341, 50_536, 55_110, 60_098, 65_536];

/// Eighths of a bit that were read.
pub fn spent(coder: &Coder) -> i32 {
    coder.tell() as i32 * BIT - fraction(coder.range())
}

/// By how many eighths the binary logarithm of a range is above its whole part.
fn fraction(range: u32) -> i32 {
    let top = range << range.leading_zeros() >> 16;
    let eighth = (top >> 12 & 7) as usize;
    eighth as i32 + i32::from(top >= EIGHTHS[eighth])
}

#[cfg(test)]
mod tests {
    use super::*;
    use ruopus::RangeDecoder;

    /// The format's own way: squared three times, each time an octave or none.
    fn squared(range: u32) -> i32 {
        let (mut top, mut eighths) = (range << range.leading_zeros() >> 16, 0);
        for _ in 0..3 {
            top = (top * top) >> 15;
            let octave = top >> 16;
            eighths = 2 * eighths + octave as i32;
            top >>= octave;
        }
        eighths
    }

    #[test]
    fn eighths_are_those_of_the_format() {
        for top in 1 << 15..1 << 16 {
            assert_eq!(fraction(top << 8), squared(top << 8), "{top}");
        }
    }

    #[test]
    fn what_is_spent_is_what_the_twin_says() {
        let bytes: Vec<u8> = (0..1_000u32).map(|i| ((i * i * 31) >> 3) as u8).collect();
        let (mut coder, mut twin) = (Coder::new(&bytes), RangeDecoder::new(&bytes));
        for i in 0..2_000 {
            let total = 2 + i % 250;
            assert_eq!(coder.number(total), twin.decode_uint(total));
            assert_eq!(spent(&coder), twin.tell_frac() as i32);
        }
    }
}
