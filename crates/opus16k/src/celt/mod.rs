//! CELT (RFC 6716, 4.3): a transform coder of 2.5 to 20 ms, decoded to mono at 16 kHz.
//!
//! ```text
//! flags, coarse energy, allocation, fine energy         frame_header, energy_coding, allocation
//! the shape of each band, anti-collapse                 bands, partition, stereo, pvq
//! energies times shapes -> spectrum                     here
//! inverse MDCT, post-filter, de-emphasis                synthesis, mdct
//! ```
//!
//! Two thirds of the bins lie above 8 kHz: they are parsed and not synthesized. Two channels are averaged before the
//! transform.

mod allocation;
mod anti_collapse;
mod band_energy;
mod bands;
mod energy_coding;
mod frame_header;
mod limits;
mod lpc;
mod mdct;
mod partition;
mod pitch;
mod plc;
mod pulse_cache;
mod pvq;
mod shape;
mod stereo;
mod synthesis;
mod tables;
mod tell_frac;
mod theta;

use crate::range_decoder::RangeDecoder;
use anti_collapse::anti_collapse;
use band_energy::BandEnergy;
use bands::{Frame, Progress, decode_bands};
use energy_coding::{Extent, unquant_coarse_energy, unquant_energy_finalise, unquant_fine_energy};
use frame_header::{Flags, decode_flags, decode_plan, decode_silence};
use partition::{OUTPUT_BINS, Shapes};
use synthesis::{Postfilter, Synthesis};
use tables::{NB_EBANDS, ONE_BIT, OUTPUT_BANDS, SHORT_BLOCK, band_start};

pub(crate) use tables::WINDOW;

/// Lost frames in a row that are concealed by pitch; noise follows.
const MAX_PITCH_LOSSES: usize = 5;

/// The CELT decoder of one elementary stream.
pub(crate) struct CeltDecoder {
    energy: BandEnergy,
    shapes: Box<Shapes>,
    synthesis: Synthesis,
    /// Of the noise generator.
    rng: u32,
    /// The end band and the channels of the last frame.
    end: usize,
    channels: usize,
    /// Lost frames in a row.
    loss_count: usize,
    /// The last frame is the only one since a loss or the beginning: too little to find a pitch in (skip_plc).
    skip_plc: bool,
    /// Nothing was decoded since the last reset.
    fresh: bool,
    /// Intensity-coded bands are not inverted in the right channel: in the mean of both channels they would be lost
    /// (RFC 8251, section 10, as libopus does with one output channel).
    disable_inv: bool,
}

impl CeltDecoder {
    pub(crate) fn new() -> CeltDecoder {
        let shapes = Shapes {
            x: [[0.0; OUTPUT_BINS]; 2],
            norm: [[0.0; OUTPUT_BINS]; 2],
            collapse_masks: [[0; NB_EBANDS]; 2],
            fold: [0.0; shape::MAX_OUTPUT_BAND],
        };
        CeltDecoder {
            energy: BandEnergy::new(),
            shapes: Box::new(shapes),
            synthesis: Synthesis::new(),
            rng: 0,
            end: NB_EBANDS,
            channels: 1,
            loss_count: 0,
            skip_plc: true,
            fresh: true,
            disable_inv: true,
        }
    }

    /// With inverted channels, as ruopus decodes them.
    #[cfg(test)]
    pub(crate) fn with_phase_inversion() -> CeltDecoder {
        CeltDecoder { disable_inv: false, ..CeltDecoder::new() }
    }

    /// Returns to the state of a new decoder (OPUS_RESET_STATE).
    pub(crate) fn reset(&mut self) {
        if !self.fresh {
            self.energy = BandEnergy::new();
            self.synthesis.reset();
            (self.rng, self.end, self.fresh) = (0, NB_EBANDS, true);
            (self.loss_count, self.skip_plc) = (0, true);
        }
    }

    /// Decodes a frame of `channels`, coded below band `end`, into all of `out`: 2.5, 5, 10 or 20 ms.
    pub(crate) fn decode(&mut self, data: &[u8], channels: usize, end: usize, out: &mut [f32]) {
        let mut decoder = RangeDecoder::new(data);
        let (bits, lm) = (8 * data.len() as u32, frame_lm(out));
        if channels == 1 {
            self.energy.merge_channels();
        }
        let (transient, postfilter) = if decode_silence(&mut decoder, bits) {
            self.energy.set_silence();
            self.synthesis.spectrum.fill(0.0);
            (false, Postfilter::default())
        } else {
            self.decode_spectrum(&mut decoder, bits, lm, channels, end)
        };
        self.synthesis.run(transient, postfilter, out);
        self.energy.end_frame(transient, lm, channels, end);
        (self.rng, self.end, self.channels, self.fresh) = (decoder.range(), end, channels, false);
        (self.skip_plc, self.loss_count) = (self.loss_count > 0, 0);
    }

    /// Decodes a frame's energies and shapes into the spectrum.
    fn decode_spectrum(
        &mut self,
        decoder: &mut RangeDecoder,
        bits: u32,
        lm: usize,
        channels: usize,
        end: usize,
    ) -> (bool, Postfilter) {
        let Flags { postfilter, transient, intra } = decode_flags(decoder, bits, lm);
        let extent = Extent { lm, channels, end, bits };
        unquant_coarse_energy(decoder, &mut self.energy.log_e, extent, intra);
        let plan = decode_plan(decoder, bits, lm, channels, end, transient);
        unquant_fine_energy(decoder, &mut self.energy.log_e, extent, &plan.allocation);

        let (tf_change, total) = (&plan.tf_change, bits as i32 * ONE_BIT - plan.anti_collapse_bits);
        let (allocation, spread, disable_inv) = (&plan.allocation, plan.spread, self.disable_inv);
        let frame = Frame { lm, channels, end, transient, spread, tf_change, allocation, total, disable_inv };
        let (output, mut progress) = (end.min(OUTPUT_BANDS), Progress::new(allocation, self.rng));
        decode_bands(decoder, &frame, &mut self.shapes, &mut progress, 0..output, true);
        let (mut again, mut progress_again) = (*decoder, progress);
        decode_bands(decoder, &frame, &mut self.shapes, &mut progress, output..end, false);
        let fills_blocks =
            plan.anti_collapse_bits > 0 && decoder.dec_bits(1) == 1 && self.has_empty_blocks(lm, channels, end);
        if fills_blocks {
            // The noise continues that of the bands above 8 kHz, which have to be counted.
            decode_bands(&mut again, &frame, &mut self.shapes, &mut progress_again, output..end, true);
            self.rng = progress_again.seed;
        }
        unquant_energy_finalise(decoder, &mut self.energy.log_e, extent, allocation);
        if fills_blocks {
            anti_collapse(&mut self.shapes, &self.energy, &allocation.shape_bits, lm, channels, output, self.rng);
        }
        self.denormalise(lm, channels, end);
        (transient, postfilter)
    }

    fn has_empty_blocks(&self, lm: usize, channels: usize, end: usize) -> bool {
        let all = ((1u32 << (1 << lm)) - 1) as u8;
        let mut masks = self.shapes.collapse_masks[..channels].iter();
        masks.any(|masks| masks[..end.min(OUTPUT_BANDS)].iter().any(|&mask| mask != all))
    }

    /// Gives the shapes their energies (4.3.6), and averages the channels.
    fn denormalise(&mut self, lm: usize, channels: usize, end: usize) {
        let (output, share) = (end.min(OUTPUT_BANDS), 1.0 / channels as f32);
        let Shapes { x: [left, right], .. } = &*self.shapes;
        for band in 0..output {
            let range = band_start(band, lm)..band_start(band + 1, lm);
            let (a, b) = (share * self.energy.amplitude(0, band), share * self.energy.amplitude(1, band));
            let spectrum = &mut self.synthesis.spectrum[range.clone()];
            let shapes = left[range.clone()].iter().zip(&right[range]);
            if channels == 1 {
                spectrum.iter_mut().zip(shapes).for_each(|(bin, (left, _))| *bin = a * left);
            } else {
                spectrum.iter_mut().zip(shapes).for_each(|(bin, (left, right))| *bin = a * left + b * right);
            }
        }
        self.synthesis.spectrum[band_start(output, lm)..].fill(0.0);
    }

    /// Fills `out`, 2.5 to 20 ms, with concealment: the last pitch continues, or noise with the last energies.
    pub(crate) fn conceal(&mut self, out: &mut [f32]) {
        let lm = frame_lm(out);
        if self.loss_count < MAX_PITCH_LOSSES && !self.skip_plc {
            self.synthesis.conceal_by_pitch(self.loss_count == 0, out);
            self.energy.add_loss(lm);
        } else {
            self.generate_noise(lm);
            self.synthesis.run_unfiltered(out);
        }
        self.loss_count = self.loss_count.saturating_add(1);
        self.fresh = false;
    }

    fn generate_noise(&mut self, lm: usize) {
        self.energy.decay(lm);
        for band in 0..self.end.min(OUTPUT_BANDS) {
            for x in &mut self.shapes.x[..self.channels] {
                let x = &mut x[band_start(band, lm)..band_start(band + 1, lm)];
                for x in x.iter_mut() {
                    self.rng = shape::celt_lcg_rand(self.rng);
                    *x = (self.rng as i32 >> 20) as f32;
                }
                shape::renormalise_vector(x, 1.0);
            }
        }
        self.denormalise(lm, self.channels, self.end);
    }

    /// Adds the overlap of the last frame to 2.5 ms, by decoding a silent frame, and resets the decoder.
    pub(crate) fn finish(&mut self, out: &mut [f32]) {
        if !self.fresh {
            let mut overlap = [0.0; SHORT_BLOCK / 3];
            self.decode(&[0xFF, 0xFF], 1, self.end, &mut overlap);
            out.iter_mut().zip(overlap).for_each(|(out, overlap)| *out += overlap);
            self.reset();
        }
    }
}

/// LM: a frame has `2^LM` times 2.5 ms.
fn frame_lm(out: &[f32]) -> usize {
    (3 * out.len() / SHORT_BLOCK).max(1).ilog2() as usize
}
