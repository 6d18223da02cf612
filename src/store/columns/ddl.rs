//! The SQL that creates the declared tables and columns, in both dialects.
//!
//! A migration creates the tables of its version and adds the columns of its version to older tables. SQLite keeps the
//! text of CREATE TABLE, so its comments are in there; Postgres has COMMENT ON.

use super::{Column, Table};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

/// What version `version` of the schema creates or adds.
pub fn migration(tables: &[Table], version: i64, dialect: Dialect) -> String {
    tables.iter().map(|table| step(table, version, dialect)).collect()
}

fn step(table: &Table, version: i64, dialect: Dialect) -> String {
    let columns: Vec<&Column> = table.columns.iter().filter(|column| column.since == version).collect();
    let is_new = table.since() == version;
    let mut sql = if is_new {
        create(table, &columns, dialect)
    } else {
        columns.iter().map(|column| add(table, column, dialect)).collect()
    };
    if dialect == Dialect::Postgres {
        if is_new {
            sql += &format!("COMMENT ON TABLE {} IS {};\n", table.name, quoted(table.comment));
        }
        for column in columns {
            let (name, comment) = (column.name, quoted(column.comment));
            sql += &format!("COMMENT ON COLUMN {}.{name} IS {comment};\n", table.name);
        }
    }
    sql
}

fn create(table: &Table, columns: &[&Column], dialect: Dialect) -> String {
    let comment = |comment: &str, indent: &str| match dialect {
        Dialect::Sqlite => format!("{indent}-- {comment}\n"),
        Dialect::Postgres => String::new(),
    };
    let columns = columns.iter().map(|column| {
        format!("{}    {} {}", comment(column.comment, "    "), column.name, definition(column, dialect))
    });
    let constraints = table.constraints.iter().map(|constraint| format!("    {constraint}"));
    let parts: Vec<String> = columns.chain(constraints).collect();
    format!("CREATE TABLE {} (\n{}{}\n);\n", table.name, comment(table.comment, "    "), parts.join(",\n"))
}

fn add(table: &Table, column: &Column, dialect: Dialect) -> String {
    let comment = match dialect {
        Dialect::Sqlite => format!(" /* {} */", column.comment),
        Dialect::Postgres => String::new(),
    };
    let (table, name) = (table.name, column.name);
    format!("ALTER TABLE {table} ADD COLUMN {name}{comment} {};\n", definition(column, dialect))
}

/// Type and constraints of a column.
fn definition(column: &Column, dialect: Dialect) -> String {
    let Column { name, kind, rule: [in_sqlite, in_postgres], .. } = column;
    let (kind, condition, rule) = match dialect {
        Dialect::Sqlite => (column.sqlite_type, kind.sqlite_condition(name), in_sqlite),
        Dialect::Postgres => (column.postgres_type, kind.postgres_condition(name), in_postgres),
    };
    let not_null = if column.is_nullable { "" } else { "NOT NULL" };
    let check = condition.map(|condition| format!("CHECK ({condition})")).unwrap_or_default();
    let parts = [kind, not_null, rule, &check];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
