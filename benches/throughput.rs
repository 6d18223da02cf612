//! The network in patches a second of wall time, for `benches/compare`: same patches as other engines.
//!
//! `throughput FRAMES` reads log-mel frames [n, 64] (raw little-endian f32) and then commands, a line
//! each, on standard input:
//!
//! - `BATCH THREADS SECONDS`: scores half-overlapping patches, as a recording has them; answers with patches a second.
//! - `apart BATCH THREADS SECONDS`: the same as patches that have nothing to do with each other.
//! - `scores FILE`: writes the scores of all patches, [patches, 521] f32, and answers `ok`.

use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use giggles::model::ModelFile;
use giggles::pool::Pool;
use yamnet::params::{MEL_BANDS, PATCH_FRAMES, PATCH_HOP_FRAMES};
use yamnet::{Cpu, Model, frames_in_patches, sigmoid};

fn main() {
    // Cargo adds `--bench`; without a file there is nothing to do.
    let Some(path) = std::env::args().skip(1).find(|word| !word.starts_with('-')) else {
        return println!("throughput FRAMES: see benches/compare");
    };
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let frames: Vec<f32> = bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let model = ModelFile::embedded().load(Cpu::detect()).unwrap().yamnet;
    for line in std::io::stdin().lock().lines() {
        let answer = answer(&model, &frames, &line.unwrap());
        println!("{answer}");
        std::io::stdout().flush().unwrap();
    }
}

fn answer(model: &Model, frames: &[f32], command: &str) -> String {
    match command.split_once(' ') {
        Some(("scores", file)) => {
            let scores = model.logits_from_frames(frames).into_iter().map(sigmoid);
            std::fs::write(file, scores.flat_map(f32::to_le_bytes).collect::<Vec<u8>>()).unwrap();
            "ok".to_owned()
        }
        Some(("apart", how)) => rate(how, &batches(frames, how, true), |batch| model.logits_from_patches(batch)),
        _ => rate(command, &batches(frames, command, false), |batch| model.logits_from_frames(batch)),
    }
}

/// The `place`th number of a command.
fn number(command: &str, place: usize) -> f64 {
    let word = command.split_whitespace().nth(place);
    word.and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("{command}: not BATCH THREADS SECONDS"))
}

/// The frames as whole batches: half-overlapping strips, or patches one after the other.
fn batches(frames: &[f32], command: &str, apart: bool) -> Vec<Vec<f32>> {
    let batch = number(command, 0) as usize;
    let strips = (0..).map(|index| index * batch * PATCH_HOP_FRAMES * MEL_BANDS);
    let strips = strips.map_while(|start| frames.get(start..start + frames_in_patches(batch) * MEL_BANDS));
    let patches = |strip: &[f32]| {
        let starts = (0..batch).map(|patch| patch * PATCH_HOP_FRAMES * MEL_BANDS);
        starts.flat_map(|start| strip[start..start + PATCH_FRAMES * MEL_BANDS].to_vec()).collect()
    };
    strips.map(|strip| if apart { patches(strip) } else { strip.to_vec() }).collect()
}

/// Patches a second while every thread scores batch after batch.
fn rate(command: &str, batches: &[Vec<f32>], score: impl Fn(&[f32]) -> Vec<f32> + Sync) -> String {
    let (batch, threads) = (number(command, 0), number(command, 1) as usize);
    let time = Duration::from_secs_f64(number(command, 2));
    let pool = Pool::new(threads).unwrap();
    let start = Instant::now();
    let work = |thread: &usize| {
        let turns = batches.iter().cycle().skip(thread * batches.len() / threads);
        turns.take_while(|_| start.elapsed() < time).inspect(|batch| drop(score(batch))).count()
    };
    let scored: usize =
        pool.map(&(0..threads).collect::<Vec<_>>(), |_| 0, work, |_, panic| panic!("{panic}")).iter().sum();
    format!("{:.1}", scored as f64 * batch / start.elapsed().as_secs_f64())
}
