//! When was it recorded? The file's name is asked first, then what stands inside the file, then its
//! modification time less its length.
//!
//! A recorder that lost its clock starts again at some round year (1970, 1980, 2000). Such a time is kept as it
//! stands, because any other would be made up; but it is warned of, because the recording falls
//! into no night's window.
//!
//! Invariant: text and instants only; who reads files and tags is `find` and `decode`.

mod name;
mod stamp;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use jiff::civil::date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::record::{Began, Clock};

pub use name::{Spoken, from_name};

/// Zones lie up to 14 hours ahead of UTC, in which names are read by default.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// When the recording began, by the best clock there is. `name_zone` is for names and tags that give no zone.
///
/// `length` is what the container announces; without it the modification time itself is the
/// last resort.
pub fn began(
    name: &str,
    metadata: Option<&str>,
    modified: SystemTime,
    length: Option<Duration>,
    name_zone: &TimeZone,
) -> Began {
    let by_name = || from_name(name, name_zone, length).map(|spoken| (spoken.began, Clock::Name));
    let by_tag = || metadata.and_then(|text| from_metadata(text, name_zone)).map(|at| (at, Clock::Metadata));
    let by_file = || (from_modified(modified, length.unwrap_or_default()), Clock::Modified);
    let (at, from) = by_name().or_else(by_tag).unwrap_or_else(by_file);
    if is_reset(at) {
        log::warn!(recording = name; "{name}: began in {}, says its {}; did the recorder lose its clock?", year(at), from.as_str());
    }
    Began { at, from }
}

/// A date inside a file: RFC 3339, `2025-10-24 13:00:00` (BWF's two fields joined), EXIF's `2025:10:24 13:00:00`.
///
/// None for a date without a time of day, and for the zero of Unix time, which muxers write for "not set".
pub fn from_metadata(text: &str, name_zone: &TimeZone) -> Option<Timestamp> {
    let (stamp, _) = stamp::first(text.as_bytes())?;
    let at = name::readings(stamp, name_zone).into_iter().next()?;
    let unset = stamp.civil == date(1970, 1, 1).at(0, 0, 0, 0);
    (!unset).then_some(at)
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
