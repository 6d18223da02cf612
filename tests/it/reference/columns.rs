//! Tables and columns, from a database of each kind that the program has made: names and types from both, comments
//! from Postgres.

use std::collections::BTreeMap;

use giggles::store::open;
use postgres::{Client, NoTls};

use super::{assert_page, code, table};
use crate::support::postgres::Postgres;
use crate::support::program::Place;

/// Table and column.
type Name = (String, String);

/// The type of each column of the SQLite file.
fn sqlite_types() -> BTreeMap<Name, String> {
    let place = Place::new();
    drop(open(&place.sqlite().parse().unwrap()).unwrap());
    let database = rusqlite::Connection::open(place.path("laughs.db")).unwrap();
    let sql = "SELECT m.name, c.name, c.type FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'
               AND m.name <> 'giggles_schema'";
    let mut statement = database.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Each table of Postgres with its comment, and its columns: name, type, comment.
fn postgres_tables() -> Vec<(String, String, Vec<[String; 3]>)> {
    let server = Postgres::start();
    drop(open(&server.url.parse().unwrap()).unwrap());
    let mut client = Client::connect(&server.url, NoTls).unwrap();
    let tables = "SELECT relname::text, coalesce(obj_description(oid), '') FROM pg_class
                  WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'giggles_schema'
                  ORDER BY oid";
    let columns =
        "SELECT attname::text, format_type(atttypid, atttypmod), coalesce(col_description(attrelid, attnum), '')
                   FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped
                   ORDER BY attnum";
    let tables: Vec<(String, String)> =
        client.query(tables, &[]).unwrap().iter().map(|row| (row.get(0), row.get(1))).collect();
    let mut with_columns = |(name, comment): (String, String)| {
        let rows = client.query(columns, &[&name]).unwrap();
        (name, comment, rows.iter().map(|row| [row.get(0), row.get(1), row.get(2)]).collect())
    };
    tables.into_iter().map(&mut with_columns).collect()
}

#[test]
fn the_page_of_columns_is_the_databases() {
    let (mut types, mut faults) = (sqlite_types(), Vec::new());
    let mut text =
        "The tables are the same in both databases. In SQLite, instants are text, UTC in ISO 8601 with six decimals, \
                    and JSON is text.\nThe table `giggles_schema` has the number of the schema. README.md has queries \
                    that work in both.\n\n"
            .to_owned();
    for (name, comment, columns) in postgres_tables() {
        let mut rows = Vec::new();
        for [column, kind, meaning] in columns {
            let sqlite = types.remove(&(name.clone(), column.clone())).unwrap_or_default();
            if sqlite.is_empty() || meaning.is_empty() {
                faults.push(format!("{name}.{column}: no comment, or not in SQLite"));
            }
            rows.push([code(&column), kind, sqlite, meaning]);
        }
        text += &format!("## {name}\n\n{comment}.\n\n{}\n", table(["column", "Postgres", "SQLite", "meaning"], rows));
    }
    faults.extend(types.into_keys().map(|(table, column)| format!("{table}.{column}: not in Postgres")));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_page("columns.md", "Tables and columns", &text);
}
