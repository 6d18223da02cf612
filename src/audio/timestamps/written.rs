//! Parses dates in text for people: AudioMoth's comment, and C's `ctime` in a RIFF `IDIT` chunk.

use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

use super::cursor::Cursor;
use super::offset;
use super::stamp::{self, Stamp};

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// `Recorded at 21:00:00 24/10/2025 (UTC-7) by AudioMoth 24F319055FE3A7D1 at medium gain ...`: the day comes first.
/// Without a time zone the time is UTC.
pub(super) fn audiomoth(text: &[u8]) -> Option<Stamp> {
    let is_its = text.windows(9).any(|window| window == b"AudioMoth");
    let mut cursor = Cursor { rest: text.trim_ascii_start() };
    cursor.text("Recorded at ").filter(|()| is_its)?;
    let time = stamp::numbers(&mut cursor)?;
    if cursor.any(b".").is_some() {
        cursor.skip(cursor.digits());
    }
    cursor.any(b" ")?;
    let day = cursor.number(2)?;
    cursor.any(b"/")?;
    let month = cursor.number(2)?;
    cursor.any(b"/")?;
    let year = cursor.number(4)?;
    let date = Date::new(year, month as i8, day as i8).ok()?;
    let offset = offset::read(&mut cursor).unwrap_or(Offset::UTC);
    plausible(date.to_datetime(time), Some(offset))
}

/// `Fri Oct 24 13:00:00 2025`.
pub(super) fn ctime(text: &[u8]) -> Option<Stamp> {
    let mut words = text.split(|byte| byte.is_ascii_whitespace() || *byte == 0).filter(|word| !word.is_empty());
    let (_, month, day, time, year) = (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| name.as_bytes().eq_ignore_ascii_case(month))? as i8 + 1;
    let date = Date::new(number(year)?, month, i8::try_from(number(day)?).ok()?).ok()?;
    let mut time = Cursor { rest: time };
    let face = stamp::numbers(&mut time).filter(|_| time.rest.is_empty())?;
    plausible(date.to_datetime(face), None)
}

fn number(word: &[u8]) -> Option<i16> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

fn plausible(civil: DateTime, offset: Option<Offset>) -> Option<Stamp> {
    (1970..=2100).contains(&civil.year()).then_some(Stamp { civil, offset })
}
