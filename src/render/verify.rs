//! The result of `verify`, for people and programs, written as it is found.

use std::io::{self, Write};

use serde_json::json;

use super::document::Document;
use super::json::{SPEC_FIELD, SPEC_VERSION};
use super::pluralize;
use crate::domain::{Field, field};
use crate::maintenance::verify::{Mismatch, Missing, Verified};
use crate::text::escape;

/// One list per kind of mismatch, and a summary line.
pub struct Text<'a> {
    text: &'a mut dyn Write,
    title: &'static str,
}

impl<'a> Text<'a> {
    pub fn to(text: &'a mut dyn Write) -> Text<'a> {
        Text { text, title: "" }
    }

    pub fn add(&mut self, mismatch: &Mismatch) -> io::Result<()> {
        let (title, line) = match mismatch {
            Mismatch::Missing(Missing { clip, recording, .. }) => {
                ("rows whose clip is missing", format!("{}, of a laugh in {}", escape(clip), escape(recording)))
            }
            Mismatch::Orphan { file, removed: false } => {
                ("files without a row (--delete-orphans removes them)", escape(&file.path))
            }
            Mismatch::Orphan { file, removed: true } => ("files without a row, removed", escape(&file.path)),
        };
        if self.title != title {
            writeln!(self.text, "{title}:")?;
            self.title = title;
        }
        writeln!(self.text, "  {line}")
    }

    pub fn finish(self, verified: &Verified) -> io::Result<()> {
        self.text.write_all(summary(verified).as_bytes())?;
        self.text.flush()
    }
}

fn summary(verified: &Verified) -> String {
    let clips = verified.laughs - verified.without;
    let left = verified.orphans - verified.removed;
    let removed = match verified.removed {
        0 => String::new(),
        count => format!(", {count} removed"),
    };
    format!(
        "{}: {clips} with a clip, {} without; {} missing, {} without a row{removed}\n",
        pluralize(verified.laughs, "laugh"),
        verified.without,
        verified.missing,
        pluralize(left, "file"),
    )
}

/// Fields of the document.
pub(super) const DOCUMENT: &[Field] = &[
    field("missing[].clip", "string", "path of a clip that a row names and that does not exist"),
    field("missing[].source", "string", "source of its recording"),
    field("missing[].recording", "string", "name of its recording"),
    field("orphans[].file", "string", "a clip that no row names"),
    field("orphans[].is_half_written", "boolean", "whether it is the temporary file of a run that was killed"),
    field("orphans[].removed", "boolean", "whether it was removed (`--delete-orphans`)"),
    field("laughs", "number", "stored laughs that were checked"),
    field("without_clip", "number", "those that have no clip"),
    field("unknown_folders[]", "string", "folders of sources that are not stored"),
    SPEC_FIELD,
];

/// One document: missing clips, then files without a row, then totals.
pub struct Json<'a> {
    document: Document<'a>,
    /// How many of `LISTS` are open or finished.
    lists: usize,
}

const LISTS: [&str; 2] = ["missing", "orphans"];

impl<'a> Json<'a> {
    /// Writes nothing before the first mismatch or the end, so that a failed verification prints no document.
    pub fn to(text: &'a mut dyn Write) -> Json<'a> {
        Json { document: Document::new(text), lists: 0 }
    }

    pub fn add(&mut self, mismatch: &Mismatch) -> io::Result<()> {
        match mismatch {
            Mismatch::Missing(Missing { clip, source, recording }) => {
                self.begin_lists(1)?;
                self.document.item(&json!({ "clip": clip, "source": source, "recording": recording }))
            }
            Mismatch::Orphan { file, removed } => {
                self.begin_lists(2)?;
                self.document.item(&json!({ "file": file.path, "is_half_written": file.is_half, "removed": removed }))
            }
        }
    }

    fn begin_lists(&mut self, count: usize) -> io::Result<()> {
        let lists = LISTS.iter().take(count).skip(self.lists);
        self.lists = count;
        lists.into_iter().try_for_each(|name| self.document.list(name))
    }

    pub fn finish(mut self, verified: &Verified) -> io::Result<()> {
        self.begin_lists(2)?;
        self.document.field("laughs", &verified.laughs)?;
        self.document.field("spec_version", &SPEC_VERSION)?;
        self.document.field("unknown_folders", &verified.unmatched)?;
        self.document.field("without_clip", &verified.without)?;
        self.document.finish()
    }
}
