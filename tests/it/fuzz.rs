//! The fuzz targets without a fuzzer: on every seed, on all that was ever found, and on mutations that are
//! the same in every run. With a fuzzer, and for as long as you like: `scripts/fuzz.sh`.
//!
//! `GIGGLES_MUTATIONS=N` multiplies the mutations.

use std::path::Path;
use std::time::{Duration, Instant};

use fuzz_targets::{decode, detection, names, opus, repair, seeds};

/// No input may take longer, on a busy machine and without optimisation.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(10);

/// Numbers without a pattern (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }

    fn byte(&mut self) -> u8 {
        [0, 0xFF, 0x7F, 0x80, self.below(256) as u8, self.below(256) as u8][self.below(6)]
    }
}

/// What fuzzers do first: other bytes (half of them in the header, where they do most), a cut, a piece twice.
fn mutated(seed: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=dice.below(6) {
        let reach = if dice.below(2) == 0 { bytes.len().min(400) } else { bytes.len() };
        let at = dice.below(reach);
        match dice.below(8) {
            0 => bytes.truncate(at),
            1 => drop(bytes.splice(at..at, seed[..seed.len().min(dice.below(300))].to_vec())),
            _ => bytes[at..].iter_mut().take(1 + dice.below(4)).for_each(|byte| *byte = dice.byte()),
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

/// Runs a target on each seed and on mutations of it.
fn run<T>(target: &str, mutations: usize, work: impl Fn(&[u8]) -> T) {
    let more = std::env::var("GIGGLES_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let seeds = seeds::for_target(target, Path::new(env!("CARGO_MANIFEST_DIR")));
    assert!(seeds.len() > 3, "the seeds of {target} are missing");
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    for seed in &seeds {
        let inputs = std::iter::once(seed.clone()).chain((0..mutations * more).map(|_| mutated(seed, &mut dice)));
        for (number, input) in inputs.enumerate() {
            let start = Instant::now();
            work(&input);
            let (taken, length) = (start.elapsed(), input.len());
            assert!(taken < OUTPUT_TIMEOUT, "{target}: {length} bytes, mutation {number}, took {taken:?}");
        }
    }
}

#[test]
fn no_bytes_break_the_decoding() {
    run("decode", 60, decode::decode);
}

#[test]
fn no_bytes_behind_a_right_checksum_break_the_decoding() {
    run("repaired", 40, |bytes| decode::decode(&repair::repair(bytes)));
}

#[test]
fn no_packets_break_opus() {
    run("opus", 500, opus::opus);
}

#[test]
fn no_names_break_the_finding_or_the_clocks() {
    run("names", 1_000, names::names);
}

#[test]
fn no_logits_and_no_parameters_break_the_decision() {
    run("detection", 300, detection::detection);
}

/// The fuzzer's finds in the decoding, and what is said of each now; None if it is decoded.
const FOUND: [(&str, Option<&str>); 6] = [
    // A library's words for the end of a frame were taken for a fault of the disk.
    ("adts_reads_past_its_frame", Some("the file stops inside a packet")),
    ("flac_frame_reads_past_its_end", Some("is damaged at 0:00:00.0")),
    // So was a seek to where no file can reach.
    ("riff_list_beyond_any_file", Some("its header contains an offset that no file can have")),
    // symphonia panics where sums are checked (a debug build).
    ("wav_channel_mask_overflows", Some("is damaged at 0:00:00.0")),
    ("adpcm_predictor_overflows", Some("ends too early")),
    // symphonia counts the samples of a fragment one by one, also if a few bytes announce billions.
    ("mp4_fragment_counts_billions_of_samples", Some("MP4 behind other bytes")),
];

#[test]
fn what_was_found_is_reported_in_words() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/found/decode");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), FOUND.len(), "each find has its line here");
    for (name, words) in FOUND {
        let error = decode::decode(&std::fs::read(folder.join(name)).unwrap()).err();
        let is_told = words.is_none_or(|words| error.as_ref().is_some_and(|error| error.to_string().contains(words)));
        assert!(is_told && error.is_some() == words.is_some(), "{name}: {error:?}");
    }
}

/// A target that mends what it should not, or lets nothing through, would find nothing.
#[test]
fn the_targets_reach_the_decoders() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for seed in seeds::for_target("opus", root).iter().take(4) {
        assert!(opus::opus(seed).is_ok_and(|samples| samples > 3_000), "half a second of Opus less its pre-skip");
    }
    for name in ["tests/formats/opus_celt_64k.ogg", "fixtures/golden/audio/short.flac"] {
        let whole = std::fs::read(root.join(name)).unwrap();
        assert_eq!(repair::repair(&whole), whole, "{name}");
        let mut spoilt = whole.clone();
        let middle = whole.len() / 2;
        spoilt[middle] ^= 0x10;
        assert_ne!(repair::repair(&spoilt)[..], spoilt[..], "{name}");
    }
}
