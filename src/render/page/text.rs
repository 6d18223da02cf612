//! Escaping for HTML, and for JSON inside HTML.

use crate::text::{is_unsafe_char, write_bytes};

/// Escapes text for content and for attributes in double quotes.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            // They change how the text after them is shown, also outside of the name that has them. As elsewhere: `\\xNN`.
            c if is_unsafe_char(c) && !c.is_control() => write_bytes(&mut safe, c.encode_utf8(&mut [0; 4]).as_bytes()),
            // HTML does not allow control characters.
            c if c.is_control() && c != '\n' && c != '\t' => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// The same document, without characters that could end the script element.
pub fn json(document: &serde_json::Value) -> String {
    document.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_change_the_direction_of_the_text_behind_it() {
        assert_eq!(escape("a\u{202e}b\u{2067}"), "a\\xe2\\x80\\xaeb\\xe2\\x81\\xa7");
        assert_eq!(escape("صوت עברית"), "صوت עברית", "letters have a direction of their own");
    }

    #[test]
    fn escaped_text_cannot_end_its_element() {
        let evil = "</script><img src=x onerror=\"alert('1')\">&\u{0}";
        assert_eq!(
            escape(evil),
            "&lt;/script&gt;&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;\u{fffd}"
        );
        let document = serde_json::json!({ "name": evil });
        assert!(!json(&document).contains(['<', '>', '&']));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json(&document)).unwrap(), document);
    }
}
