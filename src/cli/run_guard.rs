//! Reports the end of a run exactly once, from the run itself or from the signal thread if the run does not respond.

use std::sync::{Arc, Mutex, Once, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use giggles::domain::Step;
use giggles::error::{Fatal, signal_name};
use giggles::exit::{Exit, worst};
use giggles::notify::run_summary::{RunOutcome, RunSummary};
use giggles::notify::{Notifiers, RunLabels, RunMonitor};

use super::messages::{Log, set_run};
use super::signals::SignalHandler;

/// Time for the thread that reports the run's end, after a signal.
const SHUTDOWN_GRACE: Duration = Duration::from_millis(600);

pub struct RunGuard {
    pub monitor: Arc<RunMonitor>,
    /// How the run ended. Set before the results are printed, since standard output may block.
    concluded: Arc<OnceLock<(Exit, RunOutcome)>>,
    log: Log,
    /// The runs that this one is a part of.
    together: Option<Arc<Together>>,
}

impl RunGuard {
    /// Attributes messages and signals to this run from now on.
    pub fn begin(
        id: &str,
        labels: RunLabels,
        notifiers: Notifiers,
        output: (Log, Option<&Arc<Together>>),
        signals: &SignalHandler,
    ) -> RunGuard {
        let monitor = Arc::new(RunMonitor::new(id, labels, notifiers, &signals.stop));
        set_run(&monitor);
        let (log, together) = (output.0, output.1.cloned());
        let guard = RunGuard { monitor: monitor.clone(), concluded: Arc::default(), log, together: together.clone() };
        let busy = RunGuard { monitor, concluded: guard.concluded.clone(), log, together: together.clone() };
        signals.set_shutdown_hook(move |signal| {
            let exit = busy.end_by(signal);
            together.map_or(exit, |together| together.end(Some(signal))).code()
        });
        guard
    }

    /// The run enters the next step.
    pub fn step(&self, step: &Step) {
        self.monitor.step(step);
        if let Some(together) = &self.together {
            together.step(step);
        }
    }

    /// Records the result once the run is stored, or has stored nothing; later signals do not change it.
    pub fn conclude(&self, exit: Exit, outcome: RunOutcome) {
        self.concluded.set((exit, outcome)).ok();
    }

    /// Ends the run with this result, unless a signal ended it first.
    pub fn end(&self, exit: Exit, outcome: RunOutcome) -> Exit {
        match self.monitor.end(exit, outcome) {
            Some(summary) => self.report(&summary),
            // The signal thread reports the end and then exits the program.
            None => thread::sleep(SHUTDOWN_GRACE),
        }
        self.monitor.ended().unwrap_or(exit)
    }

    /// Ends a run that did not react to the signal, unless it has just ended.
    fn end_by(&self, signal: usize) -> Exit {
        let amid_commit = self.monitor.has_begun_to_store();
        let fatal = if amid_commit { Fatal::SignalAmidCommit(signal) } else { Fatal::Signal(signal) };
        let (exit, outcome) = match self.concluded.get() {
            Some((exit, outcome)) => (*exit, outcome.clone()),
            None => (fatal.exit(), RunOutcome::fatal(&fatal)),
        };
        match self.monitor.end(exit, outcome) {
            Some(summary) => {
                match self.concluded.get() {
                    Some(_) => log::warn!("{} while results were printed; the run is stored", signal_name(signal)),
                    None => log::error!("{fatal}"),
                }
                self.report(&summary);
            }
            None => thread::sleep(SHUTDOWN_GRACE),
        }
        self.monitor.ended().unwrap_or(exit)
    }

    fn report(&self, summary: &RunSummary) {
        self.log.sum_up(summary);
        self.monitor.notify(summary);
        if let Some(together) = &self.together {
            together.add(summary);
        }
    }
}

/// Runs that are notified as one: a ping URL of all sources gets one start, and one end with the worst exit code.
pub struct Together {
    monitor: RunMonitor,
    started: Once,
    /// The number of runs.
    count: usize,
    ended: Mutex<Vec<(String, Exit, RunOutcome)>>,
}

impl Together {
    pub fn new(monitor: RunMonitor, count: usize) -> Together {
        Together { monitor, started: Once::new(), count, ended: Mutex::default() }
    }

    /// The first run that holds its lock starts all.
    fn step(&self, step: &Step) {
        if matches!(step, Step::Discovering) {
            self.started.call_once(|| self.monitor.step(step));
        }
    }

    fn add(&self, run: &RunSummary) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.push((run.source.clone(), run.exit, run.outcome.clone()));
    }

    /// The summary of the run of this source, or the error that ended it.
    pub fn message_of(&self, source: &str) -> Option<String> {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.iter().find(|(name, ..)| name == source).map(|(_, _, outcome)| outcome.summary.clone())
    }

    /// Ends all, and returns the worst exit code; a signal counts if it came before the last run had ended.
    pub fn end(&self, signal: Option<usize>) -> Exit {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let by_signal = signal.filter(|_| ended.len() < self.count).map(|signal| Fatal::Signal(signal).exit());
        let exit = worst(ended.iter().map(|(_, exit, _)| *exit).chain(by_signal));
        let outcomes: Vec<(&str, &RunOutcome)> =
            ended.iter().map(|(source, _, outcome)| (source.as_str(), outcome)).collect();
        if let Some(summary) = self.monitor.end(exit, RunOutcome::of_sources(&outcomes)) {
            self.monitor.notify(&summary);
        }
        self.monitor.ended().unwrap_or(exit)
    }
}
