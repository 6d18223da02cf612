//! From indices and pulses to samples (RFC 6716, 4.2.7.4 and 4.2.7.8.6 to 4.2.7.9.2).
//!
//! ```text
//! e[i]   = pulse, offset and sign                                              the excitation
//! res[i] = e[i] + sum over k in 0..5 of res[i - lag + 2 - k] * b[k]             voiced frames only
//! lpc[i] = gain * res[i] + sum over k in 0..ORDER of lpc[i - 1 - k] * a[k]
//! out[i] = clamp(-1, lpc[i], 1)
//! ```
//!
//! The RFC lets a decoder compute this in floats, some 50 dB from the reference code. Here are the reference code's
//! integers, to the bit as long as nothing is lost: two decoders that differ by less than a detection threshold are not
//! distinguishable. Where the reference wraps or saturates, so does this.

use std::sync::LazyLock;

use super::cng::{self, Cng};
use super::fixed::{div32_var_q16, inverse32_var_q, silk_rand, smulww};
use super::indices::{Coding, Indices, SignalType};
use super::lpc::{Lpc, lsf_to_lpc};
use super::lpc_filter::{lpc_analysis, lpc_synthesis};
use super::lsf::{Lsf, interpolate, lsf_decode};
use super::plc::{self, LongTerm, Plc};
use super::sizes::{Excitation, History, LTP_ORDER, MAX_FRAME, MAX_HISTORY, Residual, SUBFRAMES};
use super::tables::Rate;
use super::tables::pulses::QUANTIZATION_OFFSETS;

const ONE_Q16: i32 = 1 << 16;
/// Gains are quantized to so many levels (4.2.7.4).
const GAIN_LEVELS: usize = 64;
/// The level that the first frame, and the first one after a loss, is limited by.
const INITIAL_GAIN_INDEX: i32 = 10;
/// Bandwidth expansion of the filters of a frame after a loss: 0.97.
const BWE_AFTER_LOSS_Q16: i32 = 63_570;

/// The LTP filter of a frame without a pitch behind concealed ones with one: 0.25.
const CONTINUED_LTP_Q14: [i32; LTP_ORDER] = [0, 0, 4_096, 0, 0];

/// What concealment and comfort noise keep at a change of the internal sampling rate.
pub(super) type Memory = (plc::Memory, cng::Memory);

/// What the synthesis of a frame needs to know.
struct Parameters<const ORDER: usize> {
    gains_q16: [i32; SUBFRAMES],
    /// The filters of both halves of the frame.
    lpc: [Lpc<ORDER>; 2],
    /// The halves differ.
    interpolated: bool,
    /// How many subframes are predicted from a pitch.
    pitched: usize,
    lags: [usize; SUBFRAMES],
    ltp_q14: [[i32; LTP_ORDER]; SUBFRAMES],
    ltp_scale_q14: i32,
}

/// The decoder of one channel at one internal sampling rate.
pub(super) struct Synthesis<const ORDER: usize, const SUBFRAME: usize> {
    rate: &'static Rate<ORDER>,
    /// What was decoded, and the frame being decoded.
    history: History,
    /// The last samples before the gain, latest last, Q14.
    lpc_state: [i32; ORDER],
    /// Of the last subframe.
    gain_q16: i32,
    gain_index: i32,
    /// Of the last frame that was received.
    lsf: Option<Lsf<ORDER>>,
    plc: Plc<ORDER, SUBFRAME>,
    cng: Cng<ORDER, SUBFRAME>,
}

impl<const ORDER: usize, const SUBFRAME: usize> Synthesis<ORDER, SUBFRAME> {
    /// Where in `history` a frame begins. The longest lag, the LTP filter and the reach of the LPC filter fit before
    /// it.
    const START: usize = SUBFRAMES * SUBFRAME + MAX_HISTORY - MAX_FRAME;

    /// `memory`: of the decoder of the rate before.
    pub(super) fn new(rate: &'static Rate<ORDER>, memory: Memory) -> Synthesis<ORDER, SUBFRAME> {
        Synthesis {
            rate,
            history: [0; MAX_HISTORY + MAX_FRAME],
            lpc_state: [0; ORDER],
            gain_q16: ONE_Q16,
            gain_index: INITIAL_GAIN_INDEX,
            lsf: None,
            plc: Plc::new(memory.0),
            cng: Cng::new(memory.1),
        }
    }

    /// What another rate continues.
    pub(super) fn memory(&self) -> Memory {
        (self.plc.memory(), self.cng.memory())
    }

    /// Decodes a frame of as many samples as `out` has.
    pub(super) fn decode(&mut self, indices: &Indices<ORDER>, coding: Coding, pulses: &[i16], out: &mut [i16]) {
        let subframes = out.len() / SUBFRAME;
        let parameters = self.parameters(indices, coding, subframes);
        let excitation = excitation::<ORDER, SUBFRAME>(indices, pulses);
        let mut residual: Residual = [0; MAX_HISTORY + MAX_FRAME];
        for (subframe, excitation) in excitation.iter().enumerate().take(subframes) {
            let start = Self::START + subframe * SUBFRAME;
            let adjustment = self.adjust_gain(parameters.gains_q16[subframe]);
            let predicted = if subframe < parameters.pitched {
                self.long_term_prediction(&parameters, subframe, adjustment, excitation, &mut residual)
            } else {
                *excitation
            };
            let lpc = &parameters.lpc[subframe / 2];
            let gain_q10 = parameters.gains_q16[subframe] >> 6;
            lpc_synthesis(&mut self.lpc_state, lpc, &predicted, gain_q10, &mut self.history[start..][..SUBFRAME]);
        }
        self.update_concealment(indices, &parameters, &excitation.as_flattened()[..out.len()]);
        self.finish(out);
    }

    fn parameters(&mut self, indices: &Indices<ORDER>, coding: Coding, subframes: usize) -> Parameters<ORDER> {
        let gains_q16 = self.dequantize_gains(indices, coding, subframes);
        let codebook = self.rate.lsf;
        let lsf = lsf_decode(codebook, indices);
        let second = lsf_to_lpc(codebook, &lsf);
        // The first frame has nothing to interpolate from.
        let previous = self.lsf.filter(|_| indices.lsf_interpolation < 4);
        let first =
            previous.map(|previous| lsf_to_lpc(codebook, &interpolate(&previous, &lsf, indices.lsf_interpolation)));
        self.lsf = Some(lsf);
        let mut lpc = [first.unwrap_or(second), second];
        if self.plc.is_active() {
            lpc.iter_mut().for_each(|lpc| lpc.bwexpander(BWE_AFTER_LOSS_Q16));
        }
        let (pitched, lags, ltp_q14, ltp_scale_q14) = match (&indices.pitch, self.plc.lag_to_continue()) {
            (Some(pitch), _) => {
                let ltp_q14 = pitch.filters.map(|filter| filter.map(|b| i32::from(b) << 7));
                (SUBFRAMES, pitch.lags, ltp_q14, pitch.scale.into())
            }
            // The concealed pitch does not end at once: half of the frame repeats its own excitation.
            (None, Some(lag)) => (SUBFRAMES / 2, [lag; SUBFRAMES], [CONTINUED_LTP_Q14; SUBFRAMES], 0),
            (None, None) => Default::default(),
        };
        Parameters { gains_q16, lpc, interpolated: first.is_some(), pitched, lags, ltp_q14, ltp_scale_q14 }
    }

    /// Section 4.2.7.4:
    ///
    /// ```text
    /// independent: log_gain = max(gain_index, previous_log_gain - 16)
    /// else:        log_gain = clamp(0, max(2 * delta_gain_index - 16, previous_log_gain + delta_gain_index - 4), 63)
    /// gain_Q16 = silk_log2lin((0x1D1C71 * log_gain >> 16) + 2090)
    /// ```
    fn dequantize_gains(&mut self, indices: &Indices<ORDER>, coding: Coding, subframes: usize) -> [i32; SUBFRAMES] {
        let mut gains_q16 = [0; SUBFRAMES];
        for (subframe, gain_q16) in gains_q16.iter_mut().enumerate().take(subframes) {
            let index = i32::from(indices.gains[subframe]);
            let next = match (subframe, coding) {
                (1.., _) | (_, Coding::Conditional) => {
                    let (delta, threshold) = (index - 4, 8 + self.gain_index);
                    self.gain_index + if delta > threshold { 2 * delta - threshold } else { delta }
                }
                _ => index.max(self.gain_index - 16),
            };
            self.gain_index = next.clamp(0, GAIN_LEVELS as i32 - 1);
            *gain_q16 = GAINS_Q16[self.gain_index as usize];
        }
        gains_q16
    }

    /// The filter state is kept before the gain: at a new gain it is scaled by the quotient of the old one and the new
    /// one, which is returned.
    fn adjust_gain(&mut self, gain_q16: i32) -> Option<i32> {
        if gain_q16 == self.gain_q16 {
            return None;
        }
        let adjustment = div32_var_q16(self.gain_q16, gain_q16);
        self.lpc_state.iter_mut().for_each(|sample| *sample = smulww(adjustment, *sample));
        self.gain_q16 = gain_q16;
        Some(adjustment).filter(|&adjustment| adjustment != ONE_Q16)
    }

    /// Section 4.2.7.9.1: the LPC residual of a voiced subframe. At the beginning of a frame, and where its filter
    /// changes, the residual of the samples before is computed anew from the output.
    fn long_term_prediction(
        &self,
        parameters: &Parameters<ORDER>,
        subframe: usize,
        adjustment: Option<i32>,
        excitation: &[i32; SUBFRAME],
        residual: &mut Residual,
    ) -> [i32; SUBFRAME] {
        let (start, lag) = (Self::START + subframe * SUBFRAME, parameters.lags[subframe]);
        let from = start - lag - LTP_ORDER / 2;
        if subframe == 0 || subframe == 2 && parameters.interpolated {
            let mut inverse_gain = inverse32_var_q(self.gain_q16, 47);
            if subframe == 0 {
                inverse_gain = smulww(inverse_gain, parameters.ltp_scale_q14) << 2;
            }
            let lpc = &parameters.lpc[subframe / 2];
            lpc_analysis(&self.history[from - ORDER..start], lpc, inverse_gain, &mut residual[from..start]);
        } else if let Some(adjustment) = adjustment {
            residual[from..start].iter_mut().for_each(|sample| *sample = smulww(adjustment, *sample));
        }
        let ltp_q14 = &parameters.ltp_q14[subframe];
        std::array::from_fn(|i| {
            let window: &[i32; LTP_ORDER] = residual[from + i..].first_chunk().unwrap_or(&[0; LTP_ORDER]);
            // Each product is rounded down: 2 compensates for the mean.
            let prediction = (0..LTP_ORDER)
                .fold(2i32, |sum, tap| sum.wrapping_add(smulww(window[LTP_ORDER - 1 - tap], ltp_q14[tap])));
            let sample = excitation[i].wrapping_add(prediction << 1);
            residual[start + i] = sample << 1;
            sample
        })
    }

    /// Keeps what the concealment of the next frame would need.
    fn update_concealment(&mut self, indices: &Indices<ORDER>, parameters: &Parameters<ORDER>, excitation: &[i32]) {
        let subframes = excitation.len() / SUBFRAME;
        let gains_q16 = &parameters.gains_q16[..subframes];
        let pitch = (indices.signal_type == SignalType::Voiced).then(|| parameters.long_term(SUBFRAME, subframes));
        let last_gains = [gains_q16[subframes - 2], gains_q16[subframes - 1]];
        let inactive = indices.signal_type == SignalType::Inactive;
        self.plc.update(&parameters.lpc[1], last_gains, pitch, inactive, excitation);
        if let Some(lsf) = self.lsf.filter(|_| inactive) {
            self.cng.update(&lsf, gains_q16, excitation);
        }
        self.cng.reset_state();
    }

    /// Fills `out`, a frame or a part of one, with concealment.
    pub(super) fn conceal(&mut self, out: &mut [i16]) {
        self.plc.conceal(&mut self.lpc_state, &mut self.history, Self::START, out.len());
        self.finish(out);
        self.cng.add(self.rate.lsf, self.plc.noise_gain_q14(), out);
    }

    /// A whole packet was lost: the next one's gain does not depend on what was before.
    pub(super) fn reset_gain(&mut self) {
        self.gain_index = INITIAL_GAIN_INDEX;
    }

    /// Gives the frame out and makes it the past.
    fn finish(&mut self, out: &mut [i16]) {
        out.copy_from_slice(&self.history[Self::START..][..out.len()]);
        self.history.copy_within(out.len()..out.len() + Self::START, 0);
    }
}

impl<const ORDER: usize> Parameters<ORDER> {
    /// Of the subframes that the last pitch period reaches into, the last one of those with the highest LTP gain.
    fn long_term(&self, subframe_length: usize, subframes: usize) -> LongTerm {
        let reached = self.lags[subframes - 1].div_ceil(subframe_length).min(subframes);
        let gain_q14 = |subframe: usize| self.ltp_q14[subframe].iter().sum::<i32>();
        let best = (subframes - reached..subframes).max_by_key(|&subframe| gain_q14(subframe)).unwrap_or(subframes - 1);
        LongTerm { lag: self.lags[best], gain_q14: gain_q14(best), scale_q14: self.ltp_scale_q14 }
    }
}

/// Section 4.2.7.8.6, Q14:
///
/// ```text
/// e[i] = (pulses[i] << 10) - 80 * sign(pulses[i]) + offset     (Q10)
/// seed = 196314165 * seed + 907633515
/// if seed has the highest bit: e[i] = -e[i]
/// seed = seed + pulses[i]
/// ```
fn excitation<const ORDER: usize, const SUBFRAME: usize>(
    indices: &Indices<ORDER>,
    pulses: &[i16],
) -> Excitation<SUBFRAME> {
    let voiced = usize::from(indices.signal_type == SignalType::Voiced);
    let offset = QUANTIZATION_OFFSETS[voiced][usize::from(indices.high_offset)];
    let (mut seed, mut excitation) = (indices.seed, [[0; SUBFRAME]; SUBFRAMES]);
    for (value, &pulse) in excitation.as_flattened_mut().iter_mut().zip(pulses) {
        let pulse = i32::from(pulse);
        seed = silk_rand(seed);
        // All ones or 0: half of the signs are inverted, so a branch would be mispredicted.
        let inverted = seed as i32 >> 31;
        let value_q10 = (pulse << 10) - 80 * pulse.signum() + i32::from(offset);
        *value = ((value_q10 << 4) ^ inverted) - inverted;
        seed = seed.wrapping_add_signed(pulse);
    }
    excitation
}

/// The gain of each level.
static GAINS_Q16: LazyLock<[i32; GAIN_LEVELS]> =
    LazyLock::new(|| std::array::from_fn(|level| log2lin(((0x1D_1C71 * level as i32) >> 16) + 2090)));

/// About `2^(log_q7 / 128)`, of 2048 or more (silk_log2lin).
fn log2lin(log_q7: i32) -> i32 {
    let (power, f) = (1 << (log_q7 >> 7), log_q7 & 127);
    power + (power >> 7) * (f + ((-174 * f * (128 - f)) >> 16))
}
