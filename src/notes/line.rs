//! One line of notes as the page exports it (`output/page/page.js`): a JSON object a laugh.
//!
//! Fields that are not known are passed over, so that a page may say more than this program understands.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use crate::record::{ContentHash, Judgement, Note, Noted};

/// Letters of a note. Nobody says more of a laugh, and tables and pages show them all.
const LONGEST: usize = 10_000;

/// What it says, or what is wrong with it and what to do.
pub fn note(line: &[u8]) -> Result<Noted, String> {
    let text = std::str::from_utf8(line).map_err(|_| "is no UTF-8 text".to_owned())?;
    let value: Value = serde_json::from_str(text).map_err(|error| format!("is no JSON ({})", without_place(&error)))?;
    let Value::Object(line) = value else { return Err("is no JSON object".into()) };
    let noted = Noted {
        source: named(&line, "source")?,
        recording: named(&line, "recording")?,
        content: content(&line)?,
        start: offset(&line, "start_seconds")?,
        end: offset(&line, "end_seconds")?,
        starts: instant(&line, "starts_at")?,
        note: said(&line)?,
    };
    match noted.start < noted.end {
        true => Ok(noted),
        false => Err("end_seconds is not after start_seconds".into()),
    }
}

/// The line is one, so that only the column would say something, and people look at fields.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

fn field<'a>(line: &'a Map<String, Value>, name: &str) -> Result<&'a Value, String> {
    line.get(name).ok_or_else(|| format!("{name} is missing"))
}

fn text<'a>(line: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    field(line, name)?.as_str().ok_or_else(|| format!("{name} is no text"))
}

fn named(line: &Map<String, Value>, name: &str) -> Result<String, String> {
    match text(line, name)? {
        "" => Err(format!("{name} is empty")),
        text => Ok(text.to_owned()),
    }
}

fn content(line: &Map<String, Value>) -> Result<ContentHash, String> {
    let wrong = "content_sha256 is no SHA-256 of 64 hexadecimal digits";
    text(line, "content_sha256")?.parse().map_err(|()| wrong.to_owned())
}

fn offset(line: &Map<String, Value>, name: &str) -> Result<Duration, String> {
    let seconds = field(line, name)?.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| format!("{name} is no number of seconds from 0"))
}

fn instant(line: &Map<String, Value>, name: &str) -> Result<Timestamp, String> {
    let wrong = || format!("{name} is no instant such as 2025-10-24T13:00:00Z");
    let at: Timestamp = text(line, name)?.parse().map_err(|_| wrong())?;
    // Databases have four digits for a year.
    (1..=9999).contains(&at.to_zoned(TimeZone::UTC).year()).then_some(at).ok_or_else(wrong)
}

/// Both null take back what was said; that neither is there is a mistake.
fn said(line: &Map<String, Value>) -> Result<Note, String> {
    if !line.contains_key("verdict") && !line.contains_key("note") {
        return Err("verdict and note are missing; write null where there is none".into());
    }
    let verdict = match line.get("verdict") {
        None | Some(Value::Null) => None,
        Some(value) => Some(value.as_str().and_then(Judgement::named).ok_or("verdict is not keep, discard or null")?),
    };
    let words = match line.get("note") {
        None | Some(Value::Null) => None,
        Some(Value::String(words)) => Some(words.trim().to_owned()).filter(|words| !words.is_empty()),
        Some(_) => return Err("note is neither a text nor null".into()),
    };
    let letters = words.as_ref().map_or(0, |words| words.chars().count());
    if letters > LONGEST {
        return Err(format!("note has {letters} letters, and may have {LONGEST}"));
    }
    Ok(Note { verdict, words, at: instant(line, "at")? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A good line with one field set, or taken away.
    fn line(name: &str, value: Option<Value>) -> Result<Noted, String> {
        let mut line = json!({
            "source": "neil", "recording": "a.ogg", "content_sha256": "01".repeat(32), "start_seconds": 1.5,
            "end_seconds": 3, "starts_at": "2025-10-24T13:00:01.5Z", "verdict": "keep", "note": "with Ann",
            "at": "2025-10-25T10:00:00.123+02:00",
        });
        match value {
            Some(value) => line[name] = value,
            None => drop(line.as_object_mut().unwrap().remove(name)),
        }
        note(line.to_string().as_bytes())
    }

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let noted = line("score", Some(json!(1))).expect("other fields are passed over");
        assert_eq!((noted.source.as_str(), noted.recording.as_str()), ("neil", "a.ogg"));
        assert_eq!((noted.content, noted.start), (ContentHash([1; 32]), Duration::from_millis(1500)));
        assert_eq!((noted.end, noted.starts.to_string()), (Duration::from_secs(3), "2025-10-24T13:00:01.5Z".into()));
        let at = "2025-10-25T08:00:00.123Z".parse().unwrap();
        assert_eq!(noted.note, Note { verdict: Some(Judgement::Keep), words: Some("with Ann".into()), at });
    }

    #[test]
    fn what_was_taken_back_says_nothing() {
        assert_eq!(line("verdict", Some(Value::Null)).unwrap().note.verdict, None);
        assert_eq!(line("note", Some(json!("  "))).unwrap().note.words, None);
        assert_eq!(line("note", None).unwrap().note.words, None);
    }

    #[test]
    fn a_long_note_is_a_note() {
        assert_eq!(line("note", Some(json!("ä".repeat(10_000)))).unwrap().note.words.unwrap().len(), 20_000);
    }

    #[test]
    fn what_is_wrong_is_said_by_its_name() {
        for (name, value, fault) in [
            ("source", None, "source is missing"),
            ("source", Some(json!("")), "source is empty"),
            ("recording", Some(json!(7)), "recording is no text"),
            ("content_sha256", Some(Value::Null), "content_sha256 is no text"),
            ("content_sha256", Some(json!("abc")), "content_sha256 is no SHA-256 of 64 hexadecimal digits"),
            ("start_seconds", Some(json!(-1)), "start_seconds is no number of seconds from 0"),
            ("start_seconds", Some(json!("1")), "start_seconds is no number of seconds from 0"),
            ("end_seconds", Some(json!(1e300)), "end_seconds is no number of seconds from 0"),
            ("end_seconds", Some(json!(1.5)), "end_seconds is not after start_seconds"),
            ("starts_at", Some(json!("noon")), "starts_at is no instant such as 2025-10-24T13:00:00Z"),
            ("verdict", Some(json!("maybe")), "verdict is not keep, discard or null"),
            ("note", Some(json!(["a"])), "note is neither a text nor null"),
            ("note", Some(json!("ä".repeat(10_001))), "note has 10001 letters, and may have 10000"),
            ("at", None, "at is missing"),
            ("at", Some(json!("2025-10-25")), "at is no instant such as 2025-10-24T13:00:00Z"),
        ] {
            assert_eq!(line(name, value.clone()).unwrap_err(), fault, "{name}: {value:?}");
        }
        assert_eq!(note(b"[]").unwrap_err(), "is no JSON object");
        assert_eq!(note(b"{\"source\": ").unwrap_err(), "is no JSON (EOF while parsing a value)");
        assert_eq!(note(b"\xff").unwrap_err(), "is no UTF-8 text");
    }
}
