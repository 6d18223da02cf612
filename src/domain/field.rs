//! A described field of what giggles writes: docs/reference is made from these.

/// A field of a JSON document, or a column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// `name`; `run.window.from` in an object of objects; `recordings[].name` in every item of a list; `counts.*` in an
    /// object whose members have other names every time.
    pub path: &'static str,
    /// `string`, `number`, `boolean`, `array` or `object`, and `or null`.
    pub kind: &'static str,
    pub meaning: &'static str,
}

/// A field, from its path, its kind and its meaning.
pub const fn field(path: &'static str, kind: &'static str, meaning: &'static str) -> Field {
    Field { path, kind, meaning }
}

/// A JSON document or a table: what writes or reads it, what it is, and its fields in parts, each with the path that
/// its fields are below.
pub struct Described {
    pub command: &'static str,
    pub about: &'static str,
    pub parts: &'static [(&'static str, &'static [Field])],
}
