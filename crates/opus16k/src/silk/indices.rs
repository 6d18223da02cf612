//! The symbols of a frame before its excitation (RFC 6716, 4.2.7.3 to 4.2.7.7). Whatever the bytes are, each index is
//! one of its table.

use super::sizes::{LTP_ORDER, MAX_LAG_MS, MIN_LAG_MS, SUBFRAMES};
use super::tables::lsf::{EXTENSION_ICDF, INTERPOLATION_ICDF};
use super::tables::pitch::*;
use super::tables::{DELTA_GAIN_ICDF, FRAME_TYPE_ACTIVE_ICDF, FRAME_TYPE_INACTIVE, GAIN_MSB_ICDF, Rate};
use super::tables::{UNIFORM4_ICDF, UNIFORM8_ICDF};
use crate::range_decoder::RangeDecoder;

/// How a frame depends on the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Independent,
    /// Independent, without an LTP scaling index: a side channel that comes back.
    IndependentWithoutLtpScaling,
    /// Gains and pitch lag are relative to those of the previous frame of the packet.
    Conditional,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum SignalType {
    #[default]
    Inactive,
    Unvoiced,
    Voiced,
}

/// The symbols of one frame.
#[derive(Debug, Clone)]
pub(super) struct Indices<const ORDER: usize> {
    pub(super) signal_type: SignalType,
    /// The higher of two quantization offsets.
    pub(super) high_offset: bool,
    /// The first is absolute unless the frame is coded conditionally; all others are changes.
    pub(super) gains: [u8; SUBFRAMES],
    pub(super) lsf_stage1: usize,
    pub(super) lsf_residuals: [i32; ORDER],
    /// Quarters of the way from the previous frame's LSFs to these, in the first half of the frame; 4: no
    /// interpolation.
    pub(super) lsf_interpolation: u8,
    pub(super) pitch: Option<Pitch>,
    /// Of the excitation's pseudorandom signs.
    pub(super) seed: u32,
}

/// Long-term prediction of a voiced frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pitch {
    /// The lag of each subframe, samples.
    pub(super) lags: [usize; SUBFRAMES],
    /// The LTP filter of each subframe, Q7.
    pub(super) filters: [[i8; LTP_ORDER]; SUBFRAMES],
    /// How much of the previous frame the first subframe is predicted from, Q14.
    pub(super) scale: i16,
}

/// What a conditionally coded frame depends on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Previous {
    signal_type: SignalType,
    /// The primary lag, less the shortest one.
    lag: i32,
}

impl<const ORDER: usize> Default for Indices<ORDER> {
    fn default() -> Indices<ORDER> {
        Indices {
            signal_type: SignalType::Inactive,
            high_offset: false,
            gains: [0; SUBFRAMES],
            lsf_stage1: 0,
            lsf_residuals: [0; ORDER],
            lsf_interpolation: 4,
            pitch: None,
            seed: 0,
        }
    }
}

impl<const ORDER: usize> Indices<ORDER> {
    /// Decodes a frame of so many subframes; `active` is its voice activity flag.
    pub(super) fn decode(
        decoder: &mut RangeDecoder,
        rate: &Rate<ORDER>,
        subframes: usize,
        active: bool,
        coding: Coding,
        previous: &mut Previous,
    ) -> Indices<ORDER> {
        let (signal_type, high_offset) = frame_type(decoder, active);
        let voiced = signal_type == SignalType::Voiced;
        let gains = gains(decoder, subframes, signal_type, coding);
        let lsf_stage1 = decoder.dec_icdf(&rate.lsf.stage1_icdf[usize::from(voiced)], 8);
        let select = &rate.lsf.stage2_select[lsf_stage1];
        let lsf_residuals = select.map(|select| lsf_residual(decoder, &rate.lsf.stage2_icdf[usize::from(select)]));
        let lsf_interpolation = if subframes == SUBFRAMES { decoder.dec_icdf(&INTERPOLATION_ICDF, 8) as u8 } else { 4 };
        let pitch = voiced.then(|| Pitch::decode(decoder, rate, subframes, coding, previous));
        previous.signal_type = signal_type;
        let seed = decoder.dec_icdf(&UNIFORM4_ICDF, 8) as u32;
        Indices { signal_type, high_offset, gains, lsf_stage1, lsf_residuals, lsf_interpolation, pitch, seed }
    }
}

/// Section 4.2.7.3: the signal type and the quantization offset type.
fn frame_type(decoder: &mut RangeDecoder, active: bool) -> (SignalType, bool) {
    let frame_type = if active {
        decoder.dec_icdf(&FRAME_TYPE_ACTIVE_ICDF, 8) + 2
    } else {
        usize::from(decoder.dec_binary(FRAME_TYPE_INACTIVE))
    };
    let signal_type = [SignalType::Inactive, SignalType::Unvoiced, SignalType::Voiced][frame_type >> 1];
    (signal_type, frame_type & 1 == 1)
}

/// Section 4.2.7.4.
fn gains(decoder: &mut RangeDecoder, subframes: usize, signal_type: SignalType, coding: Coding) -> [u8; SUBFRAMES] {
    let mut gains = [0; SUBFRAMES];
    for (subframe, gain) in gains.iter_mut().enumerate().take(subframes) {
        *gain = match (subframe, coding) {
            (1.., _) | (_, Coding::Conditional) => decoder.dec_icdf(&DELTA_GAIN_ICDF, 8) as u8,
            _ => {
                let msb = decoder.dec_icdf(&GAIN_MSB_ICDF[signal_type as usize], 8);
                (msb << 3 | decoder.dec_icdf(&UNIFORM8_ICDF, 8)) as u8
            }
        };
    }
    gains
}

/// Section 4.2.7.5.2: -4 and 4 are extended by another symbol.
fn lsf_residual(decoder: &mut RangeDecoder, icdf: &[u8]) -> i32 {
    match decoder.dec_icdf(icdf, 8) as i32 - 4 {
        -4 => -4 - decoder.dec_icdf(&EXTENSION_ICDF, 8) as i32,
        4 => 4 + decoder.dec_icdf(&EXTENSION_ICDF, 8) as i32,
        residual => residual,
    }
}

impl Pitch {
    /// Section 4.2.7.6.
    fn decode<const ORDER: usize>(
        decoder: &mut RangeDecoder,
        rate: &Rate<ORDER>,
        subframes: usize,
        coding: Coding,
        previous: &mut Previous,
    ) -> Pitch {
        let lags = lags(decoder, rate, subframes, coding, previous);
        let periodicity = decoder.dec_icdf(&PERIODICITY_ICDF, 8);
        let mut filters = [[0; LTP_ORDER]; SUBFRAMES];
        for filter in filters.iter_mut().take(subframes) {
            *filter = match periodicity {
                0 => LTP_FILTER_0[decoder.dec_icdf(&LTP_FILTER_0_ICDF, 8)],
                1 => LTP_FILTER_1[decoder.dec_icdf(&LTP_FILTER_1_ICDF, 8)],
                _ => LTP_FILTER_2[decoder.dec_icdf(&LTP_FILTER_2_ICDF, 8)],
            };
        }
        let scale = if coding == Coding::Independent { decoder.dec_icdf(&LTP_SCALE_ICDF, 8) } else { 0 };
        Pitch { lags, filters, scale: LTP_SCALES[scale] }
    }
}

/// Section 4.2.7.6.1: the primary lag, absolute or relative, and the contour around it.
fn lags<const ORDER: usize>(
    decoder: &mut RangeDecoder,
    rate: &Rate<ORDER>,
    subframes: usize,
    coding: Coding,
    previous: &mut Previous,
) -> [usize; SUBFRAMES] {
    let delta = match (coding, previous.signal_type) {
        (Coding::Conditional, SignalType::Voiced) => decoder.dec_icdf(&LAG_DELTA_ICDF, 8),
        _ => 0,
    };
    previous.lag = match delta {
        0 => {
            let high = decoder.dec_icdf(&LAG_HIGH_ICDF, 8) * (rate.khz / 2);
            (high + decoder.dec_icdf(rate.lag_low_icdf, 8)) as i32
        }
        delta => previous.lag + delta as i32 - 9,
    };
    let contour: &[i8] = if subframes == SUBFRAMES {
        &rate.contours_20[decoder.dec_icdf(rate.contour_20_icdf, 8)]
    } else {
        &rate.contours_10[decoder.dec_icdf(rate.contour_10_icdf, 8)]
    };
    let (min, max) = ((MIN_LAG_MS * rate.khz) as i32, (MAX_LAG_MS * rate.khz) as i32);
    let mut lags = [0; SUBFRAMES];
    for (lag, &offset) in lags.iter_mut().zip(contour) {
        *lag = (min + previous.lag + i32::from(offset)).clamp(min, max) as usize;
    }
    lags
}
