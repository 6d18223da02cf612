//! Ogg: time comes from packets, whatever stands beside them; damage costs what is damaged and no more.

use crate::support::mux;
use std::time::Duration;

use crate::support::audio;
use crate::support::program::Place;
use giggles::audio::Waveform;
use giggles::audio::decode::probe;
use giggles::domain::{MissingKind, RecordingError};
use mux::{Page, file, merged, opus, opus_length, pages};

const SECOND: i64 = 48_000;

/// What came out of a file.
#[derive(Debug)]
struct Decoded {
    samples: Vec<f32>,
    /// Start and length of what is missing, seconds.
    missing: Vec<(f64, Option<f64>)>,
    kinds: Vec<MissingKind>,
    /// The length that the header pages and packets tell without decoding.
    announced: Option<Duration>,
}

impl Decoded {
    fn seconds(&self) -> f64 {
        self.samples.len() as f64 / 16_000.0
    }
}

fn decode(bytes: &[u8]) -> Result<Decoded, RecordingError> {
    let scratch = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(scratch.path(), bytes).unwrap();
    let announced = probe(scratch.path())?.duration;
    let (mut waveform, mut samples) = (Waveform::open(scratch.path())?, Vec::new());
    while waveform.next(&mut samples)? {}
    let ranges = waveform.missing().into_ranges();
    let seconds = |time: Duration| (time.as_secs_f64() * 1e4).round() / 1e4;
    let missing = ranges.iter().map(|range| (seconds(range.start), range.end.map(|end| seconds(end - range.start))));
    let kinds = ranges.iter().map(|range| range.kind).collect();
    Ok(Decoded { samples, missing: missing.collect(), kinds, announced })
}

fn read(name: &str) -> Vec<Page> {
    pages(&std::fs::read(audio::file(name)).unwrap())
}

fn laughs() -> Vec<Page> {
    read("tests/ogg/laughs.opus")
}

fn vorbis() -> Vec<Page> {
    read("tests/formats/ogg_vorbis_44100.ogg")
}

fn packets(pages: &[Page]) -> Vec<Vec<u8>> {
    pages[2..].iter().flat_map(Page::packets).collect()
}

/// Numbers without a pattern (splitmix64).
fn random(seed: u64) -> i64 {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z ^ (z >> 31)) as i64
}

/// What a recorder writes instead of the true position: of the page's number, its true position, the bytes up to its
/// end, the last page's number, and samples a second.
type Fault = fn(usize, i64, i64, usize, i64) -> i64;

const FAULTS: [(&str, Fault); 32] = [
    ("20 ms for 60 ms packets, or 16 kHz", |_, g, _, _, _| g / 3),
    ("at 24 kHz", |_, g, _, _, _| g / 2),
    ("in bytes", |_, _, bytes, _, _| bytes),
    ("in milliseconds", |_, g, _, _, rate| g * 1000 / rate),
    ("in packets", |_, g, _, _, _| g / 960),
    ("in pages", |i, _, _, _, _| i as i64),
    ("in seconds of the epoch", |_, g, _, _, rate| 1_700_000_000 + g / rate),
    ("-1 on every third page", |i, g, _, _, _| if i % 3 == 1 { -1 } else { g }),
    ("-1 on every page but the fifth", |i, g, _, _, _| if i == 5 { g } else { -1 }),
    ("-1 on all pages", |_, _, _, _, _| -1),
    ("0 on every third page", |i, g, _, _, _| if i % 3 == 1 { 0 } else { g }),
    ("0 on all pages", |_, _, _, _, _| 0),
    ("the same on all pages", |_, _, _, _, _| 4711),
    ("negative", |_, g, _, _, _| -g),
    ("restarts midway", |i, g, _, n, _| if i > n / 2 { g - (n / 2) as i64 * 40_000 } else { g }),
    ("restarts on every fourth page", |_, g, _, _, rate| g % (4 * rate) + 1),
    ("wraps at 2^32", |_, g, _, _, rate| (g + (1 << 32) - 2 * rate) & 0xFFFF_FFFF),
    ("wraps at 2^16", |_, g, _, _, _| g & 0xFFFF),
    ("sign-extended from 32 bits", |_, g, _, _, rate| i64::from((g + (1 << 31) - 2 * rate) as i32)),
    ("three times too fast", |_, g, _, _, _| 3 * g),
    ("half again too fast", |_, g, _, _, _| 3 * g / 2),
    ("in microseconds", |_, g, _, _, rate| g * 1_000_000 / rate),
    ("in nanoseconds", |_, g, _, _, rate| g * 1_000_000_000 / rate),
    ("at 96 kHz from the middle on", |i, g, _, n, _| if i > n / 2 { 2 * g } else { g }),
    ("a clock that is 200 ppm fast", |_, g, _, _, _| g + g / 5000),
    ("late start", |_, g, _, _, rate| g + 5 * 3600 * rate),
    ("random", |i, _, _, _, _| random(i as u64)),
    ("random on every third page", |i, g, _, _, _| if i % 3 == 1 { random(i as u64) } else { g }),
    ("a day ahead on one page", |i, g, _, n, rate| if i == n / 2 { g + 23 * 3600 * rate } else { g }),
    ("an hour ahead on the first page", |i, g, _, _, rate| if i == 0 { g + 3600 * rate } else { g }),
    ("a jump of two days", |i, g, _, n, rate| if i > n / 2 { g + 48 * 3600 * rate } else { g }),
    ("a million years at the end", |i, g, _, n, _| if i == n { i64::MAX - 65_535 } else { g }),
];

/// The pages with other positions; the first page of sound is number 0.
fn faulty(mut pages: Vec<Page>, fault: Fault, rate: i64) -> Vec<Page> {
    let (mut bytes, last) = (0, pages.len() - 3);
    for (i, page) in pages[2..].iter_mut().enumerate() {
        bytes += page.body.len() as i64;
        if page.granule >= 0 {
            page.granule = fault(i, page.granule, bytes, last, rate);
        }
    }
    pages
}

#[test]
fn no_kind_of_granule_position_moves_or_removes_sound_of_opus() {
    let whole = laughs();
    let packets = packets(&whole);
    let right = decode(&file(&whole)).unwrap();
    assert_eq!((right.samples.len(), right.missing.len()), (589_016, 0));
    let layouts = [("50 packets a page", whole.clone()), ("spanned pages", opus(&whole[..2], &packets, 30, true))];
    for (layout, pages) in layouts {
        assert!(decode(&file(&pages)).unwrap().samples == right.samples, "{layout}");
        for (name, fault) in FAULTS {
            let found = decode(&file(&faulty(pages.clone(), fault, SECOND))).unwrap();
            assert!(found.samples == right.samples, "{layout}, {name}: {} s, {:?}", found.seconds(), found.missing);
            assert_eq!(found.missing, [], "{layout}, {name}");
            let announced = found.announced.unwrap().as_secs_f64();
            assert!((announced - right.seconds()).abs() < 0.01, "{layout}, {name}: {announced}");
        }
    }
}

#[test]
fn packets_of_every_length_count_as_what_they_are() {
    let whole = laughs();
    let right = decode(&file(&whole)).unwrap();
    let sixty = merged(&packets(&whole), 3);
    let long = merged(&packets(&whole), 6);
    for (name, packets) in [("60 ms", &sixty), ("120 ms", &long)] {
        for most in [1, 16, 255] {
            let good = opus(&whole[..2], packets, most, false);
            let found = decode(&file(&good)).unwrap();
            assert!(found.samples == right.samples, "{name}, {most} segments: {} s", found.seconds());
            // 20 ms are counted for each packet, as some recorders do.
            let mut bad = good;
            let mut time = 0;
            for page in &mut bad[2..] {
                time += 960 * page.packets().len() as i64;
                page.granule = time;
            }
            let found = decode(&file(&bad)).unwrap();
            assert!(found.samples == right.samples, "{name}, {most} segments, bad: {} s", found.seconds());
            assert_eq!(found.missing, []);
        }
    }
}

/// Empty frames of each length, in one and in several frames a packet: silence, but of the right length.
#[test]
fn the_table_of_contents_reports_the_length() {
    let headers = &laughs()[..2];
    for (toc, frame) in [(28u8, 120), (29, 240), (18, 480), (8, 480), (9, 960), (10, 1920), (11, 2880), (15, 960)] {
        let frames: &[i64] = if frame > 2000 { &[1, 2] } else { &[1, 2, 3] };
        for &frames in frames {
            let packet = match frames {
                1 => vec![toc << 3],
                2 => vec![toc << 3 | 1],
                frames => vec![toc << 3 | 3, frames as u8],
            };
            let packets = vec![packet; (2 * SECOND / frame / frames) as usize];
            let length = frame * frames * packets.len() as i64;
            for most in [1, 50] {
                let mut pages = opus(headers, &packets, most, false);
                let seconds = |pages: &[Page]| decode(&file(pages)).unwrap().samples.len();
                assert_eq!(seconds(&pages), (length / 3 - 104) as usize, "{toc} {frames} {most}");
                pages[2..].iter_mut().for_each(|page| page.granule /= 3);
                assert_eq!(seconds(&pages), (length / 3 - 104) as usize, "{toc} {frames} {most}, at 16 kHz");
            }
        }
    }
}

#[test]
fn no_kind_of_granule_position_moves_or_removes_sound_of_vorbis() {
    let whole = vorbis();
    let right = decode(&file(&whole)).unwrap();
    for (name, fault) in FAULTS {
        let found = decode(&file(&faulty(whole.clone(), fault, 44_100))).unwrap();
        // Where no position tells it, the end is not cut off.
        let more = found.samples.len().checked_sub(right.samples.len());
        assert!(more.is_some_and(|more| more <= 500), "{name}: {} s, {:?}", found.seconds(), found.missing);
        // The resampler looks a little ahead.
        let end = right.samples.len() - 400;
        let same = found.samples.iter().zip(&right.samples).take_while(|(a, b)| a == b).count();
        assert!(same >= end, "{name}: {same} of {end}");
        assert_eq!(found.missing, [], "{name}");
    }
}

/// Adds to the positions from one page on.
fn shifted(mut pages: Vec<Page>, from: usize, by: i64) -> Vec<Page> {
    pages[from..].iter_mut().for_each(|page| page.granule += by);
    pages
}

/// `found` is `right` with so many samples put in at a place, and so many lost there; behind it the decoder finds its
/// way back.
fn has_gap(found: &Decoded, right: &Decoded, at: usize, length: usize, lost: usize) {
    assert_eq!(found.samples.len(), right.samples.len() + length);
    assert!(found.samples[..at] == right.samples[..at], "before the gap");
    let (behind, same) = (&found.samples[at + length + lost + 16_000..], &right.samples[at + lost + 16_000..]);
    let difference = behind.iter().zip(same).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(difference < 0.02, "behind the gap: {difference}");
}

#[test]
fn a_forward_jump_is_a_gap_and_what_follows_keeps_its_time() {
    let whole = laughs();
    let right = decode(&file(&whole)).unwrap();
    let at = 10 * 16_000 - 104;
    for (samples, seconds) in [(120, 0.0025), (1920, 0.04), (2 * SECOND, 2.0), (3 * SECOND + 17, 3.0004)] {
        let found = decode(&file(&shifted(whole.clone(), 12, samples))).unwrap();
        has_gap(&found, &right, at, (samples as f64 / 3.0).round() as usize, 0);
        assert_eq!(found.missing, [(9.9935, Some(seconds))]);
        assert_eq!(found.kinds, [MissingKind::Gap]);
        let announced = found.announced.unwrap().as_secs_f64();
        assert!((announced - found.seconds()).abs() < 0.01);
    }
    // Silence, not an echo: nothing but the beginning is concealed.
    let long = decode(&file(&shifted(whole, 12, 2 * SECOND))).unwrap();
    assert!(long.samples[at + 16_000 / 5..at + 31_000].iter().all(|sample| *sample == 0.0));
}

#[test]
fn lost_packets_are_gaps_where_positions_say_so() {
    let whole = laughs();
    let (all, right) = (packets(&whole), decode(&file(&whole)).unwrap());
    for most in [1, 50] {
        let good = opus(&whole[..2], &all, most, false);
        // Packets 500 and 501 are missing, on a page of their own or among others.
        let mut bad = good.clone();
        let mut number = 0;
        for page in &mut bad[2..] {
            let kept: Vec<Vec<u8>> = page
                .packets()
                .into_iter()
                .filter(|_| {
                    number += 1;
                    !(500..502).contains(&(number - 1))
                })
                .collect();
            page.table = kept.iter().map(|packet| packet.len() as u8).collect();
            page.body = kept.concat();
        }
        bad.retain(|page| !page.table.is_empty());
        (0..).zip(&mut bad).for_each(|(number, page)| page.sequence = number);
        let found = decode(&file(&bad)).unwrap();
        assert_eq!(found.samples.len(), right.samples.len(), "{most}");
        assert_eq!(found.missing, [(9.9935, Some(0.04))], "{most}");
    }
}

#[test]
fn missing_pages_are_gaps_of_their_length_under_any_clock() {
    // Those that add a fault of their own at another place, or that drift.
    let apart = ["one page", "two days", "ppm"];
    for (name, fault) in FAULTS.iter().filter(|(name, _)| !apart.iter().any(|word| name.contains(word))) {
        let whole = laughs();
        let right = decode(&file(&whole)).unwrap();
        let mut bad = faulty(whole, *fault, SECOND);
        bad.drain(12..14);
        let found = decode(&file(&bad)).unwrap();
        assert_eq!(found.samples.len(), right.samples.len(), "{name}: {:?}", found.missing);
        assert_eq!(found.missing, [(9.9935, Some(2.0))], "{name}");
    }
}

#[test]
fn packets_that_are_lost_all_the_time_leave_the_time_right() {
    let whole = laughs();
    let (all, right) = (packets(&whole), decode(&file(&whole)).unwrap());
    let mut bad = whole;
    let mut number = 0;
    for page in &mut bad[2..] {
        let all: Vec<Vec<u8>> = page.packets();
        let kept: Vec<Vec<u8>> = all
            .into_iter()
            .filter(|_| {
                number += 1;
                random(number) % 10 != 0
            })
            .collect();
        page.table = kept.iter().map(|packet| packet.len() as u8).collect();
        page.body = kept.concat();
    }
    let found = decode(&file(&bad)).unwrap();
    // Some steps are taken for a clock that is wrong, and those before and behind all others cannot be told.
    let lost = found.missing.iter().filter_map(|(_, length)| *length).sum::<f64>();
    let kept: usize = bad[2..].iter().map(|page| page.packets().len()).sum();
    assert!((lost - (all.len() - kept) as f64 * 0.02).abs() < 0.8, "{lost}");
    assert!(found.samples.len().abs_diff(right.samples.len()) < 12_800, "{} s", found.seconds());
}

#[test]
fn gaps_are_a_day_at_most() {
    let whole = laughs();
    let right = decode(&file(&whole)).unwrap();
    let twice = shifted(shifted(whole, 10, 10), 20, 10);
    assert_eq!(decode(&file(&twice)).unwrap().samples.len(), right.samples.len(), "drift");
    let hours = shifted(shifted(laughs(), 10, 13 * 3600 * SECOND), 20, 13 * 3600 * SECOND);
    let scratch = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(scratch.path(), file(&hours)).unwrap();
    let announced = probe(scratch.path()).unwrap().duration.unwrap();
    assert!((announced.as_secs_f64() - 13.0 * 3600.0 - right.seconds()).abs() < 0.01, "{announced:?}");
}

/// Each page carries the position of the page before it.
fn lagging(mut pages: Vec<Page>) -> Vec<Page> {
    pages[2..].iter_mut().fold(0, |before, page| std::mem::replace(&mut page.granule, before));
    pages
}

#[test]
fn positions_that_lag_by_a_page_are_not_a_gap_at_the_end() {
    let whole = laughs();
    let right = decode(&file(&whole)).unwrap();
    let mut long = opus(&whole[..2], &packets(&whole)[..1815], 33, false);
    // The last page holds more than those before it.
    let (last, mut before) = (long.pop().unwrap(), long.pop().unwrap());
    before.table.extend(last.table);
    before.body.extend(last.body);
    (before.granule, before.flags) = (last.granule, last.flags);
    long.push(before);
    let right_long = decode(&file(&long)).unwrap();
    for (name, pages, right) in [("short last page", whole, right), ("long last page", long, right_long)] {
        let found = decode(&file(&lagging(pages))).unwrap();
        assert_eq!(found.missing, [], "{name}");
        assert!(found.samples.len() >= right.samples.len(), "{name}");
        assert!(found.samples[..right.samples.len()] == right.samples, "{name}");
    }
}

#[test]
fn a_restart_with_a_stray_position_is_not_a_gap() {
    let whole = laughs();
    let right = decode(&file(&whole)).unwrap();
    let restarted = faulty(whole.clone(), FAULTS[14].1, SECOND);
    assert!(FAULTS[14].0 == "restarts midway");
    for at in 18..24 {
        for by in [-60, -11, 11, 60, 3600] {
            let mut bad = restarted.clone();
            bad[at].granule += by * SECOND;
            let found = decode(&file(&bad)).unwrap();
            assert_eq!(found.missing, [], "page {at}, {by} s");
            assert!(found.samples == right.samples, "page {at}, {by} s");
        }
    }
}

/// Two gaps, one page after the other.
#[test]
fn gaps_in_a_row_are_each_where_they_are() {
    let whole = laughs();
    let right = decode(&file(&whole)).unwrap();
    let found = decode(&file(&shifted(shifted(whole, 12, 2 * SECOND), 13, 3 * SECOND))).unwrap();
    assert_eq!(found.samples.len(), right.samples.len() + 5 * 16_000);
    assert_eq!(found.missing, [(9.9935, Some(2.0)), (12.9935, Some(3.0))]);
}

#[test]
fn damage_costs_the_page_that_is_damaged() {
    let whole = laughs();
    let right = decode(&file(&whole)).unwrap();
    let starts: Vec<usize> =
        whole.iter().scan(0, |at, page| Some(std::mem::replace(at, *at + page.bytes().len()))).collect();
    // In the capture pattern, the version, the table, the packets; a page whose length reaches over the next one.
    for place in [0, 4, 6, 23, 30, 500] {
        let mut bytes = file(&whole);
        bytes[starts[12] + place] ^= 0x55;
        let found = decode(&bytes).unwrap();
        has_gap(&found, &right, 10 * 16_000 - 104, 0, 16_000);
        assert_eq!(found.missing, [(9.9935, Some(1.0))], "{place}");
    }
    // The first page of sound, and the one before the last.
    for (page, start) in [(2, 0.0), (37, 34.9935)] {
        let mut bytes = file(&whole);
        bytes[starts[page] + 300] ^= 1;
        let found = decode(&bytes).unwrap();
        assert_eq!(found.samples.len(), right.samples.len(), "{page}");
        assert_eq!(found.missing.len(), 1);
        assert!((found.missing[0].0 - start).abs() < 1e-3, "{:?}", found.missing);
    }
    // Of the last page nothing tells the length.
    let mut bytes = file(&whole);
    bytes[starts[38] + 300] ^= 1;
    let found = decode(&bytes).unwrap();
    assert_eq!((found.missing, found.kinds), (vec![(35.9935, None)], vec![MissingKind::Corrupt]));
}

#[test]
fn garbage_between_pages_loses_nothing() {
    let whole = laughs();
    let right = decode(&file(&whole)).unwrap();
    let garbage: Vec<u8> = (0..70_000).map(|i| random(i) as u8).collect();
    let (front, back) = (file(&whole[..10]), file(&whole[10..]));
    let zeros = vec![0; 4096];
    for (name, bytes) in [
        ("between", [&front[..], &garbage, &back].concat()),
        ("capture patterns", [&front[..], &b"OggS\0\0OggSOggS\0".repeat(300), &back].concat()),
        ("zeros between", [&front[..], &zeros, &back].concat()),
        ("in front", [&garbage[..], &front, &back].concat()),
        ("zeros in front", [&zeros[..], &front, &back].concat()),
        ("behind", [&front[..], &back, &garbage].concat()),
        ("zeros behind", [&front[..], &back, &zeros].concat()),
    ] {
        let found = decode(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(found.samples == right.samples, "{name}: {} s", found.seconds());
        assert_eq!(found.missing, [], "{name}");
    }
}

#[test]
fn a_file_that_stops_inside_a_page_keeps_the_pages_before_it() {
    let bytes = file(&laughs());
    for cut in [bytes.len() - 1, bytes.len() - 2_300, bytes.len() / 2] {
        let found = decode(&bytes[..cut]).unwrap();
        assert!(found.seconds() > 17.0);
        assert_eq!((found.missing.len(), found.missing[0].1, found.kinds[0]), (1, None, MissingKind::Truncated));
    }
    let mut zeros = bytes.clone();
    zeros[bytes.len() / 2..].fill(0);
    assert_eq!(decode(&zeros).unwrap().kinds, [MissingKind::Truncated]);
    // A recorder that is switched off leaves whole pages.
    let whole = laughs();
    let found = decode(&file(&whole[..20])).unwrap();
    assert_eq!((found.samples.len(), found.missing.len()), (18 * 16_000 - 104, 0));
}

#[test]
fn pages_twice_and_out_of_order_are_put_right() {
    let whole = laughs();
    let right = decode(&file(&whole)).unwrap();
    let twice: Vec<Page> =
        whole.iter().enumerate().flat_map(|(i, page)| vec![page.clone(); 1 + usize::from(i % 4 == 3)]).collect();
    assert!(decode(&file(&twice)).unwrap().samples == right.samples, "twice");
    let mut swapped = whole.clone();
    swapped.swap(7, 8);
    swapped.swap(20, 21);
    assert!(decode(&file(&swapped)).unwrap().samples == right.samples, "out of order");
    // Numbers that count nothing.
    let numbers: [fn(u32) -> u32; 5] = [|_| 0, |i| 2 * i, |i| i.wrapping_mul(0x9E37_79B9), |i| u32::MAX - i, |i| i / 3];
    for number in numbers {
        let mut odd = whole.clone();
        odd.iter_mut().for_each(|page| page.sequence = number(page.sequence));
        let found = decode(&file(&odd)).unwrap();
        assert!(found.samples == right.samples, "{:?}", found.missing);
    }
}

#[test]
fn headers_may_be_odd_missing_or_huge() {
    let whole = laughs();
    let right = decode(&file(&whole)).unwrap();
    let with = |change: &dyn Fn(&mut Vec<Page>)| {
        let mut pages = whole.clone();
        change(&mut pages);
        decode(&file(&pages)).unwrap()
    };
    assert!(with(&|pages| pages[1].flags = 2).samples == right.samples, "tags page marked as first");
    assert!(with(&|pages| pages[0].flags = 0).samples == right.samples, "first page not marked");
    assert!(with(&|pages| drop(pages.remove(1))).samples == right.samples, "no tags");
    assert!(
        with(&|pages| pages[2..].iter_mut().for_each(|page| page.flags |= 1)).samples == right.samples,
        "all continued"
    );
    // Tags with a picture of 6 MB.
    let mut tags = whole[1].packets()[0].clone();
    tags.resize(6 << 20, 7);
    let spanned = opus(&whole[..1], &[tags], 255, true);
    let mut huge = [&spanned[..], &whole[2..]].concat();
    huge[1..].iter_mut().for_each(|page| page.flags &= 5);
    let last = spanned.len() - 1;
    huge[1..=last].iter_mut().for_each(|page| (page.granule, page.flags) = (0, page.flags & 1));
    (0..).zip(&mut huge).for_each(|(number, page)| page.sequence = number);
    assert!(decode(&file(&huge)).unwrap().samples == right.samples, "huge tags");
    // Without its first page, what encoders put in front is not known: 6.5 ms more.
    for (name, change) in [
        ("lost", (|pages: &mut Vec<Page>| drop(pages.remove(0))) as fn(&mut Vec<Page>)),
        ("both lost", |pages| drop(pages.drain(..2))),
        ("torn start", |pages| drop(pages.drain(..4))),
    ] {
        let found = with(&change);
        let less = if name == "torn start" { 2 * 16_000 } else { 0 };
        assert_eq!(found.samples.len(), right.samples.len() + 104 - less, "{name}");
    }
}

#[test]
fn a_vorbis_without_its_headers_says_so() {
    let mut whole = vorbis();
    whole.remove(0);
    let error = decode(&file(&whole)).unwrap_err();
    assert!(error.to_string().contains("one of its first pages is damaged"), "{error}");
}

#[test]
fn other_streams_beside_and_behind_are_passed_by() {
    let whole = laughs();
    let right = decode(&file(&whole)).unwrap();
    let stranger = |flags: u8, sequence: u32, body: &[u8]| Page {
        flags,
        granule: 77 * i64::from(sequence),
        serial: 99,
        sequence,
        table: vec![body.len() as u8],
        body: body.to_vec(),
    };
    let mut mixed =
        vec![stranger(2, 0, b"fishead\0and so on"), whole[0].clone(), stranger(0, 1, b"fisbone\0and so on")];
    for (number, page) in (2..).zip(&whole[1..]) {
        mixed.extend([page.clone(), stranger(0, number, &[0x55; 200])]);
    }
    assert!(decode(&file(&mixed)).unwrap().samples == right.samples);
    let only = [stranger(2, 0, b"Speex   1.2"), stranger(0, 1, b"tags"), stranger(4, 2, b"sound")];
    let error = decode(&file(&only)).unwrap_err();
    assert!(error.to_string().contains("Ogg with Speex"), "{error}");
}

/// Pages of several streams in order of their time, the first pages in front.
fn beside(streams: &[(&[Page], i64)]) -> Vec<Page> {
    let mut all: Vec<(i64, usize, Page)> = Vec::new();
    for (number, (pages, start)) in streams.iter().enumerate() {
        for (i, page) in pages.iter().enumerate() {
            let mut page = page.clone();
            page.serial = 100 + number as u32;
            let time = if i < 2 { i as i64 - 2 } else { page.granule + start };
            page.granule += if i < 2 { 0 } else { *start };
            all.push((time, number, page));
        }
    }
    all.sort_by_key(|(time, number, _)| (*time, *number));
    all.into_iter().map(|(_, _, page)| page).collect()
}

#[test]
fn streams_side_by_side_each_begin_when_they_do() {
    let whole = laughs();
    let right = decode(&file(&whole)).unwrap().samples;
    let late = 5 * 16_000;
    for (first, second) in [(0, 5 * SECOND), (5 * SECOND, 0), (3600 * SECOND, 3605 * SECOND)] {
        let found = decode(&file(&beside(&[(&whole, first), (&whole, second)]))).unwrap();
        assert_eq!(found.samples.len(), right.len() + late, "{first} {second}");
        let mixed = |at: usize| {
            let of = |at: Option<usize>| at.and_then(|at| right.get(at)).copied().unwrap_or(0.0);
            0.5 * (of(Some(at)) + of(at.checked_sub(late)))
        };
        let off = (0..found.samples.len()).map(|at| (found.samples[at] - mixed(at)).abs()).fold(0.0, f32::max);
        assert!(off < 1e-3, "{first} {second}: {off}");
        assert_eq!(found.missing, []);
        assert!((found.announced.unwrap().as_secs_f64() - found.seconds()).abs() < 0.03);
    }
    // A clock that counts too slowly tells no start; the sound is there all the same.
    let wrong = faulty(whole.clone(), FAULTS[0].1, SECOND);
    let found = decode(&file(&beside(&[(&whole, 0), (&wrong, 5 * SECOND)]))).unwrap();
    assert_eq!((found.samples.len(), found.missing.len()), (right.len(), 0));
    // A stream without sound hides no other.
    let found = decode(&file(&beside(&[(&whole[..2], 0), (&whole, 0)]))).unwrap();
    assert!(found.samples == right);
}

#[test]
fn what_is_chained_to_streams_side_by_side_is_missing() {
    let whole = laughs();
    let right = decode(&file(&whole)).unwrap().samples;
    let both = beside(&[(&whole, 0), (&whole, 0)]);
    for (name, pages) in [("behind", [&both[..], &whole].concat()), ("in front", [&whole[..], &both].concat())] {
        let found = decode(&file(&pages)).unwrap();
        assert_eq!(found.samples.len(), right.len(), "{name}");
        assert!(found.kinds.iter().all(|kind| *kind == MissingKind::Unsupported), "{name}");
        assert!(!found.missing.is_empty() && found.missing.iter().all(|range| range.1.is_none()), "{name}");
    }
}

#[test]
fn chained_streams_go_on_behind_damage() {
    let (first, mut second) = (laughs(), laughs());
    let one = decode(&file(&first)).unwrap();
    second.iter_mut().for_each(|page| page.serial = 4321);
    let both = decode(&file(&[&first[..], &second].concat())).unwrap();
    assert!(both.samples == [&one.samples[..], &one.samples].concat());
    assert!((both.announced.unwrap().as_secs_f64() - both.seconds()).abs() < 0.03);
    // Of the first the end is missing, of the second the first page; and the other way round with the same number.
    for serial in [4321, first[0].serial] {
        let mut second = second.clone();
        second.iter_mut().for_each(|page| page.serial = serial);
        let found = decode(&file(&[&first[..37], &second[1..]].concat())).unwrap();
        let length = 35 * 16_000 + 589_016;
        assert!(found.samples.len().abs_diff(length) <= 104, "{serial}: {} {length}", found.samples.len());
    }
    // Vorbis without its headers cannot be decoded, and that is not passed over.
    let found = decode(&file(&[&first[..], &vorbis()[2..]].concat())).unwrap();
    assert_eq!(found.missing.len(), 1, "{:?}", found.missing);
    assert_eq!((found.missing[0].1, found.kinds[0]), (None, MissingKind::Corrupt));
    assert!(found.samples == one.samples);
}

#[test]
fn the_end_is_cut_off_where_the_last_page_says_so() {
    let whole = laughs();
    let right = decode(&file(&whole)).unwrap();
    let trimmed = |by: i64| {
        let mut pages = whole.clone();
        pages.last_mut().unwrap().granule -= by;
        decode(&file(&pages)).unwrap().samples.len()
    };
    assert_eq!(trimmed(300), right.samples.len() - 100);
    assert_eq!(trimmed(30_000), right.samples.len() - 10_000);
    assert_eq!(trimmed(2 * SECOND), right.samples.len(), "more than the page holds");
    // A recording of one page.
    let mut one = opus(&whole[..2], &packets(&whole)[..45], 255, false);
    assert_eq!(one.len(), 3);
    one[2].granule -= 600;
    assert_eq!(decode(&file(&one)).unwrap().samples.len(), 45 * 320 - 104 - 200);
    one[2].granule = 45 * 320;
    assert_eq!(decode(&file(&one)).unwrap().samples.len(), 45 * 320 - 104, "at 16 kHz");
}

#[test]
fn a_packet_that_cannot_be_decoded_costs_itself() {
    let whole = laughs();
    let right = decode(&file(&whole)).unwrap();
    let mut all = packets(&whole);
    assert_eq!(opus_length(&all[700]), 960);
    all[700] = vec![all[700][0] | 3, 1, 0]; // one frame, and a length that is none
    all[700][1] = 0x40 | 1;
    all[700][2] = 200;
    let found = decode(&file(&opus(&whole[..2], &all, 50, false))).unwrap();
    assert_eq!(found.samples.len(), right.samples.len());
    assert_eq!((found.missing, found.kinds), (vec![(13.9935, Some(0.02))], vec![MissingKind::Corrupt]));
}

/// A writer that leaves checksums zero, or computes them wrong; and what damage costs then.
#[test]
fn a_file_without_one_right_checksum_is_read_unchecked() {
    let whole = laughs();
    let right = decode(&file(&whole)).unwrap();
    let unchecked = |pages: &[Page], checksum: fn(u32) -> u32| -> Vec<u8> {
        let wrong = |page: &Page| {
            let mut bytes = page.bytes();
            let right = u32::from_le_bytes(bytes[22..26].try_into().unwrap());
            bytes[22..26].copy_from_slice(&checksum(right).to_le_bytes());
            bytes
        };
        pages.iter().flat_map(wrong).collect()
    };
    for checksum in [(|_| 0) as fn(u32) -> u32, |right| !right] {
        let found = decode(&unchecked(&whole, checksum)).unwrap();
        assert!(found.samples == right.samples && found.missing.is_empty(), "{:?}", found.missing);
    }
    let zeros = unchecked(&whole, |_| 0);
    let garbage = decode(&[&[7; 500][..], &zeros].concat()).unwrap();
    assert!(garbage.samples == right.samples && garbage.missing.is_empty());
    let cut = decode(&zeros[..zeros.len() / 2]).unwrap();
    assert_eq!((cut.missing.len(), cut.kinds[0]), (1, MissingKind::Truncated));
    // A page's table is damaged.
    let mut damaged = zeros.clone();
    let start: usize = whole[..12].iter().map(|page| page.bytes().len()).sum();
    damaged[start + 30] ^= 0x55;
    assert_eq!(decode(&damaged).unwrap().missing, [(9.9935, Some(1.0))]);
    // Some right checksums mean that the others are damage.
    let mixed = [file(&whole[..20]), unchecked(&whole[20..], |_| 0)].concat();
    assert!(!decode(&mixed).unwrap().missing.is_empty());
    let place = Place::new();
    place.write("20251024_130000.opus", &zeros);
    place.scan(&["--tz", "UTC"]).ends_with(0).complains_of("checksums are not valid and were not checked");
}

/// The laughs of each kind of recorder, through the built program.
#[test]
fn every_recorder_keeps_its_laughs() {
    let place = Place::new();
    let whole = laughs();
    let mut marked = whole.clone();
    marked[1].flags = 2;
    let sixty = opus(&whole[..2], &merged(&packets(&whole), 3), 16, false);
    for (name, pages) in [
        ("0 control.opus", whole.clone()),
        ("1 960 a packet of 60 ms.opus", faulty(sixty, FAULTS[0].1, SECOND)),
        ("2 at 16 kHz.opus", faulty(whole.clone(), FAULTS[0].1, SECOND)),
        ("3 every third page -1.opus", faulty(whole.clone(), FAULTS[7].1, SECOND)),
        ("4 restarts midway.opus", faulty(whole.clone(), FAULTS[14].1, SECOND)),
        ("5 40 ms lost.opus", shifted(whole, 21, 1920)),
        ("6 tags page marked as first.opus", marked),
    ] {
        place.write(name, &file(&pages));
    }
    let said = place.scan(&[]).ends_with(0);
    said.complains_of("5 40 ms lost.opus: gaps, filled with silence: 1");
    let connection = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    let sql = "SELECT name, round(start_seconds, 1), round(end_seconds, 1) FROM detections d
        JOIN recordings r ON r.id = d.recording_id ORDER BY name, start_seconds";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let rows: Vec<(String, f64, f64)> = rows.map(Result::unwrap).collect();
    let control: Vec<(f64, f64)> = rows.iter().filter(|row| row.0.starts_with('0')).map(|row| (row.1, row.2)).collect();
    assert_eq!(control.len(), 4, "{rows:?}");
    for kind in '1'..='6' {
        let found: Vec<(f64, f64)> =
            rows.iter().filter(|row| row.0.starts_with(kind)).map(|row| (row.1, row.2)).collect();
        assert_eq!(found.len(), 4, "{kind}: {found:?}");
        let close = found.iter().zip(&control).all(|(a, b)| (a.0 - b.0).abs() < 0.2 && (a.1 - b.1).abs() < 0.2);
        assert!(close, "{kind}: {found:?}, {control:?}");
    }
}
