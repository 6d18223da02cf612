//! The kinds of values that columns hold, and the Rust types of fields.
//!
//! | Rust | SQLite | Postgres |
//! |---|---|---|
//! | `String`, `Cow<'static, str>` | TEXT | text |
//! | [`Uuid`] | TEXT of 36 characters | uuid |
//! | `i32` | INTEGER | integer |
//! | `i64` | INTEGER | bigint |
//! | `f64` | REAL | double precision |
//! | `bool` | INTEGER, 0 or 1 | boolean |
//! | `Timestamp` | TEXT, UTC, ISO 8601 with six decimals | timestamptz |
//! | `Date` | TEXT, ISO 8601 | date |
//! | [`Json`] | TEXT | jsonb |
//! | [`Bytes`] | BLOB | bytea |
//!
//! An `Option` of each may be NULL; the others are NOT NULL.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};

use crate::domain::{Analysis, LAUGHTER_CLASSES, LAUGHTER_NAMES, MissingRange, PersonalScore};
use crate::text::shortest_f64;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Uuid,
    Integer,
    BigInteger,
    Real,
    Boolean,
    Instant,
    Date,
    /// A JSON document of this type: `array` or `object`.
    Json(&'static str),
    Bytes,
}

impl Kind {
    pub fn sqlite_type(self) -> &'static str {
        match self {
            Kind::Text | Kind::Uuid | Kind::Instant | Kind::Date | Kind::Json(_) => "TEXT",
            Kind::Integer | Kind::BigInteger | Kind::Boolean => "INTEGER",
            Kind::Real => "REAL",
            Kind::Bytes => "BLOB",
        }
    }

    pub fn postgres_type(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Uuid => "uuid",
            Kind::Integer => "integer",
            Kind::BigInteger => "bigint",
            Kind::Real => "double precision",
            Kind::Boolean => "boolean",
            Kind::Instant => "timestamptz",
            Kind::Date => "date",
            Kind::Json(_) => "jsonb",
            Kind::Bytes => "bytea",
        }
    }

    /// The condition on a column that its type in SQLite leaves open.
    pub fn sqlite_condition(self, column: &str) -> Option<String> {
        match self {
            Kind::Uuid => Some(format!("length({column}) = 36")),
            Kind::Boolean => Some(format!("{column} IN (0, 1)")),
            Kind::Instant => Some(format!("{column} LIKE '____-__-__T__:__:__.______Z'")),
            Kind::Date => Some(format!("{column} LIKE '____-__-__'")),
            Kind::Json(shape) => Some(format!("json_type({column}) = '{shape}'")),
            Kind::Bytes => Some(format!("typeof({column}) IN ('blob', 'null')")),
            Kind::Text | Kind::Integer | Kind::BigInteger | Kind::Real => None,
        }
    }

    /// The condition on a column that its type in Postgres leaves open.
    pub fn postgres_condition(self, column: &str) -> Option<String> {
        match self {
            Kind::Json(shape) => Some(format!("jsonb_typeof({column}) = '{shape}'")),
            _ => None,
        }
    }
}

/// A value on its way into a database.
#[derive(Debug, PartialEq)]
pub enum Value<'a> {
    Null,
    Text(&'a str),
    Integer(i64),
    Real(f64),
    Boolean(bool),
    Instant(Timestamp),
    Date(Date),
    Json(String),
    Bytes(&'a [u8]),
}

/// A row of a query's result. Only `is_null` accepts NULL.
pub trait Cells {
    type Error;

    fn is_null(&self, index: usize) -> Result<bool, Self::Error>;
    fn text(&self, index: usize) -> Result<String, Self::Error>;
    fn uuid(&self, index: usize) -> Result<String, Self::Error>;
    /// Of both kinds.
    fn integer(&self, index: usize) -> Result<i64, Self::Error>;
    fn real(&self, index: usize) -> Result<f64, Self::Error>;
    fn boolean(&self, index: usize) -> Result<bool, Self::Error>;
    fn instant(&self, index: usize) -> Result<Timestamp, Self::Error>;
    fn date(&self, index: usize) -> Result<Date, Self::Error>;
    /// The document's text.
    fn json(&self, index: usize) -> Result<String, Self::Error>;
    fn bytes(&self, index: usize) -> Result<Vec<u8>, Self::Error>;
}

/// Reads the cells of a row from left to right.
pub struct Cursor<'a, C> {
    cells: &'a C,
    index: usize,
}

impl<'a, C: Cells> Cursor<'a, C> {
    pub fn new(cells: &'a C) -> Cursor<'a, C> {
        Cursor { cells, index: 0 }
    }

    pub fn next<T: Field>(&mut self) -> Result<T, C::Error> {
        let value = T::read(self.cells, self.index);
        self.index += 1;
        value
    }
}

/// The Rust type of a column.
pub trait Field: Sized {
    const KIND: Kind;
    const IS_NULLABLE: bool = false;

    fn to_value(&self) -> Value<'_>;

    fn read<C: Cells>(cells: &C, index: usize) -> Result<Self, C::Error>;
}

impl<T: Field> Field for Option<T> {
    const KIND: Kind = T::KIND;
    const IS_NULLABLE: bool = true;

    fn to_value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, T::to_value)
    }

    fn read<C: Cells>(cells: &C, index: usize) -> Result<Option<T>, C::Error> {
        if cells.is_null(index)? { Ok(None) } else { T::read(cells, index).map(Some) }
    }
}

macro_rules! field {
    ($type:ty, $kind:expr, |$field:ident| $value:expr, |$cells:ident, $index:ident| $read:expr) => {
        impl Field for $type {
            const KIND: Kind = $kind;

            fn to_value(&self) -> Value<'_> {
                let $field = self;
                $value
            }

            fn read<C: Cells>($cells: &C, $index: usize) -> Result<Self, C::Error> {
                $read
            }
        }
    };
}

field!(String, Kind::Text, |text| Value::Text(text), |cells, index| cells.text(index));
field!(Cow<'static, str>, Kind::Text, |text| Value::Text(text), |cells, index| cells.text(index).map(Cow::Owned));
field!(Uuid, Kind::Uuid, |uuid| Value::Text(&uuid.0), |cells, index| cells.uuid(index).map(Uuid));
field!(i64, Kind::BigInteger, |number| Value::Integer(*number), |cells, index| cells.integer(index));
field!(i32, Kind::Integer, |number| Value::Integer((*number).into()), |cells, index| {
    cells.integer(index).map(|number| number.try_into().unwrap_or(i32::MAX))
});
field!(f64, Kind::Real, |number| Value::Real(*number), |cells, index| cells.real(index));
field!(bool, Kind::Boolean, |flag| Value::Boolean(*flag), |cells, index| cells.boolean(index));
field!(Timestamp, Kind::Instant, |at| Value::Instant(*at), |cells, index| cells.instant(index));
field!(Date, Kind::Date, |date| Value::Date(*date), |cells, index| cells.date(index));

field!(Bytes, Kind::Bytes, |bytes| Value::Bytes(&bytes.0), |cells, index| cells.bytes(index).map(Bytes));

/// Any bytes. In JSON, the form that Postgres reads: `\x` and hexadecimal digits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = String::with_capacity(2 + 2 * self.0.len());
        text.push_str("\\x");
        for byte in &self.0 {
            text.push(DIGITS[usize::from(byte >> 4)].into());
            text.push(DIGITS[usize::from(byte & 15)].into());
        }
        serializer.serialize_str(&text)
    }
}

/// Hyphenated.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Uuid(pub String);

/// A value that is stored as a JSON document. What another program wrote in another form reads as the default.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Json<T>(pub T);

/// A type that is stored as a JSON document.
pub trait Document: Serialize + DeserializeOwned + Default {
    /// `array` or `object`.
    const SHAPE: &'static str;
}

impl<T: Document> Field for Json<T> {
    const KIND: Kind = Kind::Json(T::SHAPE);

    fn to_value(&self) -> Value<'_> {
        Value::Json(serde_json::to_string(&self.0).expect("plain numbers and strings always serialize"))
    }

    fn read<C: Cells>(cells: &C, index: usize) -> Result<Self, C::Error> {
        Ok(Json(serde_json::from_str(&cells.json(index)?).unwrap_or_default()))
    }
}

impl Document for Vec<MissingRange> {
    const SHAPE: &'static str = "array";
}

impl Document for ClassScores {
    const SHAPE: &'static str = "object";
}

impl Document for PersonalScore {
    const SHAPE: &'static str = "object";
}

/// None: written by a version whose analysis had other parts.
impl Document for Option<Analysis> {
    const SHAPE: &'static str = "object";
}

/// Scores in the order of [`LAUGHTER_NAMES`], as an object keyed by these names. A missing class reads as 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "HashMap<String, f64>", into = "BTreeMap<&'static str, f64>")]
pub struct ClassScores(pub [f32; LAUGHTER_CLASSES]);

impl From<HashMap<String, f64>> for ClassScores {
    fn from(scores: HashMap<String, f64>) -> ClassScores {
        ClassScores(LAUGHTER_NAMES.map(|name| scores.get(name).map_or(0.0, |score| *score as f32)))
    }
}

impl From<ClassScores> for BTreeMap<&'static str, f64> {
    fn from(scores: ClassScores) -> Self {
        LAUGHTER_NAMES.into_iter().zip(scores.0.map(shortest_f64)).collect()
    }
}
