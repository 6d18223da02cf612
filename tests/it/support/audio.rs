//! Audio for tests: the fixtures, decoded by the room under test.

use std::path::{Path, PathBuf};

use giggles::audio::Waveform;

/// A file of the repository.
pub fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// A whole recording at 16 kHz mono.
pub fn samples(path: &Path) -> Vec<f32> {
    let mut waveform = Waveform::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut samples = Vec::new();
    while waveform.next(&mut samples).unwrap_or_else(|error| panic!("{}: {error}", path.display())) {}
    samples
}

/// The same as the 16-bit integers that a 16 kHz, 16-bit file holds.
pub fn integers(path: &Path) -> Vec<i16> {
    samples(path).iter().map(|sample| (sample * 32768.0) as i16).collect()
}
