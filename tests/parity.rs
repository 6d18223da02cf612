//! The port against the reference: golden values that TensorFlow's own YAMNet made (fixtures/golden).

mod support;

use std::collections::HashMap;

use candle_core::{Device, Tensor};
use giggles::yamnet::kernels::Cpu;
use giggles::yamnet::mel::padded_length;
use giggles::yamnet::weights::ModelFile;
use giggles::yamnet::{BANDS, CLASSES, Model, PATCH, PATCH_HOP, classes, sigmoid};
use support::audio;

/// The largest difference that any score may have, on any path.
const SCORES: f32 = 1e-5;
const MEL: f32 = 1e-5;

fn golden(case: &str) -> HashMap<String, Tensor> {
    let path = audio::file(&format!("fixtures/golden/{case}.safetensors"));
    candle_core::safetensors::load(path, &Device::Cpu).unwrap()
}

fn values(golden: &HashMap<String, Tensor>, name: &str) -> Vec<f32> {
    golden[name].flatten_all().unwrap().to_vec1().unwrap()
}

fn log_mel(samples: &[f32]) -> Vec<f32> {
    let model = Model::new(&ModelFile::embedded(), Cpu::Portable).unwrap();
    let mut padded = samples.to_vec();
    padded.resize(padded_length(samples.len() as u64) as usize, 0.0);
    model.log_mel(&padded)
}

fn scores(frames: &[f32], cpu: Cpu) -> Vec<f32> {
    let model = Model::new(&ModelFile::embedded(), cpu).unwrap();
    let patches = (frames.len() / BANDS - PATCH) / PATCH_HOP + 1;
    let starts = (0..patches).step_by(16);
    let batch = |first: usize| {
        let last = (first + 16).min(patches) - 1;
        model.logits_of_frames(&frames[first * PATCH_HOP * BANDS..(last * PATCH_HOP + PATCH) * BANDS])
    };
    starts.flat_map(batch).map(sigmoid).collect()
}

fn furthest(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn check(case: &str, path: &str, samples: usize, top: &str) {
    let golden = golden(case);
    let heard = audio::samples(&audio::file(path));
    let frames = log_mel(&heard[..samples]);
    let mel = furthest(&frames, &values(&golden, "log_mel"));
    println!("{case}: log-mel within {mel:e}");
    for cpu in Cpu::available() {
        let ours = scores(&frames, cpu);
        let score = furthest(&ours, &values(&golden, "scores"));
        println!("{case}: scores within {score:e} on {}", cpu.name());
        assert_eq!(loudest(&ours), top, "{case}");
        assert!(score <= SCORES, "{case}: scores differ by {score:e} on {}", cpu.name());
    }
    assert!(mel <= MEL, "{case}: log-mel differs by {mel:e}");
}

/// The class with the highest mean score.
fn loudest(scores: &[f32]) -> &'static str {
    let sum = |class: usize| scores.iter().skip(class).step_by(CLASSES).sum::<f32>();
    let best = (0..CLASSES).max_by(|&a, &b| sum(a).total_cmp(&sum(b))).unwrap();
    &classes::names()[best]
}

#[test]
fn a_laugh() {
    check("laugh", "fixtures/clips/laugh_female_269478.flac", 64_000, "Laughter");
}

#[test]
fn speech() {
    check("speech", "fixtures/clips/speech_it.flac", 48_000, "Speech");
}

#[test]
fn music() {
    check("music", "fixtures/clips/music_loop_safari.flac", 48_000, "Music");
}

#[test]
fn real_noise() {
    check("noise_real", "fixtures/clips/noise_vinyl_hiss.flac", 32_000, "Rain");
}

#[test]
fn white_noise() {
    check("white_noise", "fixtures/golden/audio/white_noise.flac", 32_000, "White noise");
}

#[test]
fn silence() {
    check("silence", "fixtures/golden/audio/silence.flac", 32_000, "Silence");
}

#[test]
fn a_sine() {
    check("sine", "fixtures/golden/audio/sine.flac", 32_000, "Sine wave");
}

#[test]
fn a_clip_shorter_than_a_patch() {
    check("short", "fixtures/golden/audio/short.flac", 4_800, "Laughter");
}

/// Ten minutes, as fixtures/golden/README.md says they are built.
fn stream() -> Vec<f32> {
    let clips = ["crow_cc0", "guitar_harmonics", "laugh_female_269478", "laugh_female_evil_219778"]
        .into_iter()
        .chain(["laugh_female_evil_275652", "music_loop_safari", "noise_vinyl_hiss", "speech_it", "speech_ru"])
        .map(|clip| audio::integers(&audio::file(&format!("fixtures/clips/{clip}.flac"))));
    let clips: Vec<Vec<i16>> = clips.collect();
    let mut stream = vec![0.0; 9_600_000];
    let (mut position, mut turn) = (0, 0);
    while position < stream.len() {
        let (clip, gain) = (&clips[turn % 9], [256, 128, 64, 181, 32][turn % 5]);
        for (place, &sample) in stream[position..].iter_mut().zip(clip) {
            *place = ((i32::from(sample) * gain) >> 8) as f32 / 32768.0;
        }
        position += clip.len() + 5000 + 1117 * (turn % 7);
        turn += 1;
    }
    stream
}

#[test]
fn a_stream_of_ten_minutes() {
    let golden = golden("stream_10min");
    let frames = log_mel(&stream());
    let hundredth: Vec<f32> = frames.chunks(BANDS).step_by(100).flatten().copied().collect();
    let mel = furthest(&hundredth, &values(&golden, "log_mel_every_100th"));
    let scores = scores(&frames, Cpu::detect());
    let tenth: Vec<f32> = scores.chunks(CLASSES).step_by(10).flatten().copied().collect();
    let laughter: Vec<f32> = scores.chunks(CLASSES).flat_map(|row| &row[classes::LAUGHTER]).copied().collect();
    let all = furthest(&tenth, &values(&golden, "scores_every_10th"));
    let laughs = furthest(&laughter, &values(&golden, "laughter_scores"));
    println!("stream: log-mel within {mel:e}, scores {all:e}, laughter {laughs:e}");
    assert!(mel <= MEL && all <= SCORES && laughs <= SCORES);
}
