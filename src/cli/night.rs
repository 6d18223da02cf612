//! A run under watch: its end is told once, by the run or by the signal that it did not hear.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use giggles::exit::{Exit, Fatal};
use giggles::record::Stage;
use giggles::watch::account::{Account, Ending};
use giggles::watch::{Night, Watchers};

use super::messages::{Log, belongs_to};
use super::signals::Signals;

/// Time for whoever took the run's end to tell it, once a signal has come.
const LAST_WORDS: Duration = Duration::from_millis(600);

pub struct Watched {
    pub night: Arc<Night>,
    log: Log,
}

impl Watched {
    /// From here on messages and signals are this run's.
    pub fn begin(id: &str, source: &str, watchers: Watchers, log: Log, signals: &Signals) -> Watched {
        let night = Arc::new(Night::new(id, source, watchers, &signals.stop));
        belongs_to(&night);
        let busy = Watched { night: night.clone(), log };
        signals.set_last_words(move |signal| busy.end_by(signal).code());
        Watched { night, log }
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
        let fatal = Fatal::Signal(signal);
        let mut ending = Ending::fatal(&fatal);
        if self.night.stage() == Some(Stage::Store) {
            ending.summary =
                format!("signal {signal} came while the run was being stored; the next run finds out whether it was");
        }
        let text = ending.summary.clone();
        match self.night.end(fatal.exit(), ending) {
            Some(account) => {
                log::error!("{text}");
                self.tell(&account);
            }
            None => thread::sleep(LAST_WORDS),
        }
        self.night.ended().unwrap_or(fatal.exit())
    }

    fn tell(&self, account: &Account) {
        self.log.sum_up(account);
        self.night.tell(account);
    }
}
