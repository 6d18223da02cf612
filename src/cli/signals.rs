//! SIGINT, SIGTERM and SIGHUP: asks the run to end, and exits the program if it does not end in time.
//!
//! A run that waits for a database, a disk or a server does not check for signals. A run may be killed at any moment
//! without harm, so the program exits after two seconds at the latest; `giggles serve` sets a longer time.

use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use giggles::stop::Stop;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Time for the run to end by itself.
const GRACE: Duration = Duration::from_secs(1);

/// Takes the signal, reports the end of the run, and returns the exit code.
type ShutdownHook = Box<dyn FnOnce(usize) -> u8 + Send>;

/// Receives signals, and ends the program.
#[derive(Clone, Default)]
pub struct SignalHandler {
    pub stop: Stop,
    /// Milliseconds, if another time than `GRACE`.
    grace: Arc<AtomicU64>,
    shutdown_hook: Arc<Mutex<Option<ShutdownHook>>>,
}

impl SignalHandler {
    /// Handles signals from now on. If that fails, a signal ends the program at once, the default of the system.
    pub fn install() -> SignalHandler {
        let handler = SignalHandler::default();
        let listener = handler.clone();
        let started = Signals::new([SIGHUP, SIGINT, SIGTERM].into_iter().filter(|signal| !is_ignored(*signal)))
            .and_then(|arriving| thread::Builder::new().name("signals".into()).spawn(|| listener.forever(arriving)));
        if let Err(error) = started {
            log::warn!("cannot install signal handlers: {error}; a signal will end giggles at once");
        }
        handler
    }

    /// Sets the function that reports the end of a run that a signal ends.
    pub fn set_shutdown_hook(&self, hook: impl FnOnce(usize) -> u8 + Send + 'static) {
        *self.shutdown_hook.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(hook));
    }

    /// Sets the time for the command to end by itself after a signal.
    pub fn set_grace(&self, grace: Duration) {
        self.grace.store(grace.as_millis().try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn grace(&self) -> Duration {
        match self.grace.load(Ordering::Relaxed) {
            0 => GRACE,
            milliseconds => Duration::from_millis(milliseconds),
        }
    }

    fn forever(self, mut arriving: Signals) {
        for signal in arriving.forever() {
            let signal = signal.unsigned_abs() as usize;
            let is_first = self.stop.0.swap(signal, Ordering::Relaxed) == 0;
            let grace = if is_first { self.grace() } else { Duration::ZERO };
            let handler = self.clone();
            // A second signal ends the program without waiting.
            if thread::Builder::new().spawn(move || handler.end(signal, grace)).is_err() {
                process::exit(code(signal));
            }
        }
    }

    fn end(self, signal: usize, grace: Duration) {
        thread::sleep(grace);
        // Held until the program exits: a second signal waits here and does not interrupt the report.
        let mut hook = self.shutdown_hook.lock().unwrap_or_else(PoisonError::into_inner);
        process::exit(hook.take().map_or(code(signal), |hook| hook(signal).into()));
    }
}

/// Signals that the parent ignores stay ignored: SIGHUP under `nohup`, SIGINT in a shell's background jobs.
///
/// Source: proc_pid_status(5), SigIgn.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask >> (signal - 1) & 1 == 1
}

/// The exit code that shells report for a signal.
fn code(signal: usize) -> i32 {
    128 + i32::try_from(signal).unwrap_or(SIGTERM)
}
