//! How values are stored in Postgres, once per kind, and the SQL that stores rows.
//!
//! Rows are sent as one JSON array, which the server reads with `jsonb_to_recordset`. Its numbers are exact (shortest
//! decimals that round-trip).

use std::error::Error;

use jiff::Timestamp;
use jiff::civil::Date;
use postgres::Row;
use postgres::types::{FromSql, Type};
use serde::Serialize;

use super::encoding::Encoding;
use crate::store::columns::{self, Cells, Kind};

/// A row of a result, whose texts are read as they were before they were escaped for the server's encoding.
pub struct Decoded<'a> {
    pub row: &'a Row,
    pub encoding: &'a Encoding,
}

impl Cells for Decoded<'_> {
    type Error = postgres::Error;

    fn is_null(&self, index: usize) -> Result<bool, postgres::Error> {
        self.row.try_get::<_, Option<Present>>(index).map(|value| value.is_none())
    }

    fn text(&self, index: usize) -> Result<String, postgres::Error> {
        self.row.try_get(index).map(|text| self.encoding.read(text))
    }

    fn uuid(&self, index: usize) -> Result<String, postgres::Error> {
        self.row.try_get(index).map(|Hyphenated(uuid)| uuid)
    }

    fn integer(&self, index: usize) -> Result<i64, postgres::Error> {
        self.row.try_get(index).map(|Integer(number)| number)
    }

    fn real(&self, index: usize) -> Result<f64, postgres::Error> {
        self.row.try_get(index)
    }

    fn boolean(&self, index: usize) -> Result<bool, postgres::Error> {
        self.row.try_get(index)
    }

    fn instant(&self, index: usize) -> Result<Timestamp, postgres::Error> {
        self.row.try_get(index)
    }

    fn date(&self, index: usize) -> Result<Date, postgres::Error> {
        self.row.try_get(index)
    }

    fn json(&self, index: usize) -> Result<String, postgres::Error> {
        self.row.try_get(index).map(|Document(text)| self.encoding.read_json(text))
    }

    fn bytes(&self, index: usize) -> Result<Vec<u8>, postgres::Error> {
        self.row.try_get(index)
    }
}

/// A value of any type.
struct Present;

impl FromSql<'_> for Present {
    fn from_sql(_: &Type, _: &[u8]) -> Result<Present, Box<dyn Error + Sync + Send>> {
        Ok(Present)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// An integer of four or eight bytes.
struct Integer(i64);

impl FromSql<'_> for Integer {
    fn from_sql(kind: &Type, bytes: &[u8]) -> Result<Integer, Box<dyn Error + Sync + Send>> {
        let number = if *kind == Type::INT4 { i32::from_sql(kind, bytes)?.into() } else { i64::from_sql(kind, bytes)? };
        Ok(Integer(number))
    }

    fn accepts(kind: &Type) -> bool {
        [Type::INT4, Type::INT8].contains(kind)
    }
}

/// A UUID as text, sent as 16 bytes.
struct Hyphenated(String);

impl FromSql<'_> for Hyphenated {
    fn from_sql(_: &Type, bytes: &[u8]) -> Result<Hyphenated, Box<dyn Error + Sync + Send>> {
        let digits = format!("{:032x}", u128::from_be_bytes(bytes.try_into()?));
        let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
        Ok(Hyphenated(parts.join("-")))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::UUID
    }
}

/// The text of a JSON document. jsonb is sent as a version number, 1, and the text.
struct Document(String);

impl FromSql<'_> for Document {
    fn from_sql(_: &Type, bytes: &[u8]) -> Result<Document, Box<dyn Error + Sync + Send>> {
        match bytes {
            [1, text @ ..] => Ok(Document(str::from_utf8(text)?.to_owned())),
            _ => Err("a version of jsonb that is not known".into()),
        }
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::JSONB
    }
}

/// Rows as the JSON array for `recordset`.
pub fn json<T: Serialize>(rows: &[T]) -> String {
    serde_json::to_string(rows).expect("plain numbers and strings always serialize")
}

/// The rows of the JSON array in $1, as `row`. `others` are further columns, with their types.
pub fn recordset<R: columns::Row>(others: &[&str]) -> String {
    let fields = R::columns().into_iter().map(|column| format!("{} {}", column.name, column.postgres_type));
    let columns: Vec<String> = others.iter().map(|&other| other.to_owned()).chain(fields).collect();
    format!("jsonb_to_recordset($1::text::jsonb) AS row ({})", columns.join(", "))
}

/// INSERT of the rows of a recordset. `supplied` are the columns that are not fields, each with its expression.
pub fn insert<R: columns::Row>(supplied: &[(&str, &str)], recordset: &str) -> String {
    let fields = R::columns().into_iter().map(|column| (column.name, field(column.kind(), column.name)));
    let supplied = supplied.iter().map(|&(name, value)| (name, value.to_owned()));
    let (names, values): (Vec<&str>, Vec<String>) = supplied.chain(fields).unzip();
    format!("INSERT INTO {} ({}) SELECT {} FROM {recordset}", R::TABLE, names.join(", "), values.join(", "))
}

/// In a recordset, a missing document is the JSON value null.
fn field(kind: Kind, name: &str) -> String {
    if let Kind::Json(_) = kind { format!("nullif(row.{name}, 'null')") } else { format!("row.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::columns::tests::SampleRow;

    #[test]
    fn rows_are_sent_as_one_document_with_the_declared_columns() {
        let recordset = recordset::<SampleRow>(&["extra text"]);
        assert!(recordset.starts_with("jsonb_to_recordset($1::text::jsonb) AS row (extra text, name text, word text"));
        assert!(recordset.ends_with("day date, scores jsonb, data bytea, remark text)"), "{recordset}");
        let insert = insert::<SampleRow>(&[("other", "$2")], "rows");
        assert!(insert.starts_with("INSERT INTO samples (other, name, word, uuid, small,"), "{insert}");
        let select = ") SELECT $2, row.name, row.word, row.uuid, row.small, row.large, row.seconds, row.flag, row.at,";
        assert!(insert.contains(select), "{insert}");
        assert!(insert.ends_with(" row.day, nullif(row.scores, 'null'), row.data, row.remark FROM rows"), "{insert}");
        let document: serde_json::Value = serde_json::from_str(&json(&[SampleRow::new(None)])).unwrap();
        assert_eq!(document[0]["at"], "2025-10-24T13:00:01.5Z");
        assert_eq!(document[0]["scores"]["Giggle"], 1.0);
        assert_eq!(document[0]["data"], "\\x00ff7f");
        assert_eq!(document[0]["remark"], serde_json::Value::Null);
    }

    #[test]
    fn values_are_read_from_the_bytes_that_the_server_sends() {
        let uuid = u128::from_str_radix("0123456789ab4cdef0123456789abcde", 16).unwrap().to_be_bytes();
        assert_eq!(Hyphenated::from_sql(&Type::UUID, &uuid).unwrap().0, "01234567-89ab-4cde-f012-3456789abcde");
        assert_eq!(Integer::from_sql(&Type::INT4, &(-7_i32).to_be_bytes()).unwrap().0, -7);
        assert_eq!(Integer::from_sql(&Type::INT8, &i64::MAX.to_be_bytes()).unwrap().0, i64::MAX);
        assert_eq!(Document::from_sql(&Type::JSONB, b"\x01{}").unwrap().0, "{}");
        assert!(Document::from_sql(&Type::JSONB, b"\x02{}").is_err());
    }
}
