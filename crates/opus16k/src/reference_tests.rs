//! The layer beside the decoder of ruopus, on streams of every kind.

use crate::layer::Layer;
use crate::packet::Toc;
use ruopus::{Bandwidth, Mode, OpusDecoder, OpusEncoder, Packet};

/// Pseudorandom numbers, the same in every run.
pub(crate) fn random(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

/// Seconds of sound at 48 kHz, interleaved: tones that glide, noise that comes and goes, clicks. It comes and goes in the
/// same way within any number of seconds.
fn sound(seconds: usize, channels: usize) -> Vec<f32> {
    let (mut random, mut out, mut low) = (random(7), Vec::new(), 0.0f32);
    for i in 0..seconds * 48_000 {
        let t = i as f32 / 48_000.0;
        let slow = 4.0 * t / seconds as f32;
        let white = (random() % 2_001) as f32 / 1_000.0 - 1.0;
        low += 0.1 * (white - low);
        let harmonics: f32 = (1..12).map(|k| (700.0 * k as f32 * (t + 0.02 * (4.0 * t).sin())).sin() / k as f32).sum();
        let envelope = (1.3 * slow).sin().max(0.0);
        let click = if i % 9_601 < 90 { 0.7 * white } else { 0.0 };
        let hiss = 0.2 * white * (0.7 * slow).cos().max(0.0);
        out.push((0.15 * harmonics * envelope + 0.5 * low + click).clamp(-0.9, 0.9));
        if channels == 2 {
            out.push((0.1 * harmonics * envelope + hiss + click).clamp(-0.9, 0.9));
        }
    }
    out
}

/// Packets of a second of that sound, as long as each of `lengths` (samples at 48 kHz) in turn. ruopus transforms in
/// quadratic time, so a second of each kind is what a test can wait for; frames of noise have what it lacks.
fn encoded(channels: usize, bitrate: u32, lengths: &[usize], auto: bool) -> Vec<Vec<u8>> {
    packets(&sound(1, channels), channels, bitrate, lengths, auto)
}

fn packets(pcm: &[f32], channels: usize, bitrate: u32, lengths: &[usize], auto: bool) -> Vec<Vec<u8>> {
    let (mut at, mut packets) = (0, Vec::new());
    let mut encoder = OpusEncoder::new(channels);
    encoder.set_bitrate(auto.then_some(bitrate));
    for &length in lengths.iter().cycle() {
        let Some(frame) = pcm.get(at..at + length * channels) else { break };
        at += length * channels;
        let most = bitrate as usize / 8 * length / 48_000;
        let packet =
            if auto { encoder.encode_auto(frame, 1_275) } else { encoder.encode(frame, most.clamp(10, 1_275)) };
        packets.push(packet.unwrap());
    }
    packets
}

/// The signal-to-noise ratio of our layer beside the reference, dB.
///
/// Frames behind a transition between SILK and CELT are left out: this encoder sends no redundant frames, so they begin
/// with concealment, which differs.
fn snr(packets: &[Vec<u8>]) -> f64 {
    let (mut layer, mut reference) = (Layer::with_phase_inversion(), OpusDecoder::with_rate(crate::RATE, 1));
    let (mut ours, mut signal, mut noise, mut before) = (Vec::new(), 0.0, 1e-20, None);
    for packet in packets {
        let parsed = Packet::parse(packet).unwrap();
        ours.clear();
        parsed.frames().iter().for_each(|frame| layer.decode(toc(&parsed), frame, &mut ours));
        let theirs = reference.decode_packet(packet).unwrap();
        assert_eq!(ours.len(), theirs.len());
        // The reference lets energies of noise grow without bound; we limit them, as libopus does.
        if theirs.iter().any(|sample| sample.abs() > 1_000.0) {
            (layer, reference) = (Layer::with_phase_inversion(), OpusDecoder::with_rate(crate::RATE, 1));
        } else {
            let from = match (before, decoder(&parsed)) {
                (Some(before), now) if before == now => 0,
                _ => ours.len(),
            };
            let (ours, theirs) = (&ours[from..], &theirs[from..]);
            signal += theirs.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
            noise += theirs.iter().zip(ours).map(|(&a, &b)| f64::from(a - b).powi(2)).sum::<f64>();
        }
        before = Some(decoder(&parsed));
    }
    10.0 * (signal / noise).log10()
}

/// Our table of contents of a packet.
fn toc(packet: &Packet) -> Toc {
    Toc(packet.toc().byte())
}

/// Which decoder a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decoder {
    Celt,
    Silk,
}

fn decoder(packet: &Packet) -> Decoder {
    if packet.toc().mode() == Mode::CeltOnly { Decoder::Celt } else { Decoder::Silk }
}

/// Whether a packet is SILK at 16 kHz.
fn is_wide(packet: &Packet) -> bool {
    let narrower = matches!(packet.toc().bandwidth(), Bandwidth::NarrowBand | Bandwidth::MediumBand);
    decoder(packet) == Decoder::Silk && !narrower
}

#[test]
fn celt_is_decoded_as_by_the_reference() {
    for channels in [1, 2] {
        for bitrate in [16_000, 32_000, 64_000, 96_000, 160_000, 320_000] {
            for lengths in [&[120][..], &[240], &[480], &[960], &[960, 120, 480, 240, 960, 960]] {
                let snr = snr(&encoded(channels, bitrate, lengths, false));
                assert!(snr > 90.0, "{channels} channels, {bitrate} b/s, {lengths:?}: {snr:.1} dB");
            }
        }
    }
}

#[test]
fn every_mode_is_decoded_as_by_the_reference() {
    for channels in [1, 2] {
        for bitrate in [8_000, 12_000, 20_000, 28_000, 40_000, 64_000] {
            for length in [480, 960] {
                let snr = snr(&encoded(channels, bitrate, &[length], true));
                assert!(snr > 90.0, "{channels} channels, {bitrate} b/s, {length}: {snr:.1} dB");
            }
        }
    }
}

/// Noise has every symbol at every place, as no encoder writes it.
#[test]
fn frames_of_noise_are_decoded_as_by_the_reference() {
    // Not SILK of 40 and 60 ms, whose flags the reference reads in another order if there are two channels.
    for config in (0..2).chain(4..6).chain(8..10).chain(12..32u8) {
        for stereo in [0, 4] {
            let mut random = random(1 + u64::from(config * 8 + stereo));
            let packet = |_| {
                let length = 2 + random() % [20, 100, 400, 1_200][(random() % 4) as usize];
                let bytes = (0..length).map(|_| random() as u8);
                [config << 3 | stereo].into_iter().chain(bytes).collect()
            };
            let packets: Vec<Vec<u8>> = (0..80).map(packet).collect();
            let snr = snr(&packets);
            assert!(snr > 90.0, "configuration {config}, stereo {stereo}: {snr:.1} dB");
        }
    }
}

/// Every transition: with and without redundancy, after losses, in any order.
#[test]
fn any_frames_in_any_order_are_finite_and_as_long_as_they_say() {
    let (mut layer, mut random, mut out) = (Layer::with_phase_inversion(), random(3), Vec::new());
    for _ in 0..20_000 {
        let (toc, length) = (Toc(random() as u8), random() % 160);
        let data: Vec<u8> = (0..length).map(|_| random() as u8).collect();
        let samples = toc.frame_size();
        out.clear();
        match data[..] {
            [] | [_] => layer.decode_lost(samples, &mut out),
            [0, ..] => drop(layer.decode_fec(toc, &data, samples, &mut out)),
            _ => layer.decode(toc, &data, &mut out),
        }
        assert_eq!(out.len(), samples);
        assert!(out.iter().all(|sample| sample.is_finite()), "{toc:?}");
    }
}

/// A lost frame is about as loud as its neighbours, and those behind it are not louder; also with sound on one side
/// only.
#[test]
fn losses_fade() {
    let mut right = sound(4, 2);
    right.iter_mut().step_by(2).for_each(|left| *left = 0.0);
    for (pcm, channels, bitrate, auto) in [
        (sound(4, 1), 1, 64_000, false),
        (sound(4, 2), 2, 64_000, false),
        (right, 2, 64_000, false),
        (sound(4, 1), 1, 20_000, true),
        (sound(4, 2), 2, 28_000, true),
    ] {
        // Of CELT, the 60 frames of which the next are lost are enough.
        let pcm = if auto { &pcm } else { &pcm[..60 * 960 * channels] };
        let packets = packets(pcm, channels, bitrate, &[960], auto);
        let (mut layer, mut out) = (Layer::with_phase_inversion(), Vec::new());
        let parsed = packets.iter().map(|packet| Packet::parse(packet).unwrap());
        let of_one_mode = |packet: &Packet| !auto || is_wide(packet);
        let parsed: Vec<_> = parsed.filter(of_one_mode).collect();
        parsed[..60].iter().for_each(|packet| layer.decode(toc(packet), packet.frames()[0], &mut out));
        let level = |x: &[f32]| (x.iter().map(|x| x * x).sum::<f32>() / x.len() as f32).sqrt();
        let before = level(&out[out.len() - 3_200..]);
        out.clear();
        (0..100).for_each(|_| layer.decode_lost(320, &mut out));
        assert!(level(&out[..320]) < 1.5 * before && level(&out[320..640]) > 0.05 * before, "{channels}");
        assert!(level(&out[31_000..]) < before, "{channels}");
        if auto {
            assert!(level(&out[31_000..]) < 0.1 * before, "SILK, {channels}");
        }
    }
}

/// A few frames after a lost one of SILK, concealed in parts or at once, everything is as if nothing had been lost.
#[test]
fn the_decoder_recovers_after_a_loss() {
    let packets = packets(&sound(4, 1), 1, 20_000, &[960], true);
    let parsed: Vec<_> = packets.iter().map(|packet| Packet::parse(packet).unwrap()).collect();
    let mut whole = (Layer::with_phase_inversion(), Vec::new());
    parsed.iter().for_each(|packet| whole.0.decode(toc(packet), packet.frames()[0], &mut whole.1));
    for piece in [40, 80, 160, 320] {
        let (mut layer, mut out, mut signal, mut noise) = (Layer::with_phase_inversion(), Vec::new(), 0.0, 1e-20);
        for (number, packet) in parsed.iter().enumerate() {
            match number % 25 {
                20 => (0..320 / piece).for_each(|_| layer.decode_lost(piece, &mut out)),
                _ => layer.decode(toc(packet), packet.frames()[0], &mut out),
            }
            if number > 25 && number % 25 < 20 && number % 25 > 4 {
                let pairs = out.iter().zip(&whole.1).skip(out.len() - 320);
                signal += pairs.clone().map(|(_, whole)| whole * whole).sum::<f32>();
                noise += pairs.map(|(out, whole)| (out - whole).powi(2)).sum::<f32>();
            }
        }
        let snr = 10.0 * (signal / noise).log10();
        assert!(snr > 15.0, "{piece}: {snr:.1} dB");
    }
}
