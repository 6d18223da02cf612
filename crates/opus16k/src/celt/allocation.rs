//! How many bits each band gets, for its shape and for its energy (RFC 6716, 4.3.3).
//!
//! Two of eleven allocations that the format knows (or the highest and all that is of use) enclose the frame's bits, and
//! what lies between them in 64ths is found by halving. Bands that come away with too little for a pulse are skipped,
//! from the highest down, and so are those that the frame gives up.
//!
//! Invariant: as in every decoder, to the eighth of a bit.

use ruopus::celt::modes::{EBANDS, LOG_N, NB_EBANDS};
use ruopus::celt::tables::{BAND_ALLOCATION, CACHE_CAPS, LOG2_FRAC_TABLE, NB_ALLOC_VECTORS};

use super::partition::BIT;
use crate::coder::Coder;

/// The most bits of a band's energy behind its coarse ones.
pub const MOST_FINE: i32 = 8;
/// Steps from an allocation to the next, as a power of two.
const STEPS: u32 = 6;
/// Eighths by which a bin's energy is cheaper than its shape.
const FINE_OFFSET: i32 = 21;

/// Of each band; in eighths of a bit unless it says bits, or bins.
type Bands = [i32; NB_EBANDS];

pub struct Allocation {
    /// The bands behind these have no shape.
    pub coded_bands: usize,
    pub shape: Bands,
    /// Bits of its energy, of each channel.
    pub fine: Bands,
    /// It is among the last to get a bit that is left.
    pub late: [bool; NB_EBANDS],
    /// What the first band finds left.
    pub balance: i32,
    /// From this band on two channels share one shape.
    pub intensity: usize,
    /// Below it they have nothing to do with each other.
    pub dual_stereo: bool,
}

/// What is known of a frame's bands before it is read.
pub struct Limits {
    lm: usize,
    channels: usize,
    /// Bins of a channel.
    bins: Bands,
    /// More is of no use to a shape.
    pub most: Bands,
    /// With less there is no pulse.
    least: Bands,
}

impl Limits {
    /// By how often 2.5 ms were doubled, 0 to 3, and channels, 1 or 2.
    pub fn of(lm: usize, channels: usize) -> &'static Limits {
        static LIMITS: [[Limits; 2]; 4] = [
            [limits(0, 1), limits(0, 2)],
            [limits(1, 1), limits(1, 2)],
            [limits(2, 1), limits(2, 2)],
            [limits(3, 1), limits(3, 2)],
        ];
        &LIMITS[lm][channels - 1]
    }

    /// A bit for each channel: what a band without a shape may still have.
    fn floor(&self) -> i32 {
        self.channels as i32 * BIT
    }

    /// What the bands get of what they wish: the highest that can have a pulse and all below it as much as they
    /// wish, up to `most`; those above it no more than their floor.
    fn grant(&self, wishes: &[i32]) -> Bands {
        let (mut granted, floor) = ([0; NB_EBANDS], self.floor());
        let coded = wishes.iter().zip(&self.least).rposition(|(wish, least)| wish >= least).map_or(0, |last| last + 1);
        let most = wishes.iter().zip(&self.most);
        granted.iter_mut().zip(most).take(coded).for_each(|(granted, (&wish, &most))| *granted = wish.min(most));
        let above = granted.iter_mut().zip(wishes).skip(coded);
        above.for_each(|(granted, &wish)| *granted = if wish >= floor { floor } else { 0 });
        granted
    }
}

const fn limits(lm: usize, channels: usize) -> Limits {
    let (mut bins, mut most, mut least) = ([0; NB_EBANDS], [0; NB_EBANDS], [0; NB_EBANDS]);
    let mut band = 0;
    while band < NB_EBANDS {
        bins[band] = ((EBANDS[band + 1] - EBANDS[band]) as i32) << lm;
        let cap = CACHE_CAPS[NB_EBANDS * (2 * lm + channels - 1) + band] as i32;
        most[band] = ((cap + 64) * channels as i32 * bins[band]) >> 2;
        let (pulse, bit) = ((3 * bins[band] * BIT) >> 4, channels as i32 * BIT);
        least[band] = if pulse > bit { pulse } else { bit };
        band += 1;
    }
    Limits { lm, channels, bins, most, least }
}

/// What the frame says of its bands.
pub struct Said<'a> {
    /// How many there are.
    pub end: usize,
    pub boosts: &'a Bands,
    /// 0 to 10, 5 being neutral: the more, the more for low bands (where the RFC's prose and its formula differ, it is
    /// the formula that decoders follow).
    pub trim: i32,
}

impl Limits {
    /// Divides `total` eighths, and reads what the frame says of how.
    pub fn divide(&self, coder: &mut Coder, said: &Said, total: i32) -> Allocation {
        let end = said.end;
        let mut kept = Kept::of(total, self.channels, end);
        let mut shape = self.share(said, kept.left);
        let boosted = said.boosts[..end].iter().rposition(|&boost| boost > 0).unwrap_or(0);
        let coded_bands = self.skip(coder, &mut shape, end, boosted, &mut kept);

        let read = |coder: &mut Coder| coder.number(coded_bands as u32 + 1).unwrap_or(0) as usize;
        let intensity = if kept.intensity > 0 { read(coder) } else { 0 };
        let dual_stereo = intensity > 0 && kept.dual > 0 && coder.bit(1);
        let left = kept.left + if intensity > 0 { 0 } else { kept.dual };
        let granted = shape.iter().sum::<i32>();
        spread(&mut shape, coded_bands, left - granted);

        let (fine, late, balance) = ([0; NB_EBANDS], [false; NB_EBANDS], 0);
        let mut allocation = Allocation { coded_bands, shape, fine, late, balance, intensity, dual_stereo };
        self.divide_bands(&mut allocation, end);
        allocation
    }

    /// The allocation that comes nearest to `total` from below.
    fn share(&self, said: &Said, total: i32) -> Bands {
        let (end, fits) = (said.end, |wishes: &[i32]| self.grant(wishes).iter().sum::<i32>() <= total);
        let (mut low, mut high) = (1, NB_ALLOC_VECTORS - 1);
        while low <= high {
            let middle = (low + high) / 2;
            if fits(&self.vector(middle, said, said.boosts)[..end]) { low = middle + 1 } else { high = middle - 1 }
        }
        let boosts = if high > 0 { said.boosts } else { &[0; NB_EBANDS] };
        let below = self.vector(high, said, boosts);
        let above = if low < NB_ALLOC_VECTORS {
            self.vector(low, said, said.boosts)
        } else {
            self.trimmed(self.most, said, said.boosts)
        };
        let between = |step: i32| -> Bands {
            std::array::from_fn(|band| below[band] + ((step * (above[band] - below[band]).max(0)) >> STEPS))
        };
        let step = (0..STEPS).rev().fold(0, |step, bit| {
            let next = step + (1 << bit);
            if fits(&between(next)[..end]) { next } else { step }
        });
        self.grant(&between(step)[..end])
    }

    /// One of the format's allocations, trimmed and boosted.
    fn vector(&self, index: usize, said: &Said, boosts: &Bands) -> Bands {
        let row: &[u8; NB_EBANDS] = BAND_ALLOCATION[index * NB_EBANDS..].first_chunk().unwrap_or(&[0; NB_EBANDS]);
        let shares = std::array::from_fn(|band| (self.channels as i32 * self.bins[band] * i32::from(row[band])) >> 2);
        self.trimmed(shares, said, boosts)
    }

    fn trimmed(&self, shares: Bands, said: &Said, boosts: &Bands) -> Bands {
        let trim = said.trim - 5 - self.lm as i32;
        std::array::from_fn(|band| {
            let (bins, above) = (self.bins[band], said.end as i32 - 1 - band as i32);
            let narrow = if bins == 1 { self.floor() } else { 0 };
            let trim = ((self.channels as i32 * bins * trim * above * BIT) >> 6) - narrow;
            boosts[band] + if shares[band] > 0 { (shares[band] + trim).max(0) } else { 0 }
        })
    }

    /// Reads how many bands have a shape: a boosted one has, and all before it.
    fn skip(&self, coder: &mut Coder, shape: &mut Bands, end: usize, boosted: usize, kept: &mut Kept) -> usize {
        let floor = self.floor();
        let mut granted = shape.iter().sum::<i32>();
        for coded in (boosted + 2..=end).rev() {
            let band = coded - 1;
            let mut has = shape[band] + share_of(band, coded, kept.left - granted);
            if has >= self.least[band].max(floor + BIT) {
                if coder.bit(1) {
                    return coded;
                }
                kept.left -= BIT;
                has -= BIT;
            }
            granted -= shape[band];
            shape[band] = if has >= floor { floor } else { 0 };
            granted += shape[band];
            kept.fewer(band);
        }
        // Nothing needs to be said.
        kept.left += kept.skip;
        boosted + 1
    }

    /// Takes from each band's share what its energy gets; what a shape cannot use goes to the next.
    fn divide_bands(&self, allocation: &mut Allocation, end: usize) {
        let channels = self.channels as i32;
        for band in 0..allocation.coded_bands {
            let (bins, share) = (self.bins[band], allocation.shape[band] + allocation.balance);
            let most = if bins > 1 { self.most[band] } else { self.floor() };
            let mut excess = (share - most).max(0);
            let (mut shape, mut fine) = (share - excess, 0);
            allocation.late[band] = true;
            if bins > 1 {
                let (freedom, wish) = self.wish(allocation, band, shape);
                fine = ((wish + (freedom << 2)).max(0) / freedom) >> 3;
                if channels * fine > shape >> 3 {
                    fine = shape >> (channels + 2);
                }
                fine = fine.min(MOST_FINE);
                allocation.late[band] = fine * freedom * BIT >= wish;
                shape -= channels * fine * BIT;
            }
            if excess > 0 {
                let more = (excess >> (channels + 2)).min(MOST_FINE - fine);
                fine += more;
                let paid = more * channels * BIT;
                allocation.late[band] = paid >= excess - allocation.balance;
                excess -= paid;
            }
            (allocation.shape[band], allocation.fine[band], allocation.balance) = (shape, fine, excess);
        }
        for band in allocation.coded_bands..end {
            let fine = allocation.shape[band] >> (channels + 2);
            (allocation.shape[band], allocation.fine[band], allocation.late[band]) = (0, fine, fine < 1);
        }
    }

    /// In how many directions a band's shape may go, and so many times the eighths that its energy should have of
    /// `shape` in each channel, for as good as these.
    fn wish(&self, allocation: &Allocation, band: usize, shape: i32) -> (i32, i32) {
        let (bins, channels) = (self.bins[band], self.channels as i32);
        let coupled = channels == 2 && bins > 2 && !allocation.dual_stereo && band < allocation.intensity;
        let freedom = channels * bins + i32::from(coupled);
        let logarithm = freedom * (i32::from(LOG_N[band]) + self.lm as i32 * BIT);
        let mut wish = shape + (logarithm >> 1) - freedom * FINE_OFFSET;
        // Two bins are dearer than the rule has it.
        if bins == 2 {
            wish += (freedom * BIT) >> 2;
        }
        // And so are few bits.
        if wish < freedom * 2 * BIT {
            wish += logarithm >> 2;
        } else if wish < freedom * 3 * BIT {
            wish += logarithm >> 3;
        }
        (freedom, wish)
    }
}

/// Eighths of the frame that are left, and those that are kept for what stands in front of the shapes.
struct Kept {
    left: i32,
    skip: i32,
    intensity: i32,
    dual: i32,
}

impl Kept {
    fn of(total: i32, channels: usize, end: usize) -> Kept {
        let mut left = total.max(0);
        let mut keep = |eighths: i32, wanted: bool| {
            let kept = if wanted && eighths <= left { eighths } else { 0 };
            left -= kept;
            kept
        };
        let skip = keep(BIT, true);
        let intensity = keep(i32::from(LOG2_FRAC_TABLE[end]), channels == 2);
        let dual = keep(BIT, intensity > 0);
        Kept { left, skip, intensity, dual }
    }

    /// So many bands may be the first that two channels share: it takes fewer bits to say which.
    fn fewer(&mut self, bands: usize) {
        if self.intensity > 0 {
            let fewer = i32::from(LOG2_FRAC_TABLE[bands]);
            self.left += self.intensity - fewer;
            self.intensity = fewer;
        }
    }
}

/// Bins of some bands in 2.5 ms.
fn width(from: usize, to: usize) -> i32 {
    i32::from(EBANDS[to] - EBANDS[from])
}

/// What the last of `coded` bands would get of what is `left`.
fn share_of(band: usize, coded: usize, left: i32) -> i32 {
    let all = width(0, coded);
    left / all * width(band, coded) + (left % all - width(0, band)).max(0)
}

/// Gives what is left to the bands that have a shape, by their bins; the rest to the lowest.
fn spread(shape: &mut Bands, coded: usize, left: i32) {
    let all = width(0, coded);
    let (each, mut rest) = (left / all, left % all);
    for (band, shape) in shape.iter_mut().enumerate().take(coded) {
        let bins = width(band, band + 1);
        let more = rest.min(bins);
        *shape += each * bins + more;
        rest -= more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twins::random;
    use ruopus::RangeDecoder;
    use ruopus::celt::rate::{AllocEc, compute_allocation, init_caps};

    #[test]
    fn bands_get_what_the_twin_gives_them() {
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
            let (mut ours, mut twin) = (Coder::new(&packet), RangeDecoder::new(&packet));

            let limits = Limits::of(lm, channels);
            let caps = init_caps(lm, channels);
            assert_eq!(limits.most, caps);
            let allocation = limits.divide(&mut ours, &Said { end, boosts: &boosts, trim }, total);
            let mut source = AllocEc::Dec(&mut twin);
            let theirs = compute_allocation(&mut source, 0, end, &boosts, &caps, trim, total, channels, lm);
            assert_eq!((ours.tell(), ours.range()), (twin.tell(), twin.range_size()));
            let stereo = (allocation.intensity, allocation.dual_stereo);
            assert_eq!((allocation.coded_bands, stereo), (theirs.coded_bands, (theirs.intensity, theirs.dual_stereo)));
            assert_eq!((allocation.shape, allocation.fine), (theirs.shape_bits, theirs.fine_quant));
            assert_eq!((allocation.late, allocation.balance), (theirs.fine_priority, theirs.balance));
        }
    }
}
