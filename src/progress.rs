//! Draws a progress bar for the steps of a run, on a terminal only.
//!
//! Invariant: the only module that uses indicatif; without a terminal it writes nothing.

use std::time::Duration;

use giggles::domain::Step;
use giggles::text::escape;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rustix::termios::tcgetwinsize;

const IDENTIFYING: &str = "{spinner} identifying {wide_msg}";
/// The message takes what is left of the line, and is cut where the terminal ends.
const ANALYZING: &str = "{bar:30} {percent:>3}% of the audio, {eta} left, {wide_msg}";
/// For terminals in which the line above would not fit.
const NARROW: &str = "{percent:>3}%, {eta} left, {wide_msg}";
/// Columns that the line above takes besides its message.
const WIDE: u16 = 72;

/// One bar for a run.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Draws nothing if `quiet`, or if standard error is not a terminal.
    pub fn new(quiet: bool) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(10) };
        Progress { bar: ProgressBar::with_draw_target(None, target) }
    }

    pub fn draw(&self, step: Step) {
        match step {
            Step::Connecting | Step::Discovering => (),
            Step::Identifying { files } => self.identifying(files),
            Step::Identified => self.bar.reset(),
            Step::Analyzing { recordings, audio } => self.analyzing(recordings, audio),
            Step::Advanced { audio } => self.bar.inc(millis(audio)),
            Step::Finished { name, failed: true } => self.bar.set_message(format!("{} failed", escape(&name))),
            Step::Finished { name, .. } => self.bar.set_message(format!("{} analyzed", escape(&name))),
            Step::Saving => self.bar.set_message("storing"),
            Step::Done => self.clear(),
        }
    }

    fn identifying(&self, files: usize) {
        self.bar.set_style(style(IDENTIFYING));
        self.bar.set_message(format!("{files} files"));
        self.bar.enable_steady_tick(Duration::from_millis(100));
    }

    fn analyzing(&self, recordings: usize, audio: Duration) {
        self.bar.disable_steady_tick();
        let is_wide = console_width().is_none_or(|width| width >= WIDE);
        self.bar.set_style(style(if is_wide { ANALYZING } else { NARROW }));
        self.bar.set_length(millis(audio));
        self.bar.set_message(format!("{recordings} recordings"));
    }

    /// Removes the bar from the terminal; also called when the run fails.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

/// Columns of the terminal that standard error is.
fn console_width() -> Option<u16> {
    tcgetwinsize(std::io::stderr()).ok().map(|size| size.ws_col).filter(|columns| *columns > 0)
}

fn millis(audio: Duration) -> u64 {
    u64::try_from(audio.as_millis()).unwrap_or(u64::MAX)
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates above are valid").progress_chars("=> ")
}
