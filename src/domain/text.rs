//! Escaping of text from outside (file names, comments) for display: control characters become visible and harmless.

use std::fmt::Write;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_characters_are_escaped_and_all_others_are_unchanged() {
        assert_eq!(escape("Kühl 夜 \\x"), "Kühl 夜 \\x");
        assert_eq!(escape("a\u{1b}[2J\r\nb"), "a\\x1b[2J\\x0d\\x0ab");
        assert_eq!(escape("\u{202e}\u{9b}"), "\\xe2\\x80\\xae\\xc2\\x9b");
        assert_eq!(escape("a\u{2028}b"), "a\\xe2\\x80\\xa8b");
        assert_eq!(escape_lines("a\r\n\tb\n"), "a\\x0d\n\\x09b\n");
    }
}
