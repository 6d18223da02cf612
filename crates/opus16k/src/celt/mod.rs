//! CELT frames (RFC 6716, 4.3), mono at 16 kHz: only what is heard of them is worked out.
//!
//! Two thirds of a frame's bins lie above 8 kHz. Their energies and codewords are read, for the range
//! coder needs them, but not made into sound; and two channels become one before the transform.
//!
//! Invariant: bands below 8 kHz sound as any decoder makes them, to the rounding of floats.

mod allocation;
mod angle;
mod bands;
mod codebook;
mod energies;
mod envelope;
mod header;
mod levels;
mod mdct;
mod partition;
mod pitch;
mod plc;
mod shape;
mod spent;
mod stereo;
mod synthesis;

use crate::coder::Coder;
use ruopus::celt::bands::anti_collapse;
use ruopus::celt::modes::NB_EBANDS;

use bands::{Frame, Walk, bin};
use energies::Energies;
use envelope::Extent;
use header::{Flags, Plan};
use partition::{BINS, BIT, HEARD, MOST_HEARD, Shapes};
use synthesis::{BLOCK, Comb, Synthesis};

/// Decodes the CELT frames of one stream.
pub struct Celt {
    energies: Energies,
    shapes: Box<Shapes>,
    synthesis: Synthesis,
    noise: u32,
    /// Where the last frame's bands ended, and how many channels it had.
    end: usize,
    channels: usize,
    /// Frames lost in a row.
    losses: usize,
    /// The last frame that came is the only one since a loss or the beginning: its past is no ground to go on from.
    alone: bool,
    /// Nothing was decoded yet.
    fresh: bool,
    /// Leaves out that an intensity-coded band is of opposite phase in the right channel: in the mean of both it
    /// would be gone (RFC 8251, 10; libopus' decoder of one channel does the same).
    disable_inv: bool,
}

/// Lost frames in a row that are concealed by pitch; those behind them are noise.
const MOST_EXTRAPOLATED: usize = 5;

impl Celt {
    pub fn new() -> Celt {
        let shapes =
            Shapes { x: [[0.0; BINS]; 2], norm: [[0.0; BINS]; 2], masks: [[0; NB_EBANDS]; 2], fold: [0.0; MOST_HEARD] };
        Celt {
            energies: Energies::new(),
            shapes: Box::new(shapes),
            synthesis: Synthesis::new(),
            noise: 0,
            end: NB_EBANDS,
            channels: 1,
            losses: 0,
            alone: true,
            fresh: true,
            disable_inv: true,
        }
    }

    /// As ruopus decodes, with opposite phases.
    #[cfg(test)]
    pub fn with_opposite_phases() -> Celt {
        Celt { disable_inv: false, ..Celt::new() }
    }

    /// Forgets all that was decoded.
    pub fn reset(&mut self) {
        if !self.fresh {
            self.energies = Energies::new();
            self.synthesis.reset();
            (self.noise, self.end, self.fresh) = (0, NB_EBANDS, true);
            (self.losses, self.alone) = (0, true);
        }
    }

    /// Decodes one frame of `channels`, coded below band `end`, into all of `out`: 2.5, 5, 10 or 20 ms.
    pub fn decode(&mut self, data: &[u8], channels: usize, end: usize, out: &mut [f32]) {
        let mut coder = Coder::new(data);
        let (bits, lm) = (8 * data.len() as u32, exponent(out));
        if channels == 1 {
            self.energies.join();
        }
        let (transient, comb) = if header::silence(&mut coder, bits) {
            self.energies.silence();
            self.synthesis.spectrum.fill(0.0);
            (false, Comb::default())
        } else {
            self.read(&mut coder, bits, lm, channels, end)
        };
        self.synthesis.run(transient, comb, out);
        self.energies.remember(transient, lm, channels, end);
        (self.noise, self.end, self.channels, self.fresh) = (coder.range(), end, channels, false);
        (self.alone, self.losses) = (self.losses > 0, 0);
    }

    /// Reads a frame's energies and shapes into the spectrum; gives whether its blocks are short.
    fn read(&mut self, coder: &mut Coder, bits: u32, lm: usize, channels: usize, end: usize) -> (bool, Comb) {
        let Flags { comb, transient, intra } = header::flags(coder, bits, lm);
        let extent = Extent { lm, channels, end, bits };
        envelope::coarse(coder, &mut self.energies.levels, extent, intra);
        let plan = header::plan(coder, bits, lm, channels, end, transient);
        envelope::fine(coder, &mut self.energies.levels, extent, &plan.allocation);

        let (tf, total) = (&plan.tf, bits as i32 * BIT - plan.reserved);
        let (allocation, spread) = (&plan.allocation, plan.spread);
        let disable_inv = self.disable_inv;
        let frame = Frame { lm, channels, end, transient, spread, tf, allocation, total, disable_inv };
        let (heard, mut walk) = (end.min(HEARD), Walk::new(allocation, self.noise));
        bands::read(coder, &frame, &mut self.shapes, &mut walk, 0..heard, true);
        let (mut above, mut again) = (*coder, walk);
        bands::read(coder, &frame, &mut self.shapes, &mut walk, heard..end, false);
        let fill = plan.reserved > 0 && coder.plain(1) == 1 && self.has_empty_blocks(lm, channels, end);
        if fill {
            // The noise goes on where that of the unheard bands ends: they have to be counted through.
            bands::read(&mut above, &frame, &mut self.shapes, &mut again, heard..end, true);
            self.noise = again.seed;
        }
        envelope::finest(coder, &mut self.energies.levels, extent, &plan.allocation);
        if fill {
            self.fill_empty_blocks(&plan, lm, channels, end);
        }
        self.mix(lm, channels, end);
        (transient, comb)
    }

    fn has_empty_blocks(&self, lm: usize, channels: usize, end: usize) -> bool {
        let all = ((1u32 << (1 << lm)) - 1) as u8;
        self.shapes.masks[..channels].iter().any(|masks| masks[..end.min(HEARD)].iter().any(|&mask| mask != all))
    }

    /// Short blocks without a pulse get noise (4.3.5).
    fn fill_empty_blocks(&mut self, plan: &Plan, lm: usize, channels: usize, end: usize) {
        let masks = &self.shapes.masks;
        let mut interleaved = [0; 2 * NB_EBANDS];
        for (i, mask) in interleaved.iter_mut().take(channels * NB_EBANDS).enumerate() {
            *mask = masks[i % channels][i / channels];
        }
        let (now, last, earlier) = (&self.energies.levels, &self.energies.last, &self.energies.earlier);
        let (pulses, end) = (&plan.allocation.shape, end.min(HEARD));
        let x = self.shapes.x.as_flattened_mut();
        anti_collapse(x, &interleaved, lm, channels, BINS, 0, end, now, last, earlier, pulses, self.noise);
    }

    /// Gives the shapes their energies and takes the mean of the channels.
    fn mix(&mut self, lm: usize, channels: usize, end: usize) {
        let (heard, share) = (end.min(HEARD), 1.0 / channels as f32);
        let Shapes { x: [left, right], .. } = &*self.shapes;
        for band in 0..heard {
            let range = bin(band, lm)..bin(band + 1, lm);
            let (a, b) = (share * self.energies.amplitude(0, band), share * self.energies.amplitude(1, band));
            let spectrum = &mut self.synthesis.spectrum[range.clone()];
            let shapes = left[range.clone()].iter().zip(&right[range]);
            match channels {
                1 => spectrum.iter_mut().zip(shapes).for_each(|(bin, (left, _))| *bin = a * left),
                _ => spectrum.iter_mut().zip(shapes).for_each(|(bin, (left, right))| *bin = a * left + b * right),
            }
        }
        self.synthesis.spectrum[bin(heard, lm)..].fill(0.0);
    }

    /// Fills `out`, 2.5 to 20 ms, with what may have been there: the last pitch, or noise of the last colour.
    pub fn lose(&mut self, out: &mut [f32]) {
        let lm = exponent(out);
        if self.losses < MOST_EXTRAPOLATED && !self.alone {
            self.synthesis.extrapolate(self.losses == 0, out);
            self.energies.miss(lm);
        } else {
            self.make_noise(lm);
            self.synthesis.run_unfiltered(out);
        }
        self.losses = self.losses.saturating_add(1);
        self.fresh = false;
    }

    /// Fills the spectrum with noise, as loud as the last frame or softer.
    fn make_noise(&mut self, lm: usize) {
        self.energies.decay(lm);
        for band in 0..self.end.min(HEARD) {
            for x in &mut self.shapes.x[..self.channels] {
                let x = &mut x[bin(band, lm)..bin(band + 1, lm)];
                for x in x.iter_mut() {
                    self.noise = shape::noise(self.noise);
                    *x = (self.noise as i32 >> 20) as f32;
                }
                shape::renormalise(x, 1.0);
            }
        }
        self.mix(lm, self.channels, self.end);
    }

    /// Adds to 2.5 ms what is left to sound of the last frame, and forgets it.
    pub fn ring_out(&mut self, out: &mut [f32]) {
        if !self.fresh {
            let mut rest = [0.0; BLOCK / 3];
            self.decode(&[0xFF, 0xFF], 1, self.end, &mut rest);
            out.iter_mut().zip(rest).for_each(|(out, rest)| *out += rest);
            self.reset();
        }
    }
}

/// How often 2.5 ms were doubled to make a frame.
fn exponent(out: &[f32]) -> usize {
    (3 * out.len() / BLOCK).max(1).ilog2() as usize
}
