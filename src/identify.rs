//! Identifies a file: reads its header, start time and content hash, and decides whether it belongs to the window.
//!
//! Invariant: decodes no audio. A file that cannot be read becomes a failed recording; it is never dropped.

use std::time::{Duration, SystemTime};

use jiff::tz::TimeZone;

use crate::audio::decode::Info;
use crate::audio::discover::File;
use crate::audio::ffmpeg::Ffmpeg;
use crate::audio::window::overlaps;
use crate::audio::{content, probe, timestamps};
use crate::domain::{Outcome, Reason, Recording, RecordingError, StartSource, StartTime, Status, Window};

/// The result of identifying a file, before the analysis.
pub enum Identity {
    /// The file should be analyzed.
    Wanted(Recording),
    /// The file cannot be analyzed. It overlaps the window, or its time is unidentified.
    Failed(Outcome),
    /// The file is outside the window.
    OutsideWindow,
}

impl Identity {
    /// None for a file outside the window.
    pub fn recording(&self) -> Option<&Recording> {
        match self {
            Identity::Wanted(recording) => Some(recording),
            Identity::Failed(outcome) => Some(&outcome.recording),
            Identity::OutsideWindow => None,
        }
    }
}

impl Identity {
    /// A setting names the zone of texts without one, so that it is not assumed.
    pub fn zone_is_known(&mut self) {
        match self {
            Identity::Wanted(recording) => recording.zone_is_assumed = false,
            Identity::Failed(outcome) => outcome.recording.zone_is_assumed = false,
            Identity::OutsideWindow => (),
        }
    }
}

/// No recording is longer than this. A file whose name gives a time further from the window is not opened, so that a
/// nightly run does not open every recording of past years.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// Identifies one file. `name_zone` is the time zone of file names that contain a time without a zone.
pub fn identify(file: &File, window: &Window, name_zone: &TimeZone, ffmpeg: Option<&Ffmpeg>) -> Identity {
    let Some((mut recording, info)) = inspect(file, window, name_zone, ffmpeg) else { return Identity::OutsideWindow };
    match content::hash(&file.path) {
        Ok((content, bytes)) => (recording.content, recording.bytes) = (Some(content), bytes),
        Err(error) => return failed(recording, info.err().unwrap_or(error)),
    }
    match info {
        Ok(_) => Identity::Wanted(recording),
        Err(error) => failed(recording, error),
    }
}

/// Whether a recording of this name may overlap the window: its name gives no time, or one that is near enough.
pub fn may_overlap(name: &str, window: &Window, name_zone: &TimeZone) -> bool {
    let named = timestamps::from_name(name, name_zone, None);
    named.is_none_or(|named| overlaps(window, named.started, Some(LONGEST)))
}

/// Whether the name contains the time at which the recording started.
pub fn is_dated(name: &str, name_zone: &TimeZone) -> bool {
    timestamps::from_name(name, name_zone, None).is_some()
}

/// Whether a run with this window would analyze the file, or try to. Reads at most its header.
pub fn is_wanted(file: &File, window: &Window, name_zone: &TimeZone) -> bool {
    inspect(file, window, name_zone, None).is_some()
}

/// Everything about a file except its content hash; None if it is outside the window.
fn inspect(
    file: &File,
    window: &Window,
    name_zone: &TimeZone,
    ffmpeg: Option<&Ffmpeg>,
) -> Option<(Recording, Result<Info, RecordingError>)> {
    let named = timestamps::from_name(&file.name, name_zone, None);
    timestamps::warn_if_future(
        &file.name,
        named.map(|named| StartTime { at: named.started, from: StartSource::Filename }),
    );
    if !may_overlap(&file.name, window, name_zone) {
        return None;
    }
    let mut recording = unidentified(file);
    let Ok(metadata) = std::fs::metadata(&file.path) else {
        return Some((recording, Err(metadata_error(file))));
    };
    recording.bytes = metadata.len();
    let info = probe(&file.path, ffmpeg);
    let is_wanted = set_start(&mut recording, info.as_ref().ok(), metadata.modified().ok(), window, name_zone);
    is_wanted.then_some((recording, info))
}

/// The outcome of a file that the search could not read; it counts as failed for every window.
pub fn failed_outcome(file: &File, error: RecordingError) -> Outcome {
    Outcome { recording: unidentified(file), status: Status::Failed(error) }
}

fn unidentified(file: &File) -> Recording {
    let (path, name) = (file.path.clone(), file.name.clone());
    Recording {
        path,
        name,
        content: None,
        bytes: 0,
        started: None,
        announced: None,
        named: None,
        zone_is_assumed: false,
    }
}

fn failed(recording: Recording, error: RecordingError) -> Identity {
    Identity::Failed(Outcome { recording, status: Status::Failed(error) })
}

/// Sets the start time and the announced duration; returns whether the recording overlaps the window.
fn set_start(
    recording: &mut Recording,
    info: Option<&Info>,
    modified: Option<SystemTime>,
    window: &Window,
    name_zone: &TimeZone,
) -> bool {
    let named = timestamps::from_name(&recording.name, name_zone, info.and_then(|info| info.duration));
    recording.named = named.and_then(|named| named.length());
    recording.announced = info.and_then(|info| info.duration).or(recording.named);
    let recorded = info.and_then(Info::date);
    let modified = modified.unwrap_or(SystemTime::UNIX_EPOCH);
    let started = timestamps::started(&recording.name, recorded, modified, recording.announced, name_zone);
    recording.started = Some(started);
    recording.zone_is_assumed = timestamps::assumes_zone(&recording.name, recorded, started.from);
    timestamps::warn_if_future(&recording.name, Some(started).filter(|started| started.from != StartSource::Filename));
    overlaps(window, started.at, recording.announced)
}

fn metadata_error(file: &File) -> RecordingError {
    match std::fs::metadata(&file.path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            RecordingError::Unreadable { reason: Reason::wrap(error) }
        }
        _ => RecordingError::Vanished,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::window::day;
    use jiff::civil::date;

    /// Identifies a file that does not exist, with a window of one day.
    fn identify_missing_file(name: &str) -> Identity {
        let file = File { path: "/no/such/file".into(), name: name.into() };
        identify(&file, &day(date(2025, 10, 24), &TimeZone::UTC), &TimeZone::UTC, None)
    }

    #[test]
    fn a_file_whose_name_is_far_from_the_window_is_not_opened() {
        for name in ["20251025_000000.ogg", "20251016_235959.ogg", "20200101_120000.ogg"] {
            assert!(matches!(identify_missing_file(name), Identity::OutsideWindow), "{name}");
        }
    }

    #[test]
    fn a_file_whose_name_is_near_the_window_or_has_no_time_is_opened() {
        for name in ["20251023_230000.ogg", "20251018_000000.ogg", "evening.ogg"] {
            assert!(matches!(identify_missing_file(name), Identity::Failed(_)), "{name}");
        }
    }
}
