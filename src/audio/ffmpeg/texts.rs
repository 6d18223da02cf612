//! The table of ffmpeg's texts that decide something. ffmpeg is a process: beyond its exit status, which is 1 for every
//! error, there are only texts. `describe` parses the properties of a file.
//!
//! Invariant: each text has a test that makes the installed ffmpeg print it.

/// The start of the first line of `ffmpeg -version`, before the version.
pub const VERSION: &str = "ffmpeg version ";

/// Printed if memory is exhausted, as by the limit that `process` sets. ffmpeg may still exit with 0, but its output is
/// incomplete.
pub const NO_MEMORY: &str = "Cannot allocate memory";

/// Printed last if ffmpeg is asked for the properties of a file only, in addition to its real messages.
pub const NO_OUTPUT: &str = "At least one output file must be specified";

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::super::process::Process;
    use super::*;
    use crate::stop::Stop;

    /// What ffmpeg prints, on both streams.
    fn printed(arguments: &[&str]) -> String {
        let mut process = Process::start(Path::new("ffmpeg"), arguments).expect("this test needs ffmpeg");
        process.read_text(Duration::from_secs(60), &Stop::default()) + &process.messages()
    }

    #[test]
    fn every_text_is_printed_by_ffmpeg() {
        let clip = "fixtures/clips/crow_cc0.flac";
        assert!(printed(&["-version"]).starts_with(VERSION));
        assert!(printed(&["-hide_banner", "-i", clip]).contains(NO_OUTPUT));
        let starved = printed(&["-hide_banner", "-max_alloc", "1000", "-i", clip, "-f", "null", "-"]);
        assert!(starved.contains(NO_MEMORY), "{starved}");
    }
}
