//! Unix times in a file name, in seconds or milliseconds: `omi_1704449410`, `audio_1704449410123`.
//!
//! Numbers of ten digits can also be telephone or serial numbers. A number counts as a Unix time only if it
//!
//! - is between 2010 and June 2032: `1234567890` is before, North American telephone numbers and dates such as
//!   `1980010100` or `2024010510` are after that,
//! - is in a name without words such as `call` or `serial`,
//! - is not part of a longer number or of a hash.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::stamp::{Stamp, begins_a_number};

/// From 1 January 2010 to 4 June 2032, exclusive.
const SECONDS: std::ops::Range<i64> = 1_262_304_000..1_970_000_000;

/// In a name with one of these words, ten digits are a telephone or serial number.
const NUMBER_WORDS: [&str; 17] = [
    "call", "calls", "caller", "contact", "dial", "id", "imei", "incoming", "mobile", "number", "nr", "outgoing",
    "phone", "serial", "sms", "sn", "tel",
];

/// The first Unix time in the text.
pub(super) fn first(text: &[u8]) -> Option<Stamp> {
    (0..text.len()).filter(|&at| begins_a_number(text, at)).find_map(|at| at_place(text, at))
}

fn at_place(text: &[u8], at: usize) -> Option<Stamp> {
    let (before, number) = text.split_at(at);
    let digits = number.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, after) = number.split_at(digits);
    let value: i64 = std::str::from_utf8(number).ok()?.parse().ok()?;
    let seconds = match digits {
        10 if !has_number_word(text) => value,
        13 => value / 1000,
        _ => return None,
    };
    let stands_alone =
        !before.ends_with(b"+") && !is_hash(before) && !after.first().is_some_and(u8::is_ascii_alphabetic);
    let at = Timestamp::from_second(seconds).ok().filter(|_| SECONDS.contains(&seconds) && stands_alone)?;
    Some(Stamp { civil: Offset::UTC.to_datetime(at), offset: Some(Offset::UTC) })
}

/// Whether the letters and digits directly before a number are all hexadecimal digits.
fn is_hash(before: &[u8]) -> bool {
    let token = before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric());
    let (mut is_empty, mut is_hexadecimal) = (true, true);
    token.for_each(|byte| (is_empty, is_hexadecimal) = (false, is_hexadecimal && byte.is_ascii_hexdigit()));
    !is_empty && is_hexadecimal
}

fn has_number_word(text: &[u8]) -> bool {
    let mut words = text.split(|byte| !byte.is_ascii_alphabetic());
    words.any(|word| NUMBER_WORDS.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(word)))
}
