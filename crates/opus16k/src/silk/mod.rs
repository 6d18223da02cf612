//! SILK (RFC 6716, 4.2): speech, as noise through filters that change every few milliseconds.
//!
//! Wideband is decoded here: it is 16 kHz as it stands, and every hybrid frame has it below its CELT part. Narrow- and
//! mediumband, which need another rate's tables and a resampler, are left to ruopus.
//!
//! Of two channels only the mean is made into sound; the difference is read, since the range coder needs it.
//!
//! Invariant: a frame gives as many samples as it lasts, whatever its bytes are.

mod cng;
mod excitation;
mod filter;
mod fixed;
mod lines;
mod other;
mod plc;
pub mod rest;
mod symbols;
mod tables;
mod voice;
mod wide;

use ruopus::{Bandwidth, RangeDecoder};

use crate::coder::Coder;
use other::Other;
use rest::Rest;
use wide::Wide;

/// Taps of short-term prediction.
const ORDER: usize = 16;
/// Samples of 5 ms, the life of a gain.
const SUBFRAME: usize = 80;
/// Subframes of 20 ms, the longest frame. The other lasts 10.
const SUBFRAMES: usize = 4;
const FRAME: usize = SUBFRAMES * SUBFRAME;
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

fn scale(pcm: &[i16], out: &mut [f32]) {
    out.iter_mut().zip(pcm).for_each(|(out, &sample)| *out = f32::from(sample) / 32_768.0);
}

#[cfg(test)]
mod tests {
    use super::super::{RATE, twins::random};
    use super::*;
    use ruopus::silk::api::{DecControl, SilkDecoder};

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
}
