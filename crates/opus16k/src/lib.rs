//! Opus packets to mono at 16 kHz; parts of it by ruopus (of which this is the only home).
//!
//! Opus streams carry no sampling rate of their own: [`layer`] gives 16 kHz without a resampler, and works
//! out nothing that lies above 8 kHz. Every elementary stream is decoded to one channel (a stereo
//! stream's mono is the mean of its sides to 64-73 dB, but for bands of opposite phase, which would cancel each other:
//! RFC 8251, 10); streams are averaged by the channels they feed.
//!
//! Invariant: no header and no packet can make this room panic, or allocate more than 120 ms of audio.

mod celt;
mod coder;
#[cfg(test)]
mod concealment_tests;
mod layer;
mod silk;
#[cfg(test)]
mod twins;

use layer::Layer;
use ruopus::{Packet, Toc};

/// The rate at which Opus leaves this room, Hz.
pub const RATE: u32 = 16_000;

/// Positions in Opus containers count at 48 kHz, whatever the decoder gives.
pub const CLOCK: u32 = 48_000;

/// The most channels that giggles hears (RFC 7845, family 1, ends there too).
const MOST_CHANNELS: u8 = 8;

/// 120 ms, the longest packet that RFC 6716 (3.2.5, R5) allows, at 48 kHz.
const LONGEST_PACKET: usize = 5760;

/// What an Opus identification header announces (RFC 7845, 5.1), validated.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    pub channels: u8,
    /// Samples at 48 kHz to drop from the start of the decoded stream.
    pub pre_skip: u16,
    /// Linear factor of the header's output gain.
    gain: f32,
    /// For each elementary stream: how much of the mono mix it is, 0 to 1.
    weights: Vec<f32>,
}

impl Head {
    /// Reads an `OpusHead` packet (Ogg, Matroska), or an MP4 `dOps` behind the same eight letters.
    ///
    /// Errors: what is wrong with it, in words.
    pub fn parse(bytes: &[u8]) -> Result<Head, String> {
        let fixed: &[u8; 19] = bytes.first_chunk().ok_or("its Opus header is too short")?;
        let [b'O', b'p', b'u', b's', b'H', b'e', b'a', b'd', version, channels, skip @ .., family] = fixed else {
            return Err("its Opus header does not start with OpusHead".into());
        };
        let [skip_0, skip_1, _, _, _, _, gain_0, gain_1] = *skip;
        // MP4 marks itself by version 0 and writes big-endian; all others are version 1 to 15.
        let (pre_skip, gain) = match version {
            0 => (u16::from_be_bytes([skip_0, skip_1]), i16::from_be_bytes([gain_0, gain_1])),
            1..=15 => (u16::from_le_bytes([skip_0, skip_1]), i16::from_le_bytes([gain_0, gain_1])),
            newer => return Err(format!("its Opus header has version {newer}, which no decoder knows")),
        };
        if *channels == 0 || *channels > MOST_CHANNELS {
            return Err(format!("its Opus stream has {channels} channels; 1 to {MOST_CHANNELS} can be heard"));
        }
        let weights = weights(*family, *channels, bytes.get(19..).unwrap_or_default())?;
        let gain = 10f32.powf(f32::from(gain) / (20.0 * 256.0));
        Ok(Head { channels: *channels, pre_skip, gain, weights })
    }
}

/// How much of the mono mix each elementary stream is.
fn weights(family: u8, channels: u8, table: &[u8]) -> Result<Vec<f32>, String> {
    match (family, table) {
        (0, _) if channels <= 2 => Ok(vec![1.0]),
        (0, _) => Err(format!("its Opus header names {channels} channels in mapping family 0, which has 2 at most")),
        (_, [streams, coupled, mapping @ ..]) if mapping.len() >= usize::from(channels) => {
            let heard = &mapping[..usize::from(channels)];
            shares(family, usize::from(*streams), usize::from(*coupled), heard)
        }
        _ => Err("its Opus channel mapping table is cut short".into()),
    }
}

/// Counts for each stream the audible output channels it feeds. The low-frequency channel of the
/// surround layouts (family 1, from six channels on: the last) says nothing about voices and is left out.
fn shares(family: u8, streams: usize, coupled: usize, mapping: &[u8]) -> Result<Vec<f32>, String> {
    if streams == 0 || streams > usize::from(MOST_CHANNELS) || coupled > streams {
        return Err(format!("its Opus channel mapping names {streams} streams, {coupled} of them stereo"));
    }
    let audible = if family == 1 && mapping.len() >= 6 { mapping.len() - 1 } else { mapping.len() };
    let mut weights = vec![0.0; streams];
    for &channel in &mapping[..audible] {
        let channel = usize::from(channel);
        let stream = if channel < 2 * coupled { channel / 2 } else { channel - coupled };
        match weights.get_mut(stream) {
            Some(weight) => *weight += 1.0 / audible as f32,
            None if channel == 255 => (), // a silent channel
            None => {
                return Err(format!("its Opus channel mapping names channel {channel}, which no stream holds"));
            }
        }
    }
    Ok(weights)
}

/// Samples at 48 kHz that a packet gives, by its table of contents; an empty one stands for 20 ms.
pub fn length(packet: &[u8]) -> usize {
    let [toc, rest @ ..] = packet else { return usize::from(CLOCK as u16 / 50) };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => rest.first().map_or(1, |count| usize::from(count & 63)),
    };
    (frames * Toc::new(*toc).frame_size().samples_per_channel_48k()).min(LONGEST_PACKET)
}

/// Whether bytes are a well-formed packet of one stream.
pub fn is_packet(bytes: &[u8]) -> bool {
    !bytes.is_empty() && framed(bytes).is_ok()
}

/// Decodes the packets of one logical Opus stream.
pub struct Decoder {
    head: Head,
    streams: Vec<Layer>,
    /// One packet of one stream, 16 kHz.
    voice: Vec<f32>,
}

impl Decoder {
    pub fn new(head: Head) -> Decoder {
        let streams = head.weights.iter().map(|_| Layer::new()).collect();
        Decoder { head, streams, voice: Vec::new() }
    }

    /// Samples at 48 kHz to drop from the start of the stream.
    pub fn pre_skip(&self) -> u16 {
        self.head.pre_skip
    }

    /// Appends one packet's audio to `out`: mono, 16 kHz, gain applied, within [-1, 1], nothing skipped.
    ///
    /// A packet without a frame, or a frame without data (discontinuous transmission, loss) is
    /// concealed, as libopus does. Errors: what is wrong with the packet, in words.
    pub fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<(), String> {
        let start = out.len();
        let decoded = self.add_streams(packet, start, out);
        if decoded.is_err() {
            out.truncate(start);
        }
        let gain = self.head.gain;
        out[start..].iter_mut().for_each(|sample| *sample = audible(*sample * gain));
        decoded
    }

    /// Appends what stands for `samples` at 16 kHz whose packets are lost: the sound before them, fading.
    /// The rest of a length that is no multiple of 2.5 ms, the shortest frame, is silence.
    pub fn conceal(&mut self, samples: usize, out: &mut Vec<f32>) {
        let start = out.len();
        out.resize(start + samples, 0.0);
        let samples = samples - samples % (RATE as usize / 400);
        for stream in 0..self.streams.len() {
            self.voice.clear();
            self.streams[stream].lose(samples, &mut self.voice);
            let weight = self.head.weights[stream] * self.head.gain;
            out[start..].iter_mut().zip(&self.voice).for_each(|(sum, sample)| *sum += weight * sample);
        }
        out[start..].iter_mut().for_each(|sample| *sample = audible(*sample));
    }

    fn add_streams(&mut self, packet: &[u8], start: usize, out: &mut Vec<f32>) -> Result<(), String> {
        let last = self.streams.len() - 1;
        let mut rest = packet;
        for stream in 0..self.streams.len() {
            let (frames, used) = if stream == last { (framed(rest)?, rest.len()) } else { delimited(rest)? };
            rest = rest.get(used..).unwrap_or_default();
            self.hear(stream, &frames);
            self.mix(stream, start, out)?;
        }
        Ok(())
    }

    /// Decodes one stream's frames into `voice`.
    fn hear(&mut self, stream: usize, frames: &Frames) {
        self.voice.clear();
        let layer = &mut self.streams[stream];
        for &frame in &frames.data {
            match frame {
                [] | [_] => layer.lose(frames.samples, &mut self.voice),
                _ => layer.decode(frames.toc, frame, &mut self.voice),
            }
        }
    }

    /// Adds `voice` to the mix that starts at `start`; the first stream says how long the packet is.
    fn mix(&mut self, stream: usize, start: usize, out: &mut Vec<f32>) -> Result<(), String> {
        if stream == 0 {
            out.resize(start + self.voice.len(), 0.0);
        } else if out.len() - start != self.voice.len() {
            return Err("the streams of a packet differ in length".into());
        }
        let weight = self.head.weights[stream];
        out[start..].iter_mut().zip(&self.voice).for_each(|(sum, sample)| *sum += weight * sample);
        Ok(())
    }
}

/// The frames of one packet of one stream.
struct Frames<'a> {
    toc: Toc,
    /// Length of each frame, samples at 16 kHz.
    samples: usize,
    data: Vec<&'a [u8]>,
}

fn framed(packet: &[u8]) -> Result<Frames<'_>, String> {
    match packet {
        // A packet of nothing: 20 ms were lost, as far as anyone can tell.
        [] => Ok(Frames { toc: Toc::new(0), samples: 320, data: vec![&[]] }),
        _ => frames(&Packet::parse(packet).map_err(words)?),
    }
}

fn delimited(packet: &[u8]) -> Result<(Frames<'_>, usize), String> {
    let (parsed, used) = Packet::parse_self_delimited(packet).map_err(words)?;
    Ok((frames(&parsed)?, used))
}

fn frames<'a>(parsed: &Packet<'a>) -> Result<Frames<'a>, String> {
    let length = parsed.toc().frame_size().samples_per_channel_48k();
    let data = parsed.frames().to_vec();
    if data.len() * length > LONGEST_PACKET {
        return Err("a packet claims more than 120 ms".into());
    }
    Ok(Frames { toc: parsed.toc(), samples: length / (CLOCK / RATE) as usize, data })
}

fn words(error: ruopus::PacketError) -> String {
    format!("an Opus packet is malformed ({error})")
}

/// All decoders give huge samples on damaged packets; nobody hears beyond full scale.
fn audible(sample: f32) -> f32 {
    if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(channels: u8, family: u8, table: &[u8]) -> Vec<u8> {
        let mut bytes = b"OpusHead\x01".to_vec();
        bytes.extend([channels, 0x38, 0x01, 0x80, 0xBB, 0, 0, 0, 0, family]);
        bytes.extend(table);
        bytes
    }

    #[test]
    fn a_head_says_what_to_skip_and_how_to_mix() {
        let stereo = Head::parse(&head(2, 0, &[])).unwrap();
        assert_eq!((stereo.channels, stereo.pre_skip, stereo.weights), (2, 312, vec![1.0]));
        // 5.1 in Vorbis' order: left, centre, right, rear left, rear right, low frequencies.
        let surround = Head::parse(&head(6, 1, &[4, 2, 0, 4, 1, 2, 3, 5])).unwrap();
        assert_eq!(surround.weights, vec![0.4, 0.4, 0.2, 0.0]);
    }

    #[test]
    fn heads_that_lie_are_refused() {
        let lies: [(u8, u8, &[u8]); 7] = [
            (0, 0, &[]),
            (255, 0, &[]),
            (3, 0, &[]),
            (2, 1, &[0, 0, 0, 1]),
            (2, 1, &[1, 2, 0, 1]),
            (2, 1, &[1, 1, 0, 9]),
            (6, 1, &[4, 2, 0]),
        ];
        for (channels, family, table) in lies {
            assert!(Head::parse(&head(channels, family, table)).is_err(), "{channels} {family} {table:?}");
        }
        assert!((0..27).all(|length| Head::parse(&head(6, 1, &[4, 2, 0, 4, 1, 2, 3, 5])[..length]).is_err()));
    }

    #[test]
    fn a_packet_of_nothing_lasts_as_long_as_it_says() {
        let mut decoder = Decoder::new(Head::parse(&head(1, 0, &[])).unwrap());
        let mut lasts = |packet: &[u8]| {
            let mut out = Vec::new();
            decoder.decode(packet, &mut out).unwrap();
            out.len()
        };
        assert_eq!(lasts(&[]), 320); // no table of contents: 20 ms
        assert_eq!(lasts(&[9 << 3]), 320); // SILK wideband, 20 ms
        assert_eq!(lasts(&[8 << 3 | 1]), 320); // two of 10 ms
        assert_eq!(lasts(&[11 << 3]), 960); // 60 ms
        assert_eq!(lasts(&[28 << 3]), 40); // CELT, 2.5 ms
    }

    #[test]
    fn no_packet_does_harm() {
        let mut random = twins::random(1);
        for table in [&[1, 1, 0, 1][..], &[2, 0, 0, 1]] {
            let mut decoder = Decoder::new(Head::parse(&head(2, 1, table)).unwrap());
            for _ in 0..20_000 {
                let packet: Vec<u8> = (0..random() % 90).map(|_| random() as u8).collect();
                let mut out = Vec::new();
                let _ = decoder.decode(&packet, &mut out);
                assert!(out.len() <= LONGEST_PACKET / 3 && out.iter().all(|sample| sample.abs() <= 1.0));
            }
        }
    }
}
