//! Work whose instructions scripts/instructions.sh counts: `instructions WORK PATH`.
//!
//! WORK is `network` (a few patches: hundreds would take minutes under an instrument) or `mel`; PATH is the name of a
//! CPU path, or `native` for the fastest that the machine, or the instrument, has.

use yamnet::{Cpu, Model, samples_in_patches};

/// In the binary, as a program has it that needs no file: a file in memory changes what the allocator does later.
static MODEL: &[u8] = yamnet_weights::SAFETENSORS;
/// The first is computed whole, the others share rows with the one before.
const PATCHES: usize = 6;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let [work, path] = &words[..] else {
        return println!("instructions WORK PATH: see scripts/instructions.sh");
    };
    let cpu = if path == "native" { Some(Cpu::detect()) } else { Cpu::from_name(path) };
    let model = Model::from_safetensors(MODEL, cpu.expect("this machine does not have the path")).unwrap();
    let samples: Vec<f32> =
        (0..samples_in_patches(PATCHES)).map(|i| ((i * 7919) % 2001) as f32 / 1000.0 - 1.0).collect();
    let frames = model.log_mel(&samples);
    let values = match work.as_str() {
        "network" => counted(|| model.logits_from_frames(&frames)),
        "mel" => counted(|| model.log_mel(&samples)),
        other => panic!("{other}: no such work"),
    };
    println!("{work} {}: {} values", model.cpu().name(), values.len());
}

/// Only what runs in here is counted; the script knows it by its name.
#[inline(never)]
fn counted(work: impl Fn() -> Vec<f32>) -> Vec<f32> {
    std::hint::black_box(work())
}
