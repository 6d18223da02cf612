//! A file found becomes a recording known: what it is, when it began, whether the window wants it.
//!
//! Invariant: decodes nothing. What cannot be looked at is a recording that failed, never nothing.

use std::time::{Duration, SystemTime};

use jiff::tz::TimeZone;

use crate::audio::decode::Info;
use crate::audio::ffmpeg::Ffmpeg;
use crate::audio::find::File;
use crate::audio::window::overlaps;
use crate::audio::{clock, content, probe};
use crate::record::{Began, Clock, Fate, Outcome, Recording, RecordingError, Window};

/// What is known of a file before it is heard.
pub enum Identity {
    /// It should be heard.
    Wanted(Recording),
    /// It lies in the window, or nobody can tell, and cannot be heard.
    Failed(Outcome),
    /// Another day's.
    Elsewhere,
}

impl Identity {
    /// None of another day's.
    pub fn recording(&self) -> Option<&Recording> {
        match self {
            Identity::Wanted(recording) => Some(recording),
            Identity::Failed(outcome) => Some(&outcome.recording),
            Identity::Elsewhere => None,
        }
    }
}

/// No recording is longer than this: names further from the window need no look into the file, so that
/// a night does not open every recording of the years before it.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// Looks at one file. `name_zone` is for names that tell a time without a zone.
pub fn identify(file: &File, window: &Window, name_zone: &TimeZone, ffmpeg: Option<&Ffmpeg>) -> Identity {
    let Some((mut recording, info)) = look(file, window, name_zone, ffmpeg) else { return Identity::Elsewhere };
    match content::hash(&file.path) {
        Ok((content, bytes)) => (recording.content, recording.bytes) = (Some(content), bytes),
        Err(error) => return failed(recording, info.err().unwrap_or(error)),
    }
    match info {
        Ok(_) => Identity::Wanted(recording),
        Err(error) => failed(recording, error),
    }
}

/// Whether a run of this window would hear the file, or try to. Reads its header at most.
pub fn is_wanted(file: &File, window: &Window, name_zone: &TimeZone) -> bool {
    look(file, window, name_zone, None).is_some()
}

/// All that is known of a file without its content; None where the window does not want it.
fn look(
    file: &File,
    window: &Window,
    name_zone: &TimeZone,
    ffmpeg: Option<&Ffmpeg>,
) -> Option<(Recording, Result<Info, RecordingError>)> {
    let spoken = clock::from_name(&file.name, name_zone, None);
    clock::doubt_future(&file.name, spoken.map(|spoken| Began { at: spoken.began, from: Clock::Name }));
    if spoken.is_some_and(|spoken| !overlaps(window, spoken.began, Some(LONGEST))) {
        return None;
    }
    let mut recording = unknown(file);
    let Ok(metadata) = std::fs::metadata(&file.path) else {
        return Some((recording, Err(reason_of_no_metadata(file))));
    };
    recording.bytes = metadata.len();
    let info = probe(&file.path, ffmpeg);
    let is_wanted = place(&mut recording, info.as_ref().ok(), metadata.modified().ok(), window, name_zone);
    is_wanted.then_some((recording, info))
}

/// A file that could not even be found properly: it failed, whatever the window.
pub fn trouble(file: &File, error: RecordingError) -> Outcome {
    Outcome { recording: unknown(file), fate: Fate::Failed(error) }
}

fn unknown(file: &File) -> Recording {
    let (path, name) = (file.path.clone(), file.name.clone());
    Recording { path, name, content: None, bytes: 0, began: None, announced: None, named: None }
}

fn failed(recording: Recording, error: RecordingError) -> Identity {
    Identity::Failed(Outcome { recording, fate: Fate::Failed(error) })
}

/// Sets when the recording began and how long it says it is; says whether the window wants it.
fn place(
    recording: &mut Recording,
    info: Option<&Info>,
    modified: Option<SystemTime>,
    window: &Window,
    name_zone: &TimeZone,
) -> bool {
    let spoken = clock::from_name(&recording.name, name_zone, info.and_then(|info| info.duration));
    recording.named = spoken.and_then(|spoken| spoken.length());
    recording.announced = info.and_then(|info| info.duration).or(recording.named);
    let recorded = info.and_then(Info::date);
    let modified = modified.unwrap_or(SystemTime::UNIX_EPOCH);
    let began = clock::began(&recording.name, recorded, modified, recording.announced, name_zone);
    recording.began = Some(began);
    clock::doubt_future(&recording.name, Some(began).filter(|began| began.from != Clock::Name));
    overlaps(window, began.at, recording.announced)
}

fn reason_of_no_metadata(file: &File) -> RecordingError {
    match std::fs::metadata(&file.path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            RecordingError::Unreadable { reason: error.to_string() }
        }
        _ => RecordingError::Vanished,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::window::day;
    use jiff::civil::date;

    /// What is said of a file that is not there, by its name and a window of one day.
    fn of_nothing(name: &str) -> Identity {
        let file = File { path: "/no/such/file".into(), name: name.into() };
        identify(&file, &day(date(2025, 10, 24), &TimeZone::UTC), &TimeZone::UTC, None)
    }

    #[test]
    fn a_name_far_from_the_window_needs_no_look_into_the_file() {
        for name in ["20251025_000000.ogg", "20251016_235959.ogg", "20200101_120000.ogg"] {
            assert!(matches!(of_nothing(name), Identity::Elsewhere), "{name}");
        }
    }

    #[test]
    fn a_name_near_the_window_or_without_a_time_does() {
        for name in ["20251023_230000.ogg", "20251018_000000.ogg", "evening.ogg"] {
            assert!(matches!(of_nothing(name), Identity::Failed(_)), "{name}");
        }
    }
}
