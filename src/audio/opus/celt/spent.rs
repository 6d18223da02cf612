//! How much of a frame is read, to the eighth of a bit (RFC 6716, 4.1.6.2): asked for at every turn.
//!
//! Invariant: as in every decoder, to the eighth: all budgets come from it.

use ruopus::RangeDecoder;

use super::partition::BIT;

/// Where the upper 16 bits of a range pass each further eighth of an octave: `2^(15 + k / 8)`, rounded up.
const EIGHTHS: [u32; 7] = [35_734, 38_968, 42_496, 46_341, 50_536, 55_110, 60_098];

/// Eighths of a bit that were read.
pub fn spent(coder: &RangeDecoder) -> i32 {
    coder.tell() as i32 * BIT - fraction(coder.range_size())
}

/// By how many eighths the binary logarithm of a range is above its whole part.
fn fraction(range: u32) -> i32 {
    let top = range << range.leading_zeros() >> 16;
    EIGHTHS.iter().map(|&from| i32::from(top >= from)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let mut coder = RangeDecoder::new(&bytes);
        for i in 0..2_000 {
            let total = 2 + i % 250;
            let value = coder.decode(total);
            coder.update(value, value + 1, total);
            assert_eq!(spent(&coder), coder.tell_frac() as i32);
        }
    }
}
