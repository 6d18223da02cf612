//! A time that words join to its date: `2025-10-24 at 13.00.00`, `2025-10-24-birdnet-13:00:00`.
//!
//! Between any other words and a number there is no knowing what the number counts (`2025-10-24 version 10.10.10`),
//! unless it is written with colons.

use jiff::civil::Time;

use super::cursor::Cursor;
use super::stamp::{self, Half, begins_a_number};

/// More words than these are a sentence, and who knows what it says.
const MOST_WORDS: usize = 3;

/// BirdNET-Pi may write the name of a stream before the time; no more bytes than these.
const STREAM: usize = 40;

/// "At" in the languages of screen recorders and messengers; some with an accent of its own, as macOS writes it.
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

/// The same where capitals or dashes would make it a name or a number of a part: `2025-10-24-A-01-02-03`.
const AT_IN_SMALL: [&str; 6] = ["a", "as", "la", "las", "o", "s"];

/// Colons behind these say how long it is.
const LENGTH: [&str; 5] = ["dur", "duration", "for", "len", "length"];

/// Words that say which half of the day it is before they say the time.
const HALVES: [(&str, Half); 6] = [
    ("上午", Half::Morning),
    ("午前", Half::Morning),
    ("오전", Half::Morning),
    ("下午", Half::Afternoon),
    ("午後", Half::Afternoon),
    ("오후", Half::Afternoon),
];

/// The time behind the words that follow a date.
pub(super) fn time(cursor: &mut Cursor) -> Option<Time> {
    let mut ahead = *cursor;
    signs(&mut ahead);
    if ahead.rest.first().is_none_or(u8::is_ascii_digit) {
        return signs_only(cursor, ahead);
    }
    let time = if ahead.text("birdnet").is_some() { behind_stream(&mut ahead) } else { behind_words(&mut ahead) };
    *cursor = time.is_some().then_some(ahead)?;
    time
}

/// `2025-10-24 - 13.00.00`. Without its separators a number behind several signs is any number.
fn signs_only<'a>(cursor: &mut Cursor<'a>, mut ahead: Cursor<'a>) -> Option<Time> {
    let is_apart = ahead.rest.len() < cursor.rest.len() && ahead.digits() <= 2;
    let time = is_apart.then(|| stamp::clock_face(&mut ahead, None)).flatten()?;
    *cursor = ahead;
    Some(time)
}

/// What stands between words.
fn signs(cursor: &mut Cursor) {
    while cursor.space_or(b"_-.,()").is_some() {}
}

fn behind_words(cursor: &mut Cursor) -> Option<Time> {
    let is_one_of = |word: &[u8], words: &[&str]| words.iter().any(|other| other.as_bytes().eq_ignore_ascii_case(word));
    let (mut is_at, mut half) = (true, None);
    for _ in 0..=MOST_WORDS {
        let word = cursor.word();
        if word.is_empty() {
            return if is_at { at(cursor, half) } else { with_colons(cursor) };
        }
        if is_one_of(word, &LENGTH) {
            return None;
        }
        let said = HALVES.iter().find(|(name, _)| name.as_bytes() == word).map(|(_, half)| *half);
        is_at &= said.is_some() || is_one_of(word, &AT) || is_small(word, cursor);
        half = half.or(said);
        signs(cursor);
    }
    None
}

fn is_small(word: &[u8], behind: &Cursor) -> bool {
    AT_IN_SMALL.iter().any(|at| at.as_bytes() == word)
        && !behind.rest.starts_with(b"-")
        && !behind.rest.starts_with(b"_")
}

/// Behind "at" an hour may be one digit.
fn at(cursor: &mut Cursor, half: Option<Half>) -> Option<Time> {
    let mut alone = *cursor;
    stamp::clock_face(cursor, half).or_else(|| stamp::numbers(&mut alone).inspect(|_| *cursor = alone))
}

fn with_colons(cursor: &mut Cursor) -> Option<Time> {
    let is_clock = cursor.rest.get(2) == Some(&b':');
    is_clock.then(|| stamp::clock_face(cursor, None)).flatten()
}

/// `-13:00:00`, `-RTSP_1-13:00:00`; the last that reads as a time, since a stream has numbers too.
fn behind_stream(cursor: &mut Cursor) -> Option<Time> {
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
