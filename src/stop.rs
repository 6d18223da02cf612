//! The flag by which a signal ends a run.
//!
//! Invariant: only `cli` sets it. The library reads it between steps and handles no signals itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Set by a signal handler to end the run. Cheap to clone and to read, from any thread.
#[derive(Debug, Clone, Default)]
pub struct Stop(pub Arc<AtomicUsize>);

impl Stop {
    /// The number of the received signal, if any.
    pub fn signal(&self) -> Option<usize> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            signal => Some(signal),
        }
    }
}
