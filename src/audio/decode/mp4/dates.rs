//! Reads the recording date of an MP4 file: Apple's creation date, otherwise the date of the movie header.

use std::fs::File;
use std::io::{self, Read};

use super::{EPOCH, Part, array, child, long_number, next, number, part, version};

/// The key of the start time with its time zone.
const CREATION_DATE: &[u8] = b"com.apple.quicktime.creationdate";

/// Maximum number of keys, and maximum bytes of a value.
const MOST_KEYS: u32 = 1024;
const MOST_BYTES: u64 = 128;

/// Maximum difference between the two times of a header that were written at the same time, seconds.
const AT_ONCE: u64 = 2;

/// Earliest valid year. Old Android versions count from 1970 instead of 1904.
const FROM_1970: std::ops::Range<u64> = 1_000_000_000..2_000_000_000;

/// A date, which may be the start or the end of the recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Date {
    /// RFC 3339.
    pub text: String,
    /// It may be the end of the recording, because the modification time in the header is not later.
    pub may_be_end: bool,
}

/// The date of a movie; `mvhd` is in `moov`.
pub(super) fn read(file: &mut File, moov: Part, mvhd: Part) -> io::Result<Option<Date>> {
    if let Some(text) = creation_date(file, moov)? {
        return Ok(Some(Date { text, may_be_end: false }));
    }
    let (created, changed) = match version(file, mvhd)? {
        1 => (long_number(file, mvhd.start + 4)?, long_number(file, mvhd.start + 12)?),
        _ => (u64::from(number(file, mvhd.start + 4)?), u64::from(number(file, mvhd.start + 8)?)),
    };
    let may_be_end = changed <= created.saturating_add(AT_ONCE);
    Ok(text(created).map(|text| Date { text, may_be_end }))
}

/// Formats a creation time; zero means that the recorder had no clock.
fn text(created: u64) -> Option<String> {
    let seconds = i64::try_from(created).ok()?;
    let since_1970 = if FROM_1970.contains(&created) { seconds } else { seconds - EPOCH };
    let at = jiff::Timestamp::from_second(since_1970).ok().filter(|at| at.as_second() > 0)?;
    Some(at.to_string())
}

/// The value of [`CREATION_DATE`] in the movie's metadata; `ilst` refers to keys by number.
fn creation_date(file: &mut File, moov: Part) -> io::Result<Option<String>> {
    let Some(meta) = child(file, moov, b"meta")? else {
        return Ok(None);
    };
    let meta = contents(file, meta)?;
    let (Some(keys), Some(list)) = (child(file, meta, b"keys")?, child(file, meta, b"ilst")?) else {
        return Ok(None);
    };
    let Some(key) = key_number(file, keys)? else {
        return Ok(None);
    };
    let mut at = list.start;
    match next(file, &mut at, list.end, &key.to_be_bytes())? {
        Some(item) => value(file, item),
        None => Ok(None),
    }
}

/// The contents of `meta`: QuickTime's starts with boxes, MP4's with four other bytes.
fn contents(file: &mut File, meta: Part) -> io::Result<Part> {
    let name = if meta.end.saturating_sub(meta.start) < 8 { [0; 4] } else { array(file, meta.start + 4)? };
    let start = if &name == b"hdlr" { meta.start } else { meta.start + 4 };
    Ok(Part { start, ..meta })
}

/// The number of the key, from 1.
fn key_number(file: &mut File, keys: Part) -> io::Result<Option<u32>> {
    let mut at = keys.start + 8;
    for number in 1..=MOST_KEYS {
        let Some(key) = part(file, at, keys.end)? else { break };
        if bytes(file, key)?.as_deref() == Some(CREATION_DATE) {
            return Ok(Some(number));
        }
        at = key.end;
    }
    Ok(None)
}

fn value(file: &mut File, item: Part) -> io::Result<Option<String>> {
    let Some(data) = child(file, item, b"data")? else {
        return Ok(None);
    };
    let text = bytes(file, Part { start: data.start + 8, ..data })?;
    Ok(text.and_then(|text| String::from_utf8(text).ok()).filter(|text| crate::audio::timestamps::is_dated(text)))
}

/// The contents of a box, if they are short.
fn bytes(file: &mut File, part: Part) -> io::Result<Option<Vec<u8>>> {
    let Some(length) = part.end.checked_sub(part.start).filter(|&length| length <= MOST_BYTES) else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    array::<0>(file, part.start)?;
    file.take(length).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}
