//! SIGINT, SIGTERM and SIGHUP: the run is asked to end, and ended if it is too busy to hear.
//!
//! What waits for a database, a disk or a server that hangs does not look up. Since a run may be killed at any
//! moment without harm, nobody has to wait for it longer than two seconds.

use std::process;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use giggles::record::Stop;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals as Arriving;

/// How long the run may take to end by itself.
const GRACE: Duration = Duration::from_secs(1);

/// Gets the signal, tells whoever must be told, and gives the exit code.
type LastWords = Box<dyn FnOnce(usize) -> u8 + Send>;

/// What arrives, and what happens then.
#[derive(Clone, Default)]
pub struct Signals {
    pub stop: Stop,
    last_words: Arc<Mutex<Option<LastWords>>>,
}

impl Signals {
    /// Listens from now on. Where that cannot be, a signal ends the program at once, as it always did.
    pub fn listen() -> Signals {
        let signals = Signals::default();
        let listener = signals.clone();
        let started = Arriving::new([SIGHUP, SIGINT, SIGTERM].into_iter().filter(|signal| !is_ignored(*signal)))
            .and_then(|arriving| thread::Builder::new().name("signals".into()).spawn(|| listener.forever(arriving)));
        if let Err(error) = started {
            log::warn!("signals will end giggles at once: {error}");
        }
        signals
    }

    /// Said when a run has to be ended.
    pub fn set_last_words(&self, words: impl FnOnce(usize) -> u8 + Send + 'static) {
        *self.last_words.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(words));
    }

    fn forever(self, mut arriving: Arriving) {
        for signal in arriving.forever() {
            let signal = signal.unsigned_abs() as usize;
            let is_first = self.stop.0.swap(signal, Ordering::Relaxed) == 0;
            let grace = if is_first { GRACE } else { Duration::ZERO };
            let signals = self.clone();
            // Who asks twice does not want to wait.
            if thread::Builder::new().spawn(move || signals.end(signal, grace)).is_err() {
                process::exit(code(signal));
            }
        }
    }

    fn end(self, signal: usize, grace: Duration) {
        thread::sleep(grace);
        // Held until the program has ended: whoever comes second waits here, and cuts no word short.
        let mut words = self.last_words.lock().unwrap_or_else(PoisonError::into_inner);
        process::exit(words.take().map_or(code(signal), |words| words(signal).into()));
    }
}

/// `nohup` ignores SIGHUP, and a shell its background jobs' SIGINT: whoever asked for that is not to be undone.
///
/// Source: proc_pid_status(5), SigIgn.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask >> (signal - 1) & 1 == 1
}

/// As shells count it.
fn code(signal: usize) -> i32 {
    128 + i32::try_from(signal).unwrap_or(SIGTERM)
}
