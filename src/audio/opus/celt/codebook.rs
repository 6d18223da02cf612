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
/// The most pulses of few places.
const MOST_PULSES: usize = 128;
/// Counts are looked through so many at a time; in front of each row there are as many noughts.
const STEP: usize = 3;

/// U by places, for few places and many pulses.
static NARROW: [[u32; STEP + MOST_PULSES + 2]; BOTH] = table();
/// U by places, for few pulses and many places.
static WIDE: [[u32; STEP + BOTH + 1]; MOST_PLACES + 1] = table();

/// U(n, k) = U(n - 1, k) + U(n, k - 1) + U(n - 1, k - 1); where it overflows nobody looks.
const fn table<const ROW: usize, const ROWS: usize>() -> [[u32; ROW]; ROWS] {
    let mut table = [[0u32; ROW]; ROWS];
    table[0][STEP] = 1;
    let mut n = 1;
    while n < ROWS {
        let mut k = STEP + 1;
        while k < ROW {
            table[n][k] = table[n - 1][k].wrapping_add(table[n][k - 1]).wrapping_add(table[n - 1][k - 1]);
            k += 1;
        }
        n += 1;
    }
    table
}

/// U(n, ·) as far as it is needed, from [`STEP`] on.
fn counts(n: usize) -> &'static [u32] {
    if n < BOTH { &NARROW[n] } else { &WIDE[n] }
}

/// V(n, k), the number of codewords.
pub fn size(n: usize, k: usize) -> u32 {
    let counts = counts(n);
    counts[STEP + k].wrapping_add(counts[STEP + k + 1])
}

/// Writes codeword `index` of `k` pulses; gives the sum of their squares.
///
/// Places are as good as random: what can be is counted instead of being searched for.
pub fn pulses(mut index: u32, mut k: usize, out: &mut [f32]) -> f32 {
    let (mut energy, mut n) = (0, out.len() as u32);
    let mut set = |place: &mut f32, magnitude: u32, negative: bool| {
        energy += magnitude * magnitude;
        *place = f32::from_bits((magnitude as f32).to_bits() | u32::from(negative) << 31);
    };
    let mut places = out.iter_mut();
    while k > 1 && n > 2 {
        let counts = counts(n as usize);
        let half = counts[STEP + k + 1];
        let negative = index >= half;
        index -= if negative { half } else { 0 };
        let before = k;
        loop {
            let step = counts[k + 1..].first_chunk::<STEP>().unwrap_or(&[0; STEP]);
            let beyond = step.iter().map(|&count| usize::from(count > index)).sum::<usize>();
            k -= beyond;
            if beyond < STEP {
                break;
            }
        }
        index -= counts[STEP + k];
        if let Some(place) = places.next() {
            set(place, (before - k) as u32, negative);
        }
        n -= 1;
    }
    let rest = places.into_slice();
    match (k, rest) {
        // A single pulse: its place counts from the front if positive, from the back if not.
        (1, rest) => {
            rest.fill(0.0);
            let negative = index >= n;
            let place = if negative { (2 * n - 1).saturating_sub(index) } else { index };
            if let Some(place) = rest.get_mut(place as usize) {
                set(place, 1, negative);
            }
        }
        (2.., [first, second]) => {
            let half = 2 * k as u32 + 1;
            let negative = index >= half;
            index -= if negative { half } else { 0 };
            let left = index.div_ceil(2).min(k as u32);
            set(first, k as u32 - left, negative);
            set(second, left, left > 0 && index != 2 * left - 1);
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
