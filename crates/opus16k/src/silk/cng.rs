//! Comfort noise generation, as libopus has it: background noise for where concealment has faded.
//!
//! The LSFs, gains and excitation of received frames without voice activity are smoothed; concealed frames get what is
//! missing to that level.

use super::fixed::{silk_rand, smulww, sqrt_approx};
use super::lpc::lsf_to_lpc;
use super::lpc_filter::lpc_synthesis_of_steps;
use super::lsf::{Lsf, NYQUIST};
use super::sizes::{MAX_FRAME, MAX_ORDER, MAX_SUBFRAME, SUBFRAMES};
use super::tables::lsf::Codebook;

/// How fast LSFs and gains follow those of each frame and subframe.
const LSF_SMOOTHING_Q16: i32 = 16_348;
const GAIN_SMOOTHING_Q16: i32 = 4_634;
const FIRST_SEED: u32 = 3_176_576;

pub(super) struct Cng<const ORDER: usize, const SUBFRAME: usize> {
    lsf: Lsf<ORDER>,
    gain_q16: i32,
    memory: Memory,
    seed: u32,
}

/// What a change of the internal sampling rate does not reset.
#[derive(Clone)]
pub(super) struct Memory {
    /// The loudest subframe of each of the last frames, the latest first.
    excitation_q14: [i32; MAX_FRAME],
    /// Of the synthesis filter, which uses the last `ORDER` values.
    lpc_state: [i32; MAX_ORDER],
}

impl Default for Memory {
    fn default() -> Memory {
        Memory { excitation_q14: [0; MAX_FRAME], lpc_state: [0; MAX_ORDER] }
    }
}

impl<const ORDER: usize, const SUBFRAME: usize> Cng<ORDER, SUBFRAME> {
    const FRAME: usize = SUBFRAMES * SUBFRAME;

    pub(super) fn new(memory: Memory) -> Cng<ORDER, SUBFRAME> {
        let step = (NYQUIST - 1) / (ORDER as i32 + 1);
        let lsf = std::array::from_fn(|k| step * (k as i32 + 1));
        Cng { lsf, gain_q16: 0, memory, seed: FIRST_SEED }
    }

    pub(super) fn memory(&self) -> Memory {
        self.memory.clone()
    }

    /// A frame without voice activity was received, of as many subframes as gains.
    pub(super) fn update(&mut self, lsf: &Lsf<ORDER>, gains_q16: &[i32], excitation_q14: &[i32]) {
        for (smooth, lsf) in self.lsf.iter_mut().zip(lsf) {
            *smooth += smulww(lsf - *smooth, LSF_SMOOTHING_Q16);
        }
        // The first of the loudest.
        let loudest = (0..gains_q16.len()).rev().max_by_key(|&subframe| gains_q16[subframe]).unwrap_or(0);
        self.memory.excitation_q14.copy_within(..(gains_q16.len() - 1) * SUBFRAME, SUBFRAME);
        self.memory.excitation_q14[..SUBFRAME].copy_from_slice(&excitation_q14[loudest * SUBFRAME..][..SUBFRAME]);
        for gain_q16 in gains_q16 {
            self.gain_q16 += smulww(gain_q16 - self.gain_q16, GAIN_SMOOTHING_Q16);
        }
    }

    /// A frame was received: the noise of the next gap begins anew. As in libopus the first `ORDER` values are cleared,
    /// which leaves six to narrowband and mediumband.
    pub(super) fn reset_state(&mut self) {
        self.memory.lpc_state[..ORDER].fill(0);
    }

    /// Adds noise to concealed samples, whose own noise has the gain `concealed_q14`.
    pub(super) fn add(&mut self, codebook: &Codebook<ORDER>, concealed_q14: i32, samples: &mut [i16]) {
        let gain_q16 = self.missing_gain_q16(concealed_q14);
        let lpc = lsf_to_lpc(codebook, &self.lsf);
        // As many as a power of two not above the frame's length, at most 256.
        let frame = if samples.len() < Self::FRAME { Self::FRAME / 2 } else { Self::FRAME };
        let drawn = 256.min(1 << frame.ilog2());
        let Some(state) = self.memory.lpc_state.last_chunk_mut::<ORDER>() else { return };
        let mut noise = [0; MAX_SUBFRAME];
        for samples in samples.chunks_mut(SUBFRAME / 2) {
            let excitation: [i32; MAX_SUBFRAME] = std::array::from_fn(|i| {
                if i >= samples.len() {
                    return 0;
                }
                self.seed = silk_rand(self.seed);
                self.memory.excitation_q14[(self.seed >> 24) as usize % drawn]
            });
            let noise = &mut noise[..samples.len()];
            lpc_synthesis_of_steps(state, &lpc, &excitation[..samples.len()], gain_q16 >> 6, noise);
            samples.iter_mut().zip(noise).for_each(|(sample, noise)| *sample = sample.saturating_add(*noise));
        }
    }

    /// `sqrt(gain^2 - 2 concealed^2)`, with fewer bits for large gains.
    fn missing_gain_q16(&self, concealed_q14: i32) -> i32 {
        if concealed_q14 >= 1 << 21 || self.gain_q16 > 1 << 23 {
            let (gain, concealed_q14) = (self.gain_q16 >> 16, concealed_q14 >> 16);
            sqrt_approx((gain * gain).wrapping_sub((concealed_q14 * concealed_q14) << 5)) << 16
        } else {
            let square = |gain| smulww(gain, gain);
            sqrt_approx(square(self.gain_q16).wrapping_sub(square(concealed_q14) << 5)) << 8
        }
    }
}
