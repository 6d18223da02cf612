//! A text in a cell of a CSV table, harmless to the spreadsheet that opens it and to the terminal that shows it.
//!
//! Source: OWASP, "CSV Injection": what a spreadsheet takes for a formula, and the apostrophe that makes it a text.

use crate::record::{acts, write_bytes};

const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// With an apostrophe in front of what could be a formula. Control characters and those that turn text around are
/// `\xNN`, as everywhere; but line breaks and tabs stay, which RFC 4180 keeps in quotes.
pub fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 1);
    if text.starts_with(FORMULA) {
        safe.push('\'');
    }
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        let is_break = sign == '\n' || sign == '\r' && signs.peek() == Some(&'\n');
        if acts(sign) && !is_break && sign != '\t' {
            write_bytes(&mut safe, sign.encode_utf8(&mut [0; 4]).as_bytes());
        } else {
            safe.push(sign);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_a_formula_and_nothing_acts() {
        for text in ["=1+1", "+49 30", "-2", "@SUM(A1)", "\ta", "\r\na"] {
            assert_eq!(cell(text), format!("'{text}"));
        }
        for text in ["", "a=b", " =1", "'=1", "two\r\nlines\nand\ta tab", "Kühl 夜"] {
            assert_eq!(cell(text), text);
        }
        assert_eq!(cell("\ra\rb\u{1b}[31m\u{202e}"), "'\\x0da\\x0db\\x1b[31m\\xe2\\x80\\xae");
    }
}
