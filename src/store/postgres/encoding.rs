//! Texts on a server whose encoding is not UTF-8: characters that the encoding lacks are stored escaped and unescaped
//! when read.
//!
//! `\u{591c}` is the character with this code point. If a text itself contains `\u{`, its backslash is written as
//! `\u{5c}`; so the escaping is a bijection.
//!
//! Invariant: on a server with UTF-8, texts are stored unchanged, without extra queries.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write;

use postgres::{Client, Error, GenericClient};
use serde_json::Value;

/// Encodings that can store every text: SQL_ASCII stores any bytes.
const WHOLE: [&str; 2] = ["UTF8", "SQL_ASCII"];
/// Characters are sent and returned as comma-separated hexadecimal UTF-8.
const ASK: &str = "SELECT set_config('giggles.characters', $1, false)";
const SIEVE: &str = "DO $$
    DECLARE character text; missing text := '';
    BEGIN
        FOREACH character IN ARRAY string_to_array(current_setting('giggles.characters'), ',') LOOP
            BEGIN
                PERFORM convert(decode(character, 'hex'), 'UTF8', getdatabaseencoding());
            EXCEPTION WHEN OTHERS THEN
                missing := missing || ',' || character;
            END;
        END LOOP;
        PERFORM set_config('giggles.characters', missing, false);
    END $$";
const ANSWER: &str = "SELECT current_setting('giggles.characters')";

/// The encoding of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoding {
    name: String,
}

impl Encoding {
    pub fn fetch(client: &mut impl GenericClient) -> Result<Encoding, Error> {
        Ok(Encoding { name: client.query_one("SELECT current_setting('server_encoding')", &[])?.try_get(0)? })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether some texts must be escaped.
    pub fn is_partial(&self) -> bool {
        !WHOLE.contains(&self.name.as_str())
    }

    /// How to write these texts. Must be called outside of a transaction.
    pub fn escapes<'a>(&self, client: &mut Client, texts: impl IntoIterator<Item = &'a str>) -> Result<Escapes, Error> {
        if !self.is_partial() {
            return Ok(Escapes { missing: None });
        }
        let texts = texts.into_iter();
        let foreign: BTreeSet<char> = texts.flat_map(str::chars).filter(|character| !character.is_ascii()).collect();
        let missing = if foreign.is_empty() { foreign } else { missing(client, foreign)? };
        Ok(Escapes { missing: Some(missing) })
    }

    /// One text, escaped.
    pub fn escaped(&self, client: &mut Client, text: &str) -> Result<String, Error> {
        Ok(self.escapes(client, [text])?.text(text).into_owned())
    }

    /// The original of a stored text.
    pub fn read(&self, stored: String) -> String {
        if self.is_partial() { unescaped(&stored) } else { stored }
    }

    /// The original of a stored JSON document.
    pub fn read_json(&self, stored: String) -> String {
        if self.is_partial() { unescaped_json(&stored).unwrap_or(stored) } else { stored }
    }
}

/// The characters that the server's encoding lacks; all of them, if the server cannot determine it.
fn missing(client: &mut Client, characters: BTreeSet<char>) -> Result<BTreeSet<char>, Error> {
    let asked: Vec<String> = characters.iter().map(|character| hexadecimal(*character)).collect();
    client.query_one(ASK, &[&asked.join(",")])?;
    match client.batch_execute(SIEVE) {
        Err(error) if error.as_db_error().is_some() => {
            log::debug!(
                "cannot determine which characters the server's encoding has, so all beyond ASCII are escaped: {error}"
            );
            return Ok(characters);
        }
        done => done?,
    }
    let answer: String = client.query_one(ANSWER, &[])?.try_get(0)?;
    let missing: BTreeSet<&str> = answer.split(',').collect();
    Ok(characters.into_iter().filter(|character| missing.contains(hexadecimal(*character).as_str())).collect())
}

fn hexadecimal(character: char) -> String {
    let mut digits = String::new();
    for byte in character.encode_utf8(&mut [0; 4]).bytes() {
        write!(digits, "{byte:02x}").expect("a String takes all that is written");
    }
    digits
}

/// How texts are escaped for one server.
pub struct Escapes {
    /// None: nothing is escaped.
    missing: Option<BTreeSet<char>>,
}

impl Escapes {
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.written(text, "\\")
    }

    pub fn texts(&self, texts: &[String]) -> Vec<String> {
        texts.iter().map(|text| self.text(text).into_owned()).collect()
    }

    /// Escapes the strings in a JSON document, the only part that can contain characters beyond ASCII.
    pub fn json(&self, document: String) -> String {
        match self.written(&document, "\\\\") {
            Cow::Borrowed(_) => document,
            Cow::Owned(written) => written,
        }
    }

    /// `backslash` is a backslash in the syntax of the text.
    fn written<'a>(&self, text: &'a str, backslash: &str) -> Cow<'a, str> {
        let Some(missing) = &self.missing else { return Cow::Borrowed(text) };
        let literal = format!("{backslash}u{{");
        if !text.contains(&literal) && !text.contains(|character| missing.contains(&character)) {
            return Cow::Borrowed(text);
        }
        let mut written = String::with_capacity(text.len());
        for character in text.replace(&literal, &format!("{backslash}\0{{")).chars() {
            match character {
                '\0' => written.push_str("u{5c}u"),
                lacking if missing.contains(&lacking) => {
                    write!(written, "{backslash}u{{{:x}}}", u32::from(lacking)).expect("a String takes all");
                }
                other => written.push(other),
            }
        }
        Cow::Owned(written)
    }
}

fn unescaped(stored: &str) -> String {
    let mut parts = stored.split("\\u{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let written = part.split_once('}').and_then(|(digits, rest)| {
            let number = u32::from_str_radix(digits, 16).ok()?;
            Some((char::from_u32(number)?, rest))
        });
        match written {
            Some((character, rest)) => {
                text.push(character);
                text.push_str(rest);
            }
            None => {
                text.push_str("\\u{");
                text.push_str(part);
            }
        }
    }
    text
}

/// None: the document is not JSON, or contains nothing escaped, so its numbers stay as they are.
fn unescaped_json(stored: &str) -> Option<String> {
    if !stored.contains("\\\\u{") {
        return None;
    }
    let mut document: Value = serde_json::from_str(stored).ok()?;
    unescape_strings(&mut document);
    Some(document.to_string())
}

fn unescape_strings(value: &mut Value) {
    match value {
        Value::String(text) => *text = unescaped(text),
        Value::Array(values) => values.iter_mut().for_each(unescape_strings),
        Value::Object(values) => values.values_mut().for_each(unescape_strings),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escapes() -> Escapes {
        Escapes { missing: Some(['夜', '😀'].into()) }
    }

    #[test]
    fn missing_characters_are_escaped_and_read_back() {
        assert_eq!(escapes().text("夜 é.wav"), "\\u{591c} é.wav");
        for text in ["", "é", "夜", "a😀夜b", "\\夜", "\\u{591c}", "\\u{5c}u{591c}", "\\\\u{夜}", "\\u{", "\\u{x}夜"]
        {
            let stored = escapes().text(text).into_owned();
            assert!(!stored.contains(['夜', '😀']), "{stored}");
            assert_eq!(unescaped(&stored), text, "{stored}");
        }
        assert_ne!(escapes().text("\\u{591c}"), escapes().text("夜"));
    }

    #[test]
    fn an_escaped_json_document_stays_valid() {
        let texts = ["夜\"\\u{591c}", "plain", "\\\\夜", "😀"];
        let document = serde_json::to_string(&texts).unwrap();
        let written: Vec<String> = serde_json::from_str(&escapes().json(document.clone())).unwrap();
        let expected: Vec<String> = texts.iter().map(|text| escapes().text(text).into_owned()).collect();
        assert_eq!(written, expected);
        let read = unescaped_json(&escapes().json(document.clone())).unwrap();
        assert_eq!(serde_json::from_str::<Vec<String>>(&read).unwrap(), texts);
        assert_eq!(unescaped_json("[0.1, \"plain\"]"), None);
    }
}
