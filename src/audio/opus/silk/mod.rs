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
/// Samples that other rates' resampler would take: sound comes as much later, so that a change of bandwidth does
/// not skip.
const DELAY: usize = 13;

/// What the table of contents says of a packet's SILK part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    pub bandwidth: Bandwidth,
    pub channels: usize,
    /// At 16 kHz.
    pub samples: usize,
}

/// The SILK part of one elementary stream.
pub struct Silk {
    decoder: Decoder,
    /// The last packet, for when the next is lost.
    last: Option<Packet>,
}

enum Decoder {
    Wide(Box<Wide>),
    Other(Box<SilkDecoder>, Vec<i16>),
}

impl Decoder {
    fn new(wide: bool) -> Decoder {
        match wide {
            true => Decoder::Wide(Box::new(Wide::new())),
            false => Decoder::Other(Box::new(SilkDecoder::new()), Vec::new()),
        }
    }
}

impl Silk {
    pub fn new() -> Silk {
        Silk { decoder: Decoder::new(true), last: None }
    }

    /// Decodes a packet's SILK part into `out`, which is as long as the packet. What stands behind it is left.
    pub fn decode<'a>(&mut self, data: &'a [u8], packet: Packet, out: &mut [f32]) -> Rest<'a> {
        let wide = !matches!(packet.bandwidth, Bandwidth::NarrowBand | Bandwidth::MediumBand);
        // Another rate begins anew.
        if wide != matches!(self.decoder, Decoder::Wide(_)) {
            self.decoder = Decoder::new(wide);
        }
        self.last = Some(packet);
        match &mut self.decoder {
            Decoder::Wide(decoder) => {
                let mut coder = Coder::new(data);
                decoder.decode(&mut coder, packet.channels, out);
                Rest::Ours(coder)
            }
            Decoder::Other(decoder, pcm) => {
                let mut coder = RangeDecoder::new(data);
                pcm.clear();
                let control = control(packet, packet.samples * 1000 / RATE as usize);
                for frame in 0..control.payload_size_ms.div_ceil(20) {
                    decoder.decode(&mut coder, &control, frame == 0, pcm);
                }
                scale(pcm, out);
                Rest::Twins(coder)
            }
        }
    }

    /// What may have been in a packet that was lost: at most 20 ms.
    pub fn lose(&mut self, out: &mut [f32]) {
        let Some(last) = self.last else { return };
        match &mut self.decoder {
            Decoder::Wide(decoder) => decoder.lose(out),
            Decoder::Other(decoder, pcm) => {
                // It gives 10 or 20 ms; what is asked for may end earlier.
                pcm.clear();
                decoder.decode_lost(&control(last, if out.len() >= FRAME { 20 } else { 10 }), pcm);
                scale(pcm, out);
            }
        }
    }
}

fn control(packet: Packet, payload_size_ms: usize) -> DecControl {
    let internal_sample_rate = if packet.bandwidth == Bandwidth::NarrowBand { 8_000 } else { 12_000 };
    let (channels_internal, api_sample_rate) = (packet.channels, RATE as i32);
    DecControl { channels_internal, channels_api: 1, internal_sample_rate, api_sample_rate, payload_size_ms }
}

fn scale(pcm: &[i16], out: &mut [f32]) {
    out.iter_mut().zip(pcm).for_each(|(out, &sample)| *out = f32::from(sample) / 32_768.0);
}

/// Wideband.
struct Wide {
    voice: Voice,
    /// Of the mean and of the difference.
    before: [Before; 2],
    /// The last frame had no difference.
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
        let heard = self.voice.heard(out.len(), DELAY);
        scale(heard, out);
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

    fn random(seed: u64) -> impl FnMut() -> u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        }
    }

    /// Noise has every symbol there is, at every place: the twin must have stopped at the same one, with the same samples
    /// behind it.
    #[test]
    fn packets_of_noise_are_what_their_twin_makes_of_them() {
        for (channels, milliseconds) in
            [1, 2].into_iter().flat_map(|channels| [10, 20, 40, 60].map(|ms| (channels, ms)))
        {
            let mut random = random((channels * 100 + milliseconds) as u64);
            let (mut silk, mut twin, mut same) = (Silk::new(), SilkDecoder::new(), 0);
            for _ in 0..400 {
                let data: Vec<u8> = (0..20 + random() % 100).map(|_| random() as u8).collect();
                // It reads which of a channel's frames are coded a second time before the other channel's activity.
                if channels == 2 && milliseconds > 20 && mid_comes_twice(&data, milliseconds / 20) {
                    continue;
                }
                let samples = milliseconds * 16;
                let (mut theirs, mut out) = (RangeDecoder::new(&data), vec![0.0; samples]);
                let packet = Packet { bandwidth: Bandwidth::WideBand, channels, samples };
                let mut ours = silk.decode(&data, packet, &mut out);
                let pcm = decode(&mut twin, &mut theirs, channels, milliseconds);
                assert_eq!(ours.tell(), theirs.tell());
                assert_eq!(ours.byte(), theirs.decode_uint(256).unwrap() as usize);
                let out: Vec<i16> = out.iter().map(|sample| (sample * 32_768.0) as i16).collect();
                assert_eq!(out, pcm, "{channels} channels, {milliseconds} ms, packet {same}");
                same += 1;
            }
            assert!(same > 150, "{same}");
        }
    }

    fn mid_comes_twice(data: &[u8], frames: usize) -> bool {
        let mut coder = Coder::new(data);
        (0..=frames).map(|_| coder.bit(1)).last() == Some(true)
    }

    fn decode(
        twin: &mut SilkDecoder,
        coder: &mut RangeDecoder,
        channels_internal: usize,
        payload_size_ms: usize,
    ) -> Vec<i16> {
        let rate = RATE as i32;
        let control = DecControl {
            channels_internal,
            channels_api: 1,
            internal_sample_rate: rate,
            api_sample_rate: rate,
            payload_size_ms,
        };
        let mut pcm = Vec::new();
        for frame in 0..payload_size_ms.div_ceil(20) {
            twin.decode(coder, &control, frame == 0, &mut pcm);
        }
        pcm
    }
}
