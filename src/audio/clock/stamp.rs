//! One date with a time of day, as recorders and tags write it, read by hand at one place of a text.
//!
//! ```text
//! 20251024_130000   20251024T130000Z   20251024_130000-0700   20251024130000
//! 2025-10-24_13-00-00   2025-10-24 13.00.00   2025:10:24 13:00:00   2025-10-24T13:00:00.5+02:00
//! ```
//!
//! Invariant: whole seconds, years 1970 to 2100, and never a panic, whatever the text. What follows
//! the seconds is as often a counter as a fraction (`20251024_130000_123`), so it is never believed.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

/// A point of civil time, and its offset from UTC where the text gives one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub civil: DateTime,
    pub offset: Option<Offset>,
}

/// The first stamp anywhere in the text, and what follows it. Impossible dates are passed over.
pub(super) fn first(text: &[u8]) -> Option<(Stamp, &[u8])> {
    (0..text.len()).filter(|&at| begins_a_number(text, at)).find_map(|at| at_start(&text[at..]))
}

fn begins_a_number(text: &[u8], at: usize) -> bool {
    text[at].is_ascii_digit() && (at == 0 || !text[at - 1].is_ascii_digit())
}

/// The stamp with which the text begins, and what follows it.
pub(super) fn at_start(text: &[u8]) -> Option<(Stamp, &[u8])> {
    let mut cursor = Cursor { rest: text };
    let (date, compact) = cursor.date()?;
    let joined = cursor.any(b"_-Tt .").is_some();
    let time = if joined || compact { cursor.time()? } else { return None };
    let time = cursor.half_of_the_day(time);
    let offset = cursor.offset();
    Some((Stamp { civil: date.to_datetime(time), offset }, cursor.rest))
}

#[derive(Clone, Copy)]
struct Cursor<'a> {
    rest: &'a [u8],
}

impl Cursor<'_> {
    /// The date, and whether it is written without separators.
    fn date(&mut self) -> Option<(Date, bool)> {
        let year = self.number(4)?;
        let separator = self.any(b"-_.:");
        let month = self.number(2)?;
        self.again(separator)?;
        let day = self.number(2)?;
        let date = Date::new(year, month as i8, day as i8).ok()?;
        (1970..=2100).contains(&year).then_some((date, separator.is_none()))
    }

    fn time(&mut self) -> Option<Time> {
        let hour = self.number(2)?;
        let separator = self.any(b"-_.:");
        let minute = self.number(2)?;
        self.again(separator)?;
        let second = self.number(2)?;
        match self.digits() {
            0 => {}
            3 if separator.is_none() => self.skip(3), // 130000123: milliseconds can be nothing else here
            _ => return None,
        }
        Time::new(hour as i8, minute as i8, second as i8, 0).ok()
    }

    /// `10.00.00 PM` is 22 o'clock: twelve hours off would be a wrong day. An hour that no dial
    /// shows is on the 24-hour clock already, whatever follows it.
    fn half_of_the_day(&mut self, time: Time) -> Time {
        let mut ahead = *self;
        ahead.any(b" _");
        let half = ahead.any(b"AaPp").filter(|_| ahead.any(b"Mm").is_some() && ahead.ends_a_word());
        let (Some(half), 1..=12) = (half, time.hour()) else {
            return time;
        };
        *self = ahead;
        let noon = if half.eq_ignore_ascii_case(&b'p') { 12 } else { 0 };
        time.with().hour(time.hour() % 12 + noon).build().unwrap_or(time)
    }

    /// `Z`, `UTC`, `+02:00`, `-0700`, `+02`, right after the seconds or after their fraction.
    fn offset(&mut self) -> Option<Offset> {
        let mut after_fraction = *self;
        if after_fraction.any(b".,").is_some() {
            after_fraction.skip(after_fraction.digits());
        }
        for mut ahead in [*self, after_fraction] {
            if let Some(offset) = ahead.utc().or_else(|| ahead.numeric()) {
                *self = ahead;
                return Some(offset);
            }
        }
        None
    }

    fn utc(&mut self) -> Option<Offset> {
        let mut ahead = *self;
        if ahead.any(b"Zz").is_none() {
            ahead.any(b" _");
            ahead.rest = ahead.rest.strip_prefix(b"UTC")?;
        }
        ahead.ends_a_word().then(|| {
            *self = ahead;
            Offset::UTC
        })
    }

    /// Only offsets that some zone has: `-0001` is a counter, and `-20251024` begins an end time.
    fn numeric(&mut self) -> Option<Offset> {
        let mut ahead = *self;
        ahead.any(b" ");
        let sign = ahead.any(b"+-")?;
        let hours = ahead.number(2)?;
        let colon = ahead.any(b":").is_some();
        let minutes = match ahead.number(2) {
            None if sign == b'+' && !colon => 0,
            minutes => minutes?,
        };
        let seconds = i32::from(hours) * 3600 + i32::from(minutes) * 60;
        let seconds = if sign == b'-' { -seconds } else { seconds };
        let exists = minutes % 15 == 0 && minutes < 60 && (-12 * 3600..=14 * 3600).contains(&seconds);
        let counter = sign == b'-' && seconds == 0 && !colon;
        if !exists || counter || ahead.digits() > 0 {
            return None;
        }
        *self = ahead;
        Offset::from_seconds(seconds).ok()
    }

    /// Exactly so many digits, as a number; more may follow.
    fn number(&mut self, digits: usize) -> Option<i16> {
        let (number, rest) = self.rest.split_at_checked(digits)?;
        let value = number
            .iter()
            .try_fold(0i16, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i16::from(byte - b'0')))?;
        self.rest = rest;
        Some(value)
    }

    /// The separator met before must stand here too; where there was none, there is none.
    fn again(&mut self, separator: Option<u8>) -> Option<()> {
        match separator {
            Some(separator) => self.any(&[separator]).map(drop),
            None => Some(()),
        }
    }

    fn any(&mut self, wanted: &[u8]) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        wanted.contains(&byte).then(|| {
            self.rest = rest;
            byte
        })
    }

    fn digits(&self) -> usize {
        self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    }

    fn ends_a_word(&self) -> bool {
        !self.rest.first().is_some_and(u8::is_ascii_alphanumeric)
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }
}
