//! Anti-collapse (RFC 6716, 4.3.5): short blocks of a transient frame that got no pulses are filled with noise.
//!
//! ```text
//! depth = bits for each bin, in eighths
//! r = min(2^(-depth / 8) / 2, 2 * 2^-rise)        rise: E - min(E of the last frame, E of the one before)
//!                                                 at lm = 3 the latter times sqrt(2)
//! each bin of an empty block = r / sqrt(N), of a random sign; then the band is normalized
//! ```

use super::band_energy::BandEnergy;
use super::partition::Shapes;
use super::shape::celt_lcg_rand;
use super::tables::{NB_EBANDS, band_start};

/// Fills the empty blocks of bands below `end`.
pub(super) fn anti_collapse(
    shapes: &mut Shapes,
    energy: &BandEnergy,
    shape_bits: &[i32; NB_EBANDS],
    lm: usize,
    channels: usize,
    end: usize,
    mut seed: u32,
) {
    for (band, &bits) in shape_bits.iter().enumerate().take(end) {
        let bins = band_start(band, lm)..band_start(band + 1, lm);
        let depth = (1 + bits) / bins.len() as i32;
        let threshold = 0.5 * exp2(-0.125 * depth as f32);
        for channel in 0..channels {
            let rise = energy_rise(energy, channel, channels, band);
            let transient = if lm == 3 { std::f32::consts::SQRT_2 } else { 1.0 };
            let r = threshold.min(2.0 * exp2(-rise) * transient) * (1.0 / (bins.len() as f32).sqrt());
            let mask = shapes.collapse_masks[channel][band];
            let x = &mut shapes.x[channel][bins.clone()];
            for block in (0..1 << lm).filter(|block| mask >> block & 1 == 0) {
                for x in x[block..].iter_mut().step_by(1 << lm) {
                    seed = celt_lcg_rand(seed);
                    *x = if seed & 0x8000 != 0 { r } else { -r };
                }
            }
            if u32::from(mask).count_ones() < 1 << lm {
                normalise(x);
            }
        }
    }
}

/// By how much a band is louder than in the quieter of the last two frames.
fn energy_rise(energy: &BandEnergy, channel: usize, channels: usize, band: usize) -> f32 {
    let [last, earlier] = [&energy.old_log_e, &energy.old_log_e2].map(|old| {
        // A mono frame is compared with the louder channel.
        if channels == 1 { old[0][band].max(old[1][band]) } else { old[channel][band] }
    });
    (energy.log_e[channel][band] - last.min(earlier)).max(0.0)
}

/// To norm 1. Squares are summed in order, as the reference code does.
fn normalise(x: &mut [f32]) {
    let energy = 1e-15 + x.iter().map(|x| x * x).sum::<f32>();
    let scale = 1.0 / energy.sqrt();
    x.iter_mut().for_each(|x| *x *= scale);
}

/// 2^x, by way of e^x in double precision.
fn exp2(x: f32) -> f32 {
    (std::f64::consts::LN_2 * f64::from(x)).exp() as f32
}
