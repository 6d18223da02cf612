//! Escaping for HTML, and for JSON inside HTML.

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
