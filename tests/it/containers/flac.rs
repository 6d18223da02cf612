//! FLAC: tags around it, metadata that makes no sense, totals that lie, frames that are damaged or of another kind.

use super::{decoded, find, fixture};

/// Where the frames of a file begin: at each header whose number follows the last one's.
fn frames(file: &[u8]) -> Vec<usize> {
    let mut at = 4;
    loop {
        let length = u32::from_be_bytes([0, file[at + 1], file[at + 2], file[at + 3]]) as usize;
        let is_last = file[at] & 0x80 != 0;
        at += 4 + length;
        if is_last {
            break;
        }
    }
    let kind = file[at..at + 4].to_vec();
    let mut starts = vec![at];
    for start in at + 1..file.len() - 6 {
        let is_next = file[start..start + 2] == kind[..2] && usize::from(file[start + 4]) == starts.len();
        if is_next && file[start + 3] & 0x0F == kind[3] & 0x0F {
            starts.push(start);
        }
    }
    starts
}

fn file() -> Vec<u8> {
    fixture("rate_16000.flac")
}

#[test]
fn tags_around_it_are_not_sound() {
    let whole = file();
    let reference = decoded(&whole).samples;
    let id3v2 = [&b"ID3\x04\0\0\0\0\x02\0"[..], &[0x5A; 256]].concat();
    let id3v1 = [&b"TAG"[..], &[0; 125]].concat();
    let ape = [&b"APETAGEX\xD0\x07\0\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"[..]].concat();
    for parts in [[&whole[..], &id3v1], [&id3v2, &whole], [&whole, &ape], [&whole, &[0; 700]], [&whole, b"junk"]] {
        let file = decoded(&parts.concat());
        assert!(file.missing.is_empty(), "{:?}", file.missing);
        assert_eq!(file.is_whole(reference.len(), 0).samples, reference);
    }
}

#[test]
fn metadata_that_makes_no_sense_is_passed_over() {
    let whole = file();
    let reference = decoded(&whole).samples;
    // STREAMINFO, then a cue sheet, a picture, a seek table or a comment of nonsense.
    for kind in [5u8, 6, 3, 4, 2, 100] {
        let block = [&[kind, 0, 0, 40][..], &[0xEE; 40]].concat();
        let file = [&whole[..42], &block, &whole[42..]].concat();
        assert_eq!(decoded(&file).is_whole(reference.len(), 0).samples, reference, "block {kind}");
    }
    // One longer than the file.
    let mut file = whole.clone();
    file[43..46].fill(0xFF);
    assert_eq!(decoded(&file).is_whole(reference.len(), 0).samples, reference);
}

#[test]
fn totals_that_lie_cost_nothing() {
    let whole = file();
    let reference = decoded(&whole).samples;
    let with = |total: u32| {
        let mut file = whole.clone();
        file[21] &= 0xF0;
        file[22..26].copy_from_slice(&total.to_be_bytes());
        decoded(&file)
    };
    for total in [0, 1_000] {
        assert_eq!(with(total).is_whole(reference.len(), 0).samples, reference, "{total}");
    }
    with(96_000).is_partial_in(4.0, 6.0);
}

#[test]
fn a_damaged_frame_is_silence_and_the_next_ones_keep_their_time() {
    let whole = file();
    let reference = decoded(&whole).samples;
    let starts = frames(&whole);
    let block = reference.len().div_ceil(starts.len());
    assert!(starts.len() > 10 && block > 1_000, "{} frames", starts.len());
    for damaged in [0, 5, starts.len() - 1] {
        for place in [2, 50] {
            let mut bytes = whole.clone();
            bytes[starts[damaged] + place] ^= 0x10;
            let file = decoded(&bytes);
            let [range] = &file.missing[..] else { panic!("frame {damaged}: {:?}", file.missing) };
            let (start, end) = (range.start.as_secs_f64() * 16e3, range.end.unwrap().as_secs_f64() * 16e3);
            let length = if damaged == starts.len() - 1 { end - start } else { file.samples.len() as f64 };
            assert!(file.samples.len() <= reference.len() && length > 0.0, "frame {damaged}");
            if damaged < starts.len() - 1 {
                assert_eq!(file.samples.len(), reference.len(), "frame {damaged}");
                let behind = end as usize;
                assert_eq!(file.samples[behind..], reference[behind..], "frame {damaged}");
            }
            assert_eq!(file.samples[..start as usize], reference[..start as usize], "frame {damaged}");
        }
    }
}

#[test]
fn a_hole_of_several_frames_is_partial() {
    let whole = file();
    let starts = frames(&whole);
    let block = decoded(&whole).samples.len().div_ceil(starts.len()) as f64 / 16e3;
    let mut bytes = whole.clone();
    bytes[starts[4]..starts[9]].fill(0);
    let file = decoded(&bytes);
    assert!(file.is_partial);
    let range = &file.missing[0];
    assert!((range.end.unwrap() - range.start).as_secs_f64() > 4.0 * block, "{range:?}");
    assert_eq!(file.samples.len(), 64_000);
}

#[test]
fn channels_and_rates_may_change() {
    let mono = file();
    for other in ["flac_stereo_16000.flac", "rate_48000.flac", "rate_22050.flac", "flac_s24_8000.flac"] {
        let second = fixture(other);
        let frames = &second[frames(&second)[0]..];
        let mut bytes = [&mono[..], frames].concat();
        let at = find(&bytes, b"fLaC") + 22;
        bytes[at..at + 4].fill(0);
        let file = decoded(&bytes);
        file.is_whole(128_000, 8);
        let reference = decoded(&second).samples;
        let part = &file.samples[64_000..];
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        let likeness = dot(part, &reference) / (dot(part, part) * dot(&reference, &reference)).sqrt();
        assert!(likeness > 0.99, "{other}: {likeness}");
    }
}

#[test]
fn a_file_that_stops_inside_a_frame_is_partial() {
    let whole = file();
    let starts = frames(&whole);
    let file = decoded(&whole[..starts[starts.len() / 2] + 100]);
    assert!(file.is_partial);
    assert_eq!(file.missing[0].end.unwrap().as_secs_f64(), 4.0);
    // Without a total there is no end to announce.
    let mut endless = whole[..starts[starts.len() / 2] + 100].to_vec();
    endless[21] &= 0xF0;
    endless[22..26].fill(0);
    let file = decoded(&endless);
    assert!(file.is_partial && file.missing[0].end.is_none(), "{:?}", file.missing);
}
