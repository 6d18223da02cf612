//! Determines the start time of a recording.
//!
//! ```text
//! 1  the file name
//! 2  a date inside the file; minus the duration, if it is the end of the recording
//! 3  the modification time minus the duration
//! ```
//!
//! A recorder that lost its clock starts at a round year (1970, 1980, 2000). Such a time is kept, because no better
//! one is known, but a warning is logged, because the recording is in the window of no nightly run.
//!
//! Invariant: works on text and instants only; `discover` and `decode` read files and tags.

mod cursor;
mod epoch;
mod joint;
mod name;
mod offset;
mod stamp;
#[cfg(test)]
mod tests;
mod written;

use std::time::{Duration, SystemTime};

use jiff::civil::date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::domain::{StartSource, StartTime};

pub use name::{NameTimes, from_name};

/// A start time further ahead of now is reported as in the future. Time zones are up to 14 hours ahead of UTC, in which
/// names may be.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// Tolerance between the date and the modification time of a file, and for rounded durations. FAT stores even seconds
/// only.
const SLACK: Duration = Duration::from_secs(3);

/// A date inside a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inside<'a> {
    pub text: &'a str,
    /// Whether it may be the time at which the recording ended; some recorders write that.
    pub may_be_end: bool,
}

/// The start time of a recording, from the most reliable source. `name_zone` is the time zone of names and tags without
/// one.
///
/// `length` is the duration that the container announces; without it, the modification time itself is the last resort.
pub fn started(
    name: &str,
    inside: Option<Inside>,
    modified: SystemTime,
    length: Option<Duration>,
    name_zone: &TimeZone,
) -> StartTime {
    let by_name = || from_name(name, name_zone, length).map(|times| (times.started, StartSource::Filename));
    let by_tag = || inside.and_then(|inside| from_inside(inside, modified, length, name_zone));
    let by_file = || (from_modified(modified, length.unwrap_or_default()), StartSource::Mtime);
    let (at, from) = by_name().or_else(by_tag).unwrap_or_else(by_file);
    if is_reset(at) {
        log::warn!(recording = name; "{name}: starts in {}, according to its {}; did the recorder lose its clock?", year(at), from.as_str());
    }
    StartTime { at, from }
}

/// Whether a start time of this source was read from a text that contains no time zone.
pub fn assumes_zone(name: &str, inside: Option<Inside>, from: StartSource) -> bool {
    match from {
        StartSource::Filename => !name::contains_zone(name),
        StartSource::Metadata | StartSource::MetadataEnd => {
            inside.and_then(|inside| stamp_inside(inside.text)).is_some_and(|stamp| stamp.offset.is_none())
        }
        StartSource::Mtime | StartSource::Upload => false,
    }
}

/// The start time from a date inside the file. The date is the end of the recording, and the start is `length` before
/// it, if it is closer to the modification time than the start of a recording of this length could be.
fn from_inside(
    inside: Inside,
    modified: SystemTime,
    length: Option<Duration>,
    name_zone: &TimeZone,
) -> Option<(Timestamp, StartSource)> {
    let at = from_metadata(inside.text, name_zone)?;
    let length = length.filter(|_| inside.may_be_end).unwrap_or_default();
    let closed = Timestamp::try_from(modified).unwrap_or(Timestamp::UNIX_EPOCH);
    let apart = at.duration_since(closed).unsigned_abs();
    let is_end = apart.saturating_add(SLACK.min(length / 8)) < length;
    let start = at.checked_sub(length).ok().filter(|_| is_end);
    Some(start.map_or((at, StartSource::Metadata), |start| (start, StartSource::MetadataEnd)))
}

/// A date inside a file: RFC 3339, `2025-10-24 13:00:00` (BWF's two fields joined), EXIF's `2025:10:24 13:00:00`,
/// AudioMoth's comment, `ctime`.
///
/// None for a date without a time of day, and for Unix time zero, which muxers write for "not set".
pub fn from_metadata(text: &str, name_zone: &TimeZone) -> Option<Timestamp> {
    let stamp = stamp_inside(text)?;
    let at = name::readings(stamp, name_zone).into_iter().next()?;
    let unset = stamp.civil == date(1970, 1, 1).at(0, 0, 0, 0);
    (!unset).then_some(at)
}

fn stamp_inside(text: &str) -> Option<stamp::Stamp> {
    let bytes = text.as_bytes();
    let plain = || stamp::first(bytes).map(|(stamp, _)| stamp);
    written::audiomoth(bytes).or_else(plain).or_else(|| written::ctime(bytes))
}

/// Whether a tag's text is a date with a time of day.
pub fn is_dated(text: &str) -> bool {
    from_metadata(text, &TimeZone::UTC).is_some()
}

/// Whether a comment contains the start time of the recording.
pub fn is_dated_comment(text: &str) -> bool {
    written::audiomoth(text.as_bytes()).is_some()
}

/// The modification time, which is the end of the recording, minus the duration.
fn from_modified(modified: SystemTime, length: Duration) -> Timestamp {
    let ended = Timestamp::try_from(modified).unwrap_or(Timestamp::UNIX_EPOCH);
    ended.saturating_sub(length).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Warns if the start time is further in the future than time zones can explain: no run covers it until then.
pub fn warn_if_future(name: &str, started: Option<StartTime>) {
    let now = Timestamp::now();
    if let Some(StartTime { at, from }) = started.filter(|started| started.at.duration_since(now) > AHEAD) {
        let from = match from {
            StartSource::Filename => "name",
            StartSource::Metadata | StartSource::MetadataEnd => "header",
            StartSource::Mtime => "time of modification",
            StartSource::Upload => "time of upload",
        };
        log::warn!(
            "{name}: starts in the future, at {at:.0}, according to its {from}; was the recorder's clock right?"
        );
    }
}

/// Whether the time is that of a clock that was reset. Day-long recorders did not exist before 2001, and all reset
/// clocks start before it.
fn is_reset(at: Timestamp) -> bool {
    year(at) < 2001
}

fn year(at: Timestamp) -> i16 {
    at.to_zoned(TimeZone::UTC).year()
}
