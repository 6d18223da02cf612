//! A JSON document that is written in pieces, byte for byte like serde_json's pretty printer.
//!
//! A document of years, or of thousands of sources, would not fit into memory.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::PrettyFormatter;

/// Indentation of an item of a list that is a field.
const INDENT: &[u8] = b"    ";

/// An object of plain fields and lists.
pub struct Document<'a> {
    text: &'a mut dyn Write,
    fields: usize,
    /// Number of items written so far, while a list is open.
    list: Option<usize>,
}

impl<'a> Document<'a> {
    /// Writes nothing before the first field.
    pub fn new(text: &'a mut dyn Write) -> Document<'a> {
        Document { text, fields: 0, list: None }
    }

    /// Writes a number, a string, or a list in one line.
    pub fn field(&mut self, name: &str, value: &impl Serialize) -> io::Result<()> {
        self.name(name)?;
        Ok(serde_json::to_writer(&mut *self.text, value)?)
    }

    /// Opens a list; the following items belong to it until the next field.
    pub fn list(&mut self, name: &str) -> io::Result<()> {
        self.name(name)?;
        self.list = Some(0);
        self.text.write_all(b"[")
    }

    pub fn item(&mut self, item: &impl Serialize) -> io::Result<()> {
        write_item(self.text, item, self.list == Some(0))?;
        self.list = self.list.map(|items| items + 1);
        Ok(())
    }

    /// Ends the document with a line break.
    pub fn finish(mut self) -> io::Result<()> {
        self.end_list()?;
        self.text.write_all(b"\n}\n")?;
        self.text.flush()
    }

    fn name(&mut self, name: &str) -> io::Result<()> {
        self.end_list()?;
        let comma = if self.fields == 0 { "{" } else { "," };
        self.fields += 1;
        write!(self.text, "{comma}\n  \"{name}\": ")
    }

    fn end_list(&mut self) -> io::Result<()> {
        match self.list.take() {
            Some(0) => self.text.write_all(b"]"),
            Some(_) => self.text.write_all(b"\n  ]"),
            None => Ok(()),
        }
    }
}

/// Writes an item of a list that is a field of a document.
pub fn write_item(text: &mut dyn Write, item: &impl Serialize, is_first: bool) -> io::Result<()> {
    text.write_all(if is_first { b"\n" } else { b",\n" })?;
    text.write_all(INDENT)?;
    let mut serializer = Serializer::with_formatter(Indented(text), PrettyFormatter::new());
    Ok(item.serialize(&mut serializer)?)
}

/// Indents every line. JSON strings contain no raw line breaks.
struct Indented<'a>(&'a mut dyn Write);

impl Write for Indented<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.0.write_all(line)?;
            if line.ends_with(b"\n") {
                self.0.write_all(INDENT)?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pieces_equal_the_document_written_at_once() {
        let items = [json!({ "a": [1, { "b": "\n" }], "c": [], "d": {} }), json!(null), json!([])];
        for count in 0..=items.len() {
            let mut text = Vec::new();
            let mut document = Document::new(&mut text);
            document.field("first", &1).unwrap();
            document.list("items").unwrap();
            items[..count].iter().for_each(|item| document.item(item).unwrap());
            document.list("none").unwrap();
            document.field("zone", &"a\"b").unwrap();
            document.finish().unwrap();
            let whole = json!({ "first": 1, "items": items[..count], "none": [], "zone": "a\"b" });
            assert_eq!(String::from_utf8(text).unwrap(), format!("{whole:#}\n"));
        }
    }
}
