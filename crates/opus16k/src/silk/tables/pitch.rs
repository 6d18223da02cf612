//! Long-term prediction: pitch lags and filters (RFC 6716, 4.2.7.6).

/// Table 29: the high part of the primary pitch lag.
pub(crate) const LAG_HIGH_ICDF: [u8; 32] = [
    253, 250, 244, 233, 212, 182, 150, 131, 120, 110, 98, 85, 72, 60, 49, 40, 32, 25, 19, 15, 13, 11, 9, 8, 7, 6, 5, 4,
    3, 2, 1, 0,
];

/// Table 31: the primary pitch lag relative to that of the previous frame.
pub(crate) const LAG_DELTA_ICDF: [u8; 21] =
    [210, 208, 206, 203, 199, 193, 183, 168, 142, 104, 74, 52, 37, 27, 20, 14, 10, 6, 4, 2, 0];

/// Table 32: the pitch contour of 10 ms, mediumband and wideband.
pub(crate) const CONTOUR_10_ICDF: [u8; 12] = [165, 119, 80, 61, 47, 35, 27, 20, 14, 9, 4, 0];

/// Table 32: the pitch contour of 20 ms, mediumband and wideband.
pub(crate) const CONTOUR_20_ICDF: [u8; 34] = [
    223, 201, 183, 167, 152, 138, 124, 111, 98, 88, 79, 70, 62, 56, 50, 44, 39, 35, 31, 27, 24, 21, 18, 16, 14, 12, 10,
    8, 6, 4, 3, 2, 1, 0,
];

/// Table 34: lags of two subframes relative to the primary lag, mediumband and wideband.
pub(crate) const CONTOURS_10: [[i8; 2]; 12] =
    [[0, 0], [0, 1], [1, 0], [-1, 1], [1, -1], [-1, 2], [2, -1], [-2, 2], [2, -2], [-2, 3], [3, -2], [-3, 3]];

/// Table 36: lags of four subframes relative to the primary lag, mediumband and wideband.
pub(crate) const CONTOURS_20: [[i8; 4]; 34] = [
    [0, 0, 0, 0],
    [0, 0, 1, 1],
    [1, 1, 0, 0],
    [-1, 0, 0, 0],
    [0, 0, 0, 1],
    [1, 0, 0, 0],
    [-1, 0, 0, 1],
    [0, 0, 0, -1],
    [-1, 0, 1, 2],
    [1, 0, 0, -1],
    [-2, -1, 1, 2],
    [2, 1, 0, -1],
    [-2, 0, 0, 2],
    [-2, 0, 1, 3],
    [2, 1, -1, -2],
    [-3, -1, 1, 3],
    [2, 0, 0, -2],
    [3, 1, 0, -2],
    [-3, -1, 2, 4],
    [-4, -1, 1, 4],
    [3, 1, -1, -3],
    [-4, -1, 2, 5],
    [4, 2, -1, -3],
    [4, 1, -1, -4],
    [-5, -1, 2, 6],
    [5, 2, -1, -4],
    [-6, -2, 2, 6],
    [-5, -2, 2, 5],
    [6, 2, -1, -5],
    [-7, -2, 3, 8],
    [6, 2, -2, -6],
    [5, 2, -2, -5],
    [8, 3, -2, -7],
    [-9, -3, 3, 9],
];

/// Table 37: the periodicity index, which selects a filter codebook.
pub(crate) const PERIODICITY_ICDF: [u8; 3] = [179, 99, 0];

/// Table 38: the filter index, codebook 0.
pub(crate) const LTP_FILTER_0_ICDF: [u8; 8] = [71, 56, 43, 30, 21, 12, 6, 0];

/// Table 38: the filter index, codebook 1.
pub(crate) const LTP_FILTER_1_ICDF: [u8; 16] = [199, 165, 144, 124, 109, 96, 84, 71, 61, 51, 42, 32, 23, 15, 8, 0];

/// Table 38: the filter index, codebook 2.
pub(crate) const LTP_FILTER_2_ICDF: [u8; 32] = [
    241, 225, 211, 199, 187, 175, 164, 153, 142, 132, 123, 114, 105, 96, 88, 80, 72, 64, 57, 50, 44, 38, 33, 29, 24,
    20, 16, 12, 9, 5, 2, 0,
];

/// Table 39: five taps, in 128ths.
pub(crate) const LTP_FILTER_0: [[i8; 5]; 8] = [
    [4, 6, 24, 7, 5],
    [0, 0, 2, 0, 0],
    [12, 28, 41, 13, -4],
    [-9, 15, 42, 25, 14],
    [1, -2, 62, 41, -9],
    [-10, 37, 65, -4, 3],
    [-6, 4, 66, 7, -8],
    [16, 14, 38, -3, 33],
];

/// Table 40: five taps, in 128ths.
pub(crate) const LTP_FILTER_1: [[i8; 5]; 16] = [
    [13, 22, 39, 23, 12],
    [-1, 36, 64, 27, -6],
    [-7, 10, 55, 43, 17],
    [1, 1, 8, 1, 1],
    [6, -11, 74, 53, -9],
    [-12, 55, 76, -12, 8],
    [-3, 3, 93, 27, -4],
    [26, 39, 59, 3, -8],
    [2, 0, 77, 11, 9],
    [-8, 22, 44, -6, 7],
    [40, 9, 26, 3, 9],
    [-7, 20, 101, -7, 4],
    [3, -8, 42, 26, 0],
    [-15, 33, 68, 2, 23],
    [-2, 55, 46, -2, 15],
    [3, -1, 21, 16, 41],
];

/// Table 41: five taps, in 128ths.
pub(crate) const LTP_FILTER_2: [[i8; 5]; 32] = [
    [-6, 27, 61, 39, 5],
    [-11, 42, 88, 4, 1],
    [-2, 60, 65, 6, -4],
    [-1, -5, 73, 56, 1],
    [-9, 19, 94, 29, -9],
    [0, 12, 99, 6, 4],
    [8, -19, 102, 46, -13],
    [3, 2, 13, 3, 2],
    [9, -21, 84, 72, -18],
    [-11, 46, 104, -22, 8],
    [18, 38, 48, 23, 0],
    [-16, 70, 83, -21, 11],
    [5, -11, 117, 22, -8],
    [-6, 23, 117, -12, 3],
    [3, -8, 95, 28, 4],
    [-10, 15, 77, 60, -15],
    [-1, 4, 124, 2, -4],
    [3, 38, 84, 24, -25],
    [2, 13, 42, 13, 31],
    [21, -4, 56, 46, -1],
    [-1, 35, 79, -13, 19],
    [-7, 65, 88, -9, -14],
    [20, 4, 81, 49, -29],
    [20, 0, 75, 3, -17],
    [5, -9, 44, 92, -8],
    [1, -3, 22, 69, 31],
    [-6, 95, 41, -12, 5],
    [39, 67, 16, -4, 1],
    [0, -6, 120, 55, -36],
    [-13, 44, 122, 4, -24],
    [81, 5, 11, 3, 7],
    [2, 0, 9, 10, 88],
];

/// Table 42: the LTP scaling index.
pub(crate) const LTP_SCALE_ICDF: [u8; 3] = [128, 64, 0];

/// Section 4.2.7.6.3: the LTP scaling factors, in 16384ths.
pub(crate) const LTP_SCALES: [i16; 3] = [15565, 12288, 8192];

/// Table 32: the pitch contour of 10 ms, narrowband.
pub(crate) const CONTOUR_10_NB_ICDF: [u8; 3] = [113, 63, 0];

/// Table 32: the pitch contour of 20 ms, narrowband.
pub(crate) const CONTOUR_20_NB_ICDF: [u8; 11] = [188, 176, 155, 138, 119, 97, 67, 43, 26, 10, 0];

/// Table 33: lags of two subframes relative to the primary lag, narrowband.
pub(crate) const CONTOURS_10_NB: [[i8; 2]; 3] = [[0, 0], [1, 0], [0, 1]];

/// Table 35: lags of four subframes relative to the primary lag, narrowband.
pub(crate) const CONTOURS_20_NB: [[i8; 4]; 11] = [
    [0, 0, 0, 0],
    [2, 1, 0, -1],
    [-1, 0, 1, 2],
    [-1, 0, 0, 1],
    [-1, 0, 0, 0],
    [0, 0, 0, 1],
    [0, 0, 1, 1],
    [1, 1, 0, 0],
    [1, 0, 0, 0],
    [0, 0, 0, -1],
    [1, 0, 0, -1],
];
