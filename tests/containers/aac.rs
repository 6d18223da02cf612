//! AAC: frames found again behind damage, and the core of HE-AAC.

use super::{decoded, find, fixture};

/// The frames of an ADTS file.
fn frames(file: &[u8]) -> Vec<&[u8]> {
    let (mut frames, mut at) = (Vec::new(), 0);
    while at < file.len() {
        let length =
            usize::from(file[at + 3] & 3) << 11 | usize::from(file[at + 4]) << 3 | usize::from(file[at + 5]) >> 5;
        frames.push(&file[at..at + length]);
        at += length;
    }
    frames
}

#[test]
fn what_is_damaged_is_silence_and_the_next_frame_is_found() {
    let whole = fixture("adts_aac_48000.aac");
    let frames = frames(&whole);
    let reference = decoded(&whole).samples;
    let damaged: Vec<u8> = frames[60..70].iter().flat_map(|frame| vec![0x12; frame.len()]).collect();
    let bytes = [&frames[..60].concat()[..], &damaged, &frames[70..].concat()].concat();
    let file = decoded(&bytes);
    assert!(file.is_partial && file.missing.len() == 1, "{:?}", file.missing);
    // The length of what is missing is a guess from the bytes; this bitrate varies.
    assert!(file.samples.len().abs_diff(reference.len()) < 4 * 342, "{} {}", file.samples.len(), reference.len());
    let start = file.missing[0].start.as_secs_f64();
    assert!((start - 60.0 * 1024.0 / 48e3).abs() < 0.05, "{start}");
}

#[test]
fn tags_and_other_bytes_around_it_are_no_sound() {
    let whole = fixture("adts_aac_48000.aac");
    let reference = decoded(&whole).samples;
    let id3v2 = [&b"ID3\x04\0\0\0\0\x02\0"[..], &[0x5A; 256]].concat();
    let id3v1 = [&b"TAG"[..], &[0; 125]].concat();
    for parts in [[&id3v2[..], &whole], [&whole, &id3v1], [&[0x33; 500], &whole], [&whole, &[0; 100]]] {
        let file = decoded(&parts.concat());
        assert!(file.missing.is_empty(), "{:?}", file.missing);
        assert_eq!(file.samples, reference);
    }
    decoded(&whole[..whole.len() - 20]).is_partial_in(reference.len() as f64 / 16e3 - 0.02, f64::INFINITY);
}

/// The configuration of a file in MP4, of the same length as before.
fn configured(config: &[u8; 5]) -> Vec<u8> {
    let mut file = fixture("m4a_aac_44100.m4a");
    let at = find(&file, b"esds");
    // LC at 44,100 Hz, mono, and that nothing is behind it.
    let place = at + find(&file[at..], b"\x12\x08\x56\xE5\x00");
    file[place..place + 5].copy_from_slice(config);
    file
}

#[test]
fn he_aac_is_its_core() {
    let lc = decoded(&fixture("m4a_aac_44100.m4a"));
    assert_eq!(lc.info.codec, "aac");
    // The same frames, as the core of a stream of 88,200 Hz: with SBR (5), with parametric stereo (29); and as a stream
    // that says so behind what older decoders read.
    for config in [b"\x2A\x08\x88\x00\x00", b"\xEA\x08\x88\x00\x00", b"\x12\x08\x56\xE5\x90"] {
        let file = decoded(&configured(config));
        assert_eq!(file.info.codec, "HE-AAC (core)", "{config:x?}");
        assert_eq!(file.samples, lc.samples, "{config:x?}");
    }
}

#[test]
fn other_kinds_are_named() {
    // Object types 39 (escaped: 31, then 7) and 42.
    for (config, name) in [(b"\xF8\xE8\x20\x00\x00", "AAC-ELD"), (b"\xF9\x48\x20\x00\x00", "xHE-AAC")] {
        let error = super::refusal(&configured(config));
        assert!(error.contains(name), "{error}");
    }
}
