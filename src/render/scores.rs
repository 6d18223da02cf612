//! Scores of patches for people and programs: a header, one row per patch, a footer.
//!
//! Invariant: scores are written with enough digits to parse to the same f32, except in the table.

use std::time::Duration;

use serde_json::json;

use super::cell::cell;
use crate::domain::{Field, field};
use crate::text::{position, shortest_f64};

/// One patch.
pub struct Row<'a> {
    /// Offset of the patch's first sample in the recording.
    pub start: Duration,
    /// One score per class, 0 to 1.
    pub scores: &'a [f32],
}

/// The output format, the classes to write, and their names.
pub struct Format {
    kind: Kind,
    /// None: all classes in the model's order.
    top: Option<usize>,
    names: &'static [&'static str],
    rows: usize,
}

#[derive(Clone, Copy)]
enum Kind {
    Table,
    Csv,
    Json,
}

/// Fields of the JSON document, a list of patches.
pub(super) const DOCUMENT: &[Field] = &[
    field("[].start", "number", "offset of the patch in the recording, seconds"),
    field("[].classes[].index", "number", "AudioSet index of a class"),
    field("[].classes[].class", "string", "its name"),
    field("[].classes[].score", "number", "its score, 0 to 1"),
];

/// Columns of the CSV table of top classes. That of all classes has `start` and a column for each class.
pub(super) const COLUMNS: [Field; 4] = [
    field("start", "number", "offset of the patch in the recording, seconds"),
    field("rank", "number", "1 for the highest-scoring class"),
    field("class", "string", "AudioSet name of the class"),
    field("score", "number", "its score, 0 to 1"),
];

impl Format {
    /// For people: one line per patch.
    pub fn table(top: Option<usize>, names: &'static [&'static str]) -> Format {
        Format { kind: Kind::Table, top, names, rows: 0 }
    }

    /// RFC 4180. All classes: `start` and one column per class. Top classes: `start,rank,class,score`.
    pub fn csv(top: Option<usize>, names: &'static [&'static str]) -> Format {
        Format { kind: Kind::Csv, top, names, rows: 0 }
    }

    /// An array of patches.
    pub fn json(top: Option<usize>, names: &'static [&'static str]) -> Format {
        Format { kind: Kind::Json, top, names, rows: 0 }
    }

    pub fn begin(&self) -> String {
        match (self.kind, self.top) {
            (Kind::Table, _) => String::new(),
            (Kind::Csv, None) => {
                let names = self.names.iter().map(|name| cell(name));
                record(["start".to_owned()].into_iter().chain(names))
            }
            (Kind::Csv, Some(_)) => record(COLUMNS.map(|column| column.path)),
            (Kind::Json, _) => "[".to_owned(),
        }
    }

    pub fn row(&mut self, row: &Row) -> String {
        self.rows += 1;
        let classes = self.classes(row.scores);
        match (self.kind, self.top) {
            (Kind::Table, _) => self.table_row(row, &classes),
            (Kind::Csv, None) => {
                let scores = row.scores.iter().map(f32::to_string);
                record([seconds(row.start)].into_iter().chain(scores))
            }
            (Kind::Csv, Some(_)) => self.ranked(row, &classes),
            (Kind::Json, _) => self.json_row(row, &classes),
        }
    }

    pub fn end(&self) -> String {
        match self.kind {
            Kind::Json => "\n]\n".to_owned(),
            _ => String::new(),
        }
    }

    /// Indices of the classes to write: the highest-scoring first, or all in order.
    fn classes(&self, scores: &[f32]) -> Vec<usize> {
        let mut classes: Vec<usize> = (0..scores.len()).collect();
        if let Some(top) = self.top {
            classes.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
            classes.truncate(top);
        }
        classes
    }

    fn table_row(&self, row: &Row, classes: &[usize]) -> String {
        let class = |&class: &usize| format!("{} {:.3}", self.names[class], row.scores[class]);
        let classes: Vec<String> = classes.iter().map(class).collect();
        let hundredths = row.start.as_millis() / 10 % 10;
        format!("{:>10}{hundredths}  {}\n", position(&row.start), classes.join("  "))
    }

    fn ranked(&self, row: &Row, classes: &[usize]) -> String {
        let line = |(rank, &class): (usize, &usize)| {
            record([seconds(row.start), (rank + 1).to_string(), cell(self.names[class]), row.scores[class].to_string()])
        };
        classes.iter().enumerate().map(line).collect()
    }

    fn json_row(&self, row: &Row, classes: &[usize]) -> String {
        let class = |&class: &usize| json!({ "index": class, "class": self.names[class], "score": shortest_f64(row.scores[class]) });
        let classes: Vec<_> = classes.iter().map(class).collect();
        let patch = json!({ "start": row.start.as_secs_f64(), "classes": classes });
        format!("{}\n{patch}", if self.rows == 1 { "" } else { "," })
    }
}

fn seconds(offset: Duration) -> String {
    offset.as_secs_f64().to_string()
}

/// One record, quoted as RFC 4180 requires, with LF as the line ending.
fn record<T: AsRef<[u8]>>(fields: impl IntoIterator<Item = T>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = writer.write_record(fields).is_ok();
    let bytes = writer.into_inner().unwrap_or_default();
    debug_assert!(written, "memory can always be written to");
    String::from_utf8_lossy(&bytes).into_owned()
}
