//! Draws the steps that the library tells, on a terminal only.
//!
//! Invariant: the only room that knows indicatif; without a terminal it is silent.

use std::time::Duration;

use giggles::record::{Step, plain};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const LOOKING: &str = "{spinner} looking at {msg}";
const HEARING: &str = "{bar:30} {percent:>3}% of the audio, {msg}, {eta} left";

/// One bar for a run.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Nothing is drawn if `quiet`, or if standard error is no terminal.
    pub fn new(quiet: bool) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(10) };
        Progress { bar: ProgressBar::with_draw_target(None, target) }
    }

    pub fn draw(&self, step: Step) {
        match step {
            Step::Connecting | Step::Finding => (),
            Step::Identifying { files } => self.looking(files),
            Step::Identified => self.bar.reset(),
            Step::Hearing { recordings, audio } => self.hearing(recordings, audio),
            Step::Advanced { audio } => self.bar.inc(millis(audio)),
            Step::Finished { name, failed: true } => self.bar.set_message(format!("{} failed", plain(&name))),
            Step::Finished { name, .. } => self.bar.set_message(format!("{} heard", plain(&name))),
            Step::Saving => self.bar.set_message("storing"),
            Step::Done => self.clear(),
        }
    }

    fn looking(&self, files: usize) {
        self.bar.set_style(style(LOOKING));
        self.bar.set_message(format!("{files} files"));
        self.bar.enable_steady_tick(Duration::from_millis(100));
    }

    fn hearing(&self, recordings: usize, audio: Duration) {
        self.bar.disable_steady_tick();
        self.bar.set_style(style(HEARING));
        self.bar.set_length(millis(audio));
        self.bar.set_message(format!("{recordings} recordings"));
    }

    /// Leaves the terminal as it was; called also when the run fails.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

fn millis(audio: Duration) -> u64 {
    u64::try_from(audio.as_millis()).unwrap_or(u64::MAX)
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates above are whole").progress_chars("=> ")
}
