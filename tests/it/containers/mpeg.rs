//! Bare MPEG audio: tables that miscount, streams that change, and what stands between frames.

use super::{decode, decoded, fixture};
use crate::support::audio;

/// 64 kbit/s at 48 kHz: every frame has as many bytes.
const FRAME: usize = 192;

/// Samples of a frame, at 16 kHz.
const SAMPLES: usize = 384;

/// An ID3 tag and a frame with a table stand before the sound.
const START: usize = 20 + FRAME;

/// The frames of sound, without tag and table.
fn frames() -> Vec<u8> {
    fixture("mp3_48000.mp3")[START..].to_vec()
}

/// A table that counts `count` frames and does not know the encoder's delay, and the frames.
fn counted(count: u32, frames: &[u8]) -> Vec<u8> {
    let mut table = fixture("mp3_48000.mp3")[20..START].to_vec();
    let at = super::find(&table, b"Info");
    table[at..at + 4].copy_from_slice(b"Xing");
    table[at + 8..at + 12].copy_from_slice(&count.to_be_bytes());
    let encoder = super::find(&table, b"Lavf");
    table[encoder..].fill(0);
    [&table[..], frames].concat()
}

fn count(frames: &[u8]) -> u32 {
    (frames.len() / FRAME) as u32
}

#[test]
fn a_table_that_counts_itself_loses_nothing() {
    let frames = frames();
    for more in [0, 1] {
        decoded(&counted(count(&frames) + more, &frames)).is_whole(count(&frames) as usize * SAMPLES, SAMPLES);
    }
}

#[test]
fn a_table_that_counts_more_is_believed() {
    let frames = frames();
    let half = &frames[..FRAME * 84];
    let file = decoded(&counted(count(&frames), half));
    assert!(file.is_partial, "{:?}", file.missing);
    let announced = f64::from(count(&frames) - 1) * 0.024;
    file.is_partial_in(84.0 * 0.024, announced);
}

/// A recorder that is switched off stops anywhere.
#[test]
fn a_file_that_stops_inside_a_frame_lacks_that_frame() {
    let frames = frames();
    for bytes in [1, 3, 4, 100, FRAME - 1] {
        let file = decoded(&frames[..FRAME * 84 + bytes]);
        file.is_whole(85 * SAMPLES, 0);
        let [range] = &file.missing[..] else { panic!("{bytes}: {:?}", file.missing) };
        let [start, end] = [range.start, range.end.unwrap()].map(|at| at.as_secs_f64());
        assert!((start - 84.0 * 0.024).abs() < 1e-3 && (end - 85.0 * 0.024).abs() < 1e-3, "{bytes}: {range:?}");
        assert_eq!(file.samples[..80 * SAMPLES], decoded(&frames[..FRAME * 84]).samples[..80 * SAMPLES]);
    }
}

#[test]
fn channels_and_rates_may_change() {
    let (mono, stereo) = (frames(), fixture("mp3_stereo_44100.mp3"));
    let lengths = [decoded(&mono).samples.len(), decoded(&stereo).samples.len()];
    let both = decoded(&[&mono[..], &stereo].concat());
    // The second part's table says what to cut off of its own; that is kept here.
    both.is_whole(lengths[0] + lengths[1], 2_500);
    assert_eq!(both.info.channels, 2);
    let other = decoded(&[&stereo[..], &mono].concat());
    other.is_whole(lengths[0] + lengths[1], 2_500);
}

#[test]
fn what_is_damaged_is_silence_and_what_follows_keeps_its_time() {
    let whole = frames();
    let reference = decoded(&whole).samples;
    for (first, damaged) in [(40, 1), (40, 5), (100, 20)] {
        let mut bytes = whole.clone();
        bytes[first * FRAME..(first + damaged) * FRAME].fill(0x55);
        let file = decoded(&bytes);
        assert_eq!(file.samples.len(), reference.len(), "{damaged} frames");
        let (start, end) = (first as f64 * 0.024, (first + damaged) as f64 * 0.024);
        match damaged {
            1 => assert!(!file.is_partial && file.missing.len() == 1, "{:?}", file.missing),
            _ => drop(file.is_partial_in(start, end)),
        }
        assert!(file.likeness(&reference, end + 0.1, 3.9) > 0.99, "{damaged} frames");
    }
}

#[test]
fn zeros_behind_the_last_frame_are_not_sound() {
    let mut bytes = frames();
    bytes[FRAME * 84..].fill(0);
    let layer2 = std::fs::read(audio::file("tests/containers/mp2_48000.mp2")).unwrap();
    for (name, whole) in [("MP3", bytes[..FRAME * 84].to_vec()), ("MP2", layer2)] {
        for zeros in [100, 5_000, 3 << 20] {
            let file = decoded(&[&whole[..], &vec![0; zeros]].concat());
            assert!(file.missing.is_empty(), "{name}, {zeros}: {:?}", file.missing);
            assert_eq!(file.samples, decoded(&whole).samples, "{name}, {zeros}");
        }
    }
    // A table that counts more frames is believed; and other bytes may be sound.
    let counted = counted(count(&frames()), &bytes);
    decoded(&counted).is_partial_in(84.0 * 0.024, f64::from(count(&frames()) - 1) * 0.024);
    bytes[FRAME * 84..].fill(0x55);
    decoded(&bytes).is_partial_in(84.0 * 0.024, f64::INFINITY);
}

#[test]
fn tags_are_not_sound() {
    let frames = frames();
    let reference = decoded(&frames).samples;
    let id3 = [&b"ID3\x04\0\0\0\0\x02\0"[..], &[0xFF; 256]].concat();
    let mut ape =
        [&b"APETAGEX\xD0\x07\0\0"[..], &200u32.to_le_bytes(), &1u32.to_le_bytes(), &[0, 0, 0, 0xA0], &[0; 8]].concat();
    ape.extend([0x41; 168]);
    ape.extend(
        [&b"APETAGEX\xD0\x07\0\0"[..], &200u32.to_le_bytes(), &1u32.to_le_bytes(), &[0, 0, 0, 0x80], &[0; 8]].concat(),
    );
    let lyrics = b"LYRICSBEGININD0000200LYR00003la 000024LYRICS200".to_vec();
    let id3v1 = [&b"TAG"[..], &[0x41; 125]].concat();
    let behind = [&frames[..], &ape, &lyrics, &id3v1].concat();
    assert_eq!(decoded(&behind).is_whole(reference.len(), 0).samples, reference);
    let middle = [&id3[..], &frames[..FRAME * 84], &id3v1, &id3, &frames[FRAME * 84..]].concat();
    let file = decoded(&middle);
    assert!(file.missing.is_empty(), "{:?}", file.missing);
    assert_eq!(file.is_whole(reference.len(), 0).samples, reference);
}

#[test]
fn what_stands_before_the_first_frame_is_passed_over() {
    let frames = frames();
    let file = decoded(&[&[0xAB; 5_000][..], &frames].concat());
    assert_eq!(file.is_whole(count(&frames) as usize * SAMPLES, 0).samples, decoded(&frames).samples);
}

/// Frames without a bitrate: their length is seen from the next header.
#[test]
fn free_format_sounds_alike() {
    let mut bytes = frames();
    let reference = decoded(&bytes).samples;
    bytes.chunks_mut(FRAME).for_each(|frame| frame[2] &= 0x0F);
    let file = decoded(&bytes);
    file.is_whole(reference.len(), 2 * SAMPLES);
    assert!(file.likeness(&reference, 0.5, 3.5) > 0.99);
}

/// Fraunhofer's table, in a frame without sound.
#[test]
fn fraunhofers_table_is_not_a_sound() {
    let frames = frames();
    let mut table = [&frames[..4], &[0; FRAME - 4]].concat();
    table[36..40].copy_from_slice(b"VBRI");
    table[50..54].copy_from_slice(&count(&frames).to_be_bytes());
    decoded(&[&table[..], &frames].concat()).is_whole(count(&frames) as usize * SAMPLES, 0);
    decoded(&[&table[..], &frames[..FRAME * 84]].concat())
        .is_partial_in(84.0 * 0.024, f64::from(count(&frames) - 1) * 0.024);
}

#[test]
fn other_layers_and_versions_are_decoded() {
    let reference = decoded(&fixture("rate_16000.flac")).samples;
    for (name, codec) in [("mp2_16000.mp2", "mp2"), ("mp3_8000.mp3", "mp3"), ("mp2_48000.mp2", "mp2")] {
        let file = decoded(&std::fs::read(audio::file("tests/containers").join(name)).unwrap());
        assert_eq!(file.info.codec, codec, "{name}");
        // Encoders add up to three frames.
        file.is_whole(64_000, 4_000);
        let late = (0..2_000).map(|late| file.likeness_later(&reference, late)).fold(0.0, f64::max);
        assert!(late > 0.9, "{name}: {late}");
    }
}

impl super::Decoded {
    /// The likeness of one second in the middle, if this is late by so many samples.
    fn likeness_later(&self, other: &[f32], late: usize) -> f64 {
        let (a, b) = (&self.samples[20_000 + late..36_000 + late], &other[20_000..36_000]);
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(1e-12)
    }
}

#[test]
fn noise_is_not_a_stream() {
    let mut state = 1u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(300_000)
    .collect();
    assert!(decode(&noise).is_err());
}
