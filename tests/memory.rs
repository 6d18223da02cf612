//! Memory does not grow with a recording's length: two hours, of which every patch is scored at five speeds, peaks under
//! 100 MB on two threads; nor fast with the threads: 64 MB and 12 MB a thread are enough for eight.
//!
//! The peak is the process's own, as Linux counts it, and tests of one binary share a process: of the
//! two tests here only one runs at a time. The one with the real network over two hours of Opus takes two minutes:
//!
//! `cargo test --test memory -- --include-ignored --nocapture --test-threads 1`
#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use giggles::audio::Waveform;
use giggles::domain::DetectionParameters;
use giggles::model::ModelFile;
use giggles::pipeline::{Analyzer, Scorer};
use giggles::pool::Pool;
use giggles::stop::Stop;
use yamnet::params::{MEL_BANDS, NUM_CLASSES, PATCH_FRAMES, PATCH_HOP_FRAMES};
use yamnet::{Cpu, Model};

const EVENING: &str = "fixtures/evening/20251024_190000-20251024_190800.ogg";
const EVENING_SECONDS: u64 = 480;
const TWO_HOURS: u64 = 7200;
const MEGABYTE: u64 = 1 << 20;

/// The highest resident set of this process so far, bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Analyzes a recording on every thread of a pool at once; its length.
fn analyze<S: Scorer>(scorer: &S, path: &Path, threads: usize) -> Duration {
    let (stop, parameters) = (Stop::default(), DetectionParameters::default());
    let analyzer =
        Analyzer { scorer, parameters: &parameters, personal: None, ffmpeg: None, stop: &stop, advanced: &|_| () };
    let analyze = |path: &PathBuf| analyzer.analyze(path, None).unwrap().audio;
    let (pool, paths) = (Pool::new(threads).unwrap(), vec![path.to_owned(); threads]);
    let lengths = pool.map(&paths, |_| 0, analyze, |_, panic| panic!("{panic}"));
    assert!(lengths.iter().all(|length| *length == lengths[0]));
    lengths[0]
}

/// The real front end and a network that costs no time and analyzes laughter everywhere: as many events as can be.
struct Quick(Model);

impl Scorer for Quick {
    fn logits(&self, samples: &[f32]) -> Vec<f32> {
        let patches = (self.0.log_mel(samples).len() / MEL_BANDS - PATCH_FRAMES) / PATCH_HOP_FRAMES + 1;
        vec![1.0; patches * NUM_CLASSES]
    }
}

fn model() -> Model {
    ModelFile::embedded().load(Cpu::detect()).unwrap().yamnet
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// A minute of the evening, as 16-bit integers.
fn minute() -> Vec<u8> {
    let path = file("fixtures/evening/2025-09-30T21-46-57__2025-09-30T21-48-10.ogg");
    let (mut waveform, mut samples) = (Waveform::open(&path).unwrap(), Vec::new());
    while samples.len() < 960_000 && waveform.next(&mut samples).unwrap() {}
    samples[..960_000].iter().flat_map(|sample| ((sample * 32_767.0).round() as i16).to_be_bytes()).collect()
}

/// Writes that minute as often as it fits into so many seconds, as an AU file, whose header is six numbers.
fn write(path: &Path, minute: &[u8], seconds: u64) {
    let (magic, header, pcm, mono) = (u32::from_be_bytes(*b".snd"), 24, 3, 1);
    let numbers = [magic, header, seconds as u32 * 32_000, pcm, 16_000, mono];
    let mut file = File::create(path).unwrap();
    file.write_all(&numbers.map(u32::to_be_bytes).concat()).unwrap();
    (0..seconds / 60).for_each(|_| file.write_all(minute).unwrap());
}

#[test]
fn a_long_recording_needs_no_more_than_a_short_one() {
    let folder = tempfile::tempdir().unwrap();
    let [short, long] = ["short.au", "long.au"].map(|name| folder.path().join(name));
    let minute = minute();
    write(&short, &minute, 60);
    write(&long, &minute, TWO_HOURS);
    analyze(&model(), &short, 2);
    let quick = Quick(model());
    analyze(&quick, &short, 2);
    let before = peak();
    assert_eq!(analyze(&quick, &long, 2), Duration::from_secs(TWO_HOURS));
    let (after, growth) = (peak() / MEGABYTE, (peak() - before) / MEGABYTE);
    println!("two hours on two threads: peak {after} MB, {growth} MB more than a minute");
    // The number of batches in flight depends on the load of the machine: up to 9 MB were seen. The logits of both
    // recordings would take 63 MB, their samples 922 MB.
    assert!(growth < 16, "two hours need {growth} MB more than a minute");
    assert!(after < 100, "two hours peak at {after} MB");
    analyze(&model(), &short, 8);
    let peak = peak() / MEGABYTE;
    println!("a minute eight times on eight threads: peak {peak} MB");
    assert!(peak < 64 + 8 * 12, "eight threads peak at {peak} MB");
}

/// Ogg files one after the other are one chained file.
fn write_chain(path: &Path) {
    let evening = std::fs::read(file(EVENING)).unwrap();
    std::fs::write(path, evening.repeat((TWO_HOURS / EVENING_SECONDS) as usize)).unwrap();
}

#[test]
#[ignore = "two hours of Opus through the network, twice"]
fn two_hours_of_opus_peak_under_100_megabytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chain.ogg");
    write_chain(&path);
    assert_eq!(analyze(&model(), &path, 2), Duration::from_secs(TWO_HOURS));
    let peak = peak() / MEGABYTE;
    println!("two hours of Ogg Opus on two threads: peak {peak} MB");
    assert!(peak < 100, "two hours peak at {peak} MB");
}
