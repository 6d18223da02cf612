//! What each target begins with: the repository's fixtures, and all that was ever found.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{detection, opus};

/// Longer fixtures are cut: a fuzzer wants small inputs, and a cut file is one that a disk may hold.
const WHOLE: usize = 60_000;
const CUT: usize = 8_000;
/// Packets of an Opus fixture: half a second.
const PACKETS: usize = 25;

/// Names as recorders write them, and as none should.
const NAMES: [&[u8]; 10] = [
    b"\x0020251024_130000-20251024_150000\x002025-09-30T21-46-57__2025-09-30T23-51-49",
    b"\x01REC_20251102_013000-20251102_013000\x00AudioMoth 20251024T130000Z",
    b"\x0220251024_130000-0700\x00Aufnahme 2025-10-24 um 10.00.00 PM",
    b"\x03caf\xe9/a\\xe9\x00\x1b[2J\n\x00caf\\x5cxe9",
    b"\x042025:10:24 13:00:00\x002025-10-24T13:00:00.5+02:00",
    b"\x81.hidden/../20251024130000",
    b"\x002022-09-01-birdnet-11:25:18\x002022-09-01-birdnet-RTSP_1-11:25:18",
    b"\x01WhatsApp Ptt 2024-01-05 at 1.10.10 PM (1)\x00Screen Recording 2024-01-05 at 9.41.00\xe2\x80\xafp.m.",
    b"\x02omi_1704449410\x00audio_1704449410123\x00Call_+491512345678\x0001-02-2024-10-10-10",
    b"\x0320240105_101010_-0700\x0020240105_101010 (UTC+5:30)\x00Recorded at 21:00:00 24/10/2025 (UTC-7) by AudioMoth",
];

/// The seeds of a target. `root` is the repository's folder.
pub fn for_target(target: &str, root: &Path) -> Vec<Vec<u8>> {
    let mut seeds = match target {
        "opus" => opus_seeds(root),
        "names" => NAMES.map(<[u8]>::to_vec).to_vec(),
        "detection" => detection::seeds(),
        _ => files(root),
    };
    seeds.extend(contents(&root.join("fuzz/found").join(target)));
    seeds
}

fn files(root: &Path) -> Vec<Vec<u8>> {
    let folders = ["tests/formats", "tests/containers", "tests/tracks", "fixtures/golden/audio"]
        .map(|folder| contents(&root.join(folder)));
    let audio = folders.concat().into_iter().filter(|bytes| !bytes.is_ascii());
    let whole = audio.flat_map(|bytes| [bytes[..bytes.len().min(CUT)].to_vec(), bytes]);
    whole.filter(|seed| seed.len() < WHOLE).chain(headers()).collect()
}

/// Containers of which there is no file: a header, and half a second of a ramp.
fn headers() -> Vec<Vec<u8>> {
    let sound: Vec<u8> = (0..8_000u32).flat_map(|i| ((i % 50 * 300) as u16).to_be_bytes()).collect();
    let bytes = sound.len() as u32;
    let big = |name: &[u8], contents: &[u8]| [name, &(contents.len() as u32).to_be_bytes(), contents].concat();
    let apple = |name: &[u8], contents: &[u8]| [name, &(contents.len() as u64).to_be_bytes(), contents].concat();
    let wave64 = |name: &[u8; 4], contents: &[u8]| {
        let rest = b"\xF3\xAC\xD3\x11\x8C\xD1\x00\xC0\x4F\x8E\xDB\x8A";
        [&name[..], rest, &(contents.len() as u64 + 24).to_le_bytes(), contents].concat()
    };
    let format = b"\x01\0\x01\0\x80\x3E\0\0\0\x7D\0\0\x02\0\x10\0";
    let format_big = b"\0\x01\0\x01\0\0\x3E\x80\0\0\x7D\0\0\x02\0\x10";
    let au = [&b".snd"[..], &[24, bytes, 3, 16_000, 1].map(u32::to_be_bytes).concat(), &sound].concat();
    let rifx = [&b"WAVE"[..], &big(b"fmt ", format_big), &big(b"data", &sound)].concat();
    let inner = [&b"wave"[..], &[0; 12], &wave64(b"fmt ", format), &wave64(b"data", &sound)].concat();
    let riff =
        [&b"riff\x2E\x91\xCF\x11\xA5\xD6\x28\xDB\x04\xC1\0\0"[..], &(bytes as u64).to_le_bytes(), &inner].concat();
    let describe = |codec: &[u8], numbers: [u32; 5], rate: f64| {
        apple(b"desc", &[&rate.to_be_bytes()[..], codec, &numbers.map(u32::to_be_bytes).concat()].concat())
    };
    let pcm = [
        &b"caff\0\x01\0\0"[..],
        &describe(b"lpcm", [0, 2, 1, 1, 16], 16e3),
        &apple(b"data", &[&[0; 4], &sound[..]].concat()),
    ];
    let table = [&25u64.to_be_bytes()[..], &24_000u64.to_be_bytes(), &[0; 8], &[40; 25]].concat();
    let opus = [
        &b"caff\0\x01\0\0"[..],
        &describe(b"opus", [0, 0, 960, 1, 0], 48e3),
        &apple(b"pakt", &table),
        &apple(b"data", &[0x38; 1_004]),
    ];
    vec![au, big(b"RIFX", &rifx), riff, pcm.concat(), opus.concat()]
}

fn opus_seeds(root: &Path) -> Vec<Vec<u8>> {
    let names = ["opus_silk_12k.ogg", "opus_hybrid_24k.ogg", "opus_celt_64k.ogg", "opus_celt_stereo_96k.ogg"];
    let file = |name| fs::read(root.join("tests/formats").join(name)).expect("the fixture is there");
    names.map(|name| opus::seed(&file(name), PACKETS)).to_vec()
}

/// What the folder's files hold, in the order of their names. Nothing where there is no folder.
fn contents(folder: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> = entries.filter(|path| path.is_file()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a fixture can be read")).collect()
}
