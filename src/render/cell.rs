//! Text for a cell of a CSV table, escaped against formula injection in spreadsheets and against terminal control
//! characters.
//!
//! Source: OWASP, "CSV Injection": the characters that start a formula, and the apostrophe that prevents it.

use crate::text::{is_unsafe_char, write_bytes};

/// A cell that starts with one of these may be evaluated as a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Prefixes a possible formula with an apostrophe. Writes control characters and bidirectional overrides as `\xNN`, as
/// everywhere, except line breaks and tabs, which RFC 4180 allows in quotes.
pub fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 1);
    if text.starts_with(FORMULA) {
        safe.push('\'');
    }
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let is_break = c == '\n' || c == '\r' && chars.peek() == Some(&'\n');
        if is_unsafe_char(c) && !is_break && c != '\t' {
            write_bytes(&mut safe, c.encode_utf8(&mut [0; 4]).as_bytes());
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_formulas_and_control_characters() {
        for text in ["=1+1", "+49 30", "-2", "@SUM(A1)", "\ta", "\r\na"] {
            assert_eq!(cell(text), format!("'{text}"));
        }
        for text in ["", "a=b", " =1", "'=1", "two\r\nlines\nand\ta tab", "Kühl 夜"] {
            assert_eq!(cell(text), text);
        }
        assert_eq!(cell("\ra\rb\u{1b}[31m\u{202e}"), "'\\x0da\\x0db\\x1b[31m\\xe2\\x80\\xae");
    }
}
