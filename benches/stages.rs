//! Every stage by itself and the whole, in patches a second, and the kernels' share of the peak.
//!
//! The network leaves out multiply-adds with zeros, so that its rate says little about its kernels: their
//! share of the peak is measured on inputs without a zero. Beside the network's rate stands what share it
//! would be if it left nothing out.
//!
//! `cargo bench --bench stages`, or one stage: `cargo bench --bench stages -- network`. All figures are
//! of one core and its own time, so that other work on the machine changes them little.

#![allow(unsafe_code, reason = "the peak is measured with intrinsics")]

mod support;

use std::path::{Path, PathBuf};

use giggles::audio::Waveform;
use giggles::audio::level::Leveller;
use giggles::listen::Ear;
use giggles::pool::Pool;
use giggles::record::{Rules, Stop};
use giggles::yamnet::kernels::{Cpu, Grouping, Pointwise, Workspace};
use giggles::yamnet::mel::patches_of;
use giggles::yamnet::net::BATCH;
use giggles::yamnet::weights::ModelFile;
use giggles::yamnet::{BANDS, Model, PATCH, PATCH_HOP, SAMPLE_RATE, frames_of, samples_of};
use support::{MULTIPLY_ADDS, Measured, measure};

const EVENING: &str = "fixtures/evening/20251024_190000-20251024_190800.ogg";

/// The same four seconds as different codecs write them, and eight minutes of Opus.
const FILES: [(&str, &str); 6] = [
    ("wav 16 kHz", "tests/formats/wav_s16_16000.wav"),
    ("flac 48 kHz", "tests/formats/rate_48000.flac"),
    ("mp3 48 kHz", "tests/formats/mp3_48000.mp3"),
    ("ogg opus, hybrid", "tests/formats/opus_hybrid_24k.ogg"),
    ("ogg opus, CELT stereo", "tests/formats/opus_celt_stereo_96k.ogg"),
    ("ogg opus, an evening", EVENING),
];

type Stage = (&'static str, fn());

const STAGES: [Stage; 5] = [("decode", decode), ("level", level), ("mel", mel), ("network", network), ("whole", whole)];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    println!("| stage | patches/s of a core | times real time | share of the peak | with what is left out |");
    println!("|---|---|---|---|---|");
    for (name, stage) in STAGES {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            stage();
        }
    }
}

/// A row of the table. `patches` is what one run was good for.
fn row(name: &str, measured: &Measured, patches: f64) {
    print_row(name, measured, patches, ["", ""]);
}

/// The shares of the peak: of multiply-adds done, and of all, as if none had been left out.
fn print_row(name: &str, measured: &Measured, patches: f64, [done, all]: [&str; 2]) {
    let rate = measured.rate(patches);
    println!("| {name} | {rate:.0} | {:.0} | {done} | {all} |", rate * PATCH_SECONDS);
}

/// Of the peak, if one run had `patches` times a patch's multiply-adds.
fn share(measured: &Measured, patches: f64) -> String {
    measured.share(patches).map_or(String::new(), |share| format!("{:.0} %", share * 100.0))
}

/// From one patch to the next.
const PATCH_SECONDS: f64 = 0.48;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn samples(path: &Path) -> Vec<f32> {
    let (mut waveform, mut samples) = (Waveform::open(path).unwrap(), Vec::new());
    while waveform.next(&mut samples).unwrap() {}
    samples
}

fn seconds(samples: usize) -> f64 {
    samples as f64 / f64::from(SAMPLE_RATE)
}

fn model(cpu: Cpu) -> Model {
    Model::new(&ModelFile::embedded(), cpu).unwrap()
}

fn decode() {
    for (name, path) in FILES {
        let path = file(path);
        let patches = seconds(samples(&path).len()) / PATCH_SECONDS;
        let measured = measure(Cpu::detect(), || drop(samples(&path)));
        row(&format!("decode, {name}"), &measured, patches);
    }
}

fn level() {
    let (samples, mut out) = (samples(&file(EVENING)), Vec::new());
    let measured = measure(Cpu::detect(), || {
        let mut leveller = Leveller::new(&Rules::default());
        out.clear();
        leveller.push(&samples, &mut out);
        leveller.finish(&mut out);
    });
    row("level", &measured, seconds(samples.len()) / PATCH_SECONDS);
}

fn mel() {
    let (samples, model, mut frames) = (samples(&file(EVENING)), model(Cpu::detect()), 0);
    let measured = measure(Cpu::detect(), || frames = model.log_mel(&samples).len() / BANDS);
    row("mel", &measured, (frames / PATCH_HOP) as f64);
}

/// On each path: the kernel of the pointwise layers on inputs without a zero; then real patches, as such that
/// share nothing, and half-overlapping as a recording has them, in batches of each size. As many in each run.
fn network() {
    let samples = samples(&file(EVENING));
    for cpu in Cpu::available() {
        let (model, patches) = (model(cpu), BATCH);
        product(cpu);
        let sound = model.log_mel(&samples);
        let name = format!("network, {}", cpu.name());
        let apart = &sound[..patches * PATCH * BANDS];
        let measured = measure(cpu, || drop(model.logits_of_patches(apart)));
        let all = share(&measured, patches as f64);
        print_row(&format!("{name}, patches that share nothing"), &measured, patches as f64, ["", &all]);
        for batch in [1, BATCH / 3, BATCH] {
            let row = format!("{name}, batches of {batch}");
            batches(&row, &model, &sound[..frames_of(patches) * BANDS], batch);
        }
        for (sound, samples) in [("a hundredth as loud", quiet(&samples)), ("white noise", noise(samples.len()))] {
            let frames = model.log_mel(&samples[..samples_of(patches)]);
            batches(&format!("{name}, batches of {BATCH}, {sound}"), &model, &frames, BATCH);
        }
        if let Some(peak) = measured.peak() {
            eprintln!("{}: peak of a core {:.0} GFLOP/s", cpu.name(), peak / 1e9);
        }
    }
}

/// All patches of a strip of frames, so many at a time.
fn batches(name: &str, model: &Model, frames: &[f32], batch: usize) {
    let patches = (frames.len() / BANDS - PATCH) / PATCH_HOP + 1;
    let strips = (0..patches).step_by(batch).map(|first| &frames[first * PATCH_HOP * BANDS..]);
    let strips: Vec<&[f32]> = strips.map(|strip| &strip[..frames_of(batch) * BANDS]).collect();
    let measured = measure(model.cpu, || strips.iter().for_each(|strip| drop(model.logits_of_frames(strip))));
    row(name, &measured, patches as f64);
}

/// A layer of 512 to 512 channels, as five of the thirteen are, of 32 patches. In patches of the same multiply-adds.
fn product(cpu: Cpu) {
    let (channels, rows) = (512, 32 * 24);
    let values = |length: usize| (0..length).map(|i| (i % 97 + 1) as f32 / 97.0).collect::<Vec<f32>>();
    let weights = values(channels * channels);
    let weights = weights.chunks_exact(channels).map(|row| row.iter().copied());
    let layer = Pointwise::new(cpu, channels, weights, &values(channels), true);
    let (input, mut output) = (values(rows * channels), vec![0.0; rows * channels]);
    let mut workspace = Workspace::default();
    let measured = measure(cpu, || layer.run(&input, &mut output, Grouping::NEIGHBOURS, &mut workspace));
    let patches = (rows * channels * channels) as f64 / MULTIPLY_ADDS;
    let done = share(&measured, patches);
    print_row(&format!("pointwise, {}, no input zero", cpu.name()), &measured, patches, [&done, &done]);
}

fn quiet(samples: &[f32]) -> Vec<f32> {
    samples.iter().map(|sample| sample / 100.0).collect()
}

fn noise(length: usize) -> Vec<f32> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32 / (1 << 23) as f32 - 1.0) * 0.3
    };
    (0..length).map(|_| next()).collect()
}

/// The evening from file to laughs: once on one thread, twice at once on two.
fn whole() {
    let (model, rules, stop) = (model(Cpu::detect()), Rules::default(), Stop::default());
    let ear = Ear { scorer: &model, rules: &rules, ffmpeg: None, stop: &stop, advanced: &|_| () };
    let path = file(EVENING);
    let patches = patches_of(samples(&path).len() as u64) as usize;
    for threads in [1, 2] {
        let (pool, paths) = (Pool::new(threads).unwrap(), vec![path.clone(); threads]);
        let hear = |path: &PathBuf| ear.hear(path, None).unwrap().events.len();
        let measured = measure(model.cpu, || drop(pool.map(&paths, |_| 0, hear, |_, panic| panic!("{panic}"))));
        let name = format!("whole, ogg opus, threads: {threads}");
        let patches = (patches * threads) as f64;
        row(&name, &measured, patches);
    }
}
