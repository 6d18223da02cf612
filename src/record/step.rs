//! What a run tells while it works, and how it is told to stop.
//!
//! Invariant: the core only reports; somebody else draws.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What the work tells whoever draws it. The core only reports; `progress` draws.
#[derive(Debug, Clone)]
pub enum Step {
    /// Files are being looked at and hashed.
    Identifying {
        files: usize,
    },
    Identified,
    /// Recordings are being heard; `audio` is the sum of what their containers announce.
    Hearing {
        recordings: usize,
        audio: Duration,
    },
    /// This much more audio has been heard, anywhere in the pool.
    Advanced {
        audio: Duration,
    },
    /// A recording's outcome is known.
    Finished {
        name: String,
        failed: bool,
    },
    Saving,
    Done,
}

/// A signal that asks the run to end. Cheap to clone and to ask, from any thread.
#[derive(Debug, Clone, Default)]
pub struct Stop(pub Arc<AtomicUsize>);

impl Stop {
    /// The number of the signal that came, if one came.
    pub fn signal(&self) -> Option<usize> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            signal => Some(signal),
        }
    }
}
