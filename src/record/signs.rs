//! Text of others where people see it: signs that nobody sees are written out, so that they do nothing.

use std::fmt::Write;

/// Control characters and those that turn text around as `\xNN`, a pair of digits a byte.
pub fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for sign in text.chars() {
        match acts(sign) {
            true => write_bytes(&mut safe, sign.encode_utf8(&mut [0; 4]).as_bytes()),
            false => safe.push(sign),
        }
    }
    safe
}

/// The same of a text of several lines, which stay lines.
pub fn plain_lines(text: &str) -> String {
    text.split('\n').map(plain).collect::<Vec<_>>().join("\n")
}

/// Signs that nobody sees and that begin another line, move a terminal's cursor, or make it or a page show what follows in another
/// order.
///
/// Source: Unicode Standard Annex 9, explicit directional formatting characters.
pub fn acts(sign: char) -> bool {
    sign.is_control()
        || matches!(sign, '\u{2028}' | '\u{2029}' | '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Each as `\xNN`.
pub fn write_bytes(text: &mut String, bytes: &[u8]) {
    bytes.iter().for_each(|byte| write!(text, "\\x{byte:02x}").expect("a String takes all that is written"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_written_out_and_the_rest_stays() {
        assert_eq!(plain("Kühl 夜 \\x"), "Kühl 夜 \\x");
        assert_eq!(plain("a\u{1b}[2J\r\nb"), "a\\x1b[2J\\x0d\\x0ab");
        assert_eq!(plain("\u{202e}\u{9b}"), "\\xe2\\x80\\xae\\xc2\\x9b");
        assert_eq!(plain("a\u{2028}b"), "a\\xe2\\x80\\xa8b");
        assert_eq!(plain_lines("a\r\n\tb\n"), "a\\x0d\n\\x09b\n");
    }
}
