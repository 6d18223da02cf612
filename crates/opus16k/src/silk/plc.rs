//! Packet loss concealment (RFC 6716, 4.4, leaves it open): libopus' algorithm in its integers.
//!
//! ```text
//! res[i] = pitch_gain * res[i - lag] + noise_gain * (a random one of the last 128 excitation values)
//! out[i] = the last frame's LPC filter, its bandwidth expanded, applied to res[i]
//! after each subframe: pitch_gain and noise_gain decay, lag grows by 1 %
//! ```

use super::fixed::{inverse32_var_q, sat16, silk_rand, smulww, sqrt_approx, sum_sqr_shift};
use super::lpc::Lpc;
use super::lpc_filter::{lpc_analysis, lpc_synthesis_of_steps};
use super::sizes::{History, LTP_ORDER, MAX_FRAME, MAX_HISTORY, MAX_LAG_MS, Residual, SUBFRAMES};

/// How many excitation values the noise is drawn from.
const RAND_BUF_SIZE: usize = 128;
/// Bandwidth expansion with each lost frame: 0.99.
const BWE_Q16: i32 = 64_881;
/// Decay of the pitch gain in a subframe, in the first lost frame and in those behind it: 0.99 and 0.95.
const HARM_ATT_Q15: [i32; 2] = [32_440, 31_130];
/// Decay of the noise gain, behind a voiced frame and behind others.
const RAND_ATT_VOICED_Q15: [i32; 2] = [31_130, 26_214];
const RAND_ATT_UNVOICED_Q15: [i32; 2] = [32_440, 29_491];
/// Bounds of the first pitch gain: 0.7 and 0.95.
const PITCH_GAIN_MIN_Q14: i32 = 11_469;
const PITCH_GAIN_MAX_Q14: i32 = 15_565;
/// The least noise gain behind a voiced frame: 0.2.
const NOISE_GAIN_MIN_Q14: i32 = 3_277;
/// Growth of the lag in a subframe: 0.01.
const PITCH_DRIFT_Q16: i32 = 655;

/// Long-term prediction at the end of a voiced frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct LongTerm {
    pub(super) lag: usize,
    /// The sum of the filter's coefficients.
    pub(super) gain_q14: i32,
    pub(super) scale_q14: i32,
}

/// What is known of the last frame that was received, and the state of the concealment.
pub(super) struct Plc<const ORDER: usize, const SUBFRAME: usize> {
    voiced: bool,
    /// It had no voice activity: its noise does not decay.
    inactive: bool,
    lpc: Lpc<ORDER>,
    /// Of the last two subframes.
    gains_q16: [i32; 2],
    memory: Memory,
    /// Of the last frame, samples.
    frame_length: usize,
    lag_q8: i32,
    pitch_gain_q14: i32,
    ltp_scale_q14: i32,
    /// Samples that are left of the frame being concealed.
    left: usize,
    /// Where in the excitation the noise is drawn from.
    noise_start: usize,
    /// Decay in the frame being concealed.
    pitch_decay_q15: i32,
    noise_decay_q15: i32,
}

/// What a change of the internal sampling rate does not reset.
#[derive(Clone)]
pub(super) struct Memory {
    /// Lost frames in a row.
    losses: usize,
    excitation_q14: [i32; MAX_FRAME],
    noise_gain_q14: i32,
    seed: u32,
}

impl Default for Memory {
    fn default() -> Memory {
        Memory { losses: 0, excitation_q14: [0; MAX_FRAME], noise_gain_q14: 0, seed: 0 }
    }
}

impl<const ORDER: usize, const SUBFRAME: usize> Plc<ORDER, SUBFRAME> {
    const FRAME: usize = SUBFRAMES * SUBFRAME;
    /// 2.5 ms, which every length is a multiple of.
    const STEP: usize = SUBFRAME / 2;
    const MAX_LAG_Q8: i32 = ((MAX_LAG_MS * SUBFRAME / 5) as i32) << 8;

    pub(super) fn new(memory: Memory) -> Plc<ORDER, SUBFRAME> {
        Plc {
            voiced: false,
            inactive: false,
            lpc: Lpc([0; ORDER]),
            gains_q16: [1 << 16; 2],
            memory,
            frame_length: Self::FRAME,
            lag_q8: Self::MAX_LAG_Q8,
            pitch_gain_q14: 0,
            ltp_scale_q14: 0,
            left: 0,
            noise_start: 0,
            pitch_decay_q15: 0,
            noise_decay_q15: 0,
        }
    }

    /// A frame was received, with this excitation before long-term prediction.
    pub(super) fn update(
        &mut self,
        lpc: &Lpc<ORDER>,
        gains_q16: [i32; 2],
        pitch: Option<LongTerm>,
        inactive: bool,
        excitation_q14: &[i32],
    ) {
        (self.memory.losses, self.left) = (0, 0);
        (self.voiced, self.inactive) = (pitch.is_some(), inactive);
        (self.lpc, self.gains_q16) = (*lpc, gains_q16);
        self.ltp_scale_q14 = pitch.map_or(0, |pitch| pitch.scale_q14);
        (self.lag_q8, self.pitch_gain_q14) = match pitch {
            Some(LongTerm { lag, gain_q14, .. }) if gain_q14 > 0 => ((lag as i32) << 8, limited_pitch_gain(gain_q14)),
            Some(_) => (self.lag_q8, 0),
            None => (Self::MAX_LAG_Q8, 0),
        };
        self.frame_length = excitation_q14.len();
        self.memory.excitation_q14[..self.frame_length].copy_from_slice(excitation_q14);
    }

    pub(super) fn memory(&self) -> Memory {
        self.memory.clone()
    }

    /// Whether the last frame was lost.
    pub(super) fn is_active(&self) -> bool {
        self.memory.losses > 0
    }

    /// The lag at which a received frame without a pitch begins: behind concealed voiced ones, theirs.
    pub(super) fn lag_to_continue(&self) -> Option<usize> {
        (self.voiced && self.is_active()).then(|| self.lag())
    }

    /// How loud the noise is by now.
    pub(super) fn noise_gain_q14(&self) -> i32 {
        smulww(self.memory.noise_gain_q14, self.gains_q16[1])
    }

    /// Writes `samples` of concealment into `history` from `start` on.
    pub(super) fn conceal(&mut self, state: &mut [i32; ORDER], history: &mut History, start: usize, samples: usize) {
        let mut residual: Residual = [0; MAX_HISTORY + MAX_FRAME];
        for at in (start..start + samples).step_by(Self::STEP) {
            let begins = self.left == 0;
            if begins {
                self.begin_frame(start + samples - at);
            }
            if begins || at == start {
                // The residual of the past, for the filter of now.
                let from = at - self.lag() - LTP_ORDER / 2;
                let inverse_gain = inverse32_var_q(self.gains_q16[1], 46).min(i32::MAX >> 1);
                lpc_analysis(&history[from - ORDER..at], &self.lpc, inverse_gain, &mut residual[from..at]);
            }
            self.excite(&mut residual, at);
            let residual = &residual[at..at + Self::STEP];
            lpc_synthesis_of_steps(
                state,
                &self.lpc,
                residual,
                self.gains_q16[1] >> 6,
                &mut history[at..at + Self::STEP],
            );
            self.left -= Self::STEP;
            if self.left.is_multiple_of(SUBFRAME) {
                self.end_subframe();
            }
        }
    }

    /// Frames are 20 ms, or 10 where less than 20 is left.
    fn begin_frame(&mut self, left: usize) {
        self.left = if left < Self::FRAME { Self::FRAME / 2 } else { Self::FRAME };
        self.lpc.bwexpander(BWE_Q16);
        let later = self.memory.losses.min(1);
        self.pitch_decay_q15 = HARM_ATT_Q15[later];
        self.noise_decay_q15 = if self.voiced { RAND_ATT_VOICED_Q15[later] } else { RAND_ATT_UNVOICED_Q15[later] };
        self.noise_start = self.quieter_subframe_end().saturating_sub(RAND_BUF_SIZE);
        if self.memory.losses == 0 {
            self.begin_gap();
        }
        self.memory.losses += 1;
    }

    /// The first lost frame: the less the pitch explains, the more noise; and the higher the gain of the LPC filter,
    /// the faster noise decays.
    fn begin_gap(&mut self) {
        const ONE_Q30: i32 = 1 << 30;
        self.memory.noise_gain_q14 = 1 << 14;
        if self.voiced {
            let rest = (self.memory.noise_gain_q14 - self.pitch_gain_q14).max(NOISE_GAIN_MIN_Q14);
            self.memory.noise_gain_q14 = (rest * self.ltp_scale_q14) >> 14;
        } else {
            let scale_q30 = self.lpc.inverse_prediction_gain().clamp(ONE_Q30 >> 8, ONE_Q30 >> 3) << 3;
            self.noise_decay_q15 = smulww(scale_q30, self.noise_decay_q15) >> 14;
        }
    }

    /// Where the quieter of the last two subframes ends. As in libopus, the two that are compared are those at which the
    /// concealed frame ends, which is not the received frame's end if one has 10 and the other 20 ms.
    fn quieter_subframe_end(&self) -> usize {
        let energy = |back: usize| {
            let end = self.left - back * SUBFRAME;
            let samples = &self.memory.excitation_q14[end - SUBFRAME..end];
            let gain_q10 = self.gains_q16[1 - back] >> 6;
            let scaled: [i16; SUBFRAME] = std::array::from_fn(|i| sat16(smulww(samples[i], gain_q10) >> 8));
            sum_sqr_shift(&scaled)
        };
        let ((first, first_shift), (second, second_shift)) = (energy(1), energy(0));
        let first_is_quieter = first >> second_shift < second >> first_shift;
        self.frame_length - if first_is_quieter { SUBFRAME } else { 0 }
    }

    fn lag(&self) -> usize {
        ((self.lag_q8 + 128) >> 8) as usize
    }

    /// The residual of one step: what was there a pitch period before, and noise.
    fn excite(&mut self, residual: &mut Residual, start: usize) {
        let lag = self.lag();
        for at in start..start + Self::STEP {
            self.memory.seed = silk_rand(self.memory.seed);
            let noise = self.memory.excitation_q14[self.noise_start + (self.memory.seed >> 25) as usize];
            let pitch = 2i32.wrapping_add(smulww(residual[at - lag], self.pitch_gain_q14));
            residual[at] = pitch.wrapping_add(smulww(noise, self.memory.noise_gain_q14)) << 2;
        }
    }

    fn end_subframe(&mut self) {
        self.pitch_gain_q14 = (self.pitch_gain_q14 * self.pitch_decay_q15) >> 15;
        if !self.inactive {
            self.memory.noise_gain_q14 = (self.memory.noise_gain_q14 * self.noise_decay_q15) >> 15;
        }
        self.lag_q8 = (self.lag_q8 + smulww(self.lag_q8, PITCH_DRIFT_Q16)).min(Self::MAX_LAG_Q8);
    }
}

/// A positive gain, scaled to the nearer bound if it is beyond one. libopus multiplies the lower 16 bits of the scale.
fn limited_pitch_gain(gain_q14: i32) -> i32 {
    let scaled = |bound: i32, shift: u32| (gain_q14 * i32::from(((bound << shift) / gain_q14) as i16)) >> shift;
    match gain_q14 {
        ..PITCH_GAIN_MIN_Q14 => scaled(PITCH_GAIN_MIN_Q14, 10),
        PITCH_GAIN_MIN_Q14..=PITCH_GAIN_MAX_Q14 => gain_q14,
        _ => scaled(PITCH_GAIN_MAX_Q14, 14),
    }
}

/// The transition from concealment to a received frame: where that is louder, it fades in (silk_PLC_glue_frames).
#[derive(Default)]
pub(super) struct Glue {
    /// Energy of the last concealed frame and its shift, until a frame is received.
    concealed: Option<(i32, u32)>,
}

impl Glue {
    pub(super) fn concealed(&mut self, frame: &[i16]) {
        self.concealed = Some(sum_sqr_shift(frame));
    }

    /// In the first quarter of the frame the gain rises from `sqrt(concealed / received)` to 1.
    pub(super) fn received(&mut self, frame: &mut [i16]) {
        const ONE_Q16: i32 = 1 << 16;
        let Some((concealed, concealed_shift)) = self.concealed.take() else { return };
        let (energy, shift) = sum_sqr_shift(frame);
        let concealed = concealed >> shift.saturating_sub(concealed_shift);
        let energy = energy >> concealed_shift.saturating_sub(shift);
        if energy <= concealed {
            return;
        }
        let headroom = concealed.leading_zeros() as i32 - 1;
        let quotient_q24 = (concealed << headroom) / (energy >> (24 - headroom).max(0)).max(1);
        let mut gain_q16 = sqrt_approx(quotient_q24) << 4;
        let slope_q16 = (ONE_Q16 - gain_q16) / frame.len() as i32 * 4;
        for sample in frame {
            *sample = smulww(gain_q16, i32::from(*sample)) as i16;
            gain_q16 += slope_q16;
            if gain_q16 > ONE_Q16 {
                break;
            }
        }
    }
}
