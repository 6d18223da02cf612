//! Tables of SILK (RFC 6716, 4.2).
//!
//! A distribution (`_ICDF`) is 256 minus the cumulative counts of the RFC's table, as the range decoder reads it; the
//! last entry is 0. A constant of two symbols is the probability of the second, in 256ths.

pub(crate) mod lsf;
mod lsf_nb_mb;
mod lsf_wb;
pub(crate) mod pitch;
pub(crate) mod pulses;

/// Table 9: the frame type without voice activity: the probability of the second of two, in 256ths.
pub(crate) const FRAME_TYPE_INACTIVE: u8 = 230;

/// Table 9: the frame type with voice activity.
pub(crate) const FRAME_TYPE_ACTIVE_ICDF: [u8; 4] = [232, 158, 10, 0];

/// Table 11: the upper bits of an independently coded gain, by signal type.
pub(crate) const GAIN_MSB_ICDF: [[u8; 8]; 3] =
    [[224, 112, 44, 15, 3, 2, 1, 0], [254, 237, 192, 132, 70, 23, 4, 0], [255, 252, 226, 155, 61, 11, 2, 0]];

/// Table 13: the change from one gain to the next.
pub(crate) const DELTA_GAIN_ICDF: [u8; 41] = [
    250, 245, 234, 203, 71, 50, 42, 38, 35, 33, 31, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13,
    12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0,
];

/// Tables 12 and 30: uniform over 8 values.
pub(crate) const UNIFORM8_ICDF: [u8; 8] = [224, 192, 160, 128, 96, 64, 32, 0];

/// Tables 30 and 43: uniform over 4 values.
pub(crate) const UNIFORM4_ICDF: [u8; 4] = [192, 128, 64, 0];

/// Table 6: stage 1 of the stereo prediction weights, both in one symbol.
pub(crate) const STEREO_WEIGHT_STAGE1_ICDF: [u8; 25] =
    [249, 247, 246, 245, 244, 234, 210, 202, 201, 200, 197, 174, 82, 59, 56, 55, 54, 46, 22, 12, 11, 10, 9, 7, 0];

/// Table 6: uniform over 3 values.
pub(crate) const UNIFORM3_ICDF: [u8; 3] = [171, 85, 0];

/// Table 6: uniform over 5 values.
pub(crate) const UNIFORM5_ICDF: [u8; 5] = [205, 154, 102, 51, 0];

/// Table 8: the probability of the mid-only flag, in 256ths.
pub(crate) const MID_ONLY: u8 = 64;

/// Table 4: which of two frames have LBRR data, less one.
pub(crate) const LBRR_FLAGS_2_ICDF: [u8; 3] = [203, 150, 0];

/// Table 4: which of three frames have LBRR data, less one.
pub(crate) const LBRR_FLAGS_3_ICDF: [u8; 7] = [215, 195, 166, 125, 110, 82, 0];

/// Table 30: uniform over 6 values.
const UNIFORM6_ICDF: [u8; 6] = [213, 171, 128, 85, 43, 0];

/// What depends on the internal sampling rate.
pub(crate) struct Rate<const ORDER: usize> {
    /// Samples in a millisecond.
    pub(crate) khz: usize,
    pub(crate) lsf: &'static lsf::Codebook<ORDER>,
    /// The low part of a pitch lag (table 30).
    pub(crate) lag_low_icdf: &'static [u8],
    pub(crate) contour_10_icdf: &'static [u8],
    pub(crate) contour_20_icdf: &'static [u8],
    pub(crate) contours_10: &'static [[i8; 2]],
    pub(crate) contours_20: &'static [[i8; 4]],
}

pub(crate) static NARROWBAND: Rate<10> = Rate {
    khz: 8,
    lsf: &lsf_nb_mb::NB_MB,
    lag_low_icdf: &UNIFORM4_ICDF,
    contour_10_icdf: &pitch::CONTOUR_10_NB_ICDF,
    contour_20_icdf: &pitch::CONTOUR_20_NB_ICDF,
    contours_10: &pitch::CONTOURS_10_NB,
    contours_20: &pitch::CONTOURS_20_NB,
};

pub(crate) static MEDIUMBAND: Rate<10> = Rate {
    khz: 12,
    lsf: &lsf_nb_mb::NB_MB,
    lag_low_icdf: &UNIFORM6_ICDF,
    contour_10_icdf: &pitch::CONTOUR_10_ICDF,
    contour_20_icdf: &pitch::CONTOUR_20_ICDF,
    contours_10: &pitch::CONTOURS_10,
    contours_20: &pitch::CONTOURS_20,
};

pub(crate) static WIDEBAND: Rate<16> = Rate {
    khz: 16,
    lsf: &lsf_wb::WB,
    lag_low_icdf: &UNIFORM8_ICDF,
    contour_10_icdf: &pitch::CONTOUR_10_ICDF,
    contour_20_icdf: &pitch::CONTOUR_20_ICDF,
    contours_10: &pitch::CONTOURS_10,
    contours_20: &pitch::CONTOURS_20,
};
