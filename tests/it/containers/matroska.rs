//! Matroska and WebM: damaged blocks and timestamps, and what recorders leave behind the sound.

use super::*;

fn file(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tracks").join(name)).unwrap()
}

/// Where each simple block's contents begin and end: its track's number, two bytes of time, one of flags, its frame.
fn blocks(bytes: &[u8]) -> Vec<(usize, usize)> {
    let (mut at, mut blocks) = (find(bytes, b"\x1F\x43\xB6\x75"), Vec::new());
    while at + 12 < bytes.len() {
        let id = 1 + bytes[at].leading_zeros() as usize;
        let width = 1 + bytes[at + id].leading_zeros() as usize;
        let size = bytes[at + id..at + id + width].iter().fold(0, |size, byte| size << 8 | usize::from(*byte));
        let start = at + id + width;
        let end = start + (size & !(1 << (7 * width)));
        if bytes[at] == 0xA3 {
            blocks.push((start, end));
        }
        at = if bytes[at] == 0x1F { start } else { end };
    }
    blocks
}

/// Whether the sound is that of the whole file, from `from` seconds on, at the same places.
fn is_same_from(found: &Decoded, whole: &Decoded, from: f64, what: &str) {
    assert!(found.samples.len().abs_diff(whole.samples.len()) < 40, "{what}: {} samples", found.samples.len());
    let likeness = found.likeness(&whole.samples, from, 3.9);
    assert!(likeness > 0.98, "{what}: {likeness}");
}

/// Fills a packet with a byte; one of AAC is made to begin with an element that is not decoded.
fn damage(packet: &mut [u8], fill: u8) {
    match fill {
        0x5A => packet.iter_mut().for_each(|byte| *byte ^= fill),
        _ => packet.fill(fill),
    }
}

#[test]
fn damaged_packets_are_missing_and_move_nothing() {
    // Opus, and AAC without a default duration.
    for (name, fill, lost) in [("live.webm", 0, 0.1), ("live.webm", 0x58, 0.1), ("clusters.mkv", 0x5A, 0.107)] {
        let (mut bytes, whole) = (file(name), decoded(&file(name)));
        let blocks = blocks(&bytes);
        blocks[60..65].iter().for_each(|&(start, end)| damage(&mut bytes[start + 4..end], fill));
        let found = decoded(&bytes);
        let [range] = &found.missing[..] else { panic!("{name}: {:?}", found.missing) };
        let length = range.end.unwrap_or_else(|| panic!("{name}: {range:?}")) - range.start;
        assert!((length.as_secs_f64() - lost).abs() < 0.015, "{name}: {range:?}");
        is_same_from(&found, &whole, 1.6, name);
    }
}

#[test]
fn what_cannot_be_unpacked_is_missing_for_as_long_as_it_lasts() {
    let (mut bytes, whole) = (file("zlib.mka"), decoded(&file("zlib.mka")));
    // Several packets are in a block, the last ones of which are damaged.
    let end = blocks(&bytes)[9].1;
    bytes[end - 250..end].fill(0x55);
    let found = decoded(&bytes);
    let [range] = &found.missing[..] else { panic!("{:?}", found.missing) };
    let length = range.end.unwrap_or_else(|| panic!("{range:?}")) - range.start;
    assert!((0.03..0.13).contains(&length.as_secs_f64()), "{range:?}");
    is_same_from(&found, &whole, range.end.unwrap().as_secs_f64() + 0.2, "zlib.mka");
}

#[test]
fn a_bit_of_a_blocks_timestamp_moves_no_other_block() {
    for name in ["live.webm", "clusters.mkv"] {
        let (bytes, whole) = (file(name), decoded(&file(name)));
        let blocks = blocks(&bytes);
        for (block, bit) in [(0, 12), (0, 15), (1, 14), (50, 6), (50, 10), (51, 14), (70, 15), (90, 5)] {
            let mut bytes = bytes.clone();
            bytes[blocks[block].0 + 2 - bit / 8] ^= 1 << (bit % 8);
            let found = decoded(&bytes);
            assert_eq!(found.missing, [], "{name}: block {block}, bit {bit}");
            is_same_from(&found, &whole, 0.1, &format!("{name}: block {block}, bit {bit}"));
        }
    }
}

#[test]
fn a_bit_of_a_clusters_timestamp_moves_no_other_cluster() {
    let (bytes, whole) = (file("live.webm"), decoded(&file("live.webm")));
    let clusters: Vec<usize> =
        (0..bytes.len() - 4).filter(|&at| bytes[at..].starts_with(b"\x1F\x43\xB6\x75")).collect();
    for cluster in [2, 4] {
        let time = clusters[cluster] + find(&bytes[clusters[cluster]..], &[0xE7]);
        let mut bytes = bytes.clone();
        // The size of the number is behind its identifier.
        bytes[time + 2] ^= 0x20;
        is_same_from(&decoded(&bytes), &whole, 0.1, &format!("cluster {cluster}"));
    }
}

#[test]
fn a_pause_stays_a_pause() {
    let mut bytes = file("live.webm");
    let clusters: Vec<usize> =
        (0..bytes.len() - 4).filter(|&at| bytes[at..].starts_with(b"\x1F\x43\xB6\x75")).collect();
    for cluster in &clusters[4..] {
        let time = cluster + find(&bytes[*cluster..], &[0xE7]);
        assert_eq!(bytes[time + 1], 0x82);
        let later = u16::from_be_bytes([bytes[time + 2], bytes[time + 3]]) + 3000;
        bytes[time + 2..time + 4].copy_from_slice(&later.to_be_bytes());
    }
    let found = decoded(&bytes);
    assert!(found.samples.len().abs_diff(7 * 16_000) < 400, "{} samples", found.samples.len());
}

#[test]
fn zeros_behind_the_sound_are_not_loss() {
    for name in ["live.webm", "zlib.mka", "clusters.mkv"] {
        for zeros in [1, 7, 100, 3 << 20] {
            let whole = decoded(&file(name));
            let found = decoded(&[file(name), vec![0; zeros]].concat());
            found.is_whole(whole.samples.len(), 0);
        }
    }
}

/// A file with video from 0 on and sound from `late` on, or with both from there on.
fn late(late: &str, codec: &[&str], name: &str) -> Vec<u8> {
    let input = [&VIDEO[..], &["-itsoffset", late]].concat();
    let output = [&["-map", "0", "-map", "1", "-c:v", "mpeg4"][..], codec].concat();
    made(&input, &output, name)
}

#[test]
fn sound_that_begins_later_than_the_video_lies_where_it_belongs() {
    for (name, codec, expected) in [
        ("a.mkv", &["-c:a", "libopus"][..], 2.0),
        ("a.mkv", &["-c:a", "aac"], 2.0),
        ("a.mkv", &["-c:a", "flac"], 2.0),
        ("a.mp4", &["-c:a", "aac"], 2.0),
        ("a.mp4", &["-c:a", "libopus", "-strict", "-2"], 2.0),
        ("a.mp4", &["-c:a", "aac", "-movflags", "empty_moov+default_base_moof+delay_moov"], 2.0),
    ] {
        let found = decoded(&late("2", codec, name));
        assert_eq!(found.missing, [], "{name} {codec:?}");
        let place = place(&found, expected);
        // This ffmpeg writes block times that do not contain the delay of Opus (6.5 ms), which readers subtract.
        assert!((place - expected).abs() < 0.0075, "{name} {codec:?}: {place}");
    }
}

#[test]
fn times_that_count_from_elsewhere_are_not_silence() {
    let live = made(&[], &["-output_ts_offset", "10000", "-c:a", "libopus"], "a.webm");
    for bytes in [live, late("90000", &["-c:a", "libopus"], "a.mkv")] {
        let found = decoded(&bytes);
        let place = place(&found, 0.0);
        assert!(found.samples.len() < 5 * 16_000 && place < 0.008, "{place}, {} samples", found.samples.len());
    }
}

#[test]
fn the_date_of_the_file_is_read() {
    for (date, expected) in [("2024-01-05T10:11:12Z", Some("2024-01-05T10:11:12Z")), ("2001-01-01T00:00:00Z", None)] {
        let bytes = made(&[], &["-c:a", "libopus", "-metadata", &format!("creation_time={date}")], "a.webm");
        assert_eq!(decoded(&bytes).info.recorded.as_deref(), expected);
    }
}
