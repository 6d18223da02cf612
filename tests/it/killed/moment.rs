//! When to kill: moments drawn over the whole run, and as many over its shortest and most tender part.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::killed::day::{Copied, Day};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Since the start.
    Any,
    /// Since the run said that it stores.
    Storing,
}

#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub phase: Phase,
    after: Duration,
}

/// Draws moments for a run whose phases were measured.
pub struct Moments {
    state: u64,
    whole: Duration,
    storing: Duration,
}

impl Moments {
    pub fn measured<H: Copied>(day: &Day, base: &H) -> Moments {
        let home = base.copied();
        let begun = Instant::now();
        let (mut child, storing) = until_storing(&mut day.past_run(&home));
        let storing_since = storing.expect("the run stores");
        child.wait().unwrap();
        let (whole, storing) = (begun.elapsed(), storing_since.elapsed());
        let seed = std::env::var("GIGGLES_SEED").ok().map(|seed| seed.parse().expect("GIGGLES_SEED is a number"));
        let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) ^ jiff::Timestamp::now().as_second() as u64);
        println!("GIGGLES_SEED={seed}; a run takes {whole:.0?}, of which it stores for {storing:.1?}");
        Moments { state: seed, whole, storing }
    }

    /// By turns from the whole run and from its storing; a little beyond the end of either.
    pub fn draw(&mut self, number: usize) -> Moment {
        let (phase, length) =
            if number.is_multiple_of(2) { (Phase::Storing, self.storing) } else { (Phase::Any, self.whole) };
        Moment { phase, after: length.mul_f64(self.next() * 1.05) }
    }

    /// SplitMix64 (Steele, Lea and Flood 2014), as a number from 0 to 1.
    fn next(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        for (shift, factor) in [(30, 0xbf58_476d_1ce4_e5b9_u64), (27, 0x94d0_49bb_1331_11eb)] {
            mixed = (mixed ^ (mixed >> shift)).wrapping_mul(factor);
        }
        (mixed ^ (mixed >> 31)) as f64 / u64::MAX as f64
    }
}

impl Moment {
    /// Starts the run and kills it. True if it had ended by itself, and well.
    pub fn kill(&self, command: &mut Command) -> bool {
        let (mut child, _) = match self.phase {
            Phase::Any => (start(command), None),
            Phase::Storing => until_storing(command),
        };
        thread::sleep(self.after);
        child.kill().unwrap();
        child.wait().unwrap().code() == Some(3)
    }
}

/// Its words are read until the end, so that it never waits for a reader.
fn start(command: &mut Command) -> Child {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let stderr = child.stderr.take().unwrap();
    thread::spawn(move || BufReader::new(stderr).lines().for_each(drop));
    child
}

/// Starts a run; gives it when it says that it stores.
fn until_storing(command: &mut Command) -> (Child, Option<Instant>) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let storing = lines.by_ref().find(|line| line.ends_with(": storing")).map(|_| Instant::now());
    thread::spawn(move || lines.for_each(drop));
    (child, storing)
}
