//! Work whose instructions scripts/instructions.sh counts: `instructions WORK PATH`.
//!
//! WORK is `network` (patches by the hundred would take minutes under an instrument: a few do) or `mel`;
//! PATH is `portable`, or `native` for the fastest that the machine, or the instrument, has.

use giggles::yamnet::kernels::Cpu;
use giggles::yamnet::weights::ModelFile;
use giggles::yamnet::{Model, samples_of};

/// The first is computed whole, the others share rows with the one before.
const PATCHES: usize = 6;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let [work, path] = &words[..] else {
        return println!("instructions WORK PATH: see scripts/instructions.sh");
    };
    let cpu = if path == "native" { Some(Cpu::detect()) } else { Cpu::named(path) };
    let model = Model::new(&ModelFile::embedded(), cpu.expect("no such path")).unwrap();
    let samples: Vec<f32> = (0..samples_of(PATCHES)).map(|i| ((i * 7919) % 2001) as f32 / 1000.0 - 1.0).collect();
    let frames = model.log_mel(&samples);
    let values = match work.as_str() {
        "network" => counted(|| model.logits_of_frames(&frames)),
        "mel" => counted(|| model.log_mel(&samples)),
        other => panic!("{other}: no such work"),
    };
    println!("{work} {}: {} values", model.cpu.name(), values.len());
}

/// Only what runs in here is counted; the script knows it by its name.
#[inline(never)]
fn counted(work: impl Fn() -> Vec<f32>) -> Vec<f32> {
    std::hint::black_box(work())
}
