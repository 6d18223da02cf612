//! A run under watch: its end is told once, by the run or by the signal that it did not hear.

use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use giggles::exit::{Exit, Fatal, signal_name};
use giggles::watch::account::{Account, Ending};
use giggles::watch::{Night, RunLabels, Watchers};

use super::messages::{Log, belongs_to};
use super::signals::Signals;

/// Time for whoever took the run's end to tell it, once a signal has come.
const LAST_WORDS: Duration = Duration::from_millis(600);

pub struct Watched {
    pub night: Arc<Night>,
    /// How the run ended, known before it is shown: standard output may be a pipe that nobody reads.
    concluded: Arc<OnceLock<(Exit, Ending)>>,
    log: Log,
}

impl Watched {
    /// From here on messages and signals are this run's.
    pub fn begin(id: &str, labels: RunLabels, watchers: Watchers, log: Log, signals: &Signals) -> Watched {
        let night = Arc::new(Night::new(id, labels, watchers, &signals.stop));
        belongs_to(&night);
        let watched = Watched { night, concluded: Arc::default(), log };
        let Watched { night, concluded, log } = &watched;
        let busy = Watched { night: night.clone(), concluded: concluded.clone(), log: *log };
        signals.set_last_words(move |signal| busy.end_by(signal).code());
        watched
    }

    /// The run is stored, or has stored nothing, and no signal changes that any more.
    pub fn conclude(&self, exit: Exit, ending: Ending) {
        self.concluded.set((exit, ending)).ok();
    }

    /// Ends the run as it says, unless a signal was faster.
    pub fn end(&self, exit: Exit, ending: Ending) -> Exit {
        match self.night.end(exit, ending) {
            Some(account) => self.tell(&account),
            // The signal's thread is telling it, and then ends the program.
            None => thread::sleep(LAST_WORDS),
        }
        self.night.ended().unwrap_or(exit)
    }

    /// Ends a run that is too busy to end itself, unless it has just ended.
    fn end_by(&self, signal: usize) -> Exit {
        let amid_commit = self.night.has_begun_to_store();
        let fatal = if amid_commit { Fatal::SignalAmidCommit(signal) } else { Fatal::Signal(signal) };
        let (exit, ending) = match self.concluded.get() {
            Some((exit, ending)) => (*exit, ending.clone()),
            None => (fatal.exit(), Ending::fatal(&fatal)),
        };
        match self.night.end(exit, ending) {
            Some(account) => {
                match self.concluded.get() {
                    Some(_) => log::warn!("{} while the results were shown; the run stands", signal_name(signal)),
                    None => log::error!("{fatal}"),
                }
                self.tell(&account);
            }
            None => thread::sleep(LAST_WORDS),
        }
        self.night.ended().unwrap_or(exit)
    }

    fn tell(&self, account: &Account) {
        self.log.sum_up(account);
        self.night.tell(account);
    }
}
