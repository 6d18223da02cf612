//! The pulse codebook (RFC 6716, 4.3.4.2): from a codeword's index to pulses, from tables of counts.
//!
//! U(n, k) counts the vectors of n places and k pulses whose first place is not negative and holds a
//! pulse less than the rest might: V(n, k) = U(n, k) + U(n, k + 1) of them are one codebook.
//!
//! Invariant: any index gives a vector whose magnitudes add up to `k`, or the index was not below V.

/// Places of the widest undivided partition.
const MOST_PLACES: usize = 176;
/// Beyond so many of both, counts do not fit 32 bits, and no partition is coded so.
const BOTH: usize = 15;
/// Room for the most pulses of few places (128), one more, and the recurrence.
const MOST_PULSES: usize = 132;

/// U by places, for few places and many pulses.
static NARROW: [[u32; MOST_PULSES]; BOTH] = narrow();
/// U by places, for few pulses and many places.
static WIDE: [[u32; BOTH + 1]; MOST_PLACES + 1] = wide();

/// U(n, k) = U(n - 1, k) + U(n, k - 1) + U(n - 1, k - 1); where it overflows nobody looks.
const fn narrow() -> [[u32; MOST_PULSES]; BOTH] {
    let mut table = [[0u32; MOST_PULSES]; BOTH];
    table[0][0] = 1;
    let mut n = 1;
    while n < BOTH {
        let mut k = 1;
        while k < MOST_PULSES {
            table[n][k] = table[n - 1][k].wrapping_add(table[n][k - 1]).wrapping_add(table[n - 1][k - 1]);
            k += 1;
        }
        n += 1;
    }
    table
}

const fn wide() -> [[u32; BOTH + 1]; MOST_PLACES + 1] {
    let mut table = [[0u32; BOTH + 1]; MOST_PLACES + 1];
    table[0][0] = 1;
    let mut n = 1;
    while n <= MOST_PLACES {
        let mut k = 1;
        while k <= BOTH {
            table[n][k] = table[n - 1][k].wrapping_add(table[n][k - 1]).wrapping_add(table[n - 1][k - 1]);
            k += 1;
        }
        n += 1;
    }
    table
}

/// U(n, ·) as far as it is needed.
fn counts(n: usize) -> &'static [u32] {
    if n < BOTH { &NARROW[n] } else { &WIDE[n] }
}

/// V(n, k), the number of codewords.
pub fn size(n: usize, k: usize) -> u32 {
    let counts = counts(n);
    counts[k].wrapping_add(counts[k + 1])
}

/// Writes codeword `index` of `k` pulses; gives the sum of their squares.
pub fn pulses(mut index: u32, mut k: usize, out: &mut [f32]) -> f32 {
    let (mut energy, mut n) = (0, out.len());
    let mut set = |place: &mut f32, magnitude: usize, negative: bool| {
        energy += magnitude * magnitude;
        *place = if negative { -(magnitude as f32) } else { magnitude as f32 };
    };
    let mut places = out.iter_mut();
    while k > 1 && n > 2 {
        let counts = &counts(n)[..k + 2];
        let negative = index >= counts[k + 1];
        index -= if negative { counts[k + 1] } else { 0 };
        let before = k;
        while counts[k] > index {
            k -= 1;
        }
        index -= counts[k];
        if let Some(place) = places.next() {
            set(place, before - k, negative);
        }
        n -= 1;
    }
    let rest = places.into_slice();
    match (k, rest) {
        // A single pulse: its place counts from the front if positive, from the back if not.
        (1, rest) => {
            rest.fill(0.0);
            let (last, index) = (2 * n - 1, index as usize);
            let negative = index >= n;
            if let Some(place) = rest.get_mut(if negative { last.saturating_sub(index) } else { index }) {
                set(place, 1, negative);
            }
        }
        (0, rest) => rest.fill(0.0),
        (_, [first, second]) => {
            let half = 2 * k as u32 + 1;
            let negative = index >= half;
            index -= if negative { half } else { 0 };
            let left = (index.div_ceil(2) as usize).min(k);
            set(first, k - left, negative);
            set(second, left, left > 0 && index != 2 * left as u32 - 1);
        }
        (_, rest) => rest.fill(0.0),
    }
    energy as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use ruopus::celt::{cwrs, modes::EBANDS, rate, tables::CACHE_INDEX};

    /// Every partition that an allocation can ask for: places and pulses.
    fn partitions() -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        for lm in -1..4i32 {
            for band in 0..21 {
                let places = (EBANDS[band + 1] - EBANDS[band]) as usize;
                let places = if lm < 0 { places / 2 } else { places << lm };
                if places < 2 || CACHE_INDEX[(lm + 1) as usize * 21 + band] < 0 {
                    continue;
                }
                let most = rate::bits2pulses(band, lm, 16_383);
                all.extend((1..=most).map(|q| (places, rate::get_pulses(q) as usize)));
            }
        }
        all
    }

    #[test]
    fn every_partition_has_its_codebook() {
        let all = partitions();
        assert!(all.len() > 1_000);
        assert!(all.iter().all(|&(n, k)| size(n, k) == cwrs::pvq_codebook_size(n, k)));
    }

    #[test]
    fn codewords_are_those_of_the_twin() {
        for (n, k) in partitions() {
            for step in 0..40u64 {
                let index = (u64::from(size(n, k) - 1) * step / 39) as u32;
                let mut coder = ruopus::RangeEncoder::new(64);
                coder.encode_uint(index, size(n, k));
                let bytes = coder.finalize().unwrap();
                let mut theirs = vec![0; n];
                cwrs::decode_pulses(&mut ruopus::RangeDecoder::new(&bytes), &mut theirs, k).unwrap();
                let mut ours = vec![9.0; n];
                let energy = pulses(index, k, &mut ours);
                assert!(ours.iter().zip(&theirs).all(|(&a, &b)| a == b as f32), "{n} {k} {index}: {ours:?} {theirs:?}");
                assert_eq!(energy, theirs.iter().map(|p| (p * p) as f32).sum::<f32>());
            }
        }
    }
}
