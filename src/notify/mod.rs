//! Notifications about a run: pings to a service, metrics for Prometheus, a summary event for logs.
//!
//! A [`RunMonitor`] receives the steps of a run and ends once: when the run itself ends, or on a signal that the run is
//! too busy to handle.
//!
//! Invariant: nothing here changes how a run ends. A failed notification is logged as an error, also with `--quiet`,
//! because it would go unnoticed otherwise.

mod body;
pub mod event;
pub mod metrics;
pub mod ping;
pub mod run_summary;
mod stopwatch;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use jiff::Timestamp;

use self::ping::{Pinger, Target};
use self::run_summary::{RunOutcome, RunSummary, peak_rss};
use self::stopwatch::Stopwatch;
use crate::domain::{Stage, Step};
use crate::exit::Exit;
use crate::stop::Stop;

/// The configured notifiers.
#[derive(Debug, Clone, Default)]
pub struct Notifiers {
    pub ping: Option<Target>,
    /// Path of the metrics file.
    pub metrics: Option<PathBuf>,
}

/// What distinguishes runs which may run at the same time.
#[derive(Debug, Clone, Default)]
pub struct RunLabels {
    pub source: String,
    /// `k/n`; None: the run has all recordings of the source.
    pub shard: Option<String>,
    /// The id that a scheduler or queue gave the run. It is not a label of metrics: each run would add a time series.
    pub external_id: Option<String>,
}

/// Monitors one run from its first step to its end.
pub struct RunMonitor {
    run: String,
    labels: RunLabels,
    metrics: Option<PathBuf>,
    pinger: Mutex<Option<Pinger>>,
    stopwatch: Mutex<Stopwatch>,
    model: OnceLock<String>,
    ended: OnceLock<Exit>,
}

impl RunMonitor {
    /// `run` is the run's id, which every ping carries.
    pub fn new(run: &str, labels: RunLabels, notifiers: Notifiers, stop: &Stop) -> RunMonitor {
        let pinger = notifiers.ping.map(|target| Pinger::new(target, run, stop.clone()));
        RunMonitor {
            run: run.to_owned(),
            labels,
            metrics: notifiers.metrics,
            pinger: Mutex::new(pinger),
            stopwatch: Mutex::new(Stopwatch::start()),
            model: OnceLock::new(),
            ended: OnceLock::new(),
        }
    }

    /// SHA-256 of the model, once it is known.
    pub fn uses_model(&self, sha256: &str) {
        self.model.get_or_init(|| sha256.to_owned());
    }

    /// The run enters the next step. The start is pinged once the lock is held: a run that does not get the lock has
    /// not started, and services interpret a second start as the end of the first run.
    pub fn step(&self, step: &Step) {
        locked(&self.stopwatch).step(step);
        if let (Step::Discovering, Some(pinger)) = (step, locked(&self.pinger).as_mut()) {
            pinger.start();
        }
    }

    /// The run's id.
    pub fn run(&self) -> &str {
        &self.run
    }

    pub fn external_id(&self) -> Option<&str> {
        self.labels.external_id.as_deref()
    }

    /// The current stage; `start` before the first one, `end` after the last.
    pub fn stage_name(&self) -> &'static str {
        let stage = locked(&self.stopwatch).stage();
        match stage {
            Some(stage) => stage.as_str(),
            None if self.has_begun_to_store() => "end",
            None => "start",
        }
    }

    /// Whether the run has started to store its results.
    pub fn has_begun_to_store(&self) -> bool {
        locked(&self.stopwatch).has_reached(Stage::Store)
    }

    /// The exit of the run, if it has ended.
    pub fn ended(&self) -> Option<Exit> {
        self.ended.get().copied()
    }

    /// Ends the run. None if it has ended already.
    pub fn end(&self, exit: Exit, outcome: RunOutcome) -> Option<RunSummary> {
        self.ended.set(exit).ok()?;
        let stopwatch = locked(&self.stopwatch);
        Some(RunSummary {
            run: self.run.clone(),
            external_id: self.labels.external_id.clone(),
            source: self.labels.source.clone(),
            shard: self.labels.shard.clone(),
            exit,
            ended: Timestamp::now(),
            took: stopwatch.total(),
            stages: stopwatch.stages(),
            peak_rss: peak_rss(),
            model_sha256: self.model.get().cloned().unwrap_or_default(),
            outcome,
        })
    }

    /// Sends all notifications: metrics first, because they do not depend on a network. A run that did not get the lock
    /// writes no metrics: they would overwrite those of the run that holds it.
    pub fn notify(&self, summary: &RunSummary) {
        if let Some(path) = self.metrics.as_ref().filter(|_| !summary.outcome.locked)
            && let Err(error) = metrics::write(path, summary)
        {
            let path = path.display();
            log::error!(
                "the metrics {path} cannot be written: {error}; check its folder, its disk and the permissions"
            );
        }
        if let Some(pinger) = locked(&self.pinger).as_mut() {
            pinger.end(summary.exit.code(), summary.outcome.locked, |limit| body::body(summary, limit));
        }
    }
}

/// Ignores poisoning: a panic cannot leave the guarded values in an inconsistent state.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::{Counts, Unresolved};

    /// The summary of a partial run.
    pub fn summary() -> RunSummary {
        RunSummary {
            run: "1b4e28ba-2fa1-41d2-883f-0016d3cca427".into(),
            external_id: None,
            source: "neil".into(),
            shard: None,
            exit: Exit::Partial,
            ended: "2025-10-25T02:31:15.5Z".parse().unwrap(),
            took: Duration::from_millis(75_500),
            stages: Stage::ALL.map(|stage| (stage, Duration::from_secs(stage as u64))),
            peak_rss: Some(80_000_000),
            model_sha256: "ab".repeat(32),
            outcome: RunOutcome {
                counts: Counts {
                    analyzed: 3,
                    partial: 1,
                    redetected: 1,
                    skipped: 2,
                    in_progress: 1,
                    failed: 1,
                    detections: 2,
                    clips_failed: 0,
                },
                unresolved: Unresolved { partial: 2, failed: 4 },
                audio: Duration::from_secs(3600),
                summary: "2 new laughs; 3 recordings analyzed; stored in /srv".into(),
                outline: "2 new laughs; 3 recordings analyzed".into(),
                failures: vec![("walk/cut.ogg".into(), "ends too early, at 0:00:12.0: the page is cut".into())],
                locked: false,
            },
        }
    }

    #[test]
    fn a_run_ends_once() {
        let monitor = RunMonitor::new(
            "run",
            RunLabels { source: "neil".into(), ..RunLabels::default() },
            Notifiers::default(),
            &Stop::default(),
        );
        monitor.uses_model("abc");
        let summary = monitor.end(Exit::Complete, RunOutcome::default()).unwrap();
        assert_eq!((summary.source.as_str(), summary.model_sha256.as_str()), ("neil", "abc"));
        assert!(monitor.end(Exit::Terminated, RunOutcome::default()).is_none());
        assert_eq!(monitor.ended(), Some(Exit::Complete));
    }
}
