//! Measures how long each stage of a run takes.

use std::time::{Duration, Instant};

use crate::domain::{Stage, Step};

/// Starts when created; tracks the current stage.
#[derive(Debug)]
pub struct Stopwatch {
    begun: Instant,
    current: Option<(Stage, Instant)>,
    took: [Duration; Stage::ALL.len()],
}

impl Stopwatch {
    pub fn start() -> Self {
        Stopwatch { begun: Instant::now(), current: None, took: Default::default() }
    }

    pub fn step(&mut self, step: &Step) {
        if let Some(stage) = step.stage() {
            self.enter(Some(stage));
        } else if matches!(step, Step::Done) {
            self.enter(None);
        }
    }

    fn enter(&mut self, stage: Option<Stage>) {
        let now = Instant::now();
        if let Some((last, since)) = self.current {
            self.took[last as usize] += now - since;
        }
        self.current = stage.map(|stage| (stage, now));
    }

    pub fn stage(&self) -> Option<Stage> {
        self.current.map(|(stage, _)| stage)
    }

    /// Whether the run has reached this stage or a later one.
    pub fn has_reached(&self, stage: Stage) -> bool {
        self.stage() == Some(stage) || self.took[stage as usize] > Duration::ZERO
    }

    pub fn total(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Each stage's time so far; zero for a stage that was not reached.
    pub fn stages(&self) -> [(Stage, Duration); Stage::ALL.len()] {
        let running = |stage| self.current.filter(|(current, _)| *current == stage).map(|(_, since)| since.elapsed());
        Stage::ALL.map(|stage| (stage, self.took[stage as usize] + running(stage).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_counts_for_the_current_stage_only() {
        let mut watch = Stopwatch::start();
        watch.step(&Step::Connecting);
        watch.step(&Step::Discovering);
        std::thread::sleep(Duration::from_millis(3));
        assert_eq!(watch.stage(), Some(Stage::Discover));
        assert!(watch.has_reached(Stage::Discover) && !watch.has_reached(Stage::Analyze));
        let took = |watch: &Stopwatch, stage: Stage| watch.stages()[stage as usize].1;
        assert!(took(&watch, Stage::Discover) >= Duration::from_millis(3), "also while it runs");
        watch.step(&Step::Done);
        let (find, total) = (took(&watch, Stage::Discover), watch.total());
        assert_eq!((watch.stage(), took(&watch, Stage::Analyze)), (None, Duration::ZERO));
        assert!(took(&watch, Stage::Connect) + find <= total);
        assert_eq!(took(&watch, Stage::Discover), find, "it does not change any more");
        assert!(watch.has_reached(Stage::Discover));
    }
}
