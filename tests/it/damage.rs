//! What recorders and disks do to files, and what is said of each.

use std::path::Path;
use std::time::Duration;

use giggles::audio::Waveform;
use giggles::audio::decode::probe;
use giggles::domain::{MissingKind, MissingRange, RecordingError};

fn format(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats").join(name)).unwrap()
}

/// Number of samples at 16 kHz.
fn analyzed_at(path: &Path) -> Result<usize, RecordingError> {
    let (mut waveform, mut out) = (Waveform::open(path)?, Vec::new());
    while waveform.next(&mut out)? {}
    assert_eq!(waveform.decoded(), Duration::from_nanos(out.len() as u64 * 62_500));
    Ok(out.len())
}

/// What is missing of a recording of which something could be decoded.
fn missing(bytes: &[u8]) -> Vec<MissingRange> {
    let scratch = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(scratch.path(), bytes).unwrap();
    let (mut waveform, mut out) = (Waveform::open(scratch.path()).unwrap(), Vec::new());
    while waveform.next(&mut out).unwrap() {}
    waveform.missing().into_ranges()
}

fn analyzed(bytes: &[u8]) -> Result<usize, RecordingError> {
    let scratch = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(scratch.path(), bytes).unwrap();
    analyzed_at(scratch.path())
}

/// A WAV header with any lengths, and 4 s of a quiet 16-bit tone at 8 kHz behind it.
fn wav(magic: &[u8; 4], riff: u32, chunks: &[u8], data: u32) -> Vec<u8> {
    let mut bytes = [&magic[..], &riff.to_le_bytes(), b"WAVE", chunks].concat();
    bytes.extend(b"fmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data");
    bytes.extend(data.to_le_bytes());
    bytes.extend((0..32_000).flat_map(|i| ((i % 20) as i16 * 100).to_le_bytes()));
    bytes
}

/// The pages of an Ogg file.
fn pages(bytes: &[u8]) -> Vec<&[u8]> {
    let mut starts: Vec<usize> = (0..bytes.len() - 4).filter(|&at| bytes[at..].starts_with(b"OggS\0")).collect();
    starts.push(bytes.len());
    starts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

fn without(pages: &[&[u8]], missing: usize) -> Vec<u8> {
    pages.iter().enumerate().filter(|(at, _)| *at != missing).flat_map(|(_, page)| page.to_vec()).collect()
}

#[test]
fn headers_that_were_never_finished_are_analyzed_to_the_end() {
    for (riff, data) in [(0, 0), (36, 0), (u32::MAX, u32::MAX), (0x7FFF_F024, 0x7FFF_F000), (0x8000_0024, 0x8000_0000)]
    {
        assert_eq!(analyzed(&wav(b"RIFF", riff, &[], data)), Ok(64_000), "{riff:#x} {data:#x}");
    }
}

#[test]
fn headers_that_tell_less_than_there_is_are_analyzed_to_the_end() {
    // A length from an earlier second of the recording, and one that lost its upper bits; the other length is right.
    for data in [16_000, 2] {
        assert_eq!(analyzed(&wav(b"RIFF", 64_036, &[], data)), Ok(64_000), "{data}");
    }
}

#[test]
fn chunks_behind_the_samples_are_not_analyzed() {
    let mut file = wav(b"RIFF", 64_036 + 12, &[], 64_000);
    file.extend(b"LIST\x04\0\0\0INFO");
    assert_eq!(analyzed(&file), Ok(64_000));
}

#[test]
fn channels_that_no_header_names_are_known_after_the_analysis() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats/mp4_mp3_48000.mp4");
    let (mut waveform, mut out) = (Waveform::open(&path).unwrap(), Vec::new());
    while waveform.next(&mut out).unwrap() {}
    assert_eq!(waveform.info().channels, 1);
}

#[test]
fn a_riff_of_64_bits_is_analyzed() {
    let ds64 = [&b"ds64\x1c\0\0\0"[..], &64_072u64.to_le_bytes(), &64_000u64.to_le_bytes(), &[0; 12]].concat();
    assert_eq!(analyzed(&wav(b"RF64", u32::MAX, &ds64, u32::MAX)), Ok(64_000));
}

#[test]
fn a_wav_shorter_than_announced_is_truncated_where_it_ends() {
    // The header of 4 s announces 20 s: more is missing than a recorder counts wrongly.
    let ranges = missing(&wav(b"RIFF", 320_036, &[], 320_000));
    let [MissingRange { start, end, kind, .. }] = &ranges[..] else { panic!("{ranges:?}") };
    assert_eq!((*start, *end, *kind), (Duration::from_secs(4), Some(Duration::from_secs(20)), MissingKind::Truncated));
}

#[test]
fn a_header_without_samples_is_not_a_quiet_recording() {
    let mut bytes = wav(b"RIFF", 36, &[], 0);
    bytes.truncate(44);
    assert!(matches!(analyzed(&bytes), Err(RecordingError::Unsupported { .. })));
}

#[test]
fn the_broadcast_extension_reports_the_date() {
    let mut bext = [&b"bext\x5a\x02\0\0"[..], &[0; 602]].concat();
    bext[8 + 320..8 + 338].copy_from_slice(b"2025-10-2413:00:05");
    let scratch = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(scratch.path(), wav(b"RIFF", 64_646, &bext, 64_000)).unwrap();
    assert_eq!(probe(scratch.path()).unwrap().recorded.as_deref(), Some("2025-10-24T13:00:05"));
}

#[test]
fn a_lost_page_is_damage_and_says_how_much() {
    let bytes = format("opus_celt_64k.ogg");
    let pages = pages(&bytes);
    let whole = analyzed(&bytes).unwrap();
    for lost in [3, pages.len() - 2] {
        let bytes = without(&pages, lost);
        let ranges = missing(&bytes);
        let [MissingRange { start, end: Some(end), .. }] = &ranges[..] else { panic!("{ranges:?}") };
        assert!((*end - *start).abs_diff(Duration::from_secs(1)) < Duration::from_millis(50), "{ranges:?}");
        assert_eq!(analyzed(&bytes), Ok(whole), "what follows keeps its time");
    }
}

#[test]
fn a_flipped_bit_in_a_page_is_damage() {
    let mut bytes = format("opus_celt_64k.ogg");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    assert_eq!(missing(&bytes).len(), 1);
}

#[test]
fn an_ogg_without_its_last_page_is_a_recorder_switched_off() {
    let bytes = format("opus_celt_64k.ogg");
    let pages = pages(&bytes);
    let whole = analyzed(&without(&pages, pages.len() - 1)).unwrap();
    assert!((40_000..64_000).contains(&whole), "{whole}");
}

#[test]
fn what_is_not_a_recording_is_named() {
    for (bytes, word) in [
        (&b"RIFF\0\0\0\0AVI LIST"[..], "AVI"),
        (b"\0\0\x01\xBA and so on", "MPEG program stream"),
        (b"\x7F\xFE\x80\x01 and so on", "DTS"),
        (b"%PDF-1.4 and so on", "PDF"),
        (b"<html>", "text"),
        (&[0; 5000], "zeros"),
        (b"wvpk    ", "WavPack"),
    ] {
        let error = analyzed(bytes).unwrap_err();
        assert!(matches!(&error, RecordingError::Unsupported { what } if what.to_string().contains(word)), "{error}");
    }
    assert_eq!(analyzed(b""), Err(RecordingError::Empty));
}

#[test]
fn what_is_not_a_file_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let error = analyzed_at(folder.path()).unwrap_err();
    assert_eq!(error, RecordingError::NotAFile { what: "a folder".into() });
    assert_eq!(analyzed_at(&folder.path().join("gone.wav")), Err(RecordingError::Vanished));
}

#[cfg(unix)]
#[test]
fn a_pipe_does_not_block() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.wav");
    std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert_eq!(analyzed_at(&pipe), Err(RecordingError::NotAFile { what: "a pipe".into() }));
}

#[test]
fn absurd_headers_cost_nothing() {
    for (place, value) in [(22, 0xFFFFu32), (22, 0), (24, 0), (24, u32::MAX), (32, 0), (34, 0xFFFF)] {
        let mut bytes = wav(b"RIFF", 64_036, &[], 64_000);
        let width = if place == 24 { 4 } else { 2 };
        bytes[place..place + width].copy_from_slice(&value.to_le_bytes()[..width]);
        let outcome = std::panic::catch_unwind(|| analyzed(&bytes)); // symphonia may panic; the pool catches it
        assert!(!matches!(outcome, Ok(Ok(samples)) if samples > 64_000), "{place} {value}: {outcome:?}");
    }
}

/// Moves the blocks of a one-cluster WebM that begin after `from` ms by `by` ms.
fn delayed(mut bytes: Vec<u8>, from: i16, by: i16) -> Vec<u8> {
    let block = |at: usize, bytes: &[u8]| match bytes[at..] {
        [0xA3, size, 0x81, ..] if size >= 0x80 => Some((2, usize::from(size & 0x7F))),
        [0xA3, size @ 0x40..0x80, low, 0x81, ..] => Some((3, usize::from(size & 0x3F) << 8 | usize::from(low))),
        _ => None,
    };
    let mut at = 0;
    while at + 8 < bytes.len() {
        let Some((head, size)) = block(at, &bytes) else {
            at += 1;
            continue;
        };
        let place = at + head + 1;
        let time = i16::from_be_bytes([bytes[place], bytes[place + 1]]);
        if time > from {
            bytes[place..place + 2].copy_from_slice(&(time + by).to_be_bytes());
        }
        at += head + size;
    }
    bytes
}

/// A few bytes could stand for years of silence.
#[test]
fn pauses_in_matroska_are_a_day_at_most() {
    let whole = format("opus_hybrid_24k.mkv");
    let cluster = whole.windows(4).position(|bytes| bytes == b"\x1F\x43\xB6\x75").unwrap();
    // The same cluster three times: after half an hour, and after less than a day more. The segment is as long as it gets.
    let cues = whole.windows(4).rposition(|bytes| bytes == b"\x1C\x53\xBB\x6B").unwrap();
    let body = &whole[cluster..cues];
    let mut bytes = whole[..cluster].to_vec();
    let segment = bytes.windows(4).position(|bytes| bytes == b"\x18\x53\x80\x67").unwrap() + 4;
    for minutes in [0u64, 30, 30 + 1430] {
        let timestamp = [&[0xE7, 0x88][..], &(minutes * 60_000).to_be_bytes()].concat();
        let rest = &body[body.windows(3).position(|bytes| bytes == b"\xE7\x81\0").unwrap() + 3..];
        let length = (timestamp.len() + rest.len()) as u64 | 1 << 56;
        bytes.extend([b"\x1F\x43\xB6\x75", &length.to_be_bytes()[..], &timestamp, rest].concat());
    }
    // The table that says where the cues are is made void.
    let table = bytes.windows(5).position(|bytes| bytes == b"\x11\x4D\x9B\x74\xC0").unwrap();
    bytes[table..table + 3].copy_from_slice(b"\xEC\x40\x42");
    bytes[segment..segment + 8].copy_from_slice(&((1u64 << 57) - 1).to_be_bytes());
    let ranges = missing(&bytes);
    assert!(ranges[0].reason.contains("jump by more than a day"), "{ranges:?}");
}

#[test]
fn a_pause_in_matroska_is_silence_and_keeps_the_time() {
    let whole = format("opus_hybrid_24k.webm");
    let length = analyzed(&whole).unwrap();
    let paused = analyzed(&delayed(whole, 2_000, 1_500)).unwrap();
    assert!(paused.abs_diff(length + 24_000) <= 320, "{length} {paused}");
}
