//! The table of ffmpeg's texts that decide something. ffmpeg is a process: beyond its exit status, which is 1 for every
//! error, there are only texts. `describe` parses the properties of a file by the texts of this table.
//!
//! Invariant: each text has a test that makes the installed ffmpeg print it.

/// The start of the first line of `ffmpeg -version`, before the version.
pub const VERSION: &str = "ffmpeg version ";

/// Printed if memory is exhausted, as by the limit that `process` sets. ffmpeg may still exit with 0, but its output is
/// incomplete.
pub const NO_MEMORY: &str = "Cannot allocate memory";

/// Printed last if ffmpeg is asked for the properties of a file only, in addition to its real messages.
pub const NO_OUTPUT: &str = "At least one output file must be specified";

/// `Duration: 00:00:05.90, bitrate: 12 kb/s`, or `Duration: N/A`
pub const DURATION: &str = "Duration: ";

/// `creation_time   : 2024-01-05T10:10:10.000000Z`, among the metadata
pub const CREATION_TIME: &str = "creation_time";

/// `Stream #0:1(und): Audio: amr_nb (samr / 0x726D6173), 8000 Hz, mono, flt, 12 kb/s`: a stream of the first input.
pub const STREAM: &str = "Stream #0:";

/// Separates a stream's number from the properties of its audio, the first of which is the codec.
pub const AUDIO: &str = ": Audio: ";

/// Separates the properties of a stream.
pub const SEPARATOR: &str = ", ";

/// The unit of the sampling rate.
pub const HERTZ: &str = " Hz";

/// Channel layouts by name; others are printed as `10 channels`.
pub const LAYOUTS: [(&str, u32); 4] = [("mono", 1), ("stereo", 2), ("5.1", 6), ("7.1", 8)];
pub const CHANNELS: &str = " channels";

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

    /// The messages about a sound of a second in a layout, with a date in its metadata.
    fn messages(layout: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sound.mka").to_str().unwrap().to_owned();
        let source = format!("anullsrc=channel_layout={layout}:sample_rate=8000");
        let date = "creation_time=2024-01-05T10:10:10Z";
        printed(&[
            "-hide_banner",
            "-f",
            "lavfi",
            "-i",
            &source,
            "-t",
            "1",
            "-metadata",
            date,
            "-c:a",
            "pcm_s16le",
            &file,
        ]);
        printed(&["-hide_banner", "-i", &file])
    }

    #[test]
    fn every_property_is_printed_by_ffmpeg() {
        let ten = "FL+FR+FC+LFE+BL+BR+SL+SR+TFL+TFR";
        for (layout, channels) in LAYOUTS.into_iter().chain([(ten, 10)]) {
            let messages = messages(layout);
            let property = if layout == ten { format!("10{CHANNELS}") } else { layout.to_owned() };
            let stream = format!("{AUDIO}pcm_s16le{SEPARATOR}8000{HERTZ}{SEPARATOR}{property}");
            let has = |line: &str| line.trim_start().starts_with(STREAM) && line.contains(&stream);
            assert!(messages.lines().any(has), "{stream:?} is not in {messages}");
            let starts = |text: &str| messages.lines().any(|line| line.trim_start().starts_with(text));
            assert!(starts(DURATION) && starts(CREATION_TIME), "{messages}");
            let info = super::super::describe::read(&messages).unwrap();
            assert_eq!((info.codec.as_str(), info.sample_rate, info.channels), ("pcm_s16le", 8_000, channels));
            assert_eq!((info.duration, info.tracks), (Some(Duration::from_secs(1)), 1));
            assert_eq!(info.recorded.as_deref(), Some("2024-01-05T10:10:10.000000Z"));
        }
    }
}
