//! The columns of all tables, each declared once, for both databases.
//!
//! A declaration (`table!`) is the row struct, its documentation and the schema at the same time:
//!
//! ```text
//! table! {
//!     /// One row per committed run                            comment of the table
//!     runs: RunRow {
//!         keys {}                                              columns that are not fields of RunRow
//!         fields {                                             columns that are
//!             /// Start of the run                             comment of the column
//!             started_at: Timestamp;                           the type says how it is stored
//!             /// Where it ran; NULL: not known
//!             host: Option<String>, "CHECK (host <> '')", since 7;
//!         }
//!         links {}                                             more that are not, after the fields
//!         constraints { "CHECK (started_at <= ended_at)"; }
//!     }
//! }
//! ```
//!
//! After the type may follow SQL for both databases, or `"for SQLite" | "for Postgres"`, and the schema version that adds
//! the column to a table that has been released. `value.rs` lists the types. From the declaration come CREATE TABLE and
//! ALTER TABLE with the comments, the lists of columns in SELECT and INSERT, the binding of values and the reading of
//! rows. How a value of each kind is sent and read is in `sqlite/values.rs` and `postgres/values.rs`.
//!
//! Invariant: contains no query. Fields are what a run or an import writes; keys and links tie rows to each other, and
//! the statements supply them.

mod ddl;
mod tables;
mod value;

#[cfg(test)]
pub(super) mod tests;

pub(super) use ddl::{Dialect, migration};
pub(super) use tables::{CandidateRow, DetectionRow, RecordingRow, ReviewRow, RunRow, TrackRow};
pub(super) use value::{Bytes, Cells, ClassScores, Cursor, Field, Json, Kind, Uuid, Value};

/// The schema version that created the first tables.
pub(super) const FIRST_VERSION: i64 = 6;

/// A table of the database.
#[derive(Debug, Clone)]
pub struct Table {
    pub name: &'static str,
    pub comment: &'static str,
    /// In the order of the declaration.
    pub columns: Vec<Column>,
    /// Constraints on several columns, in SQL.
    constraints: &'static [&'static str],
}

/// A column of a table.
#[derive(Debug, Clone)]
pub struct Column {
    pub name: &'static str,
    /// What it holds, as both databases show it.
    pub comment: &'static str,
    pub sqlite_type: &'static str,
    pub postgres_type: &'static str,
    pub is_nullable: bool,
    kind: Kind,
    /// SQL after the type, for SQLite and for Postgres.
    rule: [&'static str; 2],
    /// The schema version that added it.
    since: i64,
}

/// All tables, in the order of their creation, except `giggles_schema`, which has the version of the schema.
pub fn tables() -> Vec<Table> {
    vec![
        RunRow::table(),
        RecordingRow::table(),
        DetectionRow::table(),
        TrackRow::table(),
        CandidateRow::table(),
        ReviewRow::table(),
    ]
}

impl Table {
    /// The schema version that creates it.
    pub(super) fn since(&self) -> i64 {
        self.versions().min().unwrap_or(FIRST_VERSION)
    }

    /// The schema versions that add its columns.
    pub(super) fn versions(&self) -> impl Iterator<Item = i64> {
        self.columns.iter().map(|column| column.since)
    }
}

impl Column {
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    fn new<T: Field>(name: &'static str, comment: &'static str, rule: [&'static str; 2], since: i64) -> Column {
        let (kind, is_nullable) = (T::KIND, T::IS_NULLABLE);
        let (sqlite_type, postgres_type) = (kind.sqlite_type(), kind.postgres_type());
        Column { name, comment: comment.trim_ascii(), sqlite_type, postgres_type, is_nullable, kind, rule, since }
    }
}

/// The fields of a table's rows.
pub(super) trait Row: Sized {
    const TABLE: &'static str;
    /// Names of the columns that are fields, in order.
    const FIELDS: &'static [&'static str];

    fn table() -> Table;

    /// The values of the fields, in order.
    fn values(&self) -> Vec<Value<'_>>;

    /// Reads the next cells, one for each field, in order.
    fn read<C: Cells>(cells: &mut Cursor<'_, C>) -> Result<Self, C::Error>;

    /// The columns that are fields, in order.
    fn columns() -> Vec<Column> {
        let is_field = |column: &Column| Self::FIELDS.contains(&column.name);
        Self::table().columns.into_iter().filter(is_field).collect()
    }

    /// The list for SELECT: what `read` expects.
    fn selected() -> String {
        let names: Vec<String> = Self::FIELDS.iter().map(|field| format!("{}.{field}", Self::TABLE)).collect();
        names.join(", ")
    }
}

/// SQL of a column: none, the same for both databases, or one for each.
macro_rules! rule {
    () => {
        ["", ""]
    };
    ($both:literal) => {
        [$both, $both]
    };
    ($sqlite:literal $postgres:literal) => {
        [$sqlite, $postgres]
    };
}

macro_rules! since {
    () => {
        $crate::store::columns::FIRST_VERSION
    };
    ($version:literal) => {
        $version
    };
}

/// Declares a table and the struct of its rows; the documentation of this module has the form.
macro_rules! table {
    (
        $(#[doc = $table_comment:literal])+
        $table:ident: $row:ident {
            keys { $(
                $(#[doc = $key_comment:literal])+
                $key:ident: $key_type:ty $(, $key_rule:literal $(| $key_postgres:literal)?)?;
            )* }
            fields { $(
                $(#[doc = $comment:literal])+
                $field:ident: $type:ty $(, $rule:literal $(| $postgres:literal)?)? $(, since $since:literal)?;
            )* }
            links { $(
                $(#[doc = $link_comment:literal])+
                $link:ident: $link_type:ty $(, $link_rule:literal $(| $link_postgres:literal)?)?;
            )* }
            constraints { $($constraint:literal;)* }
        }
    ) => {
        #[doc = concat!("The fields of a row of `", stringify!($table), "`.")]
        #[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
        pub struct $row {
            $($(#[doc = $comment])+ pub $field: $type,)*
        }

        impl $crate::store::columns::Row for $row {
            const TABLE: &'static str = stringify!($table);
            const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];

            fn table() -> $crate::store::columns::Table {
                use $crate::store::columns::Column;
                let columns = vec![
                    $(Column::new::<$key_type>(stringify!($key), concat!($($key_comment),+),
                        rule!($($key_rule $($key_postgres)?)?), since!()),)*
                    $(Column::new::<$type>(stringify!($field), concat!($($comment),+),
                        rule!($($rule $($postgres)?)?), since!($($since)?)),)*
                    $(Column::new::<$link_type>(stringify!($link), concat!($($link_comment),+),
                        rule!($($link_rule $($link_postgres)?)?), since!()),)*
                ];
                let comment = concat!($($table_comment),+).trim_ascii();
                $crate::store::columns::Table { name: Self::TABLE, comment, columns, constraints: &[$($constraint),*] }
            }

            fn values(&self) -> Vec<$crate::store::columns::Value<'_>> {
                vec![$($crate::store::columns::Field::to_value(&self.$field)),*]
            }

            fn read<C: $crate::store::columns::Cells>(
                cells: &mut $crate::store::columns::Cursor<'_, C>,
            ) -> Result<Self, C::Error> {
                Ok($row { $($field: cells.next()?),* })
            }
        }
    };
}
use {rule, since, table};
