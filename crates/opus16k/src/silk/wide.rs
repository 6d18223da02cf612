//! Wideband: the frames of a packet, channel by channel.

use super::symbols::{Before, Coded, Symbols};
use super::tables::{FIVE, ONLY_MID, SECOND_OF_2, SECOND_OF_3, STEREO_BOTH, THREE};
use super::voice::Voice;
use super::{FRAME, SUBFRAME, excitation, scale};
use crate::coder::Coder;

/// Frames of a packet of 60 ms.
const MOST_FRAMES: usize = 3;

pub struct Wide {
    voice: Voice,
    /// Of the mean and of the difference: what was in the frame before, in this packet.
    before: [Before; 2],
    /// The frame before, in this packet, had no difference.
    only_mid: bool,
    pulses: [i16; FRAME],
}

/// What a packet says of a channel's frames.
#[derive(Default, Clone, Copy)]
struct Flags {
    active: [bool; MOST_FRAMES],
    /// Coded a second time, for when the packet before it was lost.
    second: [bool; MOST_FRAMES],
}

impl Wide {
    pub fn new() -> Wide {
        Wide { voice: Voice::new(), before: Default::default(), only_mid: false, pulses: [0; FRAME] }
    }

    pub fn decode(&mut self, coder: &mut Coder, channels: usize, out: &mut [f32]) {
        let frames = out.len().div_ceil(FRAME);
        let length = out.len() / frames;
        // Symbols never build on those of another packet.
        (self.before, self.only_mid) = Default::default();
        let flags = flags(coder, frames, channels);
        self.skip_second(coder, &flags[..channels], frames, length);
        for (frame, out) in out.chunks_exact_mut(length).enumerate() {
            self.frame(coder, &flags[..channels], frame, out);
        }
    }

    /// Frames for whom a packet before this was lost: it is not known here whether it was.
    fn skip_second(&mut self, coder: &mut Coder, flags: &[Flags], frames: usize, length: usize) {
        for frame in 0..frames {
            for (channel, own) in flags.iter().enumerate().filter(|(_, own)| own.second[frame]) {
                if let (0, [_, difference]) = (channel, flags) {
                    skip_weights(coder);
                    if !difference.second[frame] {
                        coder.second(ONLY_MID);
                    }
                }
                let onward = frame > 0 && own.second[frame - 1];
                let coded = if onward { Coded::Onward } else { Coded::Alone };
                self.read(coder, channel, true, coded, length);
            }
        }
    }

    fn frame(&mut self, coder: &mut Coder, flags: &[Flags], frame: usize, out: &mut [f32]) {
        let mut only_mid = false;
        if let [_, difference] = flags {
            skip_weights(coder);
            only_mid = !difference.active[frame] && coder.second(ONLY_MID);
        }
        let coded = if frame == 0 { Coded::Alone } else { Coded::Onward };
        let symbols = self.read(coder, 0, flags[0].active[frame], coded, out.len());
        self.voice.decode(&symbols, coded, &self.pulses[..out.len()]);
        if let [_, difference] = flags
            && !only_mid
        {
            let coded = if frame > 0 && self.only_mid { Coded::AloneUnscaled } else { coded };
            self.read(coder, 1, difference.active[frame], coded, out.len());
        }
        self.only_mid = only_mid;
        self.give(out);
    }

    /// Reads a channel's frame: its pulses are left in `pulses`.
    fn read(&mut self, coder: &mut Coder, channel: usize, active: bool, coded: Coded, length: usize) -> Symbols {
        let symbols = Symbols::read(coder, length / SUBFRAME, active, coded, &mut self.before[channel]);
        excitation::read(coder, symbols.kind, symbols.high_offset, &mut self.pulses[..length]);
        symbols
    }

    pub fn lose(&mut self, out: &mut [f32]) {
        self.voice.lose(out.len());
        self.give(out);
    }

    fn give(&self, out: &mut [f32]) {
        scale(self.voice.heard(out.len()), out);
    }
}

/// First of all each channel's activity, and whether frames are coded a second time; then which of them.
fn flags(coder: &mut Coder, frames: usize, channels: usize) -> [Flags; 2] {
    let (mut flags, mut second) = ([Flags::default(); 2], [false; 2]);
    for (flags, second) in flags.iter_mut().zip(&mut second).take(channels) {
        flags.active[..frames].iter_mut().for_each(|active| *active = coder.bit(1));
        *second = coder.bit(1);
    }
    for (flags, _) in flags.iter_mut().zip(second).filter(|(_, second)| *second) {
        let which = match frames {
            1 => 1,
            2 => coder.symbol(&SECOND_OF_2) + 1,
            _ => coder.symbol(&SECOND_OF_3) + 1,
        };
        flags.second = std::array::from_fn(|frame| which >> frame & 1 == 1);
    }
    flags
}

/// How the difference is foretold from the mean: for two channels of sound, of which there is one here.
fn skip_weights(coder: &mut Coder) {
    for distribution in [&STEREO_BOTH[..], &THREE, &FIVE, &THREE, &FIVE] {
        let _ = coder.symbol(distribution);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ruopus::RangeEncoder;

    /// All of the packet's flags come before which frames are coded a second time (RFC 6716, 4.2.3 and 4.2.4).
    #[test]
    fn activity_of_both_channels_comes_before_what_is_coded_twice() {
        let mut encoder = RangeEncoder::new(20);
        for bit in [true, false, true, true, true, true] {
            encoder.encode_bit_logp(bit, 1);
        }
        encoder.encode_icdf(0, &SECOND_OF_2, 8);
        encoder.encode_icdf(2, &SECOND_OF_2, 8);
        let packet = encoder.finalize().unwrap();
        let [mid, difference] = flags(&mut Coder::new(&packet), 2, 2);
        assert_eq!((mid.active, mid.second), ([true, false, false], [true, false, false]));
        assert_eq!((difference.active, difference.second), ([true, true, false], [true, true, false]));
    }
}
