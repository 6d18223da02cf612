//! A clock that compares each piece of work with the peak of the machine.
//!
//! Time is CPU time of the process, not wall time: a machine that others use at the same time gives nearly the same
//! figures as a quiet one.

pub mod peak;

use rustix::time::{ClockId, clock_gettime};
use yamnet::Cpu;

/// Multiply-adds of a patch in the network, those with zeros among them.
pub const MULTIPLY_ADDS: f64 = 69_165_056.0;
/// Floating-point operations of a patch: a multiply-add is two.
const OPERATIONS: f64 = 2.0 * MULTIPLY_ADDS;
/// How often each piece of work runs. Work and peak alternate, so that both see the same machine.
const TURNS: usize = 21;

/// Of one core: seconds of the work in each turn, and operations a second at the peak beside it.
pub struct Measured {
    seconds: Vec<f64>,
    peaks: Vec<f64>,
}

/// Runs the work beside the peak loop of a path.
pub fn measure(cpu: Cpu, mut work: impl FnMut()) -> Measured {
    work();
    let mut measured = Measured { seconds: Vec::new(), peaks: Vec::new() };
    for _ in 0..TURNS {
        let (seconds, ()) = timed(&mut work);
        let (peak_seconds, operations) = timed(|| peak::run(cpu));
        measured.seconds.push(seconds);
        measured.peaks.extend(operations.map(|operations| operations / peak_seconds));
    }
    measured
}

fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = core_seconds();
    let result = work();
    (core_seconds() - start, result)
}

/// CPU time of all threads of this process so far.
fn core_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

impl Measured {
    /// Work of a core in a second, if one run did `amount`: the median.
    pub fn rate(&self, amount: f64) -> f64 {
        amount / median(self.seconds.iter().copied())
    }

    /// Operations a second of a core at its peak: the median.
    pub fn peak(&self) -> Option<f64> {
        (!self.peaks.is_empty()).then(|| median(self.peaks.iter().copied()))
    }

    /// Share of the peak, if one run put `patches` through the network: the least time against the highest peak. Each
    /// is the nearest to an undisturbed core.
    pub fn share(&self, patches: f64) -> Option<f64> {
        let least = self.seconds.iter().copied().fold(f64::INFINITY, f64::min);
        let peak = self.peaks.iter().copied().max_by(f64::total_cmp)?;
        Some(patches * OPERATIONS / least / peak)
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// About 40 seconds of real sounds at 16 kHz: clips of the repository, one after the other.
pub fn fixture() -> Vec<f32> {
    let clips = ["laugh_female_269478", "speech_it", "music_loop_safari", "noise_vinyl_hiss", "speech_ru"];
    let path = |clip: &str| fixtures::path(&format!("fixtures/clips/{clip}.flac"));
    let sounds: Vec<f32> = clips.iter().flat_map(|clip| fixtures::flac::samples(&path(clip))).collect();
    sounds.iter().copied().cycle().take(40 * 16_000).collect()
}
