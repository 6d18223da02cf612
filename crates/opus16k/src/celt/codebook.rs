//! The pulse codebook (RFC 6716, 4.3.4.2): from a codeword's index to pulses, from tables of counts.
//!
//! U(n, k) counts the vectors of n places and k pulses whose first place is not negative and holds a
//! pulse less than the rest might: V(n, k) = U(n, k) + U(n, k + 1) of them are one codebook.
//!
//! Invariant: any index gives a vector whose magnitudes add up to `k`, or the index was not below V.

/// Places of the widest undivided partition.
const MOST_PLACES: usize = 176;
/// Counts of so many places and pulses do not fit 32 bits: each partition has fewer of either.
const FEW: usize = 15;
/// The most pulses of few places are 128. This is the next power of two less one, and so a mask.
const MOST_PULSES: usize = 255;
/// Counts are looked through so many at a time; in front of each row there are as many noughts.
const STEP: usize = 6;

/// U by places, for few pulses.
static NORMAL: [[u32; STEP + FEW + 2]; MOST_PLACES + 1] = table();
/// U by places, for few places and any pulses.
static MANY: [[u32; STEP + MOST_PULSES + 2]; FEW] = table();

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

/// V(n, k), the number of codewords.
pub fn size(n: usize, k: usize) -> u32 {
    let counts = if k < FEW { &NORMAL[n][..] } else { &MANY[n][..] };
    counts[STEP + k].wrapping_add(counts[STEP + k + 1])
}

/// Writes codeword `index` of `k` pulses; gives the sum of their squares.
///
/// Places are as good as random: what can be is counted instead of being searched for.
pub fn pulses(index: u32, k: usize, out: &mut [f32]) -> f32 {
    let mut left = Left { index, pulses: k, energy: 0 };
    let few = left.places(&MANY, FEW, out);
    let last = left.places(&NORMAL, 2, few);
    left.end(last);
    left.energy as f32
}

/// What is left of a codeword behind the places that are written.
struct Left {
    index: u32,
    pulses: usize,
    energy: u32,
}

impl Left {
    fn set(&mut self, place: &mut f32, magnitude: u32, negative: bool) {
        self.energy += magnitude * magnitude;
        *place = f32::from_bits((magnitude as f32).to_bits() | u32::from(negative) << 31);
    }

    /// Writes places while there are more than two, and as many pulses as `least`; gives the others.
    #[inline(always)]
    fn places<'a, const ROW: usize, const ROWS: usize>(
        &mut self,
        counts: &[[u32; ROW]; ROWS],
        least: usize,
        out: &'a mut [f32],
    ) -> &'a mut [f32] {
        // A masked count needs no check against the row's end. No partition has so many places and pulses that the mask
        // or the last row would change anything.
        let mask = const { ROW - STEP - 2 };
        const { assert!((ROW - STEP - 1).is_power_of_two()) };
        let mut n = out.len();
        let mut places = out.iter_mut();
        while n > 2 && self.pulses >= least {
            let counts = &counts[n.min(ROWS - 1)];
            let mut k = self.pulses & mask;
            let (from_half, positive) = self.index.overflowing_sub(counts[STEP + k + 1]);
            let index = if positive { self.index } else { from_half };
            loop {
                let beyond = (1..=STEP).map(|step| usize::from(counts[step + k] > index)).sum::<usize>();
                k = k.wrapping_sub(beyond) & mask;
                if beyond < STEP {
                    break;
                }
            }
            self.index = index - counts[STEP + k];
            let magnitude = self.pulses - k;
            self.pulses = k;
            if let Some(place) = places.next() {
                self.set(place, magnitude as u32, !positive);
            }
            n -= 1;
        }
        places.into_slice()
    }

    /// The places behind: any number with a pulse or none, or two.
    fn end(&mut self, out: &mut [f32]) {
        let (mut index, n) = (self.index, out.len() as u32);
        match (self.pulses, out) {
            // A single pulse: its place counts from the front if positive, from the back if not.
            (1, out) => {
                out.fill(0.0);
                let negative = index >= n;
                let place = if negative { (2 * n - 1).saturating_sub(index) } else { index };
                if let Some(place) = out.get_mut(place as usize) {
                    self.set(place, 1, negative);
                }
            }
            (pulses @ 2.., [first, second]) => {
                let half = 2 * pulses as u32 + 1;
                let negative = index >= half;
                index -= if negative { half } else { 0 };
                let left = index.div_ceil(2).min(pulses as u32);
                self.set(first, pulses as u32 - left, negative);
                self.set(second, left, left > 0 && index != 2 * left - 1);
            }
            (_, out) => out.fill(0.0),
        }
    }
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
