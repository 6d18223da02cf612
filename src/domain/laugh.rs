//! What other programs ask of stored laughs: the counts of a day, and laughs by what they are.
//!
//! A laugh is what people count: one row of `detections`, or the rows of all its parts if it is split across recordings.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use super::{Detection, LAUGHTER_NAMES, StoredDetection, StoredRecording, Verdict, Window};

/// One day of one source in numbers. A laugh belongs to the day in which it starts.
#[derive(Debug, Clone, PartialEq)]
pub struct DayCount {
    pub source: String,
    pub date: Date,
    /// Laughs that count: those that are not rejected.
    pub laughs: u64,
    /// Laughs that do not count, because their review rejects them.
    pub rejected: u64,
    pub confirmed: u64,
    /// Laughs without a verdict.
    pub unreviewed: u64,
    /// Laughs that count and are marked as favourite.
    pub favourites: u64,
    /// The total length of the laughs that count.
    pub laughed: Duration,
    /// Laughs that count, by the local hour in which they start.
    pub by_hour: [u64; 24],
    /// Analyzed time of the day, as a union: overlapping recordings count once.
    pub analyzed: Duration,
    /// Recordings that start on this day.
    pub recordings: RecordingCounts,
}

impl DayCount {
    pub fn new(source: &str, date: Date) -> DayCount {
        DayCount {
            source: source.to_owned(),
            date,
            laughs: 0,
            rejected: 0,
            confirmed: 0,
            unreviewed: 0,
            favourites: 0,
            laughed: Duration::ZERO,
            by_hour: [0; 24],
            analyzed: Duration::ZERO,
            recordings: RecordingCounts::default(),
        }
    }

    /// Neither recordings nor laughs.
    pub fn is_empty(&self) -> bool {
        self.laughs + self.rejected == 0 && self.analyzed.is_zero() && self.recordings == RecordingCounts::default()
    }
}

/// Recordings by their status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct RecordingCounts {
    pub analyzed: u64,
    pub partial: u64,
    pub failed: u64,
}

/// The order of laughs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LaughOrder {
    /// By start.
    Oldest,
    #[default]
    Newest,
    /// By score, the highest first.
    Best,
}

/// What a review says, as a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerdictFilter {
    Is(Verdict),
    /// There is no verdict.
    None,
}

/// Which laughs to read; each part that is None selects all.
#[derive(Debug, Clone)]
pub struct LaughFilter {
    pub source: Option<String>,
    /// Laughs that start in it.
    pub window: Window,
    /// Of `time_of_day`.
    pub zone: TimeZone,
    /// In the comment of the review or the name of the recording, in upper or lower case.
    pub text: Option<String>,
    /// AudioSet's name, see [`LAUGHTER_NAMES`].
    pub class_name: Option<String>,
    /// Lengths, both inclusive.
    pub shortest: Option<Duration>,
    pub longest: Option<Duration>,
    /// Lowest score, inclusive.
    pub score: Option<f32>,
    /// Local times of the start, from the first until just before the second; the second may be earlier: 22:00 to 02:00.
    pub time_of_day: Option<(Time, Time)>,
    pub verdict: Option<VerdictFilter>,
    /// Only those that are (or are not) marked as favourite.
    pub favourite: Option<bool>,
    /// Also laughs that do not count. A filter for rejected laughs includes them by itself.
    pub include_rejected: bool,
    pub order: LaughOrder,
    /// Continue after the page that gave this cursor.
    pub after: Option<LaughCursor>,
    /// Laughs of a page, at most [`LaughFilter::MOST`].
    pub limit: usize,
}

impl Default for LaughFilter {
    fn default() -> LaughFilter {
        LaughFilter {
            source: None,
            window: Window::default(),
            zone: TimeZone::UTC,
            text: None,
            class_name: None,
            shortest: None,
            longest: None,
            score: None,
            time_of_day: None,
            verdict: None,
            favourite: None,
            include_rejected: false,
            order: LaughOrder::default(),
            after: None,
            limit: 50,
        }
    }
}

impl LaughFilter {
    /// The largest page.
    pub const MOST: usize = 500;

    /// Whether a review with this verdict and this mark passes.
    pub fn takes_review(&self, verdict: Option<Verdict>, favourite: bool) -> bool {
        let is_wanted = match self.verdict {
            None => self.include_rejected || verdict != Some(Verdict::Rejected),
            Some(VerdictFilter::None) => verdict.is_none(),
            Some(VerdictFilter::Is(wanted)) => verdict == Some(wanted),
        };
        is_wanted && self.favourite.is_none_or(|wanted| wanted == favourite)
    }

    /// Whether only laughs with a review pass.
    pub fn needs_review(&self) -> bool {
        matches!(self.verdict, Some(VerdictFilter::Is(_))) || self.favourite == Some(true)
    }

    pub fn takes_time(&self, starts: Timestamp) -> bool {
        self.time_of_day.is_none_or(|(from, to)| {
            let time = self.zone.to_datetime(starts).time();
            if from < to { (from..to).contains(&time) } else { time >= from || time < to }
        })
    }

    pub fn takes_length(&self, seconds: f64) -> bool {
        // Offsets are multiples of 10 ms; their difference is not exact.
        const EXACT: f64 = 1e-6;
        let is_in = |limit: Option<Duration>, fits: fn(f64, f64) -> bool| {
            limit.is_none_or(|limit| fits(seconds, limit.as_secs_f64()))
        };
        is_in(self.shortest, |seconds, limit| seconds >= limit - EXACT)
            && is_in(self.longest, |seconds, limit| seconds <= limit + EXACT)
    }

    /// AudioSet's index of the class; `Some(None)` if there is no such class.
    pub fn class(&self) -> Option<Option<u16>> {
        let name = self.class_name.as_deref()?;
        let index = LAUGHTER_NAMES.iter().position(|known| *known == name);
        Some(index.map(|index| super::FIRST_LAUGHTER + index as u16))
    }
}

/// The last laugh of a page, from which the next one continues. Its text means nothing to others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LaughCursor {
    Start { at: Timestamp, id: i64 },
    Score { peak: f64, id: i64 },
}

impl fmt::Display for LaughCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LaughCursor::Start { at, id } => write!(f, "t{:x}-{id:x}", at.as_microsecond().cast_unsigned()),
            LaughCursor::Score { peak, id } => write!(f, "s{:x}-{id:x}", peak.to_bits()),
        }
    }
}

/// A text that no page gave as its cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a cursor that a page has given; start again without one")]
pub struct WrongCursor;

impl FromStr for LaughCursor {
    type Err = WrongCursor;

    fn from_str(text: &str) -> Result<LaughCursor, WrongCursor> {
        let (kind, numbers) = text.split_at_checked(1).ok_or(WrongCursor)?;
        let (first, id) = numbers.rsplit_once('-').ok_or(WrongCursor)?;
        let id = i64::from_str_radix(id, 16).map_err(|_| WrongCursor)?;
        match kind {
            "t" => {
                let at = u64::from_str_radix(first, 16).map_err(|_| WrongCursor)?.cast_signed();
                Ok(LaughCursor::Start { at: Timestamp::from_microsecond(at).map_err(|_| WrongCursor)?, id })
            }
            "s" => {
                let peak = f64::from_bits(u64::from_str_radix(first, 16).map_err(|_| WrongCursor)?);
                Some(LaughCursor::Score { peak, id }).filter(|_| peak.is_finite()).ok_or(WrongCursor)
            }
            _ => Err(WrongCursor),
        }
    }
}

/// A laugh with its recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Laugh {
    /// The recording in which it starts, without its laughs.
    pub recording: StoredRecording,
    /// Its first part, with the latest review of one of its parts.
    pub detection: StoredDetection,
    /// Its further parts in the next recordings, in order of time; usually empty.
    pub continued: Vec<(StoredRecording, StoredDetection)>,
}

impl Laugh {
    /// All parts, in order of time.
    pub fn parts(&self) -> impl Iterator<Item = (&StoredRecording, &StoredDetection)> {
        let rest = self.continued.iter().map(|(recording, part)| (recording, part));
        std::iter::once((&self.recording, &self.detection)).chain(rest)
    }

    pub fn ends(&self) -> Timestamp {
        self.continued.last().map_or(self.detection.ends, |(_, last)| last.ends)
    }

    /// The total length of the parts.
    pub fn length(&self) -> Duration {
        self.parts().map(|(_, part)| part.detection.end.saturating_sub(part.detection.start)).sum()
    }

    /// The part with the highest score; among equals, the first.
    pub fn loudest(&self) -> &Detection {
        let parts = self.parts().map(|(_, part)| &part.detection);
        parts.reduce(|best, part| if part.peak > best.peak { part } else { best }).unwrap_or(&self.detection.detection)
    }
}

/// Laughs in the order that was asked for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LaughPage {
    pub laughs: Vec<Laugh>,
    /// Where the next page continues; None: there are no more.
    pub next: Option<LaughCursor>,
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;

    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_is_written_and_nothing_else_is_one() {
        let at = Timestamp::from_microsecond(-1_761_400_000_123_456).unwrap();
        for cursor in [LaughCursor::Start { at, id: 7 }, LaughCursor::Score { peak: 0.1 + 0.2, id: i64::MAX }] {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in [
            "",
            "t",
            "t1",
            "t1-",
            "x1-1",
            "s7ff0000000000000-1",
            "t1-1-g",
            "é1-1",
            "t7fffffffffffffff-1",
            "t10000000000000000-1",
        ] {
            assert_eq!(text.parse::<LaughCursor>(), Err(WrongCursor), "{text}");
        }
    }

    #[test]
    fn a_time_of_day_may_wrap_over_midnight() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let takes = |from, to, at: &str| {
            let time_of_day = Some((time(from, 0, 0, 0), time(to, 0, 0, 0)));
            LaughFilter { time_of_day, zone: zone.clone(), ..LaughFilter::default() }.takes_time(at.parse().unwrap())
        };
        assert!(takes(22, 2, "2025-10-24T20:00:00Z") && takes(22, 2, "2025-10-24T23:59:59Z"));
        assert!(!takes(22, 2, "2025-10-25T00:00:00Z") && !takes(22, 2, "2025-10-24T19:59:59Z"));
        assert!(takes(9, 10, "2025-10-24T07:30:00Z") && !takes(9, 10, "2025-10-24T08:00:00Z"));
        assert!(takes(9, 9, "2025-10-24T03:00:00Z"), "a whole day");
    }

    #[test]
    fn rejected_laughs_pass_only_if_they_are_wanted() {
        let (yes, no) = (Some(Verdict::Confirmed), Some(Verdict::Rejected));
        let all = LaughFilter::default();
        assert!(all.takes_review(None, false) && all.takes_review(yes, true) && !all.takes_review(no, false));
        assert!(LaughFilter { include_rejected: true, ..all.clone() }.takes_review(no, false));
        assert!(
            LaughFilter { verdict: Some(VerdictFilter::Is(Verdict::Rejected)), ..all.clone() }.takes_review(no, false)
        );
        let favourites = LaughFilter { favourite: Some(true), ..all };
        assert!(favourites.takes_review(None, true) && !favourites.takes_review(yes, false));
        assert!(!favourites.takes_review(no, true), "it does not count");
    }
}
