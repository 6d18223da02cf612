//! What the benches share: a clock that compares each piece of work with the machine's peak.
//!
//! Time is the process's own on the CPU, not the wall's: a machine that others use at the same time
//! gives nearly the same figures as a quiet one.

pub mod peak;

use giggles::yamnet::kernels::Cpu;
use rustix::time::{ClockId, clock_gettime};

/// Of a patch in the network, those with zeros among them.
pub const MULTIPLY_ADDS: f64 = 69_165_056.0;
/// f32 operations of a patch: a multiply-add is two.
const OPERATIONS: f64 = 2.0 * MULTIPLY_ADDS;
/// Times that each piece of work runs. Work and peak take turns, so that both see the same machine.
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

/// Seconds that all threads of this process have had a core so far.
fn core_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

impl Measured {
    /// So much work a core does in a second, if one run did `amount`: the median.
    pub fn rate(&self, amount: f64) -> f64 {
        amount / median(self.seconds.iter().copied())
    }

    /// Operations a second of a core at its peak: the median.
    pub fn peak(&self) -> Option<f64> {
        (!self.peaks.is_empty()).then(|| median(self.peaks.iter().copied()))
    }

    /// Share of the peak, if one run put `patches` through the network: the least time against the highest peak, each
    /// nearest to a core that nobody disturbs. What disturbs one does not disturb the other as much.
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
