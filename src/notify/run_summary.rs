//! The summary of a run for notifications.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::{Counts, Stage, Unresolved};
use crate::error::Fatal;
use crate::exit::Exit;

/// The part of the summary that is known only at the end of the run.
#[derive(Debug, Clone, Default)]
pub struct RunOutcome {
    /// As stored in the database; zeros if nothing was stored.
    pub counts: Counts,
    /// Damaged recordings of the window, also of earlier runs.
    pub unresolved: Unresolved,
    /// Audio that was analyzed and stored.
    pub audio: Duration,
    /// One line for local logs.
    pub summary: String,
    /// The same for external services: no path, user or address.
    pub outline: String,
    /// The recordings that failed: name and reason.
    pub failures: Vec<(String, String)>,
    /// Another run holds the lock: this one did nothing and says nothing about the state of the source.
    pub locked: bool,
}

impl RunOutcome {
    /// The outcome of a run that stored nothing.
    pub fn fatal(fatal: &Fatal) -> RunOutcome {
        let locked = matches!(fatal, Fatal::Locked(_));
        let failures = if let Fatal::Refused(failures) = fatal { failures.clone() } else { Vec::new() };
        RunOutcome { summary: fatal.to_string(), outline: fatal.outline(), failures, locked, ..RunOutcome::default() }
    }
}

impl RunOutcome {
    /// The outcomes of the runs of several sources, for people; their counts stay apart.
    pub fn of_sources(outcomes: &[(&str, &RunOutcome)]) -> RunOutcome {
        let lines = |text: fn(&RunOutcome) -> &str| {
            let lines = outcomes.iter().map(|(source, outcome)| format!("{source}: {}", text(outcome)));
            lines.collect::<Vec<_>>().join("\n")
        };
        let failures = outcomes.iter().flat_map(|(source, outcome)| {
            outcome.failures.iter().map(move |(name, reason)| (name.clone(), format!("{reason} (source {source})")))
        });
        RunOutcome {
            summary: lines(|outcome| &outcome.summary),
            outline: lines(|outcome| &outcome.outline),
            failures: failures.collect(),
            locked: !outcomes.is_empty() && outcomes.iter().all(|(_, outcome)| outcome.locked),
            ..RunOutcome::default()
        }
    }
}

/// Everything that notifications contain about a run.
#[derive(Debug, Clone)]
pub struct RunSummary {
    pub run: String,
    /// The id that a scheduler or queue gave the run.
    pub external_id: Option<String>,
    pub source: String,
    /// `k/n`; None: the run has all recordings of the source.
    pub shard: Option<String>,
    pub exit: Exit,
    pub ended: Timestamp,
    pub took: Duration,
    pub stages: [(Stage, Duration); Stage::ALL.len()],
    /// Bytes; None if the system does not report it.
    pub peak_rss: Option<u64>,
    /// SHA-256 of the model, hexadecimal; empty if the run ended before it was read.
    pub model_sha256: String,
    pub outcome: RunOutcome,
}

impl RunSummary {
    pub fn is_success(&self) -> bool {
        self.exit == Exit::Complete
    }
}

/// Peak memory of this process, in bytes.
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
    fn the_peak_memory_of_this_process_is_plausible() {
        let peak = peak_rss().unwrap();
        assert!((1 << 20..1 << 40).contains(&peak), "{peak}");
    }
}
