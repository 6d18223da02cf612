//! Files as recorders leave them and disks spoil them, in the containers that giggles reads itself: what is analyzed of
//! each, and what is missing.
//!
//! All are made here, from the fixtures of `formats/`.

mod aac;
mod caf;
mod flac;
mod isomp4;
mod matroska;
mod mpeg;
mod wav;

use std::path::Path;
use std::time::Duration;

use giggles::audio::Waveform;
use giggles::audio::decode::Info;
use giggles::domain::{MissingRange, RecordingError};

/// What was analyzed of a file.
#[derive(Debug)]
struct Decoded {
    /// 16 kHz mono.
    samples: Vec<f32>,
    missing: Vec<MissingRange>,
    is_partial: bool,
    info: Info,
}

impl Decoded {
    /// Whole, to within so many samples.
    fn is_whole(&self, samples: usize, tolerance: usize) -> &Decoded {
        assert!(!self.is_partial, "{:?}", self.missing);
        assert!(self.samples.len().abs_diff(samples) <= tolerance, "{} samples, not {samples}", self.samples.len());
        self
    }

    /// Partial, with one range from about here to about there, seconds.
    fn is_partial_in(&self, start: f64, end: f64) -> &Decoded {
        assert!(self.is_partial, "{:?}", self.missing);
        let [range] = &self.missing[..] else { panic!("{:?}", self.missing) };
        let found = range.end.map(|end| end.as_secs_f64()).unwrap_or(f64::INFINITY);
        let near = |a: f64, b: f64| a == b || (a - b).abs() < 0.06;
        assert!(near(range.start.as_secs_f64(), start) && near(found, end), "{range:?}");
        self
    }

    /// How much of the sound is as in `other`, both from `from` to `to` seconds: 1 if all of it.
    fn likeness(&self, other: &[f32], from: f64, to: f64) -> f64 {
        let part = |samples: &[f32]| samples[(from * 16e3) as usize..(to * 16e3) as usize].to_vec();
        let (a, b) = (part(&self.samples), part(other));
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
        dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt().max(1e-12)
    }
}

/// What ffmpeg makes of the four seconds of sound in `formats/rate_48000.flac` and other input; the file is `name`.
fn made(input: &[&str], output: &[&str], name: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (source, path) = (crate::support::audio::file("tests/formats/rate_48000.flac"), folder.path().join(name));
    let mut ffmpeg = std::process::Command::new("ffmpeg");
    ffmpeg.args(["-hide_banner", "-loglevel", "error", "-y"]).args(input).arg("-i").arg(source);
    let status = ffmpeg.args(output).arg(&path).status().expect("ffmpeg (scripts/test.sh installs it)");
    assert!(status.success(), "{input:?} {output:?}");
    std::fs::read(path).unwrap()
}

/// Black video of six seconds.
const VIDEO: [&str; 4] = ["-f", "lavfi", "-i", "color=black:size=16x16:rate=10:duration=6"];

/// Seconds at which the source's second to fourth second lie, near `around`, less one.
fn place(found: &Decoded, around: f64) -> f64 {
    let source = crate::support::audio::samples(&crate::support::audio::file("tests/formats/rate_16000.flac"));
    let around = (around * 16e3) as usize;
    let power = |at: usize| {
        let (a, b) = (&source[16_000..48_000], &found.samples[at + 16_000..at + 48_000]);
        a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>()
    };
    let places = around.saturating_sub(1000)..=(around + 1000).min(found.samples.len() - 48_000);
    let best = places.max_by(|a, b| power(*a).total_cmp(&power(*b))).unwrap();
    best as f64 / 16e3
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats").join(name)).unwrap()
}

fn decode(bytes: &[u8]) -> Result<Decoded, RecordingError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let (mut waveform, mut samples) = (Waveform::open(file.path())?, Vec::new());
    while waveform.next(&mut samples)? {}
    let missing = waveform.missing();
    let is_partial = missing.is_partial(Duration::from_secs_f64(samples.len() as f64 / 16e3));
    Ok(Decoded { samples, missing: missing.into_ranges(), is_partial, info: waveform.info().clone() })
}

fn decoded(bytes: &[u8]) -> Decoded {
    decode(bytes).unwrap_or_else(|error| panic!("{error}"))
}

/// What an error says of a file that is not decoded.
fn refusal(bytes: &[u8]) -> String {
    decode(bytes).unwrap_err().to_string()
}

fn find(bytes: &[u8], mark: &[u8]) -> usize {
    bytes.windows(mark.len()).position(|window| window == mark).unwrap_or_else(|| panic!("no {mark:?}"))
}
