//! The port against the reference: values that TensorFlow's YAMNet computed (fixtures/golden).
//!
//! `cargo test -p yamnet --test parity -- --nocapture` prints the differences.

use std::collections::HashMap;

use candle_core::{Device, Tensor};
use yamnet::params::{MEL_BANDS, NUM_CLASSES, PATCH_FRAMES, PATCH_HOP_FRAMES};
use yamnet::{Cpu, Model, classes, padded_length, sigmoid};

/// The largest difference that a score may have, on any path.
const MAX_SCORE_ERROR: f32 = 1e-5;
/// The largest difference that a log-mel value may have.
const MAX_MEL_ERROR: f32 = 1e-5;

fn model(cpu: Cpu) -> Model {
    Model::from_safetensors(yamnet_weights::SAFETENSORS, cpu).unwrap()
}

fn golden(case: &str) -> HashMap<String, Tensor> {
    candle_core::safetensors::load(fixtures::path(&format!("fixtures/golden/{case}.safetensors")), &Device::Cpu)
        .unwrap()
}

fn values(golden: &HashMap<String, Tensor>, name: &str) -> Vec<f32> {
    golden[name].flatten_all().unwrap().to_vec1().unwrap()
}

fn log_mel(samples: &[f32]) -> Vec<f32> {
    let mut padded = samples.to_vec();
    padded.resize(padded_length(samples.len() as u64) as usize, 0.0);
    model(Cpu::Portable).log_mel(&padded)
}

fn scores(frames: &[f32], cpu: Cpu) -> Vec<f32> {
    let model = model(cpu);
    let patches = (frames.len() / MEL_BANDS - PATCH_FRAMES) / PATCH_HOP_FRAMES + 1;
    let starts = (0..patches).step_by(16);
    let batch = |first: usize| {
        let last = (first + 16).min(patches) - 1;
        let end = last * PATCH_HOP_FRAMES + PATCH_FRAMES;
        model.logits_from_frames(&frames[first * PATCH_HOP_FRAMES * MEL_BANDS..end * MEL_BANDS])
    };
    starts.flat_map(batch).map(sigmoid).collect()
}

fn max_error(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn check(case: &str, path: &str, samples: usize, top: &str) {
    let golden = golden(case);
    let frames = log_mel(&fixtures::flac::samples(&fixtures::path(path))[..samples]);
    let mel_error = max_error(&frames, &values(&golden, "log_mel"));
    println!("{case}: log-mel within {mel_error:e}");
    for cpu in Cpu::available() {
        let scores = scores(&frames, cpu);
        let error = max_error(&scores, &values(&golden, "scores"));
        println!("{case}: scores within {error:e} on {}", cpu.name());
        assert_eq!(highest_scoring(&scores), top, "{case}");
        assert!(error <= MAX_SCORE_ERROR, "{case}: scores differ by {error:e} on {}", cpu.name());
    }
    assert!(mel_error <= MAX_MEL_ERROR, "{case}: log-mel differs by {mel_error:e}");
}

/// The class with the highest mean score.
fn highest_scoring(scores: &[f32]) -> &'static str {
    let sum = |class: usize| scores.iter().skip(class).step_by(NUM_CLASSES).sum::<f32>();
    let best = (0..NUM_CLASSES).max_by(|&a, &b| sum(a).total_cmp(&sum(b))).unwrap();
    classes::NAMES[best]
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

/// Ten minutes, built as fixtures/golden/README.md says.
fn stream() -> Vec<f32> {
    let clips = ["crow_cc0", "guitar_harmonics", "laugh_female_269478", "laugh_female_evil_219778"]
        .into_iter()
        .chain(["laugh_female_evil_275652", "music_loop_safari", "noise_vinyl_hiss", "speech_it", "speech_ru"])
        .map(|clip| fixtures::flac::samples(&fixtures::path(&format!("fixtures/clips/{clip}.flac"))));
    let integers = |clip: Vec<f32>| clip.iter().map(|sample| (sample * 32768.0) as i16).collect();
    let clips: Vec<Vec<i16>> = clips.map(integers).collect();
    let mut stream = vec![0.0; 9_600_000];
    let (mut position, mut turn) = (0, 0);
    while position < stream.len() {
        let (clip, gain) = (&clips[turn % 9], [256, 128, 64, 181, 32][turn % 5]);
        for (to, &sample) in stream[position..].iter_mut().zip(clip) {
            *to = ((i32::from(sample) * gain) >> 8) as f32 / 32768.0;
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
    let every_100th: Vec<f32> = frames.chunks(MEL_BANDS).step_by(100).flatten().copied().collect();
    let mel_error = max_error(&every_100th, &values(&golden, "log_mel_every_100th"));
    let scores = scores(&frames, Cpu::detect());
    let every_10th: Vec<f32> = scores.chunks(NUM_CLASSES).step_by(10).flatten().copied().collect();
    let laughter: Vec<f32> = scores.chunks(NUM_CLASSES).flat_map(|row| &row[classes::LAUGHTER]).copied().collect();
    let error = max_error(&every_10th, &values(&golden, "scores_every_10th"));
    let laughter_error = max_error(&laughter, &values(&golden, "laughter_scores"));
    println!("stream: log-mel within {mel_error:e}, scores {error:e}, laughter {laughter_error:e}");
    assert!(mel_error <= MAX_MEL_ERROR && error <= MAX_SCORE_ERROR && laughter_error <= MAX_SCORE_ERROR);
}
