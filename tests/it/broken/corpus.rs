//! Good files of every family of containers, and what can be done to them: cuts at every kind of place, other
//! bytes, lengths and rates that lie. All is made from fixtures, here.

use std::fs;

use fuzz_targets::repair::{frames_of, pages_of, repair};

use crate::support::audio;

/// A family: the extension its files get, a good file, and the kinds of places in it.
pub struct Family {
    pub extension: &'static str,
    pub whole: Vec<u8>,
    places: Vec<(&'static str, usize)>,
}

/// What is done to a good file's bytes.
type Lie = (&'static str, &'static str, fn(&mut Vec<u8>));

pub fn families() -> Vec<Family> {
    vec![wav(), flac(), opus(), vorbis(), mp3(), m4a(), aiff(), caf(), mkv()]
}

/// Every broken file: its name and its bytes.
pub fn files() -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for family in families() {
        let mut put = |what: &str, bytes: Vec<u8>| files.push((format!("{what}.{}", family.extension), bytes));
        put("empty", Vec::new());
        for &(place, at) in &family.places {
            put(&format!("cut {place}"), family.whole[..at].to_vec());
        }
        put("flipped in the header", flipped(&family.whole, family.places[1].1));
        put("flipped in the body", flipped(&family.whole, family.whole.len() / 2));
        if family.whole.starts_with(b"OggS") {
            let pages = pages_of(&family.whole);
            put("flipped in the first page of sound", flipped(&family.whole, pages[2] + 500));
        }
        put("zeros from the middle on", zeroed(&family.whole));
        for (_, what, lie) in LIES.iter().filter(|(extension, ..)| *extension == family.extension) {
            let mut bytes = family.whole.clone();
            lie(&mut bytes);
            put(what, if family.whole.starts_with(b"OggS") { repair(&bytes) } else { bytes });
        }
    }
    files.extend(of_several());
    files
}

/// Files whose fault lies between two files.
fn of_several() -> Vec<(String, Vec<u8>)> {
    let (first, second) = (format("opus_silk_12k.ogg"), format("opus_hybrid_24k.ogg"));
    let whole = [&first[..], &second].concat();
    let headless = [&first[..], &second[pages_of(&second)[1]..]].concat();
    let mut loud = format("wav_f32_8000.wav");
    let start = find(&loud, b"data") + 8;
    loud[start..].chunks_exact_mut(8).for_each(|sample| sample[..4].copy_from_slice(&f32::NAN.to_le_bytes()));
    let mut frame = flac().whole;
    let sound = frames_of(&frame)[0].0;
    frame[sound + 100] ^= 0x10;
    let files: [(&str, Vec<u8>); 8] = [
        ("flipped in the first frame.flac", frame),
        ("chained, whole.ogg", whole.clone()),
        ("chained, cut in the second.ogg", whole[..first.len() + second.len() / 2].to_vec()),
        ("chained, flipped in the second.ogg", flipped(&whole, first.len() + second.len() / 2)),
        ("chained, the second without its header.ogg", headless),
        ("every other sample is no number.wav", loud),
        ("in truth flac.mp3", flac().whole),
        ("in truth ogg.m4a", vorbis().whole),
    ];
    files.map(|(name, bytes)| (name.to_owned(), bytes)).to_vec()
}

fn format(name: &str) -> Vec<u8> {
    fs::read(audio::file("tests/formats").join(name)).unwrap()
}

fn find(bytes: &[u8], mark: &[u8]) -> usize {
    bytes.windows(mark.len()).position(|window| window == mark).unwrap_or_else(|| panic!("no {mark:?}"))
}

fn flipped(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at..at + 2].iter_mut().for_each(|byte| *byte ^= 0xA5);
    bytes
}

/// As disks leave a file whose end they never wrote.
fn zeroed(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0);
    bytes
}

fn family(extension: &'static str, whole: Vec<u8>, places: [(&'static str, usize); 6]) -> Family {
    let mut places = places.to_vec();
    places.retain(|(_, at)| *at > 0);
    Family { extension, whole, places }
}

fn wav() -> Family {
    let mut whole = format("wav_s16_16000.wav");
    let sound = find(&whole, b"data") + 8;
    whole.extend(b"LIST\x0c\0\0\0INFOICMT\0\0\0\0");
    let end = whole.len();
    let data = sound + 2 * 8_000;
    let places = [
        ("in the magic", 3),
        ("in the header", 30),
        ("behind the header", sound),
        ("between frames", data),
        ("in a frame", data + 1),
        ("in the trailer", end - 8),
    ];
    family("wav", whole, places)
}

fn flac() -> Family {
    let whole = format("rate_16000.flac");
    let (frames, end) = (frames_of(&whole), whole.len());
    let middle = frames[frames.len() / 2].0;
    let places = [
        ("in the magic", 3),
        ("in the header", 22),
        ("behind the header", frames[0].0),
        ("between frames", middle),
        ("in a frame", middle + 100),
        ("in the last checksum", end - 1),
    ];
    family("flac", whole, places)
}

/// Places of an Ogg file: the two headers, and pages.
fn ogg(extension: &'static str, name: &str) -> Family {
    let whole = format(name);
    let pages = pages_of(&whole);
    let places = [
        ("in the magic", 3),
        ("in the header", 38),
        ("in the codec's setup", pages[1] + 200),
        ("between pages", pages[3]),
        ("in a page", pages[3] + 1_000),
        ("in the last page", whole.len() - 10),
    ];
    family(extension, whole, places)
}

fn opus() -> Family {
    ogg("opus", "opus_celt_64k.ogg")
}

fn vorbis() -> Family {
    ogg("ogg", "ogg_vorbis_44100.ogg")
}

fn mp3() -> Family {
    let mut whole = format("mp3_48000.mp3");
    whole.extend([&b"TAG"[..], &[0; 125]].concat());
    let end = whole.len();
    // An ID3 tag of 20 bytes, then frames of 192.
    let places = [
        ("in the magic", 2),
        ("in the header", 21),
        ("in the codec's setup", 60),
        ("between frames", 20 + 80 * 192),
        ("in a frame", 20 + 80 * 192 + 100),
        ("in the trailer", end - 60),
    ];
    family("mp3", whole, places)
}

/// With its index in front, as for streaming.
fn m4a() -> Family {
    let file = format("m4a_aac_44100.m4a");
    let (mdat, moov) = (find(&file, b"mdat") - 4, find(&file, b"moov") - 4);
    let mut index = file[moov..].to_vec();
    let table = find(&index, b"stco") + 12;
    let moved = u32::from_be_bytes(*index[table..].first_chunk().unwrap()) + index.len() as u32;
    index[table..table + 4].copy_from_slice(&moved.to_be_bytes());
    let whole = [&file[..mdat], &index, &file[mdat..moov]].concat();
    let (setup, sound) = (mdat + find(&index, b"esds") + 20, mdat + index.len());
    let places = [
        ("in the magic", 6),
        ("in the header", 40),
        ("in the codec's setup", setup),
        ("behind the index", sound),
        ("in a frame", sound + 10_001),
        ("in the last frame", whole.len() - 3),
    ];
    family("m4a", whole, places)
}

fn aiff() -> Family {
    big_endian_pcm("aiff", "aiff_s16_8000.aiff", b"SSND")
}

fn caf() -> Family {
    big_endian_pcm("caf", "caf_s16_8000.caf", b"data")
}

/// Sound in a chunk whose first sample stands 16 bytes behind its name.
fn big_endian_pcm(extension: &'static str, file: &str, chunk: &[u8]) -> Family {
    let whole = format(file);
    let sound = find(&whole, chunk) + 16;
    let places = [
        ("in the magic", 3),
        ("in the header", 30),
        ("behind the header", sound),
        ("between frames", sound + 8_000),
        ("in a frame", sound + 8_001),
        ("in the last frame", whole.len() - 1),
    ];
    family(extension, whole, places)
}

fn mkv() -> Family {
    let whole = format("opus_hybrid_24k.mkv");
    let cluster = find(&whole, b"\x1F\x43\xB6\x75");
    let block = |mut at: usize, bytes: &[u8]| {
        while !matches!(bytes[at..], [0xA3, _, 0x81, ..] | [0xA3, 0x40..0x80, _, 0x81, ..]) {
            at += 1;
        }
        at
    };
    let middle = block(cluster + 5_000, &whole);
    let places = [
        ("in the magic", 3),
        ("in the header", find(&whole, b"A_OPUS")),
        ("in the codec's setup", find(&whole, b"OpusHead") + 10),
        ("between blocks", middle),
        ("in a block", middle + 20),
        ("in the trailer", whole.len() - 5),
    ];
    family("mkv", whole, places)
}

/// Overwrites what stands at a place behind the first of some letters.
fn set(bytes: &mut [u8], mark: &[u8], behind: usize, value: &[u8]) {
    let at = find(bytes, mark) + behind;
    bytes[at..at + value.len()].copy_from_slice(value);
}

/// 80 bits of an AIFF's rate: its exponent and the upper half of its mantissa.
const AIFF_4_GHZ: [u8; 6] = [0x40, 0x1E, 0xEE, 0x6B, 0x28, 0x00];

/// Extension, name, and the lie. Where Ogg is meant, checksums are put right afterwards.
const LIES: [Lie; 33] = [
    ("wav", "rate of 0", |b| set(b, b"fmt ", 12, &[0; 4])),
    ("wav", "rate of 4 GHz", |b| set(b, b"fmt ", 12, &4_000_000_000u32.to_le_bytes())),
    ("wav", "255 channels", |b| set(b, b"fmt ", 10, &[255, 0])),
    ("wav", "no channels", |b| set(b, b"fmt ", 10, &[0, 0])),
    ("wav", "frames of no bytes", |b| set(b, b"fmt ", 20, &[0, 0])),
    ("wav", "more announced than there is", |b| set(b, b"data", 4, &1_000_000u32.to_le_bytes())),
    ("wav", "a chunk beyond the end", |b| set(b, b"fmt ", 4, &0xFFFF_FFF0u32.to_le_bytes())),
    ("flac", "rate of 0", |b| set(b, b"fLaC", 18, &[0, 0, 0x00])),
    ("flac", "more announced than there is", |b| set(b, b"fLaC", 22, &[0, 0x10, 0, 0])),
    ("flac", "a block beyond the end", |b| set(b, b"fLaC", 43, &[0xFF; 3])),
    ("opus", "255 channels", |b| set(b, b"OpusHead", 9, &[255])),
    ("opus", "no channels", |b| set(b, b"OpusHead", 9, &[0])),
    ("opus", "a version of the future", |b| set(b, b"OpusHead", 8, &[0xF0])),
    ("opus", "a comment beyond the end", |b| set(b, b"OpusTags", 8, &[0xFF; 4])),
    ("opus", "a million years announced", |b| {
        let last = pages_of(b).pop().unwrap();
        b[last + 6..last + 14].copy_from_slice(&0x7FFF_FFFF_FFFF_0000u64.to_le_bytes());
    }),
    ("ogg", "rate of 0", |b| set(b, b"\x01vorbis", 12, &[0; 4])),
    ("ogg", "rate of 4 GHz", |b| set(b, b"\x01vorbis", 12, &4_000_000_000u32.to_le_bytes())),
    ("ogg", "255 channels", |b| set(b, b"\x01vorbis", 11, &[255])),
    ("ogg", "a comment beyond the end", |b| set(b, b"\x03vorbis", 7, &[0xFF; 4])),
    ("mp3", "a tag beyond the end", |b| set(b, b"ID3", 6, &[0x7F; 4])),
    ("m4a", "rate of 0", |b| set(b, b"mp4a", 28, &[0; 4])),
    ("m4a", "time scale of 0", |b| set(b, b"mdhd", 16, &[0; 4])),
    ("m4a", "samples beyond the end", |b| set(b, b"stco", 12, &[0xFF; 4])),
    ("m4a", "four billion samples", |b| set(b, b"stsz", 12, &[0xFF; 4])),
    ("aiff", "rate of 0", |b| set(b, b"COMM", 16, &[0; 6])),
    ("aiff", "rate of 4 GHz", |b| set(b, b"COMM", 16, &AIFF_4_GHZ)),
    ("aiff", "255 channels", |b| set(b, b"COMM", 8, &[0, 255])),
    ("aiff", "more announced than there is", |b| set(b, b"SSND", 4, &[0x7F, 0, 0, 0])),
    ("caf", "rate of 0", |b| set(b, b"desc", 12, &[0; 8])),
    ("caf", "rate of 4 GHz", |b| set(b, b"desc", 12, &4e9f64.to_be_bytes())),
    ("caf", "255 channels", |b| set(b, b"desc", 36, &[0, 0, 0, 255])),
    ("caf", "more announced than there is", |b| set(b, b"data", 4, &[0, 0, 0, 0, 0x7F, 0, 0, 0])),
    ("mkv", "a block beyond the end", |b| {
        let at = find(b, b"\x1F\x43\xB6\x75") + 4;
        b[at..at + 8].copy_from_slice(&[0x01, 0, 0x40, 0, 0, 0, 0, 0]);
    }),
];
