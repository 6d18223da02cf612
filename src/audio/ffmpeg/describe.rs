//! Parses the properties that ffmpeg prints when it opens a file: `Duration: 00:00:05.90`,
//! `Stream #0:0: Audio: amr_nb, 8000 Hz, mono`.
//!
//! Invariant: a part that cannot be parsed is ignored. The texts stand in `texts`.

use std::time::Duration;

use super::texts::{AUDIO, CHANNELS, CREATION_TIME, DURATION, HERTZ, LAYOUTS, SEPARATOR, STREAM};
use crate::audio::decode::Info;

/// The properties of the file and its first audio stream. None if there is no audio stream.
pub fn read(messages: &str) -> Option<Info> {
    let audio: Vec<&str> = messages.lines().filter_map(audio_stream).collect();
    let first = audio.first()?;
    let codec = first.split(SEPARATOR).next()?.split(' ').next()?;
    let rate = first.split(SEPARATOR).find_map(|part| part.strip_suffix(HERTZ)?.parse().ok());
    let date = messages.lines().find_map(|line| line.trim().strip_prefix(CREATION_TIME)?.trim().strip_prefix(": "));
    Some(Info {
        sample_rate: rate.unwrap_or(0),
        channels: first.split(SEPARATOR).find_map(channels).unwrap_or(0),
        tracks: u32::try_from(audio.len()).unwrap_or(u32::MAX),
        codec: codec.chars().filter(|c| c.is_ascii_alphanumeric() || "_-.".contains(*c)).collect(),
        duration: messages.lines().find_map(length),
        recorded: date.map(str::to_owned),
        recorded_may_be_end: false,
    })
}

/// The properties of an input stream, if it is audio.
fn audio_stream(line: &str) -> Option<&str> {
    let (stream, rest) = line.trim_start().split_once(AUDIO)?;
    stream.starts_with(STREAM).then_some(rest)
}

fn channels(part: &str) -> Option<u32> {
    let layout = part.split('(').next()?.trim();
    match LAYOUTS.iter().find(|(name, _)| *name == layout) {
        Some((_, channels)) => Some(*channels),
        None => layout.strip_suffix(CHANNELS)?.parse().ok(),
    }
}

fn length(line: &str) -> Option<Duration> {
    let text = line.trim_start().strip_prefix(DURATION)?.split(',').next()?;
    let mut parts = text.split(':');
    let mut number = || parts.next()?.trim().parse::<f64>().ok();
    let (hours, minutes, seconds) = (number()?, number()?, number()?);
    Duration::try_from_secs_f64(hours * 3600.0 + minutes * 60.0 + seconds).ok().filter(|length| !length.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_ffmpeg_is_parsed() {
        let messages = "Input #0, amr, from 'file:/x/a.amr':\n  Metadata:\n    creation_time   : 2024-01-05T10:10:10.000000Z\n  \
                    Duration: 00:01:05.90, bitrate: 12 kb/s\n  Stream #0:0[0x1]: Video: h264, yuv420p\n  \
                    Stream #0:1(und): Audio: amr_nb (samr / 0x726D6173), 8000 Hz, mono, flt\n  \
                    Stream #0:2: Audio: ac3, 48000 Hz, 5.1(side), fltp, 448 kb/s\nAt least one output file must be specified";
        let info = read(messages).unwrap();
        assert_eq!((info.codec.as_str(), info.sample_rate, info.channels, info.tracks), ("amr_nb", 8000, 1, 2));
        assert_eq!(info.duration, Some(Duration::from_millis(65_900)));
        assert_eq!(info.recorded.as_deref(), Some("2024-01-05T10:10:10.000000Z"));
    }

    #[test]
    fn output_without_audio_is_none() {
        assert_eq!(read(""), None);
        assert_eq!(read("  Stream #0:0: Video: h264, 30 fps"), None);
        assert_eq!(read("file:x: Invalid data found when processing input"), None);
        let info = read("  Duration: N/A\n  Stream #0:0: Audio: wmav2").unwrap();
        assert_eq!((info.codec.as_str(), info.sample_rate, info.duration), ("wmav2", 0, None));
    }
}
