//! Ranges of a recording that were not analyzed, and why.
//!
//! Invariant: memory is bounded for any damage; the count and the total length stay exact.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Reason, RecordingError};
use crate::text::position;

/// If there are more ranges than this, neighbouring ranges are merged.
const MAX_RANGES: usize = 1000;

/// A recording is analyzed, not partial, if less than this and less than 1 / [`NEGLIGIBLE_SHARE`] of it is missing.
const NEGLIGIBLE: Duration = Duration::from_secs(1);

/// Tolerance for comparing starts and ends: they are rounded from samples of several rates.
const ROUNDING: Duration = Duration::from_millis(1);

/// Denominator of the negligible fraction of a recording's length.
const NEGLIGIBLE_SHARE: u32 = 1000;

/// One lost packet never makes a recording partial, however short the recording is. The longest packets are 60 ms of
/// Opus (RFC 6716, 2.1.4) and one frame of AAC at 16 kHz.
const ONE_PACKET: Duration = Duration::from_millis(64);

/// If less than this could be decoded, the recording has failed.
pub const LEAST_ANALYZED: Duration = Duration::from_secs(1);

/// Why a range is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingKind {
    /// The container's timestamps jump: packets were lost, or nothing was recorded.
    Gap,
    /// Damaged bytes.
    Corrupt,
    /// The file ends before its announced end.
    Truncated,
    /// The rest of the audio has a format that cannot be decoded.
    Unsupported,
    /// The ffmpeg process crashed or was killed; another run may decode the rest.
    Ffmpeg,
}

/// A range of a recording that was not analyzed. It is replaced by silence if audio follows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingRange {
    /// Offset from the recording's first sample.
    #[serde(rename = "start_seconds", with = "seconds")]
    pub start: Duration,
    /// None if it is unknown how much is missing.
    #[serde(rename = "end_seconds", with = "optional_seconds")]
    pub end: Option<Duration>,
    pub kind: MissingKind,
    /// What happened, for people.
    pub reason: String,
}

impl MissingRange {
    /// The range from the position of an error, where decoding ended, to the announced end. None for an error that is
    /// not about the recording's content: the next run may read all of it.
    pub fn after(error: &RecordingError, decoded: Duration, announced: Option<Duration>) -> Option<MissingRange> {
        let (kind, reason) = match error {
            RecordingError::Corrupt { reason, .. } => (MissingKind::Corrupt, reason),
            RecordingError::Truncated { reason, .. } => (MissingKind::Truncated, reason),
            RecordingError::Unsupported { what } => (MissingKind::Unsupported, what),
            // ffmpeg ended before it had decoded everything.
            RecordingError::Ffmpeg { reason } => (MissingKind::Ffmpeg, reason),
            _ => return None,
        };
        let end = announced.filter(|announced| *announced > decoded);
        Some(MissingRange { start: decoded, end, kind, reason: reason.to_string() })
    }

    /// The error of a recording for which this range is the only information.
    pub fn error(&self) -> RecordingError {
        let (reason, at) = (Reason::from(self.reason.as_str()), self.start);
        match self.kind {
            MissingKind::Gap | MissingKind::Corrupt => RecordingError::Corrupt { reason, at },
            MissingKind::Truncated => RecordingError::Truncated { reason, at },
            MissingKind::Unsupported => RecordingError::Unsupported { what: reason },
            MissingKind::Ffmpeg => RecordingError::Ffmpeg { reason },
        }
    }

    fn length(&self) -> Duration {
        self.end.map_or(Duration::ZERO, |end| end.saturating_sub(self.start))
    }
}

/// All missing ranges of a recording, in order of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MissingRanges {
    ranges: Vec<MissingRange>,
    count: u64,
    total: Duration,
    is_open: bool,
}

impl MissingRanges {
    /// Adds a range that starts no earlier than the last one. If it has the same kind and starts where the last one
    /// ends, it extends the last one.
    pub fn add(&mut self, range: MissingRange) {
        self.total = self.total.saturating_add(range.length());
        self.is_open |= range.end.is_none();
        if let Some(last) = self.ranges.last_mut()
            && last.kind == range.kind
            && last.end.is_some_and(|end| range.start.abs_diff(end) <= ROUNDING)
        {
            last.end = range.end;
            return;
        }
        self.count += 1;
        self.ranges.push(range);
        if self.ranges.len() > 2 * MAX_RANGES {
            coarsen(&mut self.ranges);
        }
    }

    /// Sets the end of an open range at the end of a recording, if its name or header says how long it should be.
    /// `decoded` is the decoded length. An expected end within one packet of the decoded end counts as the decoded
    /// end: both are the same, computed in two ways.
    pub fn close(&mut self, decoded: Duration, expected: Option<Duration>) {
        let is_last = |range: &&mut MissingRange| range.end.is_none() && range.start >= decoded;
        if let Some(range) = self.ranges.last_mut().filter(is_last)
            && let Some(end) = expected.filter(|end| *end > range.start + ONE_PACKET)
        {
            range.end = Some(end);
            self.total = self.total.saturating_add(range.length());
            self.is_open = self.ranges.iter().any(|range| range.end.is_none());
        }
    }

    /// The ranges moved `by` towards the end: for a recording that starts that much earlier.
    pub fn later(mut self, by: Duration) -> MissingRanges {
        for range in &mut self.ranges {
            range.start = range.start.saturating_add(by);
            range.end = range.end.map(|end| end.saturating_add(by));
        }
        self
    }

    /// In order of time, at most `MAX_RANGES`, so that a database row stays small. If there are more, neighbouring
    /// ranges are merged together with the audio between them.
    pub fn into_ranges(mut self) -> Vec<MissingRange> {
        coarsen(&mut self.ranges);
        self.ranges
    }

    pub fn first(&self) -> Option<&MissingRange> {
        self.ranges.first()
    }

    /// The end of the last range; its start if the end is unknown.
    pub fn end(&self) -> Option<Duration> {
        self.ranges.last().map(|range| range.end.unwrap_or(range.start))
    }

    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The number of ranges before neighbours were merged.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The sum of the known lengths.
    pub fn total(&self) -> Duration {
        self.total
    }

    /// Whether a recording of `length` with these missing ranges is partial.
    pub fn is_partial(&self, length: Duration) -> bool {
        let is_short = self.total < NEGLIGIBLE && self.total < length / NEGLIGIBLE_SHARE;
        self.is_open || !(self.is_empty() || is_short || self.total <= ONE_PACKET)
    }
}

impl fmt::Display for MissingRanges {
    /// `is partial: 12.50 s are missing, 0:10:02.0 - 0:10:14.5 (damaged: crc mismatch)`. If there are several, this is
    /// the longest, and the number of the others follows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe(f, &self.ranges, self.count, self.total)
    }
}

/// Writes the message about missing ranges; shared by analyzed and stored recordings.
pub fn describe(f: &mut fmt::Formatter<'_>, ranges: &[MissingRange], count: u64, total: Duration) -> fmt::Result {
    let Some(longest) = ranges.iter().max_by_key(|range| (range.end.is_none(), range.length())) else {
        return write!(f, "nothing is missing");
    };
    let amount = if ranges.iter().any(|range| range.end.is_none()) { "at least " } else { "" };
    write!(f, "is partial: {amount}{:.2} s are missing", total.as_secs_f64())?;
    write!(f, ", {} - {}", position(&longest.start), longest.end.map_or("?".to_owned(), |end| position(&end)))?;
    write!(f, " ({})", longest.reason)?;
    match count.saturating_sub(1) {
        0 => Ok(()),
        others => write!(f, " and {others} more"),
    }
}

/// Merges neighbouring ranges until at most [`MAX_RANGES`] are left: doubles the largest distance that is merged
/// until enough ranges are gone.
fn coarsen(ranges: &mut Vec<MissingRange>) {
    let mut nearest = Duration::from_millis(500);
    while ranges.len() > MAX_RANGES {
        nearest = nearest.saturating_mul(2);
        ranges.dedup_by(|next, last| {
            let is_near = last.end.is_some_and(|end| next.start.saturating_sub(end) <= nearest);
            if is_near {
                last.end = next.end;
            }
            is_near
        });
        // Ranges without an end cannot be merged.
        if nearest > Duration::from_secs(1 << 32) {
            ranges.truncate(MAX_RANGES);
        }
    }
}

/// Seconds with a fraction.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(time.as_secs_f64())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        Duration::try_from_secs_f64(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

mod optional_seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        time.map(|time| time.as_secs_f64()).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        let seconds = Option::<f64>::deserialize(deserializer)?;
        seconds.map(Duration::try_from_secs_f64).transpose().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: f64, end: f64) -> MissingRange {
        let at = Duration::from_secs_f64;
        MissingRange { start: at(start), end: Some(at(end)), kind: MissingKind::Gap, reason: "lost".into() }
    }

    fn all(ranges: impl IntoIterator<Item = MissingRange>) -> MissingRanges {
        ranges.into_iter().fold(MissingRanges::default(), |mut all, range| {
            all.add(range);
            all
        })
    }

    #[test]
    fn one_second_or_a_thousandth_missing_is_partial_and_one_packet_is_not() {
        let is_partial =
            |missing: f64, length: u64| all([range(0.5, 0.5 + missing)]).is_partial(Duration::from_secs(length));
        assert!(!MissingRanges::default().is_partial(Duration::from_secs(10)));
        assert!(!is_partial(0.99, 1000));
        assert!(is_partial(1.0, 86_400));
        assert!(is_partial(0.1, 100));
        assert!(!is_partial(0.099, 100));
        assert!(!is_partial(0.04, 10));
        let open = MissingRange { end: None, ..range(5.0, 5.0) };
        assert!(all([open]).is_partial(Duration::from_secs(86_400)));
    }

    #[test]
    fn the_expected_length_closes_the_last_open_range() {
        let at = Duration::from_secs;
        let open = || all([range(1.0, 2.0), MissingRange { end: None, ..range(5.0, 5.0) }]);
        let mut closed = open();
        closed.close(at(5), Some(at(8)));
        assert_eq!(closed, all([range(1.0, 2.0), range(5.0, 8.0)]));
        for (decoded, expected) in [(5, None), (5, Some(at(4))), (6, Some(at(8)))] {
            let mut same = open();
            same.close(at(decoded), expected);
            assert_eq!(same, open());
        }
    }

    #[test]
    fn adjacent_ranges_are_merged() {
        let merged = all([range(1.0, 2.0), range(2.0, 3.0), range(4.0, 5.0)]);
        assert_eq!((merged.count(), merged.total()), (2, Duration::from_secs(3)));
        assert_eq!(merged.into_ranges(), [range(1.0, 3.0), range(4.0, 5.0)]);
    }

    #[test]
    fn a_hundred_thousand_gaps_become_a_bounded_list_that_covers_them() {
        let gaps: Vec<MissingRange> = (0..100_000).map(|i| range(f64::from(i), f64::from(i) + 0.25)).collect();
        let many = all(gaps.clone());
        assert_eq!((many.count(), many.total()), (100_000, Duration::from_secs(25_000)));
        let ranges = many.into_ranges();
        assert!(ranges.len() <= MAX_RANGES);
        let is_covered = |gap: &MissingRange| ranges.iter().any(|r| r.start <= gap.start && gap.end <= r.end);
        assert!(gaps.iter().step_by(997).all(is_covered));
        let open = MissingRange { end: None, ..range(5.0, 5.0) };
        assert!(all(vec![open; 5000]).into_ranges().len() <= MAX_RANGES);
    }

    #[test]
    fn ranges_survive_a_json_round_trip() {
        let ranges = vec![range(1.5, 2.25), MissingRange { end: None, ..range(7.0, 7.0) }];
        let json = serde_json::to_string(&ranges).unwrap();
        assert_eq!(
            json,
            r#"[{"start_seconds":1.5,"end_seconds":2.25,"kind":"gap","reason":"lost"},{"start_seconds":7.0,"end_seconds":null,"kind":"gap","reason":"lost"}]"#
        );
        assert_eq!(serde_json::from_str::<Vec<MissingRange>>(&json).unwrap(), ranges);
    }
}
