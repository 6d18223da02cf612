//! Bit allocation (RFC 6716, 4.3.3): how many eighths of a bit each band gets for its shape and for its energy.
//!
//! ```text
//! boosts and trim have been read; reserve bits for skip, intensity and dual stereo
//! find two rows of the static allocation table that enclose the total, and 64ths between them
//! from the highest band down, skip bands: those with too few bits for a pulse, and those that the frame says
//! read intensity and dual stereo; distribute what is left by the number of bins
//! divide each band's bits between fine energy and shape
//! ```

use super::limits::{Bands, Limits};
use super::tables::{BAND_ALLOCATION, EBANDS, LOG_N, LOG2_FRAC_TABLE, NB_ALLOC_VECTORS, NB_EBANDS, ONE_BIT};
use crate::range_decoder::RangeDecoder;

/// The most fine energy bits of a band.
pub(super) const MAX_FINE_BITS: i32 = 8;
/// log2 of the steps between two rows of the static allocation.
const ALLOC_STEPS: u32 = 6;
/// How many eighths of a bit fine energy gets less than shape, for each degree of freedom.
const FINE_OFFSET: i32 = 21;

/// The result.
pub(super) struct Allocation {
    /// Bands from here on have no shape bits.
    pub(super) coded_bands: usize,
    pub(super) shape_bits: Bands,
    /// Whole bits of fine energy for each channel.
    pub(super) fine_bits: Bands,
    /// The band gets a bit that is left only after those of the first priority.
    pub(super) second_priority: [bool; NB_EBANDS],
    /// What the first band has in addition.
    pub(super) balance: i32,
    /// From this band on both channels share one shape.
    pub(super) intensity: usize,
    /// Below it channels are coded as left and right.
    pub(super) dual_stereo: bool,
}

/// What a frame says about its allocation.
pub(super) struct Params<'a> {
    /// The number of bands.
    pub(super) end: usize,
    pub(super) boosts: &'a Bands,
    /// 0 to 10; above 5 low bands get more. (Where the RFC's prose and its formula differ, decoders follow the
    /// formula.)
    pub(super) trim: i32,
}

impl Limits {
    /// Allocates `total` eighths of a bit, and reads what the frame says about it on the way.
    pub(super) fn compute_allocation(&self, decoder: &mut RangeDecoder, params: &Params, total: i32) -> Allocation {
        let end = params.end;
        let mut reserved = Reserved::new(total, self.channels, end);
        let mut shape_bits = self.interpolate(params, reserved.total);
        let boosted = params.boosts[..end].iter().rposition(|&boost| boost > 0).unwrap_or(0);
        let coded_bands = self.skip_bands(decoder, &mut shape_bits, end, boosted, &mut reserved);

        let read = |decoder: &mut RangeDecoder| decoder.dec_uint(coded_bands as u32 + 1).unwrap_or(0) as usize;
        let intensity = if reserved.intensity > 0 { read(decoder) } else { 0 };
        let dual_stereo = intensity > 0 && reserved.dual_stereo > 0 && decoder.dec_bit_logp(1);
        let total = reserved.total + if intensity > 0 { 0 } else { reserved.dual_stereo };
        let allocated = shape_bits.iter().sum::<i32>();
        distribute(&mut shape_bits, coded_bands, total - allocated);

        let (fine_bits, second_priority, balance) = ([0; NB_EBANDS], [false; NB_EBANDS], 0);
        let mut allocation =
            Allocation { coded_bands, shape_bits, fine_bits, second_priority, balance, intensity, dual_stereo };
        self.divide_bands(&mut allocation, end);
        allocation
    }

    /// The highest allocation between two rows of the table that does not exceed `total`.
    fn interpolate(&self, params: &Params, total: i32) -> Bands {
        let (end, fits) = (params.end, |bits: &[i32]| self.limit(bits).iter().sum::<i32>() <= total);
        let (mut low, mut high) = (1, NB_ALLOC_VECTORS - 1);
        while low <= high {
            let middle = (low + high) / 2;
            if fits(&self.static_bits(middle, params, params.boosts)[..end]) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        let boosts = if high > 0 { params.boosts } else { &[0; NB_EBANDS] };
        let below = self.static_bits(high, params, boosts);
        let above = if low < NB_ALLOC_VECTORS {
            self.static_bits(low, params, params.boosts)
        } else {
            self.trimmed(self.caps, params, params.boosts)
        };
        let between = |step: i32| -> Bands {
            std::array::from_fn(|band| below[band] + ((step * (above[band] - below[band]).max(0)) >> ALLOC_STEPS))
        };
        let step = (0..ALLOC_STEPS).rev().fold(0, |step, bit| {
            let next = step + (1 << bit);
            if fits(&between(next)[..end]) { next } else { step }
        });
        self.limit(&between(step)[..end])
    }

    /// A row of the static allocation, trimmed and boosted.
    fn static_bits(&self, row: usize, params: &Params, boosts: &Bands) -> Bands {
        let row = &BAND_ALLOCATION[row];
        let bits = std::array::from_fn(|band| (self.channels as i32 * self.bins[band] * i32::from(row[band])) >> 2);
        self.trimmed(bits, params, boosts)
    }

    /// ```text
    /// trim_offset[b] = channels * bins[b] * (trim - 5 - lm) * (bands above b) / 8, less a bit for single bins
    /// ```
    fn trimmed(&self, bits: Bands, params: &Params, boosts: &Bands) -> Bands {
        let trim = params.trim - 5 - self.lm as i32;
        std::array::from_fn(|band| {
            let (bins, above) = (self.bins[band], params.end as i32 - 1 - band as i32);
            let single = if bins == 1 { self.floor() } else { 0 };
            let offset = ((self.channels as i32 * bins * trim * above * ONE_BIT) >> 6) - single;
            boosts[band] + if bits[band] > 0 { (bits[band] + offset).max(0) } else { 0 }
        })
    }

    /// Reads how many bands are coded: at least all up to the highest boosted one.
    fn skip_bands(
        &self,
        decoder: &mut RangeDecoder,
        bits: &mut Bands,
        end: usize,
        boosted: usize,
        reserved: &mut Reserved,
    ) -> usize {
        let floor = self.floor();
        let mut allocated = bits.iter().sum::<i32>();
        for coded in (boosted + 2..=end).rev() {
            let band = coded - 1;
            let mut available = bits[band] + share(band, coded, reserved.total - allocated);
            if available >= self.thresholds[band].max(floor + ONE_BIT) {
                if decoder.dec_bit_logp(1) {
                    return coded;
                }
                reserved.total -= ONE_BIT;
                available -= ONE_BIT;
            }
            allocated -= bits[band];
            bits[band] = if available >= floor { floor } else { 0 };
            allocated += bits[band];
            reserved.limit_intensity(band);
        }
        // The reserved skip bit was not needed.
        reserved.total += reserved.skip;
        boosted + 1
    }

    /// Divides each band's bits between fine energy and shape; what exceeds the cap goes to the next band.
    fn divide_bands(&self, allocation: &mut Allocation, end: usize) {
        let channels = self.channels as i32;
        for band in 0..allocation.coded_bands {
            let (bins, bits) = (self.bins[band], allocation.shape_bits[band] + allocation.balance);
            let cap = if bins > 1 { self.caps[band] } else { self.floor() };
            let mut excess = (bits - cap).max(0);
            let (mut shape, mut fine) = (bits - excess, 0);
            allocation.second_priority[band] = true;
            if bins > 1 {
                let (freedom, wanted) = self.wanted_fine_bits(allocation, band, shape);
                fine = ((wanted + (freedom << 2)).max(0) / freedom) >> 3;
                if channels * fine > shape >> 3 {
                    fine = shape >> (channels + 2);
                }
                fine = fine.min(MAX_FINE_BITS);
                allocation.second_priority[band] = fine * freedom * ONE_BIT >= wanted;
                shape -= channels * fine * ONE_BIT;
            }
            if excess > 0 {
                let extra = (excess >> (channels + 2)).min(MAX_FINE_BITS - fine);
                fine += extra;
                let paid = extra * channels * ONE_BIT;
                allocation.second_priority[band] = paid >= excess - allocation.balance;
                excess -= paid;
            }
            (allocation.shape_bits[band], allocation.fine_bits[band], allocation.balance) = (shape, fine, excess);
        }
        for band in allocation.coded_bands..end {
            let fine = allocation.shape_bits[band] >> (channels + 2);
            (allocation.shape_bits[band], allocation.fine_bits[band]) = (0, fine);
            allocation.second_priority[band] = fine < 1;
        }
    }

    /// A band's degrees of freedom, and so many times the eighths of a bit that each channel's fine energy should get
    /// out of `bits`.
    fn wanted_fine_bits(&self, allocation: &Allocation, band: usize, bits: i32) -> (i32, i32) {
        let (bins, channels) = (self.bins[band], self.channels as i32);
        let coupled = channels == 2 && bins > 2 && !allocation.dual_stereo && band < allocation.intensity;
        let freedom = channels * bins + i32::from(coupled);
        let log_bins = freedom * (i32::from(LOG_N[band]) + self.lm as i32 * ONE_BIT);
        let mut wanted = bits + (log_bins >> 1) - freedom * FINE_OFFSET;
        // Two bins, and few bits, do not follow the rule.
        if bins == 2 {
            wanted += (freedom * ONE_BIT) >> 2;
        }
        if wanted < freedom * 2 * ONE_BIT {
            wanted += log_bins >> 2;
        } else if wanted < freedom * 3 * ONE_BIT {
            wanted += log_bins >> 3;
        }
        (freedom, wanted)
    }
}

/// The total without what is reserved for symbols in front of the shapes.
struct Reserved {
    total: i32,
    skip: i32,
    intensity: i32,
    dual_stereo: i32,
}

impl Reserved {
    fn new(total: i32, channels: usize, end: usize) -> Reserved {
        let mut total = total.max(0);
        let mut reserve = |bits: i32, needed: bool| {
            let reserved = if needed && bits <= total { bits } else { 0 };
            total -= reserved;
            reserved
        };
        let skip = reserve(ONE_BIT, true);
        let intensity = reserve(i32::from(LOG2_FRAC_TABLE[end]), channels == 2);
        let dual_stereo = reserve(ONE_BIT, intensity > 0);
        Reserved { total, skip, intensity, dual_stereo }
    }

    /// With so many coded bands, the intensity symbol takes less.
    fn limit_intensity(&mut self, bands: usize) {
        if self.intensity > 0 {
            let bits = i32::from(LOG2_FRAC_TABLE[bands]);
            self.total += self.intensity - bits;
            self.intensity = bits;
        }
    }
}

/// Bins of bands in 2.5 ms.
fn width(from: usize, to: usize) -> i32 {
    i32::from(EBANDS[to] - EBANDS[from])
}

/// What the last of `coded` bands would get of what is `left`.
fn share(band: usize, coded: usize, left: i32) -> i32 {
    let all = width(0, coded);
    left / all * width(band, coded) + (left % all - width(0, band)).max(0)
}

/// Gives coded bands what is left, by their bins; the remainder goes to the lowest.
fn distribute(bits: &mut Bands, coded: usize, left: i32) {
    let all = width(0, coded);
    let (each, mut remainder) = (left / all, left % all);
    for (band, bits) in bits.iter_mut().enumerate().take(coded) {
        let bins = width(band, band + 1);
        let extra = remainder.min(bins);
        *bits += each * bins + extra;
        remainder -= extra;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference_tests::random;
    use ruopus::celt::rate::{AllocEc, compute_allocation, init_caps};

    #[test]
    fn bands_get_what_the_reference_gives_them() {
        let mut random = random(1);
        for _ in 0..50_000 {
            let [lm, channels, end, trim, total] = std::array::from_fn(|_| random() as usize);
            let (lm, channels, end, trim) = (lm % 4, 1 + channels % 2, [13, 17, 19, 21][end % 4], (trim % 11) as i32);
            // From less than nothing to more than the longest packet has.
            let total = ((total & 0x1_FFFF) >> (random() % 17)) as i32 - 64;
            // Boosts are paid for by the frame's bits, but for the last step.
            let (boosted, mut paid) = (random().is_multiple_of(2), 0);
            let boosts = std::array::from_fn(|band| {
                let wanted = boosted && band < end && random().is_multiple_of(8);
                let boost = if wanted { (random() % 400) as i32 } else { 0 };
                let boost = if paid + boost <= total + 352 { boost } else { 0 };
                paid += boost;
                boost
            });
            let packet: Vec<u8> = (0..8).map(|_| random() as u8).collect();
            let (mut ours, mut reference) = (RangeDecoder::new(&packet), ruopus::RangeDecoder::new(&packet));

            let limits = Limits::new(lm, channels);
            let caps = init_caps(lm, channels);
            assert_eq!(limits.caps, caps);
            let allocation = limits.compute_allocation(&mut ours, &Params { end, boosts: &boosts, trim }, total);
            let mut source = AllocEc::Dec(&mut reference);
            let theirs = compute_allocation(&mut source, 0, end, &boosts, &caps, trim, total, channels, lm);
            assert_eq!((ours.tell(), ours.range()), (reference.tell(), reference.range_size()));
            let stereo = (allocation.intensity, allocation.dual_stereo);
            assert_eq!((allocation.coded_bands, stereo), (theirs.coded_bands, (theirs.intensity, theirs.dual_stereo)));
            assert_eq!((allocation.shape_bits, allocation.fine_bits), (theirs.shape_bits, theirs.fine_quant));
            assert_eq!((allocation.second_priority, allocation.balance), (theirs.fine_priority, theirs.balance));
        }
    }
}
