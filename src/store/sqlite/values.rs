//! How values are stored in SQLite, once per kind, and the SQL that stores rows.

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::types::{ToSql, ToSqlOutput, Type, ValueRef};
use rusqlite::{Result, Row, Statement};

use crate::store::columns::{self, Cells, Value};

/// ISO 8601 in UTC with six decimals: sorts as text, and SQLite's date functions accept it.
pub fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(match self {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Value::Json(document) => ToSqlOutput::Borrowed(ValueRef::Text(document.as_bytes())),
            Value::Integer(number) => ToSqlOutput::from(*number),
            Value::Real(number) => ToSqlOutput::from(*number),
            Value::Boolean(flag) => ToSqlOutput::from(*flag),
            Value::Instant(at) => ToSqlOutput::from(instant(*at)),
            Value::Date(date) => ToSqlOutput::from(date.to_string()),
            Value::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

impl Cells for Row<'_> {
    type Error = rusqlite::Error;

    fn is_null(&self, index: usize) -> Result<bool> {
        Ok(self.get_ref(index)? == ValueRef::Null)
    }

    fn text(&self, index: usize) -> Result<String> {
        self.get(index)
    }

    fn uuid(&self, index: usize) -> Result<String> {
        self.get(index)
    }

    fn integer(&self, index: usize) -> Result<i64> {
        self.get(index)
    }

    fn real(&self, index: usize) -> Result<f64> {
        self.get(index)
    }

    fn boolean(&self, index: usize) -> Result<bool> {
        self.get(index)
    }

    fn instant(&self, index: usize) -> Result<Timestamp> {
        let text: String = self.get(index)?;
        text.parse().map_err(|error| unreadable(self, index, &error))
    }

    fn date(&self, index: usize) -> Result<Date> {
        let text: String = self.get(index)?;
        text.parse().map_err(|error| unreadable(self, index, &error))
    }

    fn json(&self, index: usize) -> Result<String> {
        self.get(index)
    }

    fn bytes(&self, index: usize) -> Result<Vec<u8>> {
        self.get(index)
    }
}

fn unreadable(row: &Row<'_>, index: usize, error: &jiff::Error) -> rusqlite::Error {
    let column = row.as_ref().column_name(index).unwrap_or_default();
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, format!("{column}: {error}").into())
}

/// INSERT of one row. `supplied` are the columns that are not fields, each with its expression, which may use the first
/// `parameters` parameters; the fields follow.
pub fn insert<R: columns::Row>(supplied: &[(&str, &str)], parameters: usize) -> String {
    let names = supplied.iter().map(|(name, _)| *name).chain(R::FIELDS.iter().copied());
    let names: Vec<&str> = names.collect();
    let fields = (1..=R::FIELDS.len()).map(|field| format!("?{}", parameters + field));
    let values: Vec<String> = supplied.iter().map(|(_, value)| (*value).to_owned()).chain(fields).collect();
    format!("INSERT INTO {} ({}) VALUES ({})", R::TABLE, names.join(", "), values.join(", "))
}

/// Executes a statement of `insert` with the fields of a row. The first parameters keep their values.
pub fn execute<R: columns::Row>(statement: &mut Statement<'_>, parameters: usize, row: &R) -> Result<usize> {
    for (index, value) in row.values().iter().enumerate() {
        statement.raw_bind_parameter(parameters + index + 1, value)?;
    }
    statement.raw_execute()
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::store::columns::tests::{SampleRow, versions};
    use crate::store::columns::{Cursor, Dialect, Row};

    fn read(connection: &Connection) -> rusqlite::Result<Vec<SampleRow>> {
        let mut statement =
            connection.prepare(&format!("SELECT {} FROM samples ORDER BY id", SampleRow::selected()))?;
        statement.query_map([], |row| SampleRow::read(&mut Cursor::new(row)))?.collect()
    }

    #[test]
    fn a_declared_column_is_created_written_and_read() {
        let connection = Connection::open_in_memory().unwrap();
        versions(Dialect::Sqlite).iter().for_each(|sql| connection.execute_batch(sql).unwrap());
        let rows = [SampleRow::new(None), SampleRow::new(Some("quiet"))];
        let mut statement = connection.prepare(&insert::<SampleRow>(&[("other", "?1")], 1)).unwrap();
        statement.raw_bind_parameter(1, 5).unwrap();
        for row in &rows {
            assert_eq!(execute(&mut statement, 1, row).unwrap(), 1);
        }
        assert_eq!(read(&connection).unwrap(), rows);
        let others: i64 = connection.query_row("SELECT sum(other) FROM samples", [], |row| row.get(0)).unwrap();
        assert_eq!(others, 10, "what is supplied stays bound");
        let sql: String = connection.query_row("SELECT sql FROM sqlite_schema", [], |row| row.get(0)).unwrap();
        assert!(["-- Name of the sample", "/* NULL: no comment */"].iter().all(|text| sql.contains(text)), "{sql}");
    }

    #[test]
    fn a_value_that_cannot_be_read_names_its_column() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (at TEXT); INSERT INTO t VALUES ('yesterday')").unwrap();
        let error = connection.query_row("SELECT at FROM t", [], |row| Cells::instant(row, 0)).unwrap_err();
        assert!(error.to_string().contains("at: "), "{error}");
    }
}
