//! The pyramid vector quantizer (RFC 6716, 4.3.4.2): from a codeword's index to pulses.
//!
//! V(n, k) vectors of n integers have magnitudes that add up to k. U(n, k) of them begin with a number that is not
//! negative and whose magnitude is smaller than could be:
//!
//! ```text
//! U(n, k) = U(n - 1, k) + U(n, k - 1) + U(n - 1, k - 1)
//! V(n, k) = U(n, k) + U(n, k + 1)
//! for each of n bins: if index >= U(n, k + 1): negative, index -= U(n, k + 1)
//!                     the largest k' <= k with U(n, k') <= index: magnitude k - k', index -= U(n, k'), k = k'
//! ```

/// Bins of the widest partition.
const MAX_BINS: usize = 176;
/// No partition has this many bins and this many pulses: U would not fit into 32 bits.
const FEW: usize = 15;
/// Few bins have at most 128 pulses; this is the next power of two less one, a mask.
const MAX_PULSES: usize = 255;
/// U is searched so many values at a time; each row begins with as many zeros.
const STEP: usize = 6;

/// U by bins, for few pulses.
static U_FEW_PULSES: [[u32; STEP + FEW + 2]; MAX_BINS + 1] = u_table();
/// U by bins, for few bins.
static U_FEW_BINS: [[u32; STEP + MAX_PULSES + 2]; FEW] = u_table();

/// Values that overflow are never used.
const fn u_table<const ROW: usize, const ROWS: usize>() -> [[u32; ROW]; ROWS] {
    let mut u = [[0u32; ROW]; ROWS];
    u[0][STEP] = 1;
    let mut n = 1;
    while n < ROWS {
        let mut k = STEP + 1;
        while k < ROW {
            u[n][k] = u[n - 1][k].wrapping_add(u[n][k - 1]).wrapping_add(u[n - 1][k - 1]);
            k += 1;
        }
        n += 1;
    }
    u
}

/// V(n, k), the number of codewords.
pub(super) fn pvq_v(n: usize, k: usize) -> u32 {
    let u = if k < FEW { &U_FEW_PULSES[n][..] } else { &U_FEW_BINS[n][..] };
    u[STEP + k].wrapping_add(u[STEP + k + 1])
}

/// Writes codeword `index` of `k` pulses; returns the sum of the squares.
///
/// Magnitudes are unpredictable: values of U that are too large are counted, without branches, instead of being
/// searched.
pub(super) fn decode_pulses(index: u32, k: usize, out: &mut [f32]) -> f32 {
    let mut rest = Rest { index, pulses: k, energy: 0 };
    let few_bins = rest.decode_bins(&U_FEW_BINS, FEW, out);
    let last = rest.decode_bins(&U_FEW_PULSES, 2, few_bins);
    rest.decode_last(last);
    rest.energy as f32
}

/// What is left of a codeword behind the bins that have been decoded.
struct Rest {
    index: u32,
    pulses: usize,
    energy: u32,
}

impl Rest {
    fn set(&mut self, bin: &mut f32, magnitude: u32, negative: bool) {
        self.energy += magnitude * magnitude;
        *bin = f32::from_bits((magnitude as f32).to_bits() | u32::from(negative) << 31);
    }

    /// Decodes bins while there are more than two, and at least `least` pulses; returns the other bins.
    #[inline(always)]
    fn decode_bins<'a, const ROW: usize, const ROWS: usize>(
        &mut self,
        u: &[[u32; ROW]; ROWS],
        least: usize,
        out: &'a mut [f32],
    ) -> &'a mut [f32] {
        // A masked k needs no bounds check. No partition has so many bins and pulses that the mask or the last row
        // would change anything.
        let mask = const { ROW - STEP - 2 };
        const { assert!((ROW - STEP - 1).is_power_of_two()) };
        let mut n = out.len();
        let mut bins = out.iter_mut();
        while n > 2 && self.pulses >= least {
            let u = &u[n.min(ROWS - 1)];
            let mut k = self.pulses & mask;
            let (behind, positive) = self.index.overflowing_sub(u[STEP + k + 1]);
            let index = if positive { self.index } else { behind };
            loop {
                let too_large = (1..=STEP).map(|step| usize::from(u[step + k] > index)).sum::<usize>();
                k = k.wrapping_sub(too_large) & mask;
                if too_large < STEP {
                    break;
                }
            }
            self.index = index - u[STEP + k];
            let magnitude = self.pulses - k;
            self.pulses = k;
            if let Some(bin) = bins.next() {
                self.set(bin, magnitude as u32, !positive);
            }
            n -= 1;
        }
        bins.into_slice()
    }

    /// The other bins: any number of them with one pulse or none, or two.
    fn decode_last(&mut self, out: &mut [f32]) {
        let (mut index, n) = (self.index, out.len() as u32);
        match (self.pulses, out) {
            // One pulse: its bin counts from the front if it is positive, else from the back.
            (1, out) => {
                out.fill(0.0);
                let negative = index >= n;
                let bin = if negative { (2 * n - 1).saturating_sub(index) } else { index };
                if let Some(bin) = out.get_mut(bin as usize) {
                    self.set(bin, 1, negative);
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
    use super::super::tables::{CACHE_INDEX, EBANDS};
    use super::*;
    use ruopus::celt::{cwrs, rate};

    /// Every partition that an allocation can ask for: bins and pulses.
    fn partitions() -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        for lm in -1..4i32 {
            for band in 0..21 {
                let bins = (EBANDS[band + 1] - EBANDS[band]) as usize;
                let bins = if lm < 0 { bins / 2 } else { bins << lm };
                if bins < 2 || CACHE_INDEX[(lm + 1) as usize * 21 + band] < 0 {
                    continue;
                }
                let most = rate::bits2pulses(band, lm, 16_383);
                all.extend((1..=most).map(|q| (bins, rate::get_pulses(q) as usize)));
            }
        }
        all
    }

    #[test]
    fn every_partition_has_its_codebook() {
        let all = partitions();
        assert!(all.len() > 1_000);
        assert!(all.iter().all(|&(n, k)| pvq_v(n, k) == cwrs::pvq_codebook_size(n, k)));
    }

    #[test]
    fn codewords_are_those_of_the_reference() {
        for (n, k) in partitions() {
            for step in 0..40u64 {
                let index = (u64::from(pvq_v(n, k) - 1) * step / 39) as u32;
                let mut coder = ruopus::RangeEncoder::new(64);
                coder.encode_uint(index, pvq_v(n, k));
                let bytes = coder.finalize().unwrap();
                let mut theirs = vec![0; n];
                cwrs::decode_pulses(&mut ruopus::RangeDecoder::new(&bytes), &mut theirs, k).unwrap();
                let mut ours = vec![9.0; n];
                let energy = decode_pulses(index, k, &mut ours);
                assert!(ours.iter().zip(&theirs).all(|(&a, &b)| a == b as f32), "{n} {k} {index}: {ours:?} {theirs:?}");
                assert_eq!(energy, theirs.iter().map(|p| (p * p) as f32).sum::<f32>());
            }
        }
    }
}
