//! Parses a time that words connect to its date: `2025-10-24 at 13.00.00`, `2025-10-24-birdnet-13:00:00`.
//!
//! After other words, a number may be anything (`2025-10-24 version 10.10.10`), so that it counts as a time only if it
//! is written with colons.

use jiff::civil::Time;

use super::cursor::Cursor;
use super::stamp::{self, Half, begins_a_number};

/// The maximum number of words between date and time.
const MOST_WORDS: usize = 3;

/// Maximum length in bytes of a stream name, which BirdNET-Pi may write before the time.
const STREAM: usize = 40;

/// "At" in the languages of screen recorders and messengers; also with combining accents, as macOS writes them.
const AT: [&str; 16] = [
    "at",
    "um",
    "om",
    "kl",
    "klo",
    "alle",
    "ore",
    "saat",
    "à",
    "a\u{300}",
    "á",
    "às",
    "a\u{300}s",
    "в",
    "på",
    "pa\u{30a}",
];

/// More words for "at", accepted only in lower case and without a following dash, because they could otherwise be part
/// of a name or number: `2025-10-24-A-01-02-03`.
const AT_LOWER_CASE: [&str; 6] = ["a", "as", "la", "las", "o", "s"];

/// After these words, a time is a duration.
const DURATION_WORDS: [&str; 5] = ["dur", "duration", "for", "len", "length"];

/// Words for a half of the day that are written before the time.
const HALVES: [(&str, Half); 6] = [
    ("上午", Half::Morning),
    ("午前", Half::Morning),
    ("오전", Half::Morning),
    ("下午", Half::Afternoon),
    ("午後", Half::Afternoon),
    ("오후", Half::Afternoon),
];

/// Reads the time after the words that follow a date.
pub(super) fn time(cursor: &mut Cursor) -> Option<Time> {
    let mut ahead = *cursor;
    punctuation(&mut ahead);
    if ahead.rest.first().is_none_or(u8::is_ascii_digit) {
        return after_punctuation(cursor, ahead);
    }
    let time = if ahead.text("birdnet").is_some() { after_stream_name(&mut ahead) } else { after_words(&mut ahead) };
    *cursor = time.is_some().then_some(ahead)?;
    time
}

/// `2025-10-24 - 13.00.00`. After several punctuation characters, a number without separators may be anything.
fn after_punctuation<'a>(cursor: &mut Cursor<'a>, mut ahead: Cursor<'a>) -> Option<Time> {
    let is_apart = ahead.rest.len() < cursor.rest.len() && ahead.digits() <= 2;
    let time = is_apart.then(|| stamp::clock_face(&mut ahead, None)).flatten()?;
    *cursor = ahead;
    Some(time)
}

/// Skips spaces and punctuation between words.
fn punctuation(cursor: &mut Cursor) {
    while cursor.space_or(b"_-.,()").is_some() {}
}

fn after_words(cursor: &mut Cursor) -> Option<Time> {
    let is_one_of = |word: &[u8], words: &[&str]| words.iter().any(|other| other.as_bytes().eq_ignore_ascii_case(word));
    let (mut is_at, mut half) = (true, None);
    for _ in 0..=MOST_WORDS {
        let word = cursor.word();
        if word.is_empty() {
            return if is_at { time_after_at(cursor, half) } else { with_colons(cursor) };
        }
        if is_one_of(word, &DURATION_WORDS) {
            return None;
        }
        let named_half = HALVES.iter().find(|(name, _)| name.as_bytes() == word).map(|(_, half)| *half);
        is_at &= named_half.is_some() || is_one_of(word, &AT) || is_lower_case_at(word, cursor);
        half = half.or(named_half);
        punctuation(cursor);
    }
    None
}

fn is_lower_case_at(word: &[u8], after: &Cursor) -> bool {
    AT_LOWER_CASE.iter().any(|at| at.as_bytes() == word)
        && !after.rest.starts_with(b"-")
        && !after.rest.starts_with(b"_")
}

/// Reads the time after "at"; its hour may have one digit.
fn time_after_at(cursor: &mut Cursor, half: Option<Half>) -> Option<Time> {
    let mut alone = *cursor;
    stamp::clock_face(cursor, half).or_else(|| stamp::numbers(&mut alone).inspect(|_| *cursor = alone))
}

fn with_colons(cursor: &mut Cursor) -> Option<Time> {
    let is_clock = cursor.rest.get(2) == Some(&b':');
    is_clock.then(|| stamp::clock_face(cursor, None)).flatten()
}

/// `-13:00:00`, `-RTSP_1-13:00:00`: the last position that parses as a time, because stream names contain numbers too.
fn after_stream_name(cursor: &mut Cursor) -> Option<Time> {
    let text = cursor.rest;
    let ends = text.len().min(STREAM);
    let places = (1..ends)
        .rev()
        .filter(|&at| begins_a_number(text, at) && text.get(at + 2).is_some_and(|sign| b"-_.:".contains(sign)));
    let (time, rest) = places.into_iter().find_map(|at| {
        let mut ahead = Cursor { rest: &text[at..] };
        Some((stamp::numbers(&mut ahead)?, ahead.rest))
    })?;
    cursor.rest = rest;
    Some(time)
}
