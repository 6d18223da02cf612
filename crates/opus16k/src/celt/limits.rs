//! What bands can use and need at least (RFC 6716, 4.3.3):
//!
//! ```text
//! cap[b] = (cache_caps[b] + 64) * channels * bins / 4
//! thresh[b] = max(3 / 16 of a bit for each bin, a bit for each channel)
//! ```

use super::tables::{CACHE_CAPS, EBANDS, NB_EBANDS, ONE_BIT};

/// A number for each band; eighths of a bit unless it says otherwise.
pub(super) type Bands = [i32; NB_EBANDS];

/// What is known of the bands of a frame size and channel count.
pub(super) struct Limits {
    pub(super) lm: usize,
    pub(super) channels: usize,
    /// Bins of a channel.
    pub(super) bins: Bands,
    /// The most that a band can use (cap).
    pub(super) caps: Bands,
    /// The least that pays for a pulse (thresh).
    pub(super) thresholds: Bands,
}

impl Limits {
    /// Of frames of `2^lm` times 2.5 ms.
    pub(super) fn new(lm: usize, channels: usize) -> &'static Limits {
        static LIMITS: [[Limits; 2]; 4] = [
            [limits(0, 1), limits(0, 2)],
            [limits(1, 1), limits(1, 2)],
            [limits(2, 1), limits(2, 2)],
            [limits(3, 1), limits(3, 2)],
        ];
        &LIMITS[lm][channels - 1]
    }

    /// A bit for each channel: the most that a band without a shape has.
    pub(super) fn floor(&self) -> i32 {
        self.channels as i32 * ONE_BIT
    }

    /// Bands get what they are to have, at most their cap, up to the highest one that can have a pulse; those above it
    /// get the floor or nothing.
    pub(super) fn limit(&self, bits: &[i32]) -> Bands {
        let (mut limited, floor) = ([0; NB_EBANDS], self.floor());
        let last = bits.iter().zip(&self.thresholds).rposition(|(bits, threshold)| bits >= threshold);
        let coded = last.map_or(0, |last| last + 1);
        let capped = bits.iter().zip(&self.caps);
        limited.iter_mut().zip(capped).take(coded).for_each(|(limited, (&bits, &cap))| *limited = bits.min(cap));
        let above = limited.iter_mut().zip(bits).skip(coded);
        above.for_each(|(limited, &bits)| *limited = if bits >= floor { floor } else { 0 });
        limited
    }
}

const fn limits(lm: usize, channels: usize) -> Limits {
    let (mut bins, mut caps, mut thresholds) = ([0; NB_EBANDS], [0; NB_EBANDS], [0; NB_EBANDS]);
    let mut band = 0;
    while band < NB_EBANDS {
        bins[band] = ((EBANDS[band + 1] - EBANDS[band]) as i32) << lm;
        let cap = CACHE_CAPS[2 * lm + channels - 1][band] as i32;
        caps[band] = ((cap + 64) * channels as i32 * bins[band]) >> 2;
        let (pulse, floor) = ((3 * bins[band] * ONE_BIT) >> 4, channels as i32 * ONE_BIT);
        thresholds[band] = if pulse > floor { pulse } else { floor };
        band += 1;
    }
    Limits { lm, channels, bins, caps, thresholds }
}
