//! Parses one line of reviews as the page exports it (`render/page/page.js`): one JSON object per laugh.
//!
//! Unknown fields are ignored, so that a newer page may add fields.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::place::check_length;
use crate::domain::{ContentHash, Described, Field, Review, ReviewedSpan, Verdict, field as described};

/// Maximal number of characters in a comment: tables and pages show it completely.
const LONGEST: usize = 10_000;

/// A line.
pub const DOCUMENT: Described = Described {
    command: "giggles review import",
    about: "one review a line, as a report page exports them; unknown fields are ignored",
    parts: &[("", FIELDS)],
};

/// The fields of a line.
pub const FIELDS: &[Field] = &[
    described("source", "string", "source of the recording"),
    described("recording", "string", "name of the recording"),
    described("content_sha256", "string", "SHA-256 of the recording"),
    described("start_seconds", "number", "offset of the laugh's start in the recording"),
    described("end_seconds", "number", "offset of its end"),
    described("starts_at", "string", "start, RFC 3339"),
    described("verdict", "string or null", "`confirmed`, `rejected`, or null for none"),
    described("comment", "string or null", "at most 10,000 characters, or null for none"),
    described("favourite", "boolean", "whether it is marked as favourite; missing: it is not"),
    described("at", "string", "when the review was made, RFC 3339; the latest counts"),
];

/// The review, or what is wrong with the line and what to do.
pub fn review(line: &[u8]) -> Result<ReviewedSpan, String> {
    let text = std::str::from_utf8(line).map_err(|_| "is not UTF-8".to_owned())?;
    let value: Value =
        serde_json::from_str(text).map_err(|error| format!("is not JSON ({})", without_place(&error)))?;
    let Value::Object(line) = value else { return Err("is not a JSON object".into()) };
    let span = ReviewedSpan {
        source: named(&line, "source")?,
        recording: named(&line, "recording")?,
        content: content(&line)?,
        start: offset(&line, "start_seconds")?,
        end: offset(&line, "end_seconds")?,
        starts: instant(&line, "starts_at")?,
        embedding: None,
        review: what_it_says(&line)?,
    };
    check_length(span.start, span.end)?;
    Ok(span)
}

/// The error without its position: the file's line number is added later, and a column does not help.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

fn field<'a>(line: &'a Map<String, Value>, name: &str) -> Result<&'a Value, String> {
    line.get(name).ok_or_else(|| format!("{name} is missing"))
}

fn text<'a>(line: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    field(line, name)?.as_str().ok_or_else(|| format!("{name} is not a string"))
}

fn named(line: &Map<String, Value>, name: &str) -> Result<String, String> {
    match text(line, name)? {
        "" => Err(format!("{name} is empty")),
        text => Ok(text.to_owned()),
    }
}

fn content(line: &Map<String, Value>) -> Result<ContentHash, String> {
    let wrong = "content_sha256 is not a SHA-256 of 64 hexadecimal digits";
    text(line, "content_sha256")?.parse().map_err(|()| wrong.to_owned())
}

fn offset(line: &Map<String, Value>, name: &str) -> Result<Duration, String> {
    let seconds = field(line, name)?.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| format!("{name} is not a number of seconds from 0"))
}

fn instant(line: &Map<String, Value>, name: &str) -> Result<Timestamp, String> {
    let wrong = || format!("{name} is not a time such as 2025-10-24T13:00:00Z");
    let at: Timestamp = text(line, name)?.parse().map_err(|_| wrong())?;
    // The databases support four-digit years.
    (1..=9999).contains(&at.to_zoned(TimeZone::UTC).year()).then_some(at).ok_or_else(wrong)
}

/// If both are null and it is not marked, the review is withdrawn; if all are missing, the line is invalid.
fn what_it_says(line: &Map<String, Value>) -> Result<Review, String> {
    if !["verdict", "comment", "favourite"].iter().any(|name| line.contains_key(*name)) {
        return Err("verdict, comment and favourite are missing; write null for none".into());
    }
    let verdict = match line.get("verdict") {
        None | Some(Value::Null) => None,
        Some(value) => {
            Some(value.as_str().and_then(Verdict::named).ok_or("verdict is not confirmed, rejected or null")?)
        }
    };
    let comment = match line.get("comment") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => comment(text)?,
        Some(_) => return Err("comment is neither a string nor null".into()),
    };
    let favourite = match line.get("favourite") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(favourite)) => *favourite,
        Some(_) => return Err("favourite is neither true nor false".into()),
    };
    Ok(Review { verdict, comment, favourite, at: instant(line, "at")? })
}

/// A comment without the spaces around it; None if nothing is left.
///
/// # Errors
/// It is too long.
pub fn comment(text: &str) -> Result<Option<String>, String> {
    let comment = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let characters = comment.as_ref().map_or(0, |comment| comment.chars().count());
    if characters > LONGEST {
        return Err(format!("comment has {characters} characters; at most {LONGEST} are allowed"));
    }
    Ok(comment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A valid line with one field set or removed.
    fn line(name: &str, value: Option<Value>) -> Result<ReviewedSpan, String> {
        let mut line = json!({
            "source": "neil", "recording": "a.ogg", "content_sha256": "01".repeat(32), "start_seconds": 1.5,
            "end_seconds": 3, "starts_at": "2025-10-24T13:00:01.5Z", "verdict": "confirmed", "comment": "with Ann",
            "at": "2025-10-25T10:00:00.123+02:00",
        });
        match value {
            Some(value) => line[name] = value,
            None => drop(line.as_object_mut().unwrap().remove(name)),
        }
        review(line.to_string().as_bytes())
    }

    #[test]
    fn a_stretch_that_is_no_sound_is_refused() {
        let error = |end: f64| line("end_seconds", Some(json!(end))).unwrap_err();
        assert_eq!(error(1.5), "the end is not after the start");
        assert_eq!(error(1.500_9), "900 µs are too short for a sound; at least 1 ms are needed");
        assert_eq!(error(601.6), "600.1 s are too long for one laugh; at most 10 minutes are allowed");
        assert!(line("end_seconds", Some(json!(601.5))).is_ok());
    }

    #[test]
    fn all_fields_of_a_line_are_read() {
        let span = line("score", Some(json!(1))).expect("unknown fields are ignored");
        assert_eq!((span.source.as_str(), span.recording.as_str()), ("neil", "a.ogg"));
        assert_eq!((span.content, span.start), (ContentHash([1; 32]), Duration::from_millis(1500)));
        assert_eq!((span.end, span.starts.to_string()), (Duration::from_secs(3), "2025-10-24T13:00:01.5Z".into()));
        let at = "2025-10-25T08:00:00.123Z".parse().unwrap();
        assert_eq!(
            span.review,
            Review { verdict: Some(Verdict::Confirmed), comment: Some("with Ann".into()), favourite: false, at }
        );
    }

    #[test]
    fn a_null_verdict_and_an_empty_comment_are_none() {
        assert_eq!(line("verdict", Some(Value::Null)).unwrap().review.verdict, None);
        assert_eq!(line("comment", Some(json!("  "))).unwrap().review.comment, None);
        assert_eq!(line("comment", None).unwrap().review.comment, None);
    }

    #[test]
    fn a_line_may_only_mark_a_favourite() {
        let marked = |value| line("favourite", value).unwrap().review.favourite;
        assert_eq!(
            [Some(json!(true)), Some(json!(false)), Some(Value::Null), None].map(marked),
            [true, false, false, false]
        );
        let line = json!({
            "source": "neil", "recording": "a.ogg", "content_sha256": "01".repeat(32), "start_seconds": 1.5,
            "end_seconds": 3, "starts_at": "2025-10-24T13:00:01.5Z", "favourite": true, "at": "2025-10-25T10:00:00Z",
        });
        let at = "2025-10-25T10:00:00Z".parse().unwrap();
        let only = Review { favourite: true, ..Review::withdrawn(at) };
        assert_eq!(review(line.to_string().as_bytes()).unwrap().review, only);
    }

    #[test]
    fn the_longest_comment_is_accepted() {
        assert_eq!(line("comment", Some(json!("ä".repeat(10_000)))).unwrap().review.comment.unwrap().len(), 20_000);
    }

    #[test]
    fn an_error_names_the_invalid_field() {
        for (name, value, fault) in [
            ("source", None, "source is missing"),
            ("source", Some(json!("")), "source is empty"),
            ("recording", Some(json!(7)), "recording is not a string"),
            ("content_sha256", Some(Value::Null), "content_sha256 is not a string"),
            ("content_sha256", Some(json!("abc")), "content_sha256 is not a SHA-256 of 64 hexadecimal digits"),
            ("start_seconds", Some(json!(-1)), "start_seconds is not a number of seconds from 0"),
            ("start_seconds", Some(json!("1")), "start_seconds is not a number of seconds from 0"),
            ("end_seconds", Some(json!(1e300)), "end_seconds is not a number of seconds from 0"),
            ("end_seconds", Some(json!(1.5)), "the end is not after the start"),
            ("starts_at", Some(json!("noon")), "starts_at is not a time such as 2025-10-24T13:00:00Z"),
            ("verdict", Some(json!("maybe")), "verdict is not confirmed, rejected or null"),
            ("comment", Some(json!(["a"])), "comment is neither a string nor null"),
            ("comment", Some(json!("ä".repeat(10_001))), "comment has 10001 characters; at most 10000 are allowed"),
            ("favourite", Some(json!("yes")), "favourite is neither true nor false"),
            ("at", None, "at is missing"),
            ("at", Some(json!("2025-10-25")), "at is not a time such as 2025-10-24T13:00:00Z"),
        ] {
            assert_eq!(line(name, value.clone()).unwrap_err(), fault, "{name}: {value:?}");
        }
        assert_eq!(review(b"[]").unwrap_err(), "is not a JSON object");
        assert_eq!(review(b"{\"source\": ").unwrap_err(), "is not JSON (EOF while parsing a value)");
        assert_eq!(review(b"\xff").unwrap_err(), "is not UTF-8");
    }
}
