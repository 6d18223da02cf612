//! The layer beside its plain twin, ruopus' own decoder, over streams of every kind.

use super::layer::Layer;
use ruopus::{Bandwidth, Mode, OpusDecoder, OpusEncoder, Packet, Toc};

/// Numbers without a pattern, the same in every run.
pub fn random(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

/// Seconds of sound at 48 kHz, interleaved: tones that glide, noise that comes and goes, clicks.
fn sound(seconds: usize, channels: usize) -> Vec<f32> {
    let (mut random, mut out, mut low) = (random(7), Vec::new(), 0.0f32);
    for i in 0..seconds * 48_000 {
        let t = i as f32 / 48_000.0;
        let white = (random() % 2_001) as f32 / 1_000.0 - 1.0;
        low += 0.1 * (white - low);
        let voice: f32 = (1..12).map(|k| (700.0 * k as f32 * (t + 0.02 * (4.0 * t).sin())).sin() / k as f32).sum();
        let speaks = (1.3 * t).sin().max(0.0);
        let click = if i % 9_601 < 90 { 0.7 * white } else { 0.0 };
        let hiss = 0.2 * white * (0.7 * t).cos().max(0.0);
        out.push((0.15 * voice * speaks + 0.5 * low + click).clamp(-0.9, 0.9));
        if channels == 2 {
            out.push((0.1 * voice * speaks + hiss + click).clamp(-0.9, 0.9));
        }
    }
    out
}

/// Packets of that sound, as long as each of `lengths` (samples at 48 kHz) in turn.
fn encoded(channels: usize, bitrate: u32, lengths: &[usize], auto: bool) -> Vec<Vec<u8>> {
    packets(&sound(4, channels), channels, bitrate, lengths, auto)
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

/// How near our layer comes to its twin, dB.
///
/// Left out are frames behind a seam between SILK and CELT, or of SILK's rates, that should have been led over to
/// and were not (this encoder sends no redundant frames): what is put there is invented, and we invent it more simply.
fn snr(packets: &[Vec<u8>]) -> f64 {
    let (mut layer, mut twin) = (Layer::with_opposite_phases(), OpusDecoder::with_rate(super::RATE, 1));
    let (mut ours, mut signal, mut noise, mut before) = (Vec::new(), 0.0, 1e-20, None);
    for packet in packets {
        let parsed = Packet::parse(packet).unwrap();
        ours.clear();
        parsed.frames().iter().for_each(|frame| layer.decode(parsed.toc(), frame, &mut ours));
        let theirs = twin.decode_packet(packet).unwrap();
        assert_eq!(ours.len(), theirs.len());
        // The twin lets levels of noise grow beyond all measure; we hold them, as libopus does.
        if theirs.iter().any(|sample| sample.abs() > 1_000.0) {
            (layer, twin) = (Layer::with_opposite_phases(), OpusDecoder::with_rate(super::RATE, 1));
        } else {
            let from = match (before, decoder(parsed.toc())) {
                (Some(before), now) if before == now => 0,
                (Some(Decoder::Celt), _) | (_, Decoder::Celt) => ours.len(),
                _ => BEHIND_ANOTHER_RATE,
            };
            let (ours, theirs) = (&ours[from..], &theirs[from..]);
            signal += theirs.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
            noise += theirs.iter().zip(ours).map(|(&a, &b)| f64::from(a - b).powi(2)).sum::<f64>();
        }
        before = Some(decoder(parsed.toc()));
    }
    10.0 * (signal / noise).log10()
}

/// 5 ms.
const BEHIND_ANOTHER_RATE: usize = 80;

/// Which decoder a frame is for: CELT, SILK at 16 kHz (here our own), or at a lower rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decoder {
    Celt,
    Wide,
    Narrow,
}

fn decoder(toc: Toc) -> Decoder {
    match (toc.mode(), toc.bandwidth()) {
        (Mode::CeltOnly, _) => Decoder::Celt,
        (_, Bandwidth::NarrowBand | Bandwidth::MediumBand) => Decoder::Narrow,
        _ => Decoder::Wide,
    }
}

#[test]
fn celt_is_what_its_twin_makes_of_it() {
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
fn every_mode_is_what_its_twin_makes_of_it() {
    for channels in [1, 2] {
        for bitrate in [8_000, 12_000, 20_000, 28_000, 40_000, 64_000] {
            for length in [480, 960] {
                let packets = encoded(channels, bitrate, &[length], true);
                let decoders = packets.iter().map(|packet| decoder(Packet::parse(packet).unwrap().toc()));
                // Behind another rate the last of sixteen bits may differ.
                let one_rate = !decoders.clone().any(|it| it == Decoder::Narrow)
                    || !decoders.clone().any(|it| it == Decoder::Wide);
                let (snr, least) = (snr(&packets), if one_rate { 90.0 } else { 80.0 });
                assert!(snr > least, "{channels} channels, {bitrate} b/s, {length}: {snr:.1} dB");
            }
        }
    }
}

/// Not what an encoder would do, but what reads every symbol there is, at every place.
#[test]
fn frames_of_noise_are_what_their_twin_makes_of_them() {
    // Not SILK of 40 and 60 ms, whose flags the twin reads in another order if there are two channels.
    for config in (8..10).chain(12..32u8) {
        for stereo in [0, 4] {
            let mut random = random(1 + u64::from(config * 8 + stereo));
            let packet = |_| {
                let length = 2 + random() % [20, 100, 400, 1_200][(random() % 4) as usize];
                let bytes = (0..length).map(|_| random() as u8);
                [config << 3 | stereo].into_iter().chain(bytes).collect()
            };
            let packets: Vec<Vec<u8>> = (0..150).map(packet).collect();
            let snr = snr(&packets);
            assert!(snr > 90.0, "configuration {config}, stereo {stereo}: {snr:.1} dB");
        }
    }
}

/// Every seam there is: with and without redundancy, after losses, in any order.
#[test]
fn any_frames_in_any_order_are_finite_and_as_long_as_they_say() {
    let (mut layer, mut random, mut out) = (Layer::with_opposite_phases(), random(3), Vec::new());
    for _ in 0..20_000 {
        let (toc, length) = (ruopus::Toc::new(random() as u8), random() % 160);
        let data: Vec<u8> = (0..length).map(|_| random() as u8).collect();
        let samples = toc.frame_size().samples_per_channel_48k() / 3;
        out.clear();
        match data[..] {
            [] | [_] => layer.lose(samples, &mut out),
            _ => layer.decode(toc, &data, &mut out),
        }
        assert_eq!(out.len(), samples);
        assert!(out.iter().all(|sample| sample.is_finite()), "{toc:?}");
    }
}

/// A lost frame sounds like its neighbours, and those behind it are no louder; also if only one side of two
/// had a sound.
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
        let packets = packets(&pcm, channels, bitrate, &[960], auto);
        let (mut layer, mut out) = (Layer::with_opposite_phases(), Vec::new());
        let parsed = packets.iter().map(|packet| Packet::parse(packet).unwrap());
        let of_one_kind = |packet: &Packet| !auto || decoder(packet.toc()) == Decoder::Wide;
        let parsed: Vec<_> = parsed.filter(of_one_kind).collect();
        parsed[..60].iter().for_each(|packet| layer.decode(packet.toc(), packet.frames()[0], &mut out));
        let level = |x: &[f32]| (x.iter().map(|x| x * x).sum::<f32>() / x.len() as f32).sqrt();
        let before = level(&out[out.len() - 3_200..]);
        out.clear();
        (0..100).for_each(|_| layer.lose(320, &mut out));
        assert!(level(&out[..320]) < 1.5 * before && level(&out[320..640]) > 0.05 * before, "{channels}");
        assert!(level(&out[31_000..]) < before, "{channels}");
        if auto {
            assert!(level(&out[31_000..]) < 0.1 * before, "SILK, {channels}");
        }
    }
}

/// Behind a lost frame of SILK, short pieces of it or long, what comes is soon as if nothing had been lost.
#[test]
fn what_is_behind_a_loss_comes_back() {
    let packets = encoded(1, 20_000, &[960], true);
    let parsed: Vec<_> = packets.iter().map(|packet| Packet::parse(packet).unwrap()).collect();
    let mut whole = (Layer::with_opposite_phases(), Vec::new());
    parsed.iter().for_each(|packet| whole.0.decode(packet.toc(), packet.frames()[0], &mut whole.1));
    for piece in [40, 80, 160, 320] {
        let (mut layer, mut out, mut signal, mut noise) = (Layer::with_opposite_phases(), Vec::new(), 0.0, 1e-20);
        for (number, packet) in parsed.iter().enumerate() {
            match number % 25 {
                20 => (0..320 / piece).for_each(|_| layer.lose(piece, &mut out)),
                _ => layer.decode(packet.toc(), packet.frames()[0], &mut out),
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
