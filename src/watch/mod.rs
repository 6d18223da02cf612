//! What tells others how the night went: pings to a service, metrics for Prometheus, a summary event for logs.
//!
//! A [`Night`] stands beside a run, hears its steps, and is ended once, by whoever comes first: the run itself, or
//! the signal that the run is too busy to hear.
//!
//! Invariant: nothing here changes how a run ends. What cannot be told is an error in the log, also of a quiet run: a
//! night that nobody hears of does not go well.

pub mod account;
mod body;
pub mod event;
pub mod metrics;
pub mod ping;
mod stopwatch;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use jiff::Timestamp;

use self::account::{Account, Ending, peak_rss};
use self::ping::{Pinger, Target};
use self::stopwatch::Stopwatch;
use crate::exit::Exit;
use crate::record::{Stage, Step, Stop};

/// Who is told.
#[derive(Debug, Clone, Default)]
pub struct Watchers {
    pub ping: Option<Target>,
    /// Where the textfile is written.
    pub metrics: Option<PathBuf>,
}

/// What tells runs apart that may be at work at the same time.
#[derive(Debug, Clone, Default)]
pub struct RunLabels {
    pub source: String,
    /// `k/n`; None where the run has all recordings of the source.
    pub shard: Option<String>,
}

/// One run, watched from its first step to its end.
pub struct Night {
    run: String,
    labels: RunLabels,
    metrics: Option<PathBuf>,
    pinger: Mutex<Option<Pinger>>,
    stopwatch: Mutex<Stopwatch>,
    model: OnceLock<String>,
    ended: OnceLock<Exit>,
}

impl Night {
    /// `run` is the run's id, which every ping carries.
    pub fn new(run: &str, labels: RunLabels, watchers: Watchers, stop: &Stop) -> Night {
        let pinger = watchers.ping.map(|target| Pinger::new(target, run, stop.clone()));
        Night {
            run: run.to_owned(),
            labels,
            metrics: watchers.metrics,
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

    /// The run goes on. The start is told when the lock is held: a run that is turned away has not begun, and
    /// services take a second start for the end of the first.
    pub fn step(&self, step: &Step) {
        locked(&self.stopwatch).step(step);
        if let (Step::Finding, Some(pinger)) = (step, locked(&self.pinger).as_mut()) {
            pinger.start();
        }
    }

    /// The run's id.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// The stage it is in; `start` before the first one, `end` after the last.
    pub fn stage_name(&self) -> &'static str {
        let stage = locked(&self.stopwatch).stage();
        match stage {
            Some(stage) => stage.as_str(),
            None if self.has_begun_to_store() => "end",
            None => "start",
        }
    }

    /// Whether the run has begun to store what it heard.
    pub fn has_begun_to_store(&self) -> bool {
        locked(&self.stopwatch).has_reached(Stage::Store)
    }

    /// How the run ended, if it has.
    pub fn ended(&self) -> Option<Exit> {
        self.ended.get().copied()
    }

    /// Takes the end. None if somebody else has taken it before.
    pub fn end(&self, exit: Exit, ending: Ending) -> Option<Account> {
        self.ended.set(exit).ok()?;
        let stopwatch = locked(&self.stopwatch);
        Some(Account {
            run: self.run.clone(),
            source: self.labels.source.clone(),
            shard: self.labels.shard.clone(),
            exit,
            ended: Timestamp::now(),
            took: stopwatch.total(),
            stages: stopwatch.stages(),
            peak_rss: peak_rss(),
            model_sha256: self.model.get().cloned().unwrap_or_default(),
            ending,
        })
    }

    /// Tells everybody: the metrics first, which no network can hold up. Those of a run that was turned away would
    /// overwrite what the night itself has to tell.
    pub fn tell(&self, account: &Account) {
        if let Some(path) = self.metrics.as_ref().filter(|_| !account.ending.locked)
            && let Err(error) = metrics::write(path, account)
        {
            let path = path.display();
            log::error!(
                "the metrics {path} cannot be written: {error}; check its folder, its disk and the permissions"
            );
        }
        if let Some(pinger) = locked(&self.pinger).as_mut() {
            pinger.end(account.exit.code(), account.ending.locked, |limit| body::body(account, limit));
        }
    }
}

/// What panicked while it held one of these left nothing half done.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::record::{Counts, Unresolved};

    /// A partial night.
    pub fn account() -> Account {
        Account {
            run: "1b4e28ba-2fa1-41d2-883f-0016d3cca427".into(),
            source: "neil".into(),
            shard: None,
            exit: Exit::Partial,
            ended: "2025-10-25T02:31:15.5Z".parse().unwrap(),
            took: Duration::from_millis(75_500),
            stages: Stage::ALL.map(|stage| (stage, Duration::from_secs(stage as u64))),
            peak_rss: Some(80_000_000),
            model_sha256: "ab".repeat(32),
            ending: Ending {
                counts: Counts {
                    analyzed: 3,
                    partial: 1,
                    skipped: 2,
                    unfinished: 1,
                    failed: 1,
                    detections: 2,
                    clips_lost: 0,
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
    fn a_night_ends_once() {
        let night =
            Night::new("run", RunLabels { source: "neil".into(), shard: None }, Watchers::default(), &Stop::default());
        night.uses_model("abc");
        let account = night.end(Exit::Complete, Ending::default()).unwrap();
        assert_eq!((account.source.as_str(), account.model_sha256.as_str()), ("neil", "abc"));
        assert!(night.end(Exit::Terminated, Ending::default()).is_none());
        assert_eq!(night.ended(), Some(Exit::Complete));
    }
}
