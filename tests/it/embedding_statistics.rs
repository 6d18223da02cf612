//! models/embedding_statistics.bin: mean and deviation of the embeddings of candidates in the fixtures and in the sample
//! days, which are mixed from the fixtures.
//!
//! `GIGGLES_WRITE_STATISTICS=1 cargo test --test it embedding_statistics::` writes the file.

use std::path::{Path, PathBuf};

use giggles::domain::{DetectionParameters, Embedding};
use giggles::model::ModelFile;
use giggles::personal::EmbeddingStatistics;
use giggles::pipeline::Analyzer;
use giggles::pool::Pool;
use giggles::stop::Stop;
use yamnet::Cpu;

use crate::support::awake::Awake;
use crate::support::day::{Day, SAMPLE_DAYS};
use crate::support::wav;

/// Sample days, seconds of digital silence after each scene: what is kept of an hour is bounded.
const SEEDS: std::ops::Range<u64> = 1..11;
const SILENCE: usize = 180;
/// The path of a CPU may differ in the last bits of scores, and a candidate end a patch earlier.
const TOLERANCE: f32 = 0.02;

fn fixtures() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let files = ["clips", "evening"].map(|name| std::fs::read_dir(folder.join(name)).unwrap());
    let paths = files.into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut audio: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end != "csv")).collect();
    audio.sort();
    audio
}

fn embeddings(scorer: &Awake, path: &Path) -> Vec<Embedding> {
    let (stop, parameters) = (Stop::default(), DetectionParameters::default());
    let analyzer =
        Analyzer { scorer, parameters: &parameters, personal: None, ffmpeg: None, stop: &stop, advanced: &|_| () };
    let candidates = analyzer.analyze(path, None).unwrap().candidates;
    candidates.into_iter().filter_map(|candidate| candidate.embedding).collect()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}

#[test]
fn the_statistics_are_those_of_the_fixtures() {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = fixtures();
    for seed in SEEDS {
        let path = folder.path().join(format!("day_{seed}.wav"));
        let day = Day::mix(seed, &SAMPLE_DAYS, SILENCE);
        wav::write(&path, [&day.samples[..]].into_iter());
        paths.push(path);
    }
    let (model, pool) = (ModelFile::embedded().load(Cpu::detect()).unwrap().yamnet, Pool::new(0).unwrap());
    let scorer = Awake::new(&model);
    let found = pool.map(&paths, |_| 0, |path| embeddings(&scorer, path), |path, panic| panic!("{path:?}: {panic}"));
    let all: Vec<Embedding> = found.into_iter().flatten().collect();
    let made = EmbeddingStatistics::new(&all).to_bytes();
    println!("{} candidates with an embedding in {} recordings", all.len(), paths.len());
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models/embedding_statistics.bin");
    if std::env::var_os("GIGGLES_WRITE_STATISTICS").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let there = std::fs::read(&file).unwrap();
    assert_eq!(there.len(), made.len());
    let differences = floats(&there).into_iter().zip(floats(&made)).map(|(a, b)| (a - b).abs());
    let largest = differences.fold(0.0, f32::max);
    assert!(largest < TOLERANCE, "they differ by {largest}; write the file again");
    assert!(all.len() > 100, "{} candidates", all.len());
}
