//! MP4: damaged packets, an index that is cut, several sample entries, and what recorders leave behind the sound.

use super::*;

fn file(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tracks").join(name)).unwrap()
}

fn number(bytes: &[u8], at: usize) -> usize {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// Where the contents of the first box of this name that is found behind a place begin.
fn contents(bytes: &[u8], from: usize, name: &[u8; 4]) -> usize {
    from + find(&bytes[from..], name) + 4
}

#[test]
fn the_first_box_may_be_any_but_must_be_one() {
    let whole = file("fragments.mp4");
    let reference = decoded(&whole).samples;
    for name in [b"free", b"skip", b"uuid"] {
        let found = decoded(&[&whole[..4], &name[..], &whole[8..]].concat());
        assert_eq!(found.samples, reference);
    }
    assert!(refusal(&[b"\xFF\xF9\0\0", &whole[..]].concat()).contains("MP4 behind other bytes"));
}

#[test]
fn a_stretch_of_zeros_in_opus_is_missing_and_moves_nothing() {
    let (mut bytes, whole) = (file("opus.mp4"), decoded(&file("opus.mp4")));
    let middle = contents(&bytes, 0, b"mdat") + 8_000;
    bytes[middle..middle + 800].fill(0);
    let found = decoded(&bytes);
    assert_eq!(found.samples.len(), whole.samples.len());
    let [range] = &found.missing[..] else { panic!("{:?}", found.missing) };
    let length = (range.end.unwrap() - range.start).as_secs_f64();
    assert!((0.1..0.2).contains(&length), "{range:?}");
    let end = range.end.unwrap().as_secs_f64() + 0.1;
    assert!(found.likeness(&whole.samples, end, 3.9) > 0.98, "{}", found.likeness(&whole.samples, end, 3.9));
}

#[test]
fn a_stretch_of_aac_that_was_erased_is_missing_and_moves_nothing() {
    let whole = decoded(&file("index_first.m4a"));
    for byte in [0, 0xFF] {
        let mut bytes = file("index_first.m4a");
        let media = contents(&bytes, 0, b"mdat");
        let from = media + (bytes.len() - media) / 3;
        bytes[from..from + 4_000].fill(byte);
        let found = decoded(&bytes);
        assert_eq!(found.samples.len(), whole.samples.len());
        let missing: f64 = found.missing.iter().map(|range| (range.end.unwrap() - range.start).as_secs_f64()).sum();
        assert!((0.1..2.0).contains(&missing), "{byte}: {:?}", found.missing);
        let end = found.missing.last().unwrap().end.unwrap().as_secs_f64() + 0.1;
        assert!(found.likeness(&whole.samples, end, end + 1.0) > 0.98, "{byte}");
    }
}

#[test]
fn zeros_behind_the_sound_are_not_loss() {
    for name in ["fragments.mp4", "index_first.m4a", "late_alone.m4a"] {
        for zeros in [1, 7, 100, 3 << 20] {
            let whole = decoded(&file(name));
            decoded(&[file(name), vec![0; zeros]].concat()).is_whole(whole.samples.len(), 0);
        }
    }
}

#[test]
fn of_an_index_that_is_cut_what_is_whole_is_read() {
    let bytes = file("late_alone.m4a");
    let whole = decoded(&bytes);
    let found = decoded(&bytes[..bytes.len() - 1]);
    assert!(found.samples.len().abs_diff(whole.samples.len()) < 2000, "{} samples", found.samples.len());
    // A table that is cut tells where the samples lie, as far as it goes.
    let stsz = contents(&bytes, 0, b"stsz");
    let half = stsz + 12 + 2 * number(&bytes, stsz + 8);
    let mut swapped = bytes[..half].to_vec();
    assert!(decode(&swapped).is_err(), "nothing tells where the samples lie");
    swapped.truncate(contents(&bytes, 0, b"stts"));
    assert!(decode(&swapped).is_err());
}

#[test]
fn sound_of_another_sample_entry_is_missing() {
    let bytes = file("late_beside_video.mp4");
    let whole = decoded(&bytes);
    let sound = contents(&bytes, 0, b"soun");
    let stsc = contents(&bytes, sound, b"stsc");
    let groups = number(&bytes, stsc + 4);
    assert!(groups >= 2, "{groups} groups");
    // The last group's samples are of the second entry, which is not there.
    let mut last = bytes.clone();
    let entry = stsc + 8 + 12 * (groups - 1) + 8;
    last[entry..entry + 4].copy_from_slice(&[0, 0, 0, 2]);
    let found = decoded(&last);
    let [range] = &found.missing[..] else { panic!("{:?}", found.missing) };
    assert_eq!(range.kind, giggles::domain::MissingKind::Unsupported, "{range:?}");
    // The first group's.
    let mut first = bytes.clone();
    let entry = stsc + 8 + 8;
    first[entry..entry + 4].copy_from_slice(&[0, 0, 0, 2]);
    let found = decoded(&first);
    let [range] = &found.missing[..] else { panic!("{:?}", found.missing) };
    assert_eq!((range.kind, found.samples.len()), (giggles::domain::MissingKind::Unsupported, whole.samples.len()));
    let end = range.end.unwrap().as_secs_f64() + 0.1;
    assert!(range.start.as_secs_f64() < 1.6 && found.likeness(&whole.samples, end, 5.4) > 0.98, "{range:?}");
}

#[test]
fn where_the_movie_header_has_no_time_a_tag_reports_it() {
    let bytes = made(&[], &["-c:a", "aac", "-metadata", "date=2024-01-05T10:11:12Z"], "a.m4a");
    let info = decoded(&bytes).info;
    assert_eq!(info.recorded.as_deref(), Some("2024-01-05T10:11:12Z"));
}

/// An ALAC packet of so many zeros: a partial frame (ALACDecoder.cpp, `partialFrame`) that is not compressed.
fn alac_of_zeros(samples: u32) -> Vec<u8> {
    let mut packet = vec![0; 8 + 2 * samples as usize];
    // After 19 bits of element and instance: partial frame, two bits of shift, not compressed; then the length.
    packet[2] = 0x12;
    packet[3..7].copy_from_slice(&(samples << 1).to_be_bytes());
    // The end mark 111, behind 55 bits and the samples.
    packet[6 + 2 * samples as usize] |= 1;
    packet[7 + 2 * samples as usize] |= 0xC0;
    packet
}

#[test]
fn the_rest_of_a_packet_that_is_too_short_is_missing_and_moves_nothing() {
    let mut bytes = fixture("m4a_alac_16000.m4a");
    let whole = decoded(&bytes);
    let sizes = contents(&bytes, 0, b"stsz") + 12;
    let offset = contents(&bytes, 0, b"stco") + 8;
    let at = number(&bytes, offset) + (0..5).map(|packet| number(&bytes, sizes + 4 * packet)).sum::<usize>();
    let short = alac_of_zeros(1000);
    bytes[at..at + short.len()].copy_from_slice(&short);
    let found = decoded(&bytes);
    assert_eq!(found.samples.len(), whole.samples.len());
    let [range] = &found.missing[..] else { panic!("{:?}", found.missing) };
    let [start, end] = [range.start, range.end.unwrap()].map(|at| (at.as_secs_f64() * 16e3).round() as usize);
    assert_eq!([start, end], [5 * 4096 + 1000, 6 * 4096]);
    assert!(found.samples[end - 4096..end].iter().all(|sample| *sample == 0.0));
    assert_eq!(found.samples[end..], whole.samples[end..]);
}

#[test]
fn an_index_that_states_another_length_of_every_packet_changes_nothing() {
    let mut bytes = fixture("m4a_alac_16000.m4a");
    let whole = decoded(&bytes);
    let duration = contents(&bytes, 0, b"stts") + 12;
    for stated in [4000_u32, 4200] {
        bytes[duration..duration + 4].copy_from_slice(&stated.to_be_bytes());
        let found = decoded(&bytes);
        assert!(found.missing.is_empty(), "{:?}", found.missing);
        assert_eq!(found.samples[..60_000], whole.samples[..60_000], "{stated}");
    }
}
