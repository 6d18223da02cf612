//! Numbers of samples, coefficients and blocks (RFC 6716, 4.2).

use crate::packet::RATE;

/// Subframes of 20 ms, the longest SILK frame. The other one has 10 ms.
pub(super) const SUBFRAMES: usize = 4;
/// The most samples of a subframe of 5 ms, and of a frame.
pub(super) const MAX_SUBFRAME: usize = 80;
pub(super) const MAX_FRAME: usize = SUBFRAMES * MAX_SUBFRAME;
/// The most prediction coefficients.
pub(super) const MAX_ORDER: usize = 16;
/// Coefficients of the LTP filter.
pub(super) const LTP_ORDER: usize = 5;
/// Bounds of pitch lags, ms.
pub(super) const MIN_LAG_MS: usize = 2;
pub(super) const MAX_LAG_MS: usize = 18;
/// Samples whose pulses are coded together.
pub(super) const SHELL_BLOCK: usize = 16;
pub(super) const OUTPUT_KHZ: usize = RATE as usize / 1000;

/// Samples before a frame that prediction reaches back to.
pub(super) const MAX_HISTORY: usize = MAX_FRAME + 32;

/// The samples before a frame, and the frame.
pub(super) type History = [i16; MAX_HISTORY + MAX_FRAME];
/// The LPC residual at the places of [`History`], before the gain, Q15.
pub(super) type Residual = [i32; MAX_HISTORY + MAX_FRAME];
/// The excitation of each subframe, Q14.
pub(super) type Excitation<const SUBFRAME: usize> = [[i32; SUBFRAME]; SUBFRAMES];

const _: () = assert!(MAX_LAG_MS * OUTPUT_KHZ + LTP_ORDER / 2 + MAX_ORDER <= MAX_HISTORY);
