//! Parses a UTC offset after a time: `Z`, `+02:00`, `-0700`, `_+0530`, ` UTC`, `(UTC-7)`, `GMT+1`.

use jiff::tz::Offset;

use super::cursor::Cursor;

/// Reads an offset directly after the seconds or their fraction.
pub(super) fn read(cursor: &mut Cursor) -> Option<Offset> {
    let mut after_fraction = *cursor;
    if after_fraction.any(b".,").is_some() {
        after_fraction.skip(after_fraction.digits());
    }
    for mut ahead in [*cursor, after_fraction] {
        if let Some(offset) = universal(&mut ahead).or_else(|| numeric(&mut ahead)) {
            *cursor = ahead;
            return Some(offset);
        }
    }
    None
}

/// `Z`, `UTC`, or `UTC` and an offset, whose hours may have one digit.
fn universal(cursor: &mut Cursor) -> Option<Offset> {
    let mut ahead = *cursor;
    let offset = if ahead.any(b"Zz").is_some() {
        Offset::UTC
    } else {
        ahead.space_or(b"_-");
        ahead.any(b"(");
        ahead.text("UTC").or_else(|| ahead.text("GMT"))?;
        signed(&mut ahead, true).unwrap_or(Offset::UTC)
    };
    ahead.ends_a_word().then(|| {
        *cursor = ahead;
        offset
    })
}

fn numeric(cursor: &mut Cursor) -> Option<Offset> {
    let mut ahead = *cursor;
    ahead.space_or(b"_");
    let offset = signed(&mut ahead, false)?;
    *cursor = ahead;
    Some(offset)
}

/// Accepts only offsets that exist in some time zone: `-0001` is a counter, and `-20251024` starts an end time.
/// `is_named` means that `UTC` precedes, so that the number can be nothing else.
fn signed(cursor: &mut Cursor, is_named: bool) -> Option<Offset> {
    let mut ahead = *cursor;
    let sign = ahead.any(b"+-")?;
    let hours = hours(&mut ahead, is_named)?;
    let has_colon = ahead.rest.first() == Some(&b':');
    let minutes = minutes(&mut ahead, sign == b'+', is_named)?;
    let seconds = i32::from(hours) * 3600 + i32::from(minutes) * 60;
    let seconds = if sign == b'-' { -seconds } else { seconds };
    let exists = (-12 * 3600..=14 * 3600).contains(&seconds);
    let counter = sign == b'-' && seconds == 0 && !has_colon;
    if !exists || counter {
        return None;
    }
    *cursor = ahead;
    Offset::from_seconds(seconds).ok()
}

/// Two digits; or one digit after `UTC` or before a colon.
fn hours(cursor: &mut Cursor, is_named: bool) -> Option<i16> {
    let has_colon = cursor.rest.get(1) == Some(&b':');
    match cursor.digits() {
        1 if is_named || has_colon => cursor.number(1),
        _ => cursor.number(2),
    }
}

/// The minutes of an offset. They are optional after a plus or after `UTC`, because counters have no plus. After a
/// plus, the colon may be replaced by `-` or `_`, because some file systems do not allow colons; then only 00 and 30
/// count.
fn minutes(cursor: &mut Cursor, is_plus: bool, is_named: bool) -> Option<i16> {
    for separators in [&b":"[..], b"", if is_plus { b"-_" } else { b"" }] {
        let mut ahead = *cursor;
        let is_separated = separators.is_empty() || ahead.any(separators).is_some();
        let step = if separators.len() < 2 { 15 } else { 30 };
        let minutes = ahead.number(2).filter(|minutes| minutes % step == 0 && *minutes < 60);
        if let (true, Some(minutes), 0) = (is_separated, minutes, ahead.digits()) {
            *cursor = ahead;
            return Some(minutes);
        }
    }
    let is_whole = cursor.digits() == 0 && cursor.rest.first() != Some(&b':');
    (is_whole && (is_plus || is_named)).then_some(0)
}
