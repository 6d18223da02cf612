//! Decoding, loudness normalization, the change of speed and the whole, in patches a second. Front end and network:
//! `cargo bench -p yamnet --bench kernels`.
//!
//! `cargo bench --bench stages`, or one stage: `cargo bench --bench stages -- decode`. All figures are of one core and
//! its own time, so that other work on the machine changes them little.
//!
//! `stages FILE…` decodes each file once and prints the number of its samples at 16 kHz, for `benches/compare/codecs.py`.

use std::path::{Path, PathBuf};

use giggles::audio::Waveform;
use giggles::audio::normalize::Normalizer;
use giggles::audio::speed::SpeedChange;
use giggles::domain::DetectionParameters;
use giggles::model::ModelFile;
use giggles::pipeline::Analyzer;
use giggles::pool::Pool;
use giggles::stop::Stop;
use rustix::time::{ClockId, clock_gettime};
use yamnet::params::{PATCH_HOP, SAMPLE_RATE};
use yamnet::{Cpu, patch_count};

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

const STAGES: [Stage; 4] = [("decode", decode), ("level", level), ("speed", speed), ("whole", whole)];

/// How often each piece of work runs.
const TURNS: usize = 21;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let (files, wanted): (Vec<String>, Vec<String>) = wanted.into_iter().partition(|word| Path::new(word).is_file());
    if !files.is_empty() {
        return files.iter().for_each(|file| println!("{}", samples_in(Path::new(file))));
    }
    println!("| stage | patches/s of a core | times real time |");
    println!("|---|---|---|");
    for (name, stage) in STAGES {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            stage();
        }
    }
}

/// A row of the table. `patches` is what one run of the work was good for.
fn row(name: &str, patches: f64, work: impl FnMut()) {
    let rate = patches / core_seconds(work);
    println!("| {name} | {rate:.0} | {:.0} |", rate * PATCH_HOP.as_secs_f64());
}

/// CPU time of the work on all threads of this process: the median.
fn core_seconds(mut work: impl FnMut()) -> f64 {
    let now = || {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
    };
    work();
    let mut turn = || {
        let start = now();
        work();
        now() - start
    };
    let mut seconds: Vec<f64> = (0..TURNS).map(|_| turn()).collect();
    seconds.sort_by(f64::total_cmp);
    seconds[TURNS / 2]
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn samples(path: &Path) -> Vec<f32> {
    let (mut waveform, mut samples) = (Waveform::open(path).unwrap(), Vec::new());
    while waveform.next(&mut samples).unwrap() {}
    samples
}

/// Decodes a file, and keeps nothing.
fn samples_in(path: &Path) -> usize {
    let (mut waveform, mut samples, mut count) = (Waveform::open(path).unwrap(), Vec::new(), 0);
    while waveform.next(&mut samples).unwrap() {
        count += samples.len();
        samples.clear();
    }
    count
}

/// The time of samples, in patch hops.
fn patches(samples: usize) -> f64 {
    samples as f64 / f64::from(SAMPLE_RATE) / PATCH_HOP.as_secs_f64()
}

fn decode() {
    for (name, path) in FILES {
        let path = file(path);
        row(&format!("decode, {name}"), patches(samples(&path).len()), || drop(samples(&path)));
    }
}

fn level() {
    let (samples, mut out) = (samples(&file(EVENING)), Vec::new());
    row("level", patches(samples.len()), || {
        let mut normalizer = Normalizer::new(&DetectionParameters::default());
        out.clear();
        normalizer.push(&samples, &mut out);
        normalizer.finish(&mut out);
    });
}

fn speed() {
    let samples = samples(&file(EVENING));
    for (numerator, denominator) in [(17, 20), (23, 20)] {
        let change = SpeedChange::new(numerator, denominator);
        let output = 0..change.output_length(samples.len() as u64);
        let name = format!("speed {}", f64::from(numerator) / f64::from(denominator));
        row(&name, patches(output.end as usize), || change.change(&samples, 0, output.clone(), &mut Vec::new()));
    }
}

/// The evening from file to laughs: once on one thread, twice at once on two.
fn whole() {
    let (parameters, stop) = (DetectionParameters::default(), Stop::default());
    let model = ModelFile::embedded().load(Cpu::detect()).unwrap().yamnet;
    let analyzer = Analyzer {
        scorer: &model,
        parameters: &parameters,
        personal: None,
        ffmpeg: None,
        stop: &stop,
        advanced: &|_| (),
    };
    let path = file(EVENING);
    let patches = patch_count(samples(&path).len() as u64) as usize;
    for threads in [1, 2] {
        let (pool, paths) = (Pool::new(threads).unwrap(), vec![path.clone(); threads]);
        let analyze = |path: &PathBuf| analyzer.analyze(path, None).unwrap().detections.len();
        let work = || drop(pool.map(&paths, |_| 0, analyze, |_, panic| panic!("{panic}")));
        row(&format!("whole, ogg opus, threads: {threads}"), (patches * threads) as f64, work);
    }
}
