//! Line spectral frequencies: what all bandwidths share (RFC 6716, 4.2.7.5).

/// The vector quantizer of one LPC order.
pub(crate) struct Codebook<const ORDER: usize> {
    /// Stage 1, unvoiced and voiced.
    pub(crate) stage1_icdf: [[u8; 32]; 2],
    /// Stage 2, the residuals.
    pub(crate) stage2_icdf: [[u8; 9]; 8],
    /// Which of `stage2_icdf` codes each residual, by stage-1 index.
    pub(crate) stage2_select: [[u8; ORDER]; 32],
    /// Backward prediction weights of residuals, in 256ths: two sets.
    prediction: [[u8; ORDER]; 2],
    /// Which set each coefficient uses, by stage-1 index.
    prediction_select: [u16; 32],
    /// Stage-1 vectors, in 256ths of half the sampling rate.
    pub(crate) stage1: [[u8; ORDER]; 32],
    /// Inverse weights of the residuals, in 512ths, by stage-1 index.
    pub(crate) weights: [[i32; ORDER]; 32],
    /// Least distances of neighbours and of both ends, `ORDER + 1` of them.
    pub(crate) min_spacing: &'static [i32],
    /// Quantization step of the residuals, in 65536ths.
    pub(crate) quant_step: i32,
    /// In which order cosines are multiplied, so that rounding errors stay small.
    pub(crate) ordering: [usize; ORDER],
}

impl<const ORDER: usize> Codebook<ORDER> {
    #[expect(clippy::too_many_arguments, reason = "a table for each")]
    pub(super) const fn new(
        stage1_icdf: [[u8; 32]; 2],
        stage2_icdf: [[u8; 9]; 8],
        stage2_select: [[u8; ORDER]; 32],
        prediction: [[u8; ORDER]; 2],
        prediction_select: [u16; 32],
        stage1: [[u8; ORDER]; 32],
        min_spacing: &'static [i32],
        quant_step: i32,
        ordering: [usize; ORDER],
    ) -> Codebook<ORDER> {
        let (mut weights, mut index) = ([[0; ORDER]; 32], 0);
        while index < weights.len() {
            weights[index] = stage1_weights(&stage1[index]);
            index += 1;
        }
        Codebook {
            stage1_icdf,
            stage2_icdf,
            stage2_select,
            prediction,
            prediction_select,
            stage1,
            weights,
            min_spacing,
            quant_step,
            ordering,
        }
    }

    /// The prediction weight of a coefficient's residual, in 256ths.
    #[inline(always)]
    pub(crate) fn prediction(&self, stage1: usize, coefficient: usize) -> i32 {
        let set = self.prediction_select[stage1] >> coefficient & 1;
        i32::from(self.prediction[usize::from(set)][coefficient])
    }
}

/// The inverse harmonic mean weights of a stage-1 vector (4.2.7.5.3), in 512ths:
///
/// ```text
/// w2[k] = (1024 / (c[k] - c[k-1]) + 1024 / (c[k+1] - c[k])) << 16    with c[-1] = 0, c[ORDER] = 256
/// i = ilog(w2[k]),  f = (w2[k] >> (i - 8)) & 127
/// y = (i & 1 ? 32768 : 46214) >> ((32 - i) >> 1)
/// w[k] = y + ((213 * f * y) >> 16)
/// ```
const fn stage1_weights<const ORDER: usize>(stage1: &[u8; ORDER]) -> [i32; ORDER] {
    let (mut weights, mut k) = ([0; ORDER], 0);
    while k < ORDER {
        let below = if k == 0 { 0 } else { stage1[k - 1] as i32 };
        let above = if k == ORDER - 1 { 256 } else { stage1[k + 1] as i32 };
        let c = stage1[k] as i32;
        let w2 = (1024 / (c - below) + 1024 / (above - c)) << 16;
        let i = 32 - w2.leading_zeros() as i32;
        let f = (w2 >> (i - 8)) & 127;
        let y = (if i % 2 == 1 { 32_768 } else { 46_214 }) >> ((32 - i) >> 1);
        weights[k] = y + ((213 * f * y) >> 16);
        k += 1;
    }
    weights
}

/// Table 19: how far a residual goes beyond 4 or -4.
pub(crate) const EXTENSION_ICDF: [u8; 7] = [100, 40, 16, 7, 3, 1, 0];

/// Table 26: the interpolation index of the first half of a frame, in quarters.
pub(crate) const INTERPOLATION_ICDF: [u8; 5] = [243, 221, 192, 181, 0];

/// Table 28: 2 cos(pi k / 128), in 4096ths.
pub(crate) const COSINE: [i32; 129] = [
    8192, 8190, 8182, 8170, 8152, 8130, 8104, 8072, 8034, 7994, 7946, 7896, 7840, 7778, 7714, 7644, 7568, 7490, 7406,
    7318, 7226, 7128, 7026, 6922, 6812, 6698, 6580, 6458, 6332, 6204, 6070, 5934, 5792, 5648, 5502, 5352, 5198, 5040,
    4880, 4718, 4552, 4382, 4212, 4038, 3862, 3684, 3502, 3320, 3136, 2948, 2760, 2570, 2378, 2186, 1990, 1794, 1598,
    1400, 1202, 1002, 802, 602, 402, 202, 0, -202, -402, -602, -802, -1002, -1202, -1400, -1598, -1794, -1990, -2186,
    -2378, -2570, -2760, -2948, -3136, -3320, -3502, -3684, -3862, -4038, -4212, -4382, -4552, -4718, -4880, -5040,
    -5198, -5352, -5502, -5648, -5792, -5934, -6070, -6204, -6332, -6458, -6580, -6698, -6812, -6922, -7026, -7128,
    -7226, -7318, -7406, -7490, -7568, -7644, -7714, -7778, -7840, -7896, -7946, -7994, -8034, -8072, -8104, -8130,
    -8152, -8170, -8182, -8190, -8192,
];
