//! Parses the start time, and the end time if there is one, from a file name.
//!
//! Recorders write it in many forms (see `stamp`), with other text around it: `REC_`, a serial number, a counter,
//! AudioMoth's `T`. Only the file's own name is parsed, not the names of its directories. Names without seconds
//! (`20251024_1300`) or with two-digit years (`251024_130000`) could be counters or serial numbers, and the month of
//! `01-02-2024` is ambiguous, so they are not parsed; the next source decides.
//!
//! Invariant: converts text to instants; accesses no file.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::epoch;
use super::stamp::{self, Stamp};

/// The times in a file name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameTimes {
    pub started: Timestamp,
    /// The end, if the name contains one that is after the start and at most `LONGEST` later.
    pub ended: Option<Timestamp>,
}

/// A second time further away is something else: the date of an upload, the end of a deployment.
const LONGEST: Duration = Duration::from_secs(48 * 3600);

/// How far the announced duration may differ from the one in the name when it selects one of two readings of an
/// ambiguous local time. Clocks on Lord Howe Island change by 30 minutes, all others by more; this is less than half.
const NEAR: Duration = Duration::from_secs(10 * 60);

impl NameTimes {
    /// The duration of the recording according to its name.
    pub fn length(&self) -> Option<Duration> {
        between(self.started, self.ended?)
    }
}

/// Parses the times in a file name. `Z` or an offset applies to start and end; without one, times are local in `zone`.
///
/// A local time that clocks skip is moved forward by the gap. A local time that occurs twice is the earlier one, unless
/// the name contains an end that only fits the other: the end must be after the start, and the difference within ten
/// minutes of `length` (the announced duration), if that is known.
pub fn from_name(name: &str, zone: &TimeZone, length: Option<Duration>) -> Option<NameTimes> {
    let (start, end) = stamps(name)?;
    let offset = start.offset.or(end.and_then(|end| end.offset));
    let starts = readings(Stamp { offset, ..start }, zone);
    let ends = end.map(|end| readings(Stamp { offset: end.offset.or(offset), ..end }, zone)).unwrap_or_default();
    choose(&starts, &ends, length)
}

/// Whether a name with a time contains its zone, too.
pub fn contains_zone(name: &str) -> bool {
    stamps(name).is_some_and(|(start, end)| start.offset.or(end.and_then(|end| end.offset)).is_some())
}

/// The start, and the end if there is one.
fn stamps(name: &str) -> Option<(Stamp, Option<Stamp>)> {
    let own_name = name.rsplit('/').next().unwrap_or(name);
    let own_name = own_name.as_bytes();
    let (start, rest) = stamp::first(own_name).or_else(|| Some((epoch::first(own_name)?, &[][..])))?;
    Some((start, end(rest)))
}

/// The stamp that follows the first one after a separator: `-`, `__`, ` - `, `_to_`.
fn end(rest: &[u8]) -> Option<Stamp> {
    let length = rest.iter().take_while(|byte| !byte.is_ascii_digit()).count();
    let (separator, rest) = rest.split_at(length);
    let letters: Vec<u8> = separator.iter().copied().filter(u8::is_ascii_alphabetic).collect();
    let joins = (1..=5).contains(&length) && (letters.is_empty() || letters.eq_ignore_ascii_case(b"to"));
    joins.then(|| stamp::at_start(rest)).flatten().map(|(stamp, _)| stamp)
}

/// The instants that a stamp may mean, earlier first: two for a local time that occurs twice, otherwise one.
pub(super) fn readings(stamp: Stamp, zone: &TimeZone) -> Vec<Timestamp> {
    if let Some(offset) = stamp.offset {
        return offset.to_timestamp(stamp.civil).into_iter().collect();
    }
    let local = zone.to_ambiguous_timestamp(stamp.civil);
    match local.offset() {
        AmbiguousOffset::Fold { .. } => local.earlier().into_iter().chain(local.later()).collect(),
        _ => local.compatible().into_iter().collect(),
    }
}

fn choose(starts: &[Timestamp], ends: &[Timestamp], length: Option<Duration>) -> Option<NameTimes> {
    let with_ends = |&started| ends.iter().map(move |&end| NameTimes { started, ended: Some(end) });
    let is_valid = |times: &NameTimes| times.length().is_some_and(|length| !length.is_zero() && length <= LONGEST);
    let fits = |times: &NameTimes| times.length().zip(length).is_some_and(|(named, is)| named.abs_diff(is) <= NEAR);
    let pairs: Vec<NameTimes> = starts.iter().flat_map(with_ends).filter(is_valid).collect();
    let alone = starts.first().map(|&started| NameTimes { started, ended: None });
    pairs.iter().copied().find(fits).or(pairs.first().copied()).or(alone)
}

fn between(started: Timestamp, ended: Timestamp) -> Option<Duration> {
    Duration::try_from(ended.duration_since(started)).ok()
}
