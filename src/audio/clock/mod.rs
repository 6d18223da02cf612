//! When was it recorded? The file's name is asked first, then what stands inside the file, then its
//! modification time less its length.
//!
//! A recorder that lost its clock starts again at some round year (1970, 1980, 2000). Such a time is kept as it
//! stands, because any other would be made up; but it is warned of, because the recording falls
//! into no night's window.
//!
//! Invariant: text and instants only; who reads files and tags is `find` and `decode`.

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

use crate::record::{Began, Clock};

pub use name::{Spoken, from_name};

/// Zones lie up to 14 hours ahead of UTC, in which names are read by default.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// How far apart the writing of a date and the closing of its file may lie, and a length and its rounding. FAT knows
/// even seconds only.
const SLACK: Duration = Duration::from_secs(3);

/// A date that a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inside<'a> {
    pub text: &'a str,
    /// Some who write it write the time at which the recording ended.
    pub may_be_end: bool,
}

/// When the recording began, by the best clock there is. `name_zone` is for names and tags that give no zone.
///
/// `length` is what the container announces; without it the modification time itself is the
/// last resort.
pub fn began(
    name: &str,
    inside: Option<Inside>,
    modified: SystemTime,
    length: Option<Duration>,
    name_zone: &TimeZone,
) -> Began {
    let by_name = || from_name(name, name_zone, length).map(|spoken| (spoken.began, Clock::Name));
    let by_tag = || inside.and_then(|inside| from_inside(inside, modified, length, name_zone));
    let by_file = || (from_modified(modified, length.unwrap_or_default()), Clock::Modified);
    let (at, from) = by_name().or_else(by_tag).unwrap_or_else(by_file);
    if is_reset(at) {
        log::warn!(recording = name; "{name}: began in {}, says its {}; did the recorder lose its clock?", year(at), from.as_str());
    }
    Began { at, from }
}

/// A date inside, or the beginning that follows from it where it is the end: then it lies near the modification
/// time, nearer by far than the beginning of a recording of that length could.
fn from_inside(
    inside: Inside,
    modified: SystemTime,
    length: Option<Duration>,
    name_zone: &TimeZone,
) -> Option<(Timestamp, Clock)> {
    let at = from_metadata(inside.text, name_zone)?;
    let length = length.filter(|_| inside.may_be_end).unwrap_or_default();
    let closed = Timestamp::try_from(modified).unwrap_or(Timestamp::UNIX_EPOCH);
    let apart = at.duration_since(closed).unsigned_abs();
    let is_end = apart.saturating_add(SLACK.min(length / 8)) < length;
    let start = at.checked_sub(length).ok().filter(|_| is_end);
    Some(start.map_or((at, Clock::Metadata), |start| (start, Clock::MetadataEnd)))
}

/// A date inside a file: RFC 3339, `2025-10-24 13:00:00` (BWF's two fields joined), EXIF's `2025:10:24 13:00:00`,
/// AudioMoth's comment, `ctime`.
///
/// None for a date without a time of day, and for the zero of Unix time, which muxers write for "not set".
pub fn from_metadata(text: &str, name_zone: &TimeZone) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let plain = || stamp::first(bytes).map(|(stamp, _)| stamp);
    let stamp = written::audiomoth(bytes).or_else(plain).or_else(|| written::ctime(bytes))?;
    let at = name::readings(stamp, name_zone).into_iter().next()?;
    let unset = stamp.civil == date(1970, 1, 1).at(0, 0, 0, 0);
    (!unset).then_some(at)
}

/// Whether a text, which may be any tag, is a date with a time of day.
pub fn is_dated(text: &str) -> bool {
    from_metadata(text, &TimeZone::UTC).is_some()
}

/// Whether a comment is one of those that say when it was recorded.
pub fn is_dated_comment(text: &str) -> bool {
    written::audiomoth(text.as_bytes()).is_some()
}

/// The file was last written when the recording ended.
fn from_modified(modified: SystemTime, length: Duration) -> Timestamp {
    let ended = Timestamp::try_from(modified).unwrap_or(Timestamp::UNIX_EPOCH);
    ended.saturating_sub(length).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Warns of what begins later than any zone's clock can explain: no night's window covers it until then.
pub fn doubt_future(name: &str, began: Option<Began>) {
    let now = Timestamp::now();
    if let Some(Began { at, from }) = began.filter(|began| began.at.duration_since(now) > AHEAD) {
        let from = match from {
            Clock::Name => "name",
            Clock::Metadata | Clock::MetadataEnd => "header",
            Clock::Modified => "time of modification",
        };
        log::warn!("{name}: begins in the future, at {at:.0}, says its {from}; was the recorder's clock right?");
    }
}

/// Before 2001 nobody wore a day-long recorder; the round years of empty clocks are all before it.
fn is_reset(at: Timestamp) -> bool {
    year(at) < 2001
}

fn year(at: Timestamp) -> i16 {
    at.to_zoned(TimeZone::UTC).year()
}
