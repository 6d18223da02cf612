//! SILK (RFC 6716, 4.2): speech, as noise through filters that change every few milliseconds.
//!
//! Wideband is decoded here: it is 16 kHz as it stands, and every hybrid frame has it below its CELT part. Narrow- and
//! mediumband, which need another rate's tables and a resampler, are left to ruopus.
//!
//! Of two channels only the mean is made into sound; the difference is read, since the range coder needs it.
//!
//! Invariant: a frame gives as many samples as it lasts, whatever its bytes are.

pub mod coder;
mod excitation;
mod filter;
mod fixed;
mod lost;
mod symbols;
mod tables;
mod voice;

use ruopus::silk::api::{DecControl, SilkDecoder};
use ruopus::{Bandwidth, RangeDecoder};

use super::RATE;
use coder::{Coder, Rest};
use symbols::{Before, Coded, Symbols};
use tables::{FIVE, ONLY_MID, SECOND_OF_2, SECOND_OF_3, STEREO_BOTH, THREE};
use voice::Voice;

/// Taps of short-term prediction.
const ORDER: usize = 16;
/// Samples of 5 ms, the life of a gain.
const SUBFRAME: usize = 80;
/// Subframes of 20 ms, the longest frame. The other lasts 10.
const SUBFRAMES: usize = 4;
const FRAME: usize = SUBFRAMES * SUBFRAME;
/// Frames of a packet of 60 ms.
const MOST_FRAMES: usize = 3;
/// Samples that the reference's sound comes late, so that a change of rate does not skip: twelve for a resampler, which
/// there is none of here, and one for two channels that are taken apart.
const DELAY: usize = 12 + 1;

/// What the table of contents says of a packet's SILK part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    pub bandwidth: Bandwidth,
    pub channels: usize,
    /// At 16 kHz: 160, 320, 640 or 960.
    pub samples: usize,
}

/// The SILK part of one elementary stream.
pub enum Silk {
    Wide(Box<Wide>),
    Other(Box<Other>),
}

impl Silk {
    pub fn new() -> Silk {
        Silk::Wide(Box::new(Wide::new()))
    }

    /// Decodes a packet's SILK part into `out`, as many samples as the packet has: mono, 16 kHz, [-1, 1). Returns
    /// the coder, at what follows.
    pub fn decode<'a>(&mut self, data: &'a [u8], packet: Packet, out: &mut [f32]) -> Rest<'a> {
        let wide = !matches!(packet.bandwidth, Bandwidth::NarrowBand | Bandwidth::MediumBand);
        // Another rate begins anew.
        match self {
            Silk::Wide(_) if !wide => *self = Silk::Other(Box::new(Other::new(packet))),
            Silk::Other(_) if wide => *self = Silk::new(),
            _ => (),
        }
        match self {
            Silk::Wide(decoder) => {
                let mut coder = Coder::new(data);
                decoder.decode(&mut coder, packet.channels, out);
                Rest::Ours(coder)
            }
            Silk::Other(decoder) => {
                let mut coder = RangeDecoder::new(data);
                decoder.decode(&mut coder, packet, out);
                Rest::Twins(coder)
            }
        }
    }

    /// What may have been in a packet that was lost: at most 20 ms.
    pub fn lose(&mut self, out: &mut [f32]) {
        match self {
            Silk::Wide(decoder) => decoder.lose(out),
            Silk::Other(decoder) => decoder.lose(out),
        }
    }
}

/// Narrow- and mediumband.
pub struct Other {
    decoder: SilkDecoder,
    /// The last packet, for when the next is lost.
    last: Packet,
    pcm: Vec<i16>,
}

impl Other {
    fn new(first: Packet) -> Other {
        Other { decoder: SilkDecoder::new(), last: first, pcm: Vec::new() }
    }

    fn decode(&mut self, coder: &mut RangeDecoder, packet: Packet, out: &mut [f32]) {
        self.last = packet;
        self.pcm.clear();
        let control = self.control(packet.samples * 1000 / RATE as usize);
        for frame in 0..control.payload_size_ms.div_ceil(20) {
            self.decoder.decode(coder, &control, frame == 0, &mut self.pcm);
        }
        scale(&self.pcm, out);
    }

    fn lose(&mut self, out: &mut [f32]) {
        // It gives 10 or 20 ms; what is asked for may end earlier.
        self.pcm.clear();
        let control = self.control(if out.len() >= FRAME { 20 } else { 10 });
        self.decoder.decode_lost(&control, &mut self.pcm);
        scale(&self.pcm, out);
    }

    fn control(&self, payload_size_ms: usize) -> DecControl {
        let internal_sample_rate = if self.last.bandwidth == Bandwidth::NarrowBand { 8_000 } else { 12_000 };
        let (channels_internal, api_sample_rate) = (self.last.channels, RATE as i32);
        DecControl { channels_internal, channels_api: 1, internal_sample_rate, api_sample_rate, payload_size_ms }
    }
}

fn scale(pcm: &[i16], out: &mut [f32]) {
    out.iter_mut().zip(pcm).for_each(|(out, &sample)| *out = f32::from(sample) / 32_768.0);
}

/// Wideband.
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
    fn new() -> Wide {
        Wide { voice: Voice::new(), before: Default::default(), only_mid: false, pulses: [0; FRAME] }
    }

    fn decode(&mut self, coder: &mut Coder, channels: usize, out: &mut [f32]) {
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

    fn lose(&mut self, out: &mut [f32]) {
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
    use super::super::twins::random;
    use super::*;
    use ruopus::RangeEncoder;

    /// Noise has every symbol there is, at every place, and packets follow each other as no encoder would have it: the twin
    /// must have stopped at the same place, with the same samples behind it.
    #[test]
    fn packets_of_noise_are_what_their_twin_makes_of_them() {
        let (mut random, mut silk, mut twin) = (random(1), Silk::new(), SilkDecoder::new());
        let (mut wide_before, mut compared) = (true, 0);
        for _ in 0..2_000 {
            let [length, channels, milliseconds, narrow, run] = std::array::from_fn(|_| random());
            let (channels, milliseconds) = (1 + channels as usize % 2, [10, 20, 40, 60][milliseconds as usize % 4]);
            let (wide, samples) = (narrow % 8 != 0, milliseconds * 16);
            let bandwidth = if wide { Bandwidth::WideBand } else { Bandwidth::NarrowBand };
            for _ in 0..1 + run % 4 {
                let data: Vec<u8> = (0..2 + length % 120).map(|_| random() as u8).collect();
                // It reads which of a channel's frames are coded a second time before the other channel's activity.
                if channels == 2 && milliseconds > 20 && mid_comes_twice(&data, milliseconds / 20) {
                    continue;
                }
                let (mut theirs, mut out) = (RangeDecoder::new(&data), vec![0.0; samples]);
                let mut ours = silk.decode(&data, Packet { bandwidth, channels, samples }, &mut out);
                let pcm = decode(&mut twin, &mut theirs, wide, channels, milliseconds);
                assert_eq!(ours.tell(), theirs.tell());
                assert_eq!(ours.byte(), theirs.decode_uint(256).unwrap() as usize);
                let out: Vec<i16> = out.iter().map(|sample| (sample * 32_768.0) as i16).collect();
                if wide {
                    // Behind another rate the twin begins with a sample of that.
                    let from = if wide_before { 0 } else { DELAY };
                    assert!(out[from..] == pcm[from..], "{channels} channels, {milliseconds} ms");
                    compared += samples - from;
                }
                wide_before = wide;
            }
        }
        assert!(compared > 1_500_000, "{compared}");
    }

    fn mid_comes_twice(data: &[u8], frames: usize) -> bool {
        let mut coder = Coder::new(data);
        (0..=frames).map(|_| coder.bit(1)).last() == Some(true)
    }

    fn decode(
        twin: &mut SilkDecoder,
        coder: &mut RangeDecoder,
        wide: bool,
        channels_internal: usize,
        payload_size_ms: usize,
    ) -> Vec<i16> {
        let mut pcm = Vec::new();
        let control = DecControl {
            channels_internal,
            channels_api: 1,
            internal_sample_rate: if wide { 16_000 } else { 8_000 },
            api_sample_rate: RATE as i32,
            payload_size_ms,
        };
        for frame in 0..payload_size_ms.div_ceil(20) {
            twin.decode(coder, &control, frame == 0, &mut pcm);
        }
        pcm
    }

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
