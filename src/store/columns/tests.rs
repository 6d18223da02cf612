//! A table with a column of every kind, which a later version extends: what a declaration alone gives.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;

use super::value::{Bytes, ClassScores, Json, Uuid};
use super::*;

table! {
    /// One row per sample, the tests' own
    samples: SampleRow {
        keys {
            /// Number of the row
            id: i64, "PRIMARY KEY" | "GENERATED ALWAYS AS IDENTITY PRIMARY KEY";
        }
        fields {
            /// Name of the sample
            name: String;
            /// One of a few words
            word: Cow<'static, str>;
            /// Its UUID
            uuid: Uuid;
            /// A small number
            small: i32, "CHECK (small < 100)";
            /// A large number
            large: i64;
            /// Seconds
            seconds: f64;
            /// Yes or no
            flag: bool;
            /// When
            at: Timestamp;
            /// On which day
            day: Date;
            /// Scores by class
            scores: Json<ClassScores>;
            /// Any bytes
            data: Bytes;
            /// NULL: no
            /// comment
            remark: Option<String>, since 7;
        }
        links {
            /// Another row
            other: Option<i64>;
        }
        constraints { "CHECK (small <= large)"; }
    }
}

impl SampleRow {
    pub fn new(remark: Option<&str>) -> SampleRow {
        SampleRow {
            name: "夜.ogg".into(),
            word: "word".into(),
            uuid: Uuid("00000000-0000-4000-8000-000000000007".into()),
            small: -1,
            large: i64::MAX,
            seconds: 0.1,
            flag: true,
            at: "2025-10-24T13:00:01.5Z".parse().unwrap(),
            day: jiff::civil::date(2025, 10, 24),
            scores: Json(ClassScores([0.0, 0.56, 1.0, 1e-7, 0.333_333_34, 0.1])),
            data: Bytes(vec![0, 255, 127]),
            remark: remark.map(str::to_owned),
        }
    }
}

/// What version 6 creates and what version 7 adds.
pub fn versions(dialect: Dialect) -> [String; 2] {
    [6, 7].map(|version| migration(&[SampleRow::table()], version, dialect))
}

#[test]
fn sqlite_keeps_the_comments_in_its_statements() {
    let [created, added] = versions(Dialect::Sqlite);
    assert!(created.starts_with("CREATE TABLE samples (\n    -- One row per sample, the tests' own\n    -- Number"));
    assert!(
        created.contains("\n    -- A small number\n    small INTEGER NOT NULL CHECK (small < 100),\n"),
        "{created}"
    );
    assert!(created.contains(" at TEXT NOT NULL CHECK (at LIKE '____-__-__T__:__:__.______Z'),\n"), "{created}");
    assert!(created.ends_with("\n    other INTEGER,\n    CHECK (small <= large)\n);\n"), "{created}");
    assert_eq!(added, "ALTER TABLE samples ADD COLUMN remark /* NULL: no comment */ TEXT;\n");
}

#[test]
fn postgres_has_statements_for_comments() {
    let [created, added] = versions(Dialect::Postgres);
    assert!(created.starts_with("CREATE TABLE samples (\n    id bigint NOT NULL GENERATED ALWAYS"), "{created}");
    assert!(created.contains("\n    small integer NOT NULL CHECK (small < 100),\n"), "{created}");
    assert!(created.contains("\nCOMMENT ON TABLE samples IS 'One row per sample, the tests'' own';\n"), "{created}");
    assert!(created.ends_with("\nCOMMENT ON COLUMN samples.other IS 'Another row';\n"), "{created}");
    let expected =
        "ALTER TABLE samples ADD COLUMN remark text;\nCOMMENT ON COLUMN samples.remark IS 'NULL: no comment';\n";
    assert_eq!(added, expected);
}

#[test]
fn fields_are_the_columns_that_rows_write() {
    let table = SampleRow::table();
    let others: Vec<&str> =
        table.columns.iter().map(|column| column.name).filter(|name| !SampleRow::FIELDS.contains(name)).collect();
    assert_eq!(others, ["id", "other"]);
    let nullable: Vec<&str> =
        table.columns.iter().filter(|column| column.is_nullable).map(|column| column.name).collect();
    assert_eq!(nullable, ["remark", "other"]);
    assert_eq!(SampleRow::new(None).values().len(), SampleRow::FIELDS.len());
}

#[test]
fn every_table_and_column_has_a_comment() {
    for table in tables() {
        let comments = table.columns.iter().map(|column| column.comment).chain([table.comment]);
        assert!(comments.into_iter().all(|comment| comment.len() > 2 && !comment.contains('\n')), "{}", table.name);
    }
}
