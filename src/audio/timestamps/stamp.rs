//! Parses one date with a time of day, as recorders and tags write it, at one position of a text.
//!
//! ```text
//! 20251024_130000   20251024T130000Z   20251024_130000-0700   20251024_130000_-0700   20251024130000
//! 2025-10-24_13-00-00   2025-10-24 13.00.00   2025:10:24 13:00:00   2025-10-24T13:00:00.5+02:00
//! 2025-10-24 at 1.00.00 PM   2025-10-24 um 13.00.00   2025-10-24-birdnet-13:00:00   GMT20251024-130000
//! ```
//!
//! Invariant: whole seconds, years 1970 to 2100, and no panic for any text. Digits after the seconds are ignored,
//! because they may be a counter as well as a fraction (`20251024_130000_123`).

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

use super::cursor::Cursor;
use super::{joint, offset};

/// A civil time, and its UTC offset if the text contains one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub civil: DateTime,
    pub offset: Option<Offset>,
}

/// The half of the day of an hour from 1 to 12.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Half {
    Morning,
    Afternoon,
}

/// The first stamp in the text, and the text after it. Invalid dates are skipped.
pub(super) fn first(text: &[u8]) -> Option<(Stamp, &[u8])> {
    let mut places = (0..text.len()).filter(|&at| begins_a_number(text, at) && !ends_a_date(text, at));
    places.find_map(|at| {
        let (stamp, rest) = at_start(&text[at..])?;
        let universal = is_named_universal(&text[..at]).then_some(Offset::UTC);
        Some((Stamp { offset: stamp.offset.or(universal), ..stamp }, rest))
    })
}

pub(super) fn begins_a_number(text: &[u8], at: usize) -> bool {
    text[at].is_ascii_digit() && (at == 0 || !text[at - 1].is_ascii_digit())
}

/// Whether the year at this position is the end of a date: `01-02-2024-…` is the first of February or the second of
/// January, and not a stamp that starts with 2024.
fn ends_a_date(text: &[u8], at: usize) -> bool {
    let [.., digit, sign, tens, ones, separator] = &text[..at] else { return false };
    let is_day = (b'0'..=b'3').contains(tens) && ones.is_ascii_digit() && digit.is_ascii_digit();
    let is_joined = b"-_.:".contains(separator) && sign == separator && text.get(at + 4) == Some(separator);
    is_day && is_joined
}

/// Whether the text before a stamp ends with `GMT` or `UTC`: `GMT20240105-101010_Recording` (Zoom).
fn is_named_universal(before: &[u8]) -> bool {
    let before = before.strip_suffix(b"-").or(before.strip_suffix(b"_")).unwrap_or(before);
    let name = before.strip_suffix(b"GMT").or(before.strip_suffix(b"UTC"));
    name.is_some_and(|before| !before.last().is_some_and(u8::is_ascii_alphanumeric))
}

/// The stamp at the start of the text, and the text after it.
pub(super) fn at_start(text: &[u8]) -> Option<(Stamp, &[u8])> {
    let mut cursor = Cursor { rest: text };
    let (date, is_compact) = date(&mut cursor)?;
    let time = time_of_day(&mut cursor, is_compact)?;
    let offset = offset::read(&mut cursor);
    Some((Stamp { civil: date.to_datetime(time), offset }, cursor.rest))
}

/// Reads the date; returns also whether it is written without separators.
fn date(cursor: &mut Cursor) -> Option<(Date, bool)> {
    let year = cursor.number(4)?;
    let separator = cursor.any(b"-_.:");
    let month = cursor.number(2)?;
    cursor.again(separator)?;
    let day = cursor.number(2)?;
    let date = Date::new(year, month as i8, day as i8).ok()?;
    (1970..=2100).contains(&year).then_some((date, separator.is_none()))
}

/// Reads the separator between date and time, and the time.
fn time_of_day(cursor: &mut Cursor, is_compact: bool) -> Option<Time> {
    let mut plain = *cursor;
    let is_joined = plain.any(b"_-Tt .").or_else(|| plain.space_or(b"").map(|()| b' ')).is_some();
    let time = if is_joined || is_compact { clock_face(&mut plain, None) } else { None };
    if let Some(time) = time {
        *cursor = plain;
        return Some(time);
    }
    joint::time(cursor)
}

/// Reads a time; a 12-hour time if `half` is given or AM or PM follows. An hour of one digit is accepted only in a
/// 12-hour time (or after a word for "at", see `joint`).
pub(super) fn clock_face(cursor: &mut Cursor, half: Option<Half>) -> Option<Time> {
    let mut ahead = *cursor;
    let digits = ahead.digits();
    let time = numbers(&mut ahead)?;
    let half = half_of_the_day(&mut ahead).or(half);
    if digits == 1 && half.is_none() {
        return None;
    }
    *cursor = ahead;
    Some(on_24_hours(time, half))
}

/// `130000`, `13.00.00`, `1.00.00`.
pub(super) fn numbers(cursor: &mut Cursor) -> Option<Time> {
    let is_short = cursor.digits() == 1;
    let hour = cursor.number(if is_short { 1 } else { 2 })?;
    let separator = cursor.any(b"-_.:");
    let minute = cursor.number(2)?;
    cursor.again(separator)?;
    let second = cursor.number(2)?;
    match cursor.digits() {
        0 => {}
        3 if separator.is_none() => cursor.skip(3), // 130000123: milliseconds can be nothing else here
        _ => return None,
    }
    Time::new(hour as i8, minute as i8, second as i8, 0).ok()
}

/// `AM`, `pm`, `p.m.`, after a space of any width or a punctuation character.
fn half_of_the_day(cursor: &mut Cursor) -> Option<Half> {
    let mut ahead = *cursor;
    ahead.space_or(b"_-.");
    let half = ahead.any(b"AaPp")?;
    if ahead.any(b".").is_some() {
        ahead.space_or(b"");
    }
    ahead.any(b"Mm")?;
    ahead.ends_a_word().then(|| {
        *cursor = ahead;
        if half.eq_ignore_ascii_case(&b'p') { Half::Afternoon } else { Half::Morning }
    })
}

/// Converts a 12-hour time to a 24-hour time: `10.00.00 PM` is 22:00. An hour of 0 or above 12 is a 24-hour time
/// already, even if AM or PM follows.
fn on_24_hours(time: Time, half: Option<Half>) -> Time {
    let (Some(half), 1..=12) = (half, time.hour()) else {
        return time;
    };
    let noon = if half == Half::Afternoon { 12 } else { 0 };
    time.with().hour(time.hour() % 12 + noon).build().unwrap_or(time)
}
