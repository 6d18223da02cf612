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
fn tags_and_other_bytes_around_it_are_not_sound() {
    let whole = fixture("adts_aac_48000.aac");
    let reference = decoded(&whole).samples;
    let id3v2 = [&b"ID3\x04\0\0\0\0\x02\0"[..], &[0x5A; 256]].concat();
    let id3v1 = [&b"TAG"[..], &[0; 125]].concat();
    for parts in [[&id3v2[..], &whole], [&whole, &id3v1], [&[0x33; 500], &whole], [&whole, &[0; 100]]] {
        let file = decoded(&parts.concat());
        assert!(file.missing.is_empty(), "{:?}", file.missing);
        assert_eq!(file.samples, reference);
    }
}

/// A recorder that is switched off stops anywhere.
#[test]
fn a_file_that_stops_inside_a_frame_lacks_that_frame() {
    let whole = fixture("adts_aac_48000.aac");
    let reference = decoded(&whole).samples;
    let last = frames(&whole).last().unwrap().len();
    for cut in [1, 20, last - 8, last - 1] {
        let file = decoded(&whole[..whole.len() - cut]);
        file.is_whole(reference.len(), 0);
        let [range] = &file.missing[..] else { panic!("{:?}", file.missing) };
        let lost = (range.end.unwrap() - range.start).as_secs_f64();
        assert!((lost - 1024.0 / 48e3).abs() < 1e-3, "{cut}: {lost}");
    }
}

#[test]
fn zeros_behind_the_last_frame_are_not_sound() {
    let whole = fixture("adts_aac_48000.aac");
    let file = decoded(&[&whole[..], &[0; 3 << 20]].concat());
    assert!(file.missing.is_empty(), "{:?}", file.missing);
    assert_eq!(file.samples, decoded(&whole).samples);
}

/// Two frames as the blocks of one, with checksums (that decoders ignore) or without.
fn merged(frames: &[&[u8]], is_protected: bool) -> Vec<u8> {
    let blocks: Vec<&[u8]> = frames.iter().map(|frame| &frame[7..]).collect();
    let mut header = frames[0][..7].to_vec();
    header[1] = if is_protected { header[1] & !1 } else { header[1] | 1 };
    header[6] = header[6] & !3 | (blocks.len() - 1) as u8;
    let mut body = Vec::new();
    for block in &blocks {
        if is_protected && !body.is_empty() {
            header.extend((body.len() as u16).to_be_bytes());
        }
        body.extend(*block);
        body.extend(vec![0; if is_protected { 2 } else { 0 }]);
    }
    header.extend(vec![0; if is_protected { 2 } else { 0 }]);
    let length = header.len() + body.len();
    header[3] = header[3] & !3 | (length >> 11) as u8;
    header[4] = (length >> 3) as u8;
    header[5] = header[5] & 0x1F | (length << 5) as u8;
    [header, body].concat()
}

#[test]
fn frames_of_several_blocks_have_their_length() {
    let whole = fixture("adts_aac_48000.aac");
    let frames = frames(&whole);
    let frames = &frames[..frames.len() / 4 * 4];
    let reference = decoded(&frames.concat()).samples;
    for count in [2, 4] {
        let protected: Vec<u8> = frames.chunks(count).flat_map(|frames| merged(frames, true)).collect();
        let file = decoded(&protected);
        assert!(file.missing.is_empty(), "{:?}", file.missing);
        assert_eq!(file.samples, reference, "{count}");
        // Where the second one begins is not told: it is missing. Of four, less than a second would be left.
        if count > 2 {
            continue;
        }
        let bare: Vec<u8> = frames.chunks(count).flat_map(|frames| merged(frames, false)).collect();
        let file = decoded(&bare);
        assert!(file.is_partial);
        assert_eq!(file.samples.len(), reference.len(), "{count}");
        let lost: f64 = file.missing.iter().map(|range| (range.end.unwrap() - range.start).as_secs_f64()).sum();
        let share = (count - 1) as f64 / count as f64;
        assert!((lost - frames.len() as f64 * 1024.0 / 48e3 * share).abs() < 0.05, "{count}: {lost}");
    }
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
