//! Core Audio Format: lengths that are not known, bytes behind the sound, Opus, and copies that broke off.

use super::{decode, decoded, find, fixture, refusal};

fn chunk(name: &[u8; 4], contents: &[u8]) -> Vec<u8> {
    [&name[..], &(contents.len() as u64).to_be_bytes(), contents].concat()
}

fn description(rate: f64, codec: &[u8; 4], numbers: [u32; 5]) -> Vec<u8> {
    let numbers = numbers.map(u32::to_be_bytes).concat();
    chunk(b"desc", &[&rate.to_be_bytes()[..], codec, &numbers].concat())
}

/// Little-endian PCM of 16 bits, mono.
fn pcm(parts: &[&[u8]]) -> Vec<u8> {
    let description = description(8_000.0, b"lpcm", [2, 2, 1, 1, 16]);
    [&b"caff\0\x01\0\0"[..], &description, &parts.concat()].concat()
}

fn tone(samples: usize) -> Vec<u8> {
    (0..samples).flat_map(|i| ((((i as f32) * 0.3).sin() * 9_000.0) as i16).to_le_bytes()).collect()
}

fn data(sound: &[u8]) -> Vec<u8> {
    chunk(b"data", &[&[0; 4], sound].concat())
}

#[test]
fn an_unknown_length_goes_to_the_end() {
    let mut sound = data(&tone(32_000));
    let reference = decoded(&pcm(&[&sound])).samples;
    sound[4..12].fill(0xFF);
    assert_eq!(decoded(&pcm(&[&sound])).is_whole(64_000, 0).samples, reference);
    let free = chunk(b"free", &[0; 300]);
    assert_eq!(decoded(&pcm(&[&free, &sound])).is_whole(64_000, 0).samples, reference);
}

#[test]
fn what_is_behind_the_sound_is_not_a_sound() {
    let sound = data(&tone(32_000));
    let reference = decoded(&pcm(&[&sound])).samples;
    for behind in [&b"junk"[..], &[0; 100], &[0xFF; 1_000], &chunk(b"info", b"\0\0\0\0"), b"free\0\0\0\0\0\0\xFF\xFF"] {
        let file = decoded(&pcm(&[&sound, behind]));
        assert!(file.missing.is_empty());
        assert_eq!(file.is_whole(64_000, 0).samples, reference);
    }
}

#[test]
fn a_copy_that_broke_off_is_partial() {
    let whole = pcm(&[&data(&tone(48_000))]);
    decoded(&whole[..whole.len() - 32_000]).is_partial_in(4.0, 6.0);
    decoded(&whole[..whole.len() - 32_001]).is_partial_in(4.0, 6.0);
}

/// The packets of an Ogg stream, without its two headers.
fn packets(file: &[u8]) -> Vec<Vec<u8>> {
    let (mut packets, mut packet, mut at) = (Vec::new(), Vec::new(), 0);
    while at < file.len() {
        let segments = usize::from(file[at + 26]);
        let mut place = at + 27 + segments;
        for segment in &file[at + 27..at + 27 + segments] {
            let length = usize::from(*segment);
            packet.extend_from_slice(&file[place..place + length]);
            place += length;
            if length < 255 {
                packets.push(std::mem::take(&mut packet));
            }
        }
        at = place;
    }
    packets.split_off(2)
}

fn number(value: usize) -> Vec<u8> {
    match value {
        0..128 => vec![value as u8],
        _ => vec![0x80 | (value >> 7) as u8, (value & 0x7F) as u8],
    }
}

/// Opus as phones write it: with the length of packets in front, or with both lengths in the table.
fn opus(packets: &[Vec<u8>], constant: bool, priming: u32) -> Vec<u8> {
    let entry = |packet: &Vec<u8>| {
        let samples = if constant { Vec::new() } else { number(960) };
        [number(packet.len()), samples].concat()
    };
    let valid = packets.len() as u64 * 960 - u64::from(priming);
    let counts = [(packets.len() as u64).to_be_bytes(), valid.to_be_bytes()].concat();
    let table =
        [&counts[..], &priming.to_be_bytes(), &[0; 4], &packets.iter().flat_map(entry).collect::<Vec<u8>>()].concat();
    let description = description(48_000.0, b"opus", [0, 0, if constant { 960 } else { 0 }, 1, 0]);
    [&b"caff\0\x01\0\0"[..], &description, &chunk(b"pakt", &table), &data(&packets.concat())].concat()
}

#[test]
fn opus_is_decoded_with_and_without_constant_lengths() {
    let ogg = fixture("opus_hybrid_24k.ogg");
    let reference = decoded(&ogg).samples;
    let packets = packets(&ogg);
    let at = find(&ogg, b"OpusHead") + 10;
    let priming = u32::from(u16::from_le_bytes([ogg[at], ogg[at + 1]]));
    for constant in [true, false] {
        let file = decoded(&opus(&packets, constant, priming));
        assert_eq!(file.info.codec, "opus");
        file.is_whole(packets.len() * 320 - priming as usize / 3, 1);
        assert!(file.likeness(&reference, 0.1, 3.9) > 0.9999);
    }
    let file = decoded(&opus(&packets, true, 0));
    file.is_whole(packets.len() * 320, 0);
}

#[test]
fn opus_that_is_cut_is_partial() {
    let packets = packets(&fixture("opus_hybrid_24k.ogg"));
    let whole = opus(&packets, true, 0);
    let half: usize = packets[..100].iter().map(Vec::len).sum();
    let start = find(&whole, b"data") + 16;
    for cut in [half, half + 3] {
        decoded(&whole[..start + cut]).is_partial_in(2.0, packets.len() as f64 * 0.02);
    }
}

#[test]
fn what_is_not_decoded_is_named() {
    let other = description(8_000.0, b"QDM2", [0, 0, 0, 1, 0]);
    let file = [&b"caff\0\x01\0\0"[..], &other, &data(&[0; 1_000])].concat();
    assert!(refusal(&file).contains("QDM2"), "{}", refusal(&file));
    // The table of packets was to come behind the sound.
    let aac = description(44_100.0, b"aac ", [2, 0, 1024, 1, 0]);
    let file = [&b"caff\0\x01\0\0"[..], &aac, &data(&[0; 10_000])].concat();
    assert!(refusal(&file).contains("table of its packets"), "{}", refusal(&file));
    assert!(decode(&fixture("caf_alac_16000.caf")[..200]).is_err());
}

#[test]
fn other_codecs_give_what_they_gave() {
    let reference = decoded(&fixture("m4a_alac_16000.m4a")).samples;
    let file = decoded(&fixture("caf_alac_16000.caf"));
    assert!(file.missing.is_empty(), "{:?}", file.missing);
    assert_eq!(file.samples, reference);
}
