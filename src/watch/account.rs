//! How a run went, as it is told to others.

use std::time::Duration;

use jiff::Timestamp;

use crate::exit::{Exit, Fatal};
use crate::record::{Counts, Stage, Unresolved};

/// What of a run is known only when it has ended.
#[derive(Debug, Clone, Default)]
pub struct Ending {
    /// As the database holds them; zeros if nothing was stored.
    pub counts: Counts,
    /// Damaged recordings of the window, also of earlier runs.
    pub unresolved: Unresolved,
    /// That was heard and stored.
    pub audio: Duration,
    /// One line for the people of the house.
    pub summary: String,
    /// The same for strangers: no path, user or address.
    pub outline: String,
    /// The recordings that could not be heard: name and reason.
    pub failures: Vec<(String, String)>,
    /// Another run was at work: this one did nothing, and that is no news of the night.
    pub locked: bool,
}

impl Ending {
    /// Of a run that stored nothing.
    pub fn fatal(fatal: &Fatal) -> Ending {
        let locked = matches!(fatal, Fatal::Locked(_));
        let failures = if let Fatal::Refused(failures) = fatal { failures.clone() } else { Vec::new() };
        Ending { summary: fatal.to_string(), outline: fatal.outline(), failures, locked, ..Ending::default() }
    }
}

/// All that is told of a run.
#[derive(Debug, Clone)]
pub struct Account {
    pub run: String,
    pub source: String,
    /// `k/n`; None where the run has all recordings of the source.
    pub shard: Option<String>,
    pub exit: Exit,
    pub ended: Timestamp,
    pub took: Duration,
    pub stages: [(Stage, Duration); Stage::ALL.len()],
    /// Bytes; None where the system does not say.
    pub peak_rss: Option<u64>,
    /// SHA-256 of the model, hexadecimal; empty if the run ended before it was read.
    pub model_sha256: String,
    pub ending: Ending,
}

impl Account {
    pub fn is_success(&self) -> bool {
        self.exit == Exit::Complete
    }
}

/// The most memory this process had at once, in bytes.
///
/// Source: proc_pid_status(5), VmHWM.
pub fn peak_rss() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_has_some_memory() {
        let peak = peak_rss().unwrap();
        assert!((1 << 20..1 << 40).contains(&peak), "{peak}");
    }
}
