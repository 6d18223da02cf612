//! What a run tells while it works, and how it is told to stop.
//!
//! Invariant: the core only reports; somebody else draws.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What the work tells whoever draws it. The core only reports; `progress` draws.
#[derive(Debug, Clone)]
pub enum Step {
    /// The database is being reached.
    Connecting,
    /// The lock is held; folders are being walked.
    Finding,
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

/// The parts of a run that take time, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Connect,
    Find,
    Identify,
    Hear,
    Store,
}

impl Stage {
    pub const ALL: [Stage; 5] = [Stage::Connect, Stage::Find, Stage::Identify, Stage::Hear, Stage::Store];

    /// The word in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Connect => "connect",
            Stage::Find => "find",
            Stage::Identify => "identify",
            Stage::Hear => "hear",
            Stage::Store => "store",
        }
    }
}

impl Step {
    /// The stage that begins with this step, if one does.
    pub fn stage(&self) -> Option<Stage> {
        match self {
            Step::Connecting => Some(Stage::Connect),
            Step::Finding => Some(Stage::Find),
            Step::Identifying { .. } => Some(Stage::Identify),
            Step::Hearing { .. } => Some(Stage::Hear),
            Step::Saving => Some(Stage::Store),
            Step::Identified | Step::Advanced { .. } | Step::Finished { .. } | Step::Done => None,
        }
    }
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
