//! The SILK frames of a packet at one internal sampling rate (RFC 6716, 4.2.2 to 4.2.7.2).
//!
//! ```text
//! for each channel: voice activity flags of its frames, LBRR flag
//! for each channel with an LBRR flag: which of its frames have LBRR data
//! for each frame: LBRR data of each channel               low bit-rate redundancy: the packet before, once more
//! for each frame: stereo weights, mid-only flag, the frame of each channel
//! ```
//!
//! Of two channels, mid and side, only mid is synthesized; the side channel is parsed.

use super::excitation::decode_pulses;
use super::indices::{Coding, Indices, Previous};
use super::output::Output;
use super::sizes::{MAX_FRAME, OUTPUT_KHZ, SHELL_BLOCK, SUBFRAMES};
use super::synthesis::{Memory, Synthesis};
use super::tables::{LBRR_FLAGS_2_ICDF, LBRR_FLAGS_3_ICDF, MID_ONLY, Rate};
use super::tables::{STEREO_WEIGHT_STAGE1_ICDF, UNIFORM3_ICDF, UNIFORM5_ICDF};
use crate::range_decoder::RangeDecoder;

/// SILK frames of an Opus frame of 60 ms.
const MAX_FRAMES: usize = 3;

/// The frames of both channels, at one internal sampling rate.
pub(super) struct RateDecoder<const ORDER: usize, const SUBFRAME: usize> {
    rate: &'static Rate<ORDER>,
    mid: Synthesis<ORDER, SUBFRAME>,
    /// Of each channel, in this packet.
    previous: [Previous; 2],
    /// The previous frame of this packet had no side channel.
    mid_only: bool,
    pulses: [i16; MAX_FRAME],
}

/// The flags of a channel.
#[derive(Default, Clone, Copy)]
struct Flags {
    /// Voice activity.
    active: [bool; MAX_FRAMES],
    lbrr: [bool; MAX_FRAMES],
}

impl<const ORDER: usize, const SUBFRAME: usize> RateDecoder<ORDER, SUBFRAME> {
    pub(super) fn new(rate: &'static Rate<ORDER>, memory: Memory) -> RateDecoder<ORDER, SUBFRAME> {
        let mid = Synthesis::new(rate, memory);
        RateDecoder { rate, mid, previous: Default::default(), mid_only: false, pulses: [0; MAX_FRAME] }
    }

    /// What another rate continues.
    pub(super) fn memory(&self) -> Memory {
        self.mid.memory()
    }

    /// Decodes an Opus frame of `out`'s length.
    pub(super) fn decode(&mut self, decoder: &mut RangeDecoder, channels: usize, output: &mut Output, out: &mut [f32]) {
        let (frames, flags, length) = self.begin(decoder, channels, out.len());
        self.skip_lbrr(decoder, &flags[..channels], frames, length);
        for (index, out) in out.chunks_exact_mut(out.len() / frames).enumerate() {
            let mut frame = [0; MAX_FRAME];
            self.decode_frame(decoder, &flags[..channels], index, &mut frame[..length]);
            output.received(&mut frame[..length], out);
        }
    }

    /// Decodes the LBRR data of an Opus frame of `out`'s length: the frame before it. What it lacks is concealed. Returns
    /// how many samples there are behind the last ones that it lacks.
    pub(super) fn decode_fec(
        &mut self,
        decoder: &mut RangeDecoder,
        channels: usize,
        output: &mut Output,
        out: &mut [f32],
    ) -> usize {
        let mut recovered = 0;
        let (frames, flags, length) = self.begin(decoder, channels, out.len());
        for (index, out) in out.chunks_exact_mut(out.len() / frames).enumerate() {
            let mut frame = [0; MAX_FRAME];
            let frame = &mut frame[..length];
            match self.parse_lbrr(decoder, &flags[..channels], index, length) {
                Some((indices, coding)) => {
                    self.mid.decode(&indices, coding, &self.pulses[..length], frame);
                    output.received(frame, out);
                    recovered += out.len();
                }
                None => {
                    self.mid.conceal(frame);
                    output.concealed(frame, out);
                    recovered = 0;
                }
            }
            self.parse_lbrr_of_side(decoder, &flags[..channels], index, length);
        }
        recovered
    }

    /// Fills `out`, at most 20 ms, with concealment.
    pub(super) fn conceal(&mut self, output: &mut Output, out: &mut [f32]) {
        let mut frame = [0; MAX_FRAME];
        let frame = &mut frame[..out.len() * self.rate.khz / OUTPUT_KHZ];
        self.mid.conceal(frame);
        self.mid.reset_gain();
        output.concealed(frame, out);
    }

    /// Reads the flags; returns them with the number of SILK frames and the samples of each.
    fn begin(&mut self, decoder: &mut RangeDecoder, channels: usize, samples: usize) -> (usize, [Flags; 2], usize) {
        // No symbol depends on another packet.
        (self.previous, self.mid_only) = Default::default();
        let length = samples * self.rate.khz / OUTPUT_KHZ;
        let frames = length.div_ceil(SUBFRAMES * SUBFRAME);
        (frames, decode_flags(decoder, frames, channels), length / frames)
    }

    fn skip_lbrr(&mut self, decoder: &mut RangeDecoder, flags: &[Flags], frames: usize, length: usize) {
        for frame in 0..frames {
            self.parse_lbrr(decoder, flags, frame, length);
            self.parse_lbrr_of_side(decoder, flags, frame, length);
        }
    }

    /// The indices of mid's LBRR frame, whose pulses are left in `pulses`.
    fn parse_lbrr(
        &mut self,
        decoder: &mut RangeDecoder,
        flags: &[Flags],
        frame: usize,
        length: usize,
    ) -> Option<(Indices<ORDER>, Coding)> {
        if !flags[0].lbrr[frame] {
            return None;
        }
        if let [_, side] = flags {
            skip_stereo_weights(decoder);
            if !side.lbrr[frame] {
                decoder.dec_binary(MID_ONLY);
            }
        }
        let coding = lbrr_coding(&flags[0], frame);
        Some((self.parse_frame(decoder, 0, true, coding, length), coding))
    }

    fn parse_lbrr_of_side(&mut self, decoder: &mut RangeDecoder, flags: &[Flags], frame: usize, length: usize) {
        if let [_, side] = flags
            && side.lbrr[frame]
        {
            self.parse_frame(decoder, 1, true, lbrr_coding(side, frame), length);
        }
    }

    fn decode_frame(&mut self, decoder: &mut RangeDecoder, flags: &[Flags], frame: usize, out: &mut [i16]) {
        let mut mid_only = false;
        if let [_, side] = flags {
            skip_stereo_weights(decoder);
            mid_only = !side.active[frame] && decoder.dec_binary(MID_ONLY);
        }
        let coding = if frame == 0 { Coding::Independent } else { Coding::Conditional };
        let indices = self.parse_frame(decoder, 0, flags[0].active[frame], coding, out.len());
        self.mid.decode(&indices, coding, &self.pulses[..out.len()], out);
        if let [_, side] = flags
            && !mid_only
        {
            let returns = frame > 0 && self.mid_only;
            let coding = if returns { Coding::IndependentWithoutLtpScaling } else { coding };
            self.parse_frame(decoder, 1, side.active[frame], coding, out.len());
        }
        self.mid_only = mid_only;
    }

    /// Reads a frame of a channel; its pulses are left in `pulses`.
    fn parse_frame(
        &mut self,
        decoder: &mut RangeDecoder,
        channel: usize,
        active: bool,
        coding: Coding,
        length: usize,
    ) -> Indices<ORDER> {
        let previous = &mut self.previous[channel];
        let indices = Indices::decode(decoder, self.rate, length / SUBFRAME, active, coding, previous);
        // Of mediumband's 10 ms the last block is only half used (4.2.7.8).
        let pulses = &mut self.pulses[..length.next_multiple_of(SHELL_BLOCK)];
        decode_pulses(decoder, indices.signal_type, indices.high_offset, pulses);
        indices
    }
}

/// An LBRR frame is coded conditionally if the one before it exists.
fn lbrr_coding(flags: &Flags, frame: usize) -> Coding {
    if frame > 0 && flags.lbrr[frame - 1] { Coding::Conditional } else { Coding::Independent }
}

/// Sections 4.2.3 and 4.2.4.
fn decode_flags(decoder: &mut RangeDecoder, frames: usize, channels: usize) -> [Flags; 2] {
    let (mut flags, mut lbrr) = ([Flags::default(); 2], [false; 2]);
    for (flags, lbrr) in flags.iter_mut().zip(&mut lbrr).take(channels) {
        flags.active[..frames].iter_mut().for_each(|active| *active = decoder.dec_bit_logp(1));
        *lbrr = decoder.dec_bit_logp(1);
    }
    for (flags, _) in flags.iter_mut().zip(lbrr).filter(|(_, lbrr)| *lbrr) {
        let which = match frames {
            1 => 1,
            2 => decoder.dec_icdf(&LBRR_FLAGS_2_ICDF, 8) + 1,
            _ => decoder.dec_icdf(&LBRR_FLAGS_3_ICDF, 8) + 1,
        };
        flags.lbrr = std::array::from_fn(|frame| which >> frame & 1 == 1);
    }
    flags
}

/// Section 4.2.7.1: the weights with which two output channels would be predicted.
fn skip_stereo_weights(decoder: &mut RangeDecoder) {
    for icdf in [&STEREO_WEIGHT_STAGE1_ICDF[..], &UNIFORM3_ICDF, &UNIFORM5_ICDF, &UNIFORM3_ICDF, &UNIFORM5_ICDF] {
        decoder.dec_icdf(icdf, 8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ruopus::RangeEncoder;

    #[test]
    fn activity_of_both_channels_comes_before_which_frames_have_lbrr_data() {
        let mut encoder = RangeEncoder::new(20);
        for bit in [true, false, true, true, true, true] {
            encoder.encode_bit_logp(bit, 1);
        }
        encoder.encode_icdf(0, &LBRR_FLAGS_2_ICDF, 8);
        encoder.encode_icdf(2, &LBRR_FLAGS_2_ICDF, 8);
        let packet = encoder.finalize().unwrap();
        let [mid, side] = decode_flags(&mut RangeDecoder::new(&packet), 2, 2);
        assert_eq!((mid.active, mid.lbrr), ([true, false, false], [true, false, false]));
        assert_eq!((side.active, side.lbrr), ([true, true, false], [true, true, false]));
    }
}
