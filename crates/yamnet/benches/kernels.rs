//! The front end, the matrix product and the network on every path, in patches a second and as shares of the peak.
//!
//! `cargo bench -p yamnet --bench kernels`, or one stage: `cargo bench -p yamnet --bench kernels -- network`. All
//! figures are of one core and its own time, so that other work on the machine changes them little.
//!
//! The network skips multiply-adds with zeros, so that its rate says little about its kernels: their share of the peak
//! is measured on inputs without a zero. Beside the network's rate stands the share that it would be if it skipped
//! nothing.

#![allow(unsafe_code, reason = "the peak is measured with intrinsics")]

mod support;

use support::{MULTIPLY_ADDS, Measured, fixture, measure};
use yamnet::kernels::{Gemm, GemmScratch, MR, RowGroups};
use yamnet::params::{MEL_BANDS, PATCH_FRAMES, PATCH_HOP, PATCH_HOP_FRAMES};
use yamnet::{Cpu, Model, PREFERRED_BATCH, frames_in_patches, samples_in_patches};

const STAGES: [(&str, fn()); 3] = [("mel", mel), ("gemm", gemm), ("network", network)];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    println!("| stage | patches/s of a core | times real time | share of the peak | if nothing were skipped |");
    println!("|---|---|---|---|---|");
    for (name, stage) in STAGES {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            stage();
        }
    }
}

/// A row of the table. `patches` is what one run computed; the shares of the peak are of multiply-adds done, and of
/// all.
fn print_row(name: &str, measured: &Measured, patches: f64, [done, all]: [&str; 2]) {
    let rate = measured.rate(patches);
    println!("| {name} | {rate:.0} | {:.0} | {done} | {all} |", rate * PATCH_HOP.as_secs_f64());
}

/// Of the peak, if one run had `patches` times a patch's multiply-adds.
fn share(measured: &Measured, patches: f64) -> String {
    measured.share(patches).map_or(String::new(), |share| format!("{:.0} %", share * 100.0))
}

fn model(cpu: Cpu) -> Model {
    Model::from_safetensors(yamnet_weights::SAFETENSORS, cpu).unwrap()
}

fn mel() {
    let samples = fixture();
    for cpu in Cpu::available() {
        let (model, mut frames) = (model(cpu), 0);
        let measured = measure(cpu, || frames = model.log_mel(&samples).len() / MEL_BANDS);
        print_row(&format!("mel, {}", cpu.name()), &measured, (frames / PATCH_HOP_FRAMES) as f64, ["", ""]);
    }
}

/// A layer of 512 to 512 channels, as five of the thirteen are, of 32 patches. In patches of the same multiply-adds.
fn gemm() {
    let (channels, m) = (512, 32 * 4 * MR);
    let values = |length: usize| (0..length).map(|i| (i % 97 + 1) as f32 / 97.0).collect::<Vec<f32>>();
    let weights = values(channels * channels);
    for cpu in Cpu::available() {
        let rows = weights.chunks_exact(channels).map(|row| row.iter().copied());
        let layer = Gemm::new(cpu, channels, rows, &values(channels), true);
        let (input, mut output) = (values(m * channels), vec![0.0; m * channels]);
        let mut scratch = GemmScratch::default();
        let measured = measure(cpu, || layer.run(&input, &mut output, RowGroups::CONSECUTIVE, &mut scratch));
        let patches = (m * channels * channels) as f64 / MULTIPLY_ADDS;
        let done = share(&measured, patches);
        print_row(&format!("gemm, {}, no input zero", cpu.name()), &measured, patches, [&done, &done]);
    }
}

/// Real patches, as separate ones and half-overlapping in batches of each size; then other sounds.
fn network() {
    let (samples, patches) = (fixture(), PREFERRED_BATCH);
    for cpu in Cpu::available() {
        let model = model(cpu);
        let frames = model.log_mel(&samples);
        let name = format!("network, {}", cpu.name());
        let separate = &frames[..patches * PATCH_FRAMES * MEL_BANDS];
        let measured = measure(cpu, || drop(model.logits_from_patches(separate)));
        let all = share(&measured, patches as f64);
        print_row(&format!("{name}, separate patches"), &measured, patches as f64, ["", &all]);
        for batch in [1, PREFERRED_BATCH / 3, PREFERRED_BATCH] {
            let row = format!("{name}, batches of {batch}");
            batches(&row, &model, &frames[..frames_in_patches(patches) * MEL_BANDS], batch);
        }
        let quiet: Vec<f32> = samples.iter().map(|sample| sample / 100.0).collect();
        for (sound, samples) in [("a hundredth as loud", quiet), ("white noise", noise(samples.len()))] {
            let frames = model.log_mel(&samples[..samples_in_patches(patches)]);
            batches(&format!("{name}, batches of {PREFERRED_BATCH}, {sound}"), &model, &frames, PREFERRED_BATCH);
        }
        if let Some(peak) = measured.peak() {
            eprintln!("{}: peak of a core {:.0} GFLOP/s", cpu.name(), peak / 1e9);
        }
    }
}

/// All patches of some frames, `batch` at a time.
fn batches(name: &str, model: &Model, frames: &[f32], batch: usize) {
    let patches = (frames.len() / MEL_BANDS - PATCH_FRAMES) / PATCH_HOP_FRAMES + 1;
    let strips = (0..patches).step_by(batch).map(|first| &frames[first * PATCH_HOP_FRAMES * MEL_BANDS..]);
    let strips: Vec<&[f32]> = strips.map(|strip| &strip[..frames_in_patches(batch) * MEL_BANDS]).collect();
    let run = || strips.iter().for_each(|strip| drop(model.logits_from_frames(strip)));
    print_row(name, &measure(model.cpu(), run), patches as f64, ["", ""]);
}

fn noise(length: usize) -> Vec<f32> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32 / (1 << 23) as f32 - 1.0) * 0.3
    };
    (0..length).map(|_| next()).collect()
}
