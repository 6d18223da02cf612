//! Seconds or milliseconds since 1970 in a file name: `omi_1704449410`, `audio_1704449410123`.
//!
//! Numbers of ten digits are telephones and serials too. So the time must be between 2010 and June 2032 (`1234567890`
//! lies before it, the telephones of North America and dates such as `1980010100` or `2024010510` behind), nothing of the name may say that it is something
//! else, and it may be no piece of a longer number or of a hash.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::stamp::{Stamp, begins_a_number};

/// From 1 January 2010 on, and before 4 June 2032.
const SECONDS: std::ops::Range<i64> = 1_262_304_000..1_970_000_000;

/// Before such words or behind them ten digits are a number of somebody or something.
const NUMBERED: [&str; 17] = [
    "call", "calls", "caller", "contact", "dial", "id", "imei", "incoming", "mobile", "number", "nr", "outgoing",
    "phone", "serial", "sms", "sn", "tel",
];

/// The first time of this kind in the text.
pub(super) fn first(text: &[u8]) -> Option<Stamp> {
    (0..text.len()).filter(|&at| begins_a_number(text, at)).find_map(|at| at_place(text, at))
}

fn at_place(text: &[u8], at: usize) -> Option<Stamp> {
    let (before, number) = text.split_at(at);
    let digits = number.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, after) = number.split_at(digits);
    let value: i64 = std::str::from_utf8(number).ok()?.parse().ok()?;
    let seconds = match digits {
        10 if !is_numbered(text) => value,
        13 => value / 1000,
        _ => return None,
    };
    let stands_alone =
        !before.ends_with(b"+") && !is_hash(before) && !after.first().is_some_and(u8::is_ascii_alphabetic);
    let at = Timestamp::from_second(seconds).ok().filter(|_| SECONDS.contains(&seconds) && stands_alone)?;
    Some(Stamp { civil: Offset::UTC.to_datetime(at), offset: Some(Offset::UTC) })
}

/// Whether letters right before a number are hexadecimal digits, all of them.
fn is_hash(before: &[u8]) -> bool {
    let token = before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric());
    let (mut is_empty, mut is_hexadecimal) = (true, true);
    token.for_each(|byte| (is_empty, is_hexadecimal) = (false, is_hexadecimal && byte.is_ascii_hexdigit()));
    !is_empty && is_hexadecimal
}

fn is_numbered(text: &[u8]) -> bool {
    let mut words = text.split(|byte| !byte.is_ascii_alphabetic());
    words.any(|word| NUMBERED.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(word)))
}
