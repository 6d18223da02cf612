//! How many samples, frames and patches belong together.
//!
//! Patches of 96 frames begin every 48 frames. `n` patches cover `96 + 48 (n - 1)` frames, which are computed from
//! `15600 + 7680 (n - 1)` samples. The reference pads a recording with zeros to such a length
//! (`pad_waveform` in features.py).

use crate::params::{PATCH_FRAMES, PATCH_HOP_FRAMES, PATCH_HOP_SAMPLES, PATCH_SAMPLES};

/// Frames that `patches` half-overlapping patches cover; 0 for none.
pub const fn frames_in_patches(patches: usize) -> usize {
    if patches == 0 { 0 } else { PATCH_FRAMES + (patches - 1) * PATCH_HOP_FRAMES }
}

/// Samples that `patches` half-overlapping patches are computed from; 0 for none.
pub const fn samples_in_patches(patches: usize) -> usize {
    if patches == 0 { 0 } else { PATCH_SAMPLES + (patches - 1) * PATCH_HOP_SAMPLES }
}

/// Length in samples of a recording after zero padding: at least one patch, then whole patch hops.
pub fn padded_length(samples: u64) -> u64 {
    let first = PATCH_SAMPLES as u64;
    let hops = samples.saturating_sub(first).div_ceil(PATCH_HOP_SAMPLES as u64);
    first + hops * PATCH_HOP_SAMPLES as u64
}

/// Patches of a recording of `samples` samples, after zero padding.
pub fn patch_count(samples: u64) -> u64 {
    (padded_length(samples) - PATCH_SAMPLES as u64) / PATCH_HOP_SAMPLES as u64 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_that_of_the_reference() {
        let cases = [(0, 15_600, 1), (1, 15_600, 1), (15_600, 15_600, 1), (15_601, 23_280, 2), (23_281, 30_960, 3)];
        for (samples, padded, patches) in cases {
            assert_eq!(padded_length(samples), padded);
            assert_eq!(patch_count(samples), patches);
        }
    }

    #[test]
    fn patches_cover_their_frames_and_samples() {
        assert_eq!([0, 1, 2, 3].map(frames_in_patches), [0, 96, 144, 192]);
        assert_eq!([0, 1, 2, 3].map(samples_in_patches), [0, 15_600, 23_280, 30_960]);
    }
}
