//! Text for people: escaping, plurals, offsets, scores, names of time zones.
//!
//! Text from outside (file names, comments) is escaped before it is shown: control characters become visible and
//! harmless.
//!
//! Invariant: pure functions.

use std::fmt::{Display, Write};
use std::time::Duration;

use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::TimeZone;

/// Replaces each byte of control characters and bidirectional formatting characters with `\xNN`.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unsafe_char(character) {
            write_bytes(&mut safe, character.encode_utf8(&mut [0; 4]).as_bytes());
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Escapes each line of a text; line feeds stay.
pub fn escape_lines(text: &str) -> String {
    text.split('\n').map(escape).collect::<Vec<_>>().join("\n")
}

/// Breaks lines that are longer than a terminal, between words only. A line continues below its text: behind the words that
/// two spaces set apart at its beginning, else at its own indentation.
pub fn wrap(text: &str, width: usize) -> String {
    text.split('\n').map(|line| wrap_line(line, width)).collect::<Vec<_>>().join("\n")
}

/// The last place in which a column of text begins is left of this.
const COLUMN: usize = 24;

fn wrap_line(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let indent = hanging(line, width);
    let (mut wrapped, mut column) = (String::new(), 0);
    for (place, word) in line.split(' ').enumerate() {
        let length = word.chars().count();
        // Spaces of the indentation and between columns stay in front of their word.
        let breaks = place > 0 && column > indent && column + 1 + length > width && !word.is_empty();
        if breaks {
            wrapped.truncate(wrapped.trim_end().len());
            wrapped += &format!("\n{:indent$}", "");
            column = indent;
        } else if place > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped += word;
        column += length;
    }
    wrapped
}

/// Where the text of a line begins.
fn hanging(line: &str, width: usize) -> usize {
    let characters: Vec<char> = line.chars().collect();
    let begins = |at: &usize| characters[*at] != ' ' && (*at == 0 || *at > 1 && characters[*at - 2..*at] == [' ', ' ']);
    let last = (0..characters.len().min(COLUMN.min(width / 2))).rfind(begins);
    last.unwrap_or(0)
}

/// Whether a character is invisible and changes how a terminal or a page shows the text after it: control characters,
/// line separators, and formatting characters that change the direction of text.
///
/// Source: Unicode Standard Annex 9, explicit directional formatting characters.
pub fn is_unsafe_char(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Appends each byte as `\xNN`.
pub fn write_bytes(text: &mut String, bytes: &[u8]) {
    bytes.iter().for_each(|byte| write!(text, "\\x{byte:02x}").expect("writing to a String cannot fail"));
}

/// `1 clip`, `2 clips`.
pub fn pluralize<N: Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    let plural = if count == N::from(1) { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// `1:02:03.4`: hours, minutes, seconds and tenths of an offset in a recording.
pub fn position(offset: &Duration) -> String {
    let tenths = offset.as_millis() / 100;
    let (hours, minutes, seconds) = (tenths / 36_000, tenths / 600 % 60, tenths / 10 % 60);
    format!("{hours}:{minutes:02}:{seconds:02}.{}", tenths % 10)
}

/// A path in a URL, percent-encoded.
pub fn encoded(path: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    path.bytes().map(byte).collect()
}

/// The IANA name of a time zone, or the POSIX rule from `TZ`: `PST8PDT,M3.2.0,M11.1.0`. Stored with each run.
pub fn zone_name(zone: &TimeZone) -> String {
    DateTimePrinter::new().time_zone_to_string(zone).unwrap_or_else(|_| "a zone without a name".to_owned())
}

/// The f64 with the shortest decimal form that converts back to the same f32: 0.56, not 0.5600000023841858.
pub fn shortest_f64(score: f32) -> f64 {
    score.to_string().parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_have_short_decimals_and_round_trip() {
        assert_eq!(shortest_f64(0.56), 0.56);
        for bits in (0..0x3f80_0000).step_by(9973) {
            let score = f32::from_bits(bits);
            assert_eq!(shortest_f64(score) as f32, score);
        }
        assert!(shortest_f64(f32::NAN).is_nan());
    }

    #[test]
    fn unsafe_characters_are_escaped_and_all_others_are_unchanged() {
        assert_eq!(escape("Kühl 夜 \\x"), "Kühl 夜 \\x");
        assert_eq!(escape("a\u{1b}[2J\r\nb"), "a\\x1b[2J\\x0d\\x0ab");
        assert_eq!(escape("\u{202e}\u{9b}"), "\\xe2\\x80\\xae\\xc2\\x9b");
        assert_eq!(escape("a\u{2028}b"), "a\\xe2\\x80\\xa8b");
        assert_eq!(escape_lines("a\r\n\tb\n"), "a\\x0d\n\\x09b\n");
    }

    #[test]
    fn long_lines_are_broken_between_words_below_their_text() {
        assert_eq!(wrap("short\n\n  as it is", 20), "short\n\n  as it is");
        assert_eq!(wrap("one two three four", 9), "one two\nthree\nfour");
        assert_eq!(wrap("  one two three four", 11), "  one two\n  three\n  four");
        assert_eq!(
            wrap("ok    names     one two three four five", 36),
            "ok    names     one two three four\n                five"
        );
        assert_eq!(wrap("/a/path/that/is/longer/than/all end", 12), "/a/path/that/is/longer/than/all\nend");
        for width in 1..60 {
            let text = "warn  database     the file  /var/lib/giggles is not there; mount its disk";
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(words(&wrap(text, width)), words(text), "{width}");
        }
    }

    #[test]
    fn only_one_is_singular() {
        assert_eq!([pluralize(0_u64, "laugh"), pluralize(1_usize, "laugh")], ["0 laughs", "1 laugh"]);
    }

    #[test]
    fn positions_are_formatted_as_hours_minutes_seconds_and_tenths() {
        assert_eq!(position(&Duration::from_millis(3_723_456)), "1:02:03.4");
        assert_eq!(position(&Duration::ZERO), "0:00:00.0");
    }
}
