//! Progress events of a run.
//!
//! Invariant: the core only emits events; `progress` displays them.

use std::time::Duration;

/// A progress event.
#[derive(Debug, Clone)]
pub enum Step {
    /// Connecting to the database.
    Connecting,
    /// The lock is held; directories are being walked.
    Discovering,
    /// Files are being probed and hashed.
    Identifying {
        files: usize,
    },
    Identified,
    /// Recordings are being analyzed; `audio` is the sum of their announced durations.
    Analyzing {
        recordings: usize,
        audio: Duration,
    },
    /// A thread of the pool has analyzed this much more audio.
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

/// The stages of a run, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Connect,
    Discover,
    Identify,
    Analyze,
    Store,
}

impl Stage {
    pub const ALL: [Stage; 5] = [Stage::Connect, Stage::Discover, Stage::Identify, Stage::Analyze, Stage::Store];

    /// The name in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Connect => "connect",
            Stage::Discover => "discover",
            Stage::Identify => "identify",
            Stage::Analyze => "analyze",
            Stage::Store => "store",
        }
    }
}

impl Step {
    /// The stage that starts with this step, if any.
    pub fn stage(&self) -> Option<Stage> {
        match self {
            Step::Connecting => Some(Stage::Connect),
            Step::Discovering => Some(Stage::Discover),
            Step::Identifying { .. } => Some(Stage::Identify),
            Step::Analyzing { .. } => Some(Stage::Analyze),
            Step::Saving => Some(Stage::Store),
            Step::Identified | Step::Advanced { .. } | Step::Finished { .. } | Step::Done => None,
        }
    }
}
