//! A logical Opus stream: its elementary streams, mixed to one channel (RFC 7845, 5.1.1).

use std::fmt;

use crate::head::Head;
use crate::layer::Layer;
use crate::packet::{Frames, PacketError, RATE};

/// Decodes the packets of one logical Opus stream to mono at 16 kHz.
pub struct Decoder {
    head: Head,
    streams: Vec<Layer>,
    /// One packet of one stream.
    samples: Vec<f32>,
}

/// Why a packet cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// It is not a well-formed packet.
    Packet(PacketError),
    /// Its elementary streams differ in length.
    UnequalStreams,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::Packet(error) => error.fmt(f),
            DecodeError::UnequalStreams => write!(f, "the streams of an Opus packet differ in length"),
        }
    }
}

impl std::error::Error for DecodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            DecodeError::Packet(error) => Some(error),
            DecodeError::UnequalStreams => None,
        }
    }
}

impl From<DecodeError> for String {
    fn from(error: DecodeError) -> String {
        error.to_string()
    }
}

impl From<PacketError> for DecodeError {
    fn from(error: PacketError) -> DecodeError {
        DecodeError::Packet(error)
    }
}

impl Decoder {
    /// A decoder at the beginning of the stream that `head` announces.
    pub fn new(head: Head) -> Decoder {
        let streams = head.weights.iter().map(|_| Layer::new()).collect();
        Decoder { head, streams, samples: Vec::new() }
    }

    /// Samples at 48 kHz to drop from the start of the stream.
    pub fn pre_skip(&self) -> u16 {
        self.head.pre_skip
    }

    /// Appends a packet's samples to `out`: mono, 16 kHz, with the header's gain, from -1 to 1. The pre-skip is not
    /// dropped.
    ///
    /// An empty packet, and a frame without data (discontinuous transmission, loss), is concealed, as by libopus.
    ///
    /// # Errors
    ///
    /// What is wrong with the packet; `out` is as it was.
    pub fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<(), DecodeError> {
        let start = out.len();
        let decoded = self.mix_streams(packet, start, out);
        if decoded.is_err() {
            out.truncate(start);
        }
        let gain = self.head.gain;
        out[start..].iter_mut().for_each(|sample| *sample = clamped(*sample * gain));
        decoded
    }

    /// Appends `samples` of concealment at 16 kHz to `out`, for lost packets: the last sound, fading. The rest of a
    /// length that is not a multiple of 2.5 ms, the shortest frame, is silence.
    pub fn conceal(&mut self, samples: usize, out: &mut Vec<f32>) {
        let start = out.len();
        out.resize(start + samples, 0.0);
        self.fill_gap(&mut out[start..][..whole_frames(samples)], |_, layer, samples, out| {
            layer.decode_lost(samples, out);
        });
    }

    /// Whether [`Decoder::decode_fec`] finds forward error correction in a packet.
    pub fn has_lbrr(&self, packet: &[u8]) -> bool {
        split_streams(packet, self.streams.len()).is_ok_and(|packets| packets.iter().any(Frames::has_lbrr))
    }

    /// Appends `samples` at 16 kHz to `out` for packets that were lost before `next`, from its forward error correction
    /// (LBRR, RFC 6716, 2.1.7): the last frame of the gap is recovered if `next` has data for it, everything else is
    /// concealed. `next` itself is to be decoded afterwards. The rest of a length that is not a multiple of 2.5 ms is
    /// silence at the beginning.
    ///
    /// Returns how many samples at the end are recovered.
    pub fn decode_fec(&mut self, next: &[u8], samples: usize, out: &mut Vec<f32>) -> usize {
        let Ok(packets) = split_streams(next, self.streams.len()) else {
            self.conceal(samples, out);
            return 0;
        };
        let mut recovered = samples;
        let start = out.len() + samples - whole_frames(samples);
        out.resize(out.len() + samples, 0.0);
        self.fill_gap(&mut out[start..], |stream, layer, samples, out| {
            let Frames { toc, data } = &packets[stream];
            let of_stream = match data.first() {
                Some(frame) => layer.decode_fec(*toc, frame, samples, out),
                None => {
                    layer.decode_lost(samples, out);
                    0
                }
            };
            recovered = recovered.min(of_stream);
        });
        recovered
    }

    /// Mixes what `fill` gives for each stream into `out`, which is silent.
    fn fill_gap(&mut self, out: &mut [f32], mut fill: impl FnMut(usize, &mut Layer, usize, &mut Vec<f32>)) {
        for (stream, layer) in self.streams.iter_mut().enumerate() {
            self.samples.clear();
            fill(stream, layer, out.len(), &mut self.samples);
            let weight = self.head.weights[stream] * self.head.gain;
            add(weight, &self.samples, out);
        }
        out.iter_mut().for_each(|sample| *sample = clamped(*sample));
    }

    fn mix_streams(&mut self, packet: &[u8], start: usize, out: &mut Vec<f32>) -> Result<(), DecodeError> {
        let last = self.streams.len() - 1;
        let mut rest = packet;
        for stream in 0..self.streams.len() {
            let frames = parse_stream(&mut rest, stream == last)?;
            self.decode_stream(stream, &frames);
            if stream == 0 {
                out.resize(start + self.samples.len(), 0.0);
            } else if out.len() - start != self.samples.len() {
                return Err(DecodeError::UnequalStreams);
            }
            add(self.head.weights[stream], &self.samples, &mut out[start..]);
        }
        Ok(())
    }

    /// Decodes one stream's frames into `samples`.
    fn decode_stream(&mut self, stream: usize, frames: &Frames) {
        self.samples.clear();
        let layer = &mut self.streams[stream];
        for &frame in &frames.data {
            match frame {
                [] | [_] => layer.decode_lost(frames.toc.frame_size(), &mut self.samples),
                _ => layer.decode(frames.toc, frame, &mut self.samples),
            }
        }
    }
}

/// What of a length is a multiple of 2.5 ms.
fn whole_frames(samples: usize) -> usize {
    samples - samples % (RATE as usize / 400)
}

/// The packets of all streams.
fn split_streams(packet: &[u8], streams: usize) -> Result<Vec<Frames<'_>>, PacketError> {
    let mut rest = packet;
    (0..streams).map(|stream| parse_stream(&mut rest, stream + 1 == streams)).collect()
}

/// The packet of the next stream, which is self-delimited unless it is the last.
fn parse_stream<'a>(rest: &mut &'a [u8], last: bool) -> Result<Frames<'a>, PacketError> {
    let (frames, behind) = if last { (Frames::parse(rest)?, &[][..]) } else { Frames::parse_self_delimited(rest)? };
    *rest = behind;
    Ok(frames)
}

fn add(weight: f32, samples: &[f32], out: &mut [f32]) {
    out.iter_mut().zip(samples).for_each(|(sum, sample)| *sum += weight * sample);
}

/// Damaged packets decode to samples beyond full scale.
fn clamped(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::tests::head;
    use crate::reference_tests::random;

    #[test]
    fn a_packet_of_nothing_lasts_as_long_as_it_says() {
        let mut decoder = Decoder::new(Head::parse(&head(1, 0, &[])).unwrap());
        let mut length = |packet: &[u8]| {
            let mut out = Vec::new();
            decoder.decode(packet, &mut out).unwrap();
            out.len()
        };
        assert_eq!(length(&[]), 320); // no table of contents: 20 ms
        assert_eq!(length(&[9 << 3]), 320); // SILK wideband, 20 ms
        assert_eq!(length(&[8 << 3 | 1]), 320); // two of 10 ms
        assert_eq!(length(&[11 << 3]), 960); // 60 ms
        assert_eq!(length(&[28 << 3]), 40); // CELT, 2.5 ms
    }

    #[test]
    fn no_packet_panics_or_exceeds_full_scale() {
        let mut random = random(1);
        for table in [&[1, 1, 0, 1][..], &[2, 0, 0, 1]] {
            let mut decoder = Decoder::new(Head::parse(&head(2, 1, table)).unwrap());
            for _ in 0..20_000 {
                let packet: Vec<u8> = (0..random() % 90).map(|_| random() as u8).collect();
                let mut out = Vec::new();
                let lost = 40 * (random() % 60) as usize;
                match random() % 8 {
                    0 => decoder.conceal(lost, &mut out),
                    1 => {
                        let recovered = decoder.decode_fec(&packet, lost, &mut out);
                        assert!(recovered <= lost && (recovered == 0 || decoder.has_lbrr(&packet)));
                    }
                    _ => drop(decoder.decode(&packet, &mut out)),
                }
                assert!(out.len() <= 2_400 && out.iter().all(|sample| sample.abs() <= 1.0));
            }
        }
    }
}
