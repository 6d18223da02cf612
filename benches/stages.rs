//! Every stage by itself and the whole, in patches a second, and the network's share of the peak.
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
use giggles::yamnet::kernels::Cpu;
use giggles::yamnet::mel::patches_of;
use giggles::yamnet::weights::ModelFile;
use giggles::yamnet::{BANDS, Model, PATCH, PATCH_HOP, SAMPLE_RATE, frames_of};
use support::{Measured, measure};

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
    println!("| stage | patches/s of a core | times real time | share of the peak |\n|---|---|---|---|");
    for (name, stage) in STAGES {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            stage();
        }
    }
}

/// A row of the table. `patches` is what one run was good for.
fn row(name: &str, measured: &Measured, patches: f64, share: Option<f64>) {
    let rate = measured.rate(patches);
    let share = share.map_or(String::new(), |share| format!("{:.0} %", share * 100.0));
    println!("| {name} | {rate:.0} | {:.0} | {share} |", rate * PATCH_SECONDS);
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
        row(&format!("decode, {name}"), &measured, patches, None);
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
    row("level", &measured, seconds(samples.len()) / PATCH_SECONDS, None);
}

fn mel() {
    let (samples, model, mut frames) = (samples(&file(EVENING)), model(Cpu::detect()), 0);
    let measured = measure(Cpu::detect(), || frames = model.log_mel(&samples).len() / BANDS);
    row("mel", &measured, (frames / PATCH_HOP) as f64, None);
}

/// On each path: patches that share nothing, whose share of the peak is the kernels'; and half-overlapping
/// ones as a recording has them, in batches of each size, whose rate counts. As many patches in each run.
fn network() {
    for cpu in Cpu::available() {
        let (model, patches) = (model(cpu), 32);
        let frames = |frames: usize| (0..frames * BANDS).map(|i| (i % 97) as f32 / 20.0 - 4.0).collect::<Vec<f32>>();
        let apart = frames(patches * PATCH);
        let measured = measure(cpu, || drop(model.logits_of_patches(&apart)));
        let share = measured.share(patches as f64);
        row(&format!("network, {}, patches that share nothing", cpu.name()), &measured, patches as f64, share);
        for batch in [1, 16, 32] {
            let frames = frames(frames_of(batch));
            let measured = measure(cpu, || (0..patches / batch).for_each(|_| drop(model.logits_of_frames(&frames))));
            row(&format!("network, {}, batches of {batch}", cpu.name()), &measured, patches as f64, None);
        }
        if let Some(peak) = measured.peak() {
            eprintln!("{}: peak of a core {:.0} GFLOP/s", cpu.name(), peak / 1e9);
        }
    }
}

/// The evening from file to laughs: once on one thread, twice at once on two.
fn whole() {
    let (model, rules, stop) = (model(Cpu::detect()), Rules::default(), Stop::default());
    let ear = Ear { scorer: &model, rules: &rules, stop: &stop, advanced: &|_| () };
    let path = file(EVENING);
    let patches = patches_of(samples(&path).len() as u64) as usize;
    for threads in [1, 2] {
        let (pool, paths) = (Pool::new(threads).unwrap(), vec![path.clone(); threads]);
        let hear = |path: &PathBuf| ear.hear(path, None).unwrap().events.len();
        let measured = measure(model.cpu, || drop(pool.map(&paths, |_| 0, hear, |_, panic| panic!("{panic}"))));
        let name = format!("whole, ogg opus, threads: {threads}");
        let patches = (patches * threads) as f64;
        row(&name, &measured, patches, None);
    }
}
