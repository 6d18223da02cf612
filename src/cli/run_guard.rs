//! Reports the end of a run exactly once, from the run itself or from the signal thread if the run does not respond.

use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use giggles::error::{Fatal, signal_name};
use giggles::exit::Exit;
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
}

impl RunGuard {
    /// Attributes messages and signals to this run from now on.
    pub fn begin(id: &str, labels: RunLabels, notifiers: Notifiers, log: Log, signals: &SignalHandler) -> RunGuard {
        let monitor = Arc::new(RunMonitor::new(id, labels, notifiers, &signals.stop));
        set_run(&monitor);
        let guard = RunGuard { monitor, concluded: Arc::default(), log };
        let RunGuard { monitor, concluded, log } = &guard;
        let busy = RunGuard { monitor: monitor.clone(), concluded: concluded.clone(), log: *log };
        signals.set_shutdown_hook(move |signal| busy.end_by(signal).code());
        guard
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
    }
}
