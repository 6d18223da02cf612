//! Numbers of RFC 6716, section 4.2, those of wideband where they differ by bandwidth.
//!
//! Distributions are 256 minus the cumulated counts of the RFC's tables, as the range coder wants them; each ends
//! with 0. Of two symbols it is the second's part of 256. Sections and tables are named beside each.

pub mod lines;
pub mod pitch;
pub mod pulses;

/// Table 9: the kind of a frame without voice activity and its quantization offset.
pub const QUIET_KIND: u8 = 230;

/// Table 9: the same with voice activity.
pub const ACTIVE_KIND: [u8; 4] = [232, 158, 10, 0];

/// Table 11: the upper bits of a gain, by kind of frame.
pub const GAIN_HIGH: [[u8; 8]; 3] =
    [[224, 112, 44, 15, 3, 2, 1, 0], [254, 237, 192, 132, 70, 23, 4, 0], [255, 252, 226, 155, 61, 11, 2, 0]];

/// Table 13: from one gain to the next.
pub const GAIN_STEP: [u8; 41] = [
    250, 245, 234, 203, 71, 50, 42, 38, 35, 33, 31, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13,
    12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0,
];

/// Table 30, wideband, and others: eight values alike.
pub const EIGHT: [u8; 8] = [224, 192, 160, 128, 96, 64, 32, 0];

/// Table 43: four values alike.
pub const FOUR: [u8; 4] = [192, 128, 64, 0];

/// Table 6: the weights of stereo prediction, both at once.
pub const STEREO_BOTH: [u8; 25] =
    [249, 247, 246, 245, 244, 234, 210, 202, 201, 200, 197, 174, 82, 59, 56, 55, 54, 46, 22, 12, 11, 10, 9, 7, 0];

/// Table 6: three values alike.
pub const THREE: [u8; 3] = [171, 85, 0];

/// Table 6: five values alike.
pub const FIVE: [u8; 5] = [205, 154, 102, 51, 0];

/// Table 8: that the side channel is not coded.
pub const ONLY_MID: u8 = 64;

/// Table 4: which of two frames are coded a second time.
pub const SECOND_OF_2: [u8; 3] = [203, 150, 0];

/// Table 4: which of three.
pub const SECOND_OF_3: [u8; 7] = [215, 195, 166, 125, 110, 82, 0];
