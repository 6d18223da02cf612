//! When a recording began, as its file name says it.
//!
//! Recorders write it in many ways (see `stamp`), with their own words around it: `REC_`, a serial
//! number, a counter, AudioMoth's `T`. Only the file's own name counts: a folder `2025-10-24` around
//! a file `130000.wav` is a guess, and guesses are left to the next clock. Names without seconds
//! (`20251024_1300`) or with two-digit years (`251024_130000`) look like counters and serials too, and
//! of `01-02-2024` nobody knows the month, so they are not read either.
//!
//! Invariant: text in, instants out; no file is looked at.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::epoch;
use super::stamp::{self, Stamp};

/// What a file name says of its recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spoken {
    pub began: Timestamp,
    /// Where the name gives an end too, and it makes sense: after the beginning, at most `LONGEST` later.
    pub ended: Option<Timestamp>,
}

/// A second stamp further away is something else: a date of upload, the end of a whole deployment.
const LONGEST: Duration = Duration::from_secs(48 * 3600);

/// How far a recording's real length may be from what its name says, and still tell two readings of
/// one clock face apart. Lord Howe's clocks shift by 30 minutes, all others by more; this is less than half.
const NEAR: Duration = Duration::from_secs(10 * 60);

impl Spoken {
    /// How long the recording is according to its name.
    pub fn length(&self) -> Option<Duration> {
        between(self.began, self.ended?)
    }
}

/// Reads the name's clock. A name with `Z` or an offset means just that, at both its ends; all others are read in `zone`.
///
/// A time in the hour that clocks skip is moved forward by it. A time in the hour that exists twice is the
/// earlier one, unless the name gives an end as well and only another reading fits it: the end must lie
/// after the beginning, and within ten minutes of `length` (what the container announces) where that is known.
pub fn from_name(name: &str, zone: &TimeZone, length: Option<Duration>) -> Option<Spoken> {
    let own_name = name.rsplit('/').next().unwrap_or(name);
    let own_name = own_name.as_bytes();
    let (start, rest) = stamp::first(own_name).or_else(|| Some((epoch::first(own_name)?, &[][..])))?;
    let end = end(rest);
    let offset = start.offset.or(end.and_then(|end| end.offset));
    let starts = readings(Stamp { offset, ..start }, zone);
    let ends = end.map(|end| readings(Stamp { offset: end.offset.or(offset), ..end }, zone)).unwrap_or_default();
    choose(&starts, &ends, length)
}

/// The stamp that follows the first one after a few signs: `-`, `__`, ` - `, `_to_`.
fn end(rest: &[u8]) -> Option<Stamp> {
    let signs = rest.iter().take_while(|byte| !byte.is_ascii_digit()).count();
    let (between, rest) = rest.split_at(signs);
    let spelled: Vec<u8> = between.iter().copied().filter(u8::is_ascii_alphabetic).collect();
    let joins = (1..=5).contains(&signs) && (spelled.is_empty() || spelled.eq_ignore_ascii_case(b"to"));
    joins.then(|| stamp::at_start(rest)).flatten().map(|(stamp, _)| stamp)
}

/// The instants a stamp may mean, earlier first: two in the hour that exists twice, else one.
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

fn choose(starts: &[Timestamp], ends: &[Timestamp], length: Option<Duration>) -> Option<Spoken> {
    let spoken = |&began| ends.iter().map(move |&end| Spoken { began, ended: Some(end) });
    let sensible = |spoken: &Spoken| spoken.length().is_some_and(|length| !length.is_zero() && length <= LONGEST);
    let fits = |spoken: &Spoken| spoken.length().zip(length).is_some_and(|(said, is)| said.abs_diff(is) <= NEAR);
    let pairs: Vec<Spoken> = starts.iter().flat_map(spoken).filter(sensible).collect();
    let alone = starts.first().map(|&began| Spoken { began, ended: None });
    pairs.iter().copied().find(fits).or(pairs.first().copied()).or(alone)
}

fn between(began: Timestamp, ended: Timestamp) -> Option<Duration> {
    Duration::try_from(ended.duration_since(began)).ok()
}
