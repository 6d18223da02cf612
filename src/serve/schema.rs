//! Lists of fields as JSON schemas.
//!
//! Every field of a list is always written, so all are required, and there are no others.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::operation::{Body, Fields};

/// A value of a document.
#[derive(Default)]
struct Node {
    kind: Option<&'static str>,
    about: &'static str,
    members: BTreeMap<String, Node>,
    /// The items of a list, or the members of an object whose names are not known.
    item: Option<Box<Node>>,
    is_map: bool,
}

/// The schema of the document with these fields.
pub fn schema(fields: Fields) -> Value {
    tree(fields).schema()
}

/// The schema of a document that is accepted.
pub fn accepted(body: &Body) -> Value {
    let mut schema = tree(body.fields).schema();
    loosen(&mut schema, body.required);
    schema
}

/// Requires these members only, where an object has them, and allows others.
fn loosen(schema: &mut Value, required: &[&str]) {
    if let Some(members) = schema.get("properties").and_then(Value::as_object).cloned() {
        let has_all = required.iter().all(|name| members.contains_key(*name));
        if has_all {
            schema["required"] = required.into();
        }
        schema["additionalProperties"] = true.into();
        members.keys().for_each(|name| loosen(&mut schema["properties"][name], required));
    } else if let Some(items) = schema.get_mut("items") {
        loosen(items, required);
    }
}

fn tree(fields: Fields) -> Node {
    let mut document = Node::default();
    for (prefix, fields) in fields {
        for field in *fields {
            let node = document.at(&format!("{prefix}{}", field.path));
            node.kind = Some(field.kind);
            node.about = field.meaning;
        }
    }
    document
}

impl Node {
    /// The value at a path such as `days[].recordings[].name` or `counts.*`.
    fn at(&mut self, path: &str) -> &mut Node {
        let mut node = self;
        for part in path.split('.') {
            let (name, is_list) = part.strip_suffix("[]").map_or((part, false), |name| (name, true));
            if name == "*" {
                node.is_map = true;
                node = node.item.get_or_insert_default();
            } else {
                node = node.members.entry(name.to_owned()).or_default();
            }
            if is_list {
                node = node.item.get_or_insert_default();
            }
        }
        node
    }

    fn schema(&self) -> Value {
        let is_null = self.kind.is_some_and(|kind| kind.ends_with(" or null"));
        let kind = match (&self.item, self.is_map) {
            (_, true) => "object",
            (Some(_), false) => "array",
            (None, _) if !self.members.is_empty() => "object",
            _ => self.kind.map_or("object", |kind| kind.trim_end_matches(" or null")),
        };
        let mut schema = Map::new();
        schema.insert("type".into(), if is_null { json!([kind, "null"]) } else { kind.into() });
        if !self.about.is_empty() {
            schema.insert("description".into(), self.about.into());
        }
        match &self.item {
            Some(item) if self.is_map => drop(schema.insert("additionalProperties".into(), item.schema())),
            Some(item) => drop(schema.insert("items".into(), item.schema())),
            None if kind == "object" && !self.members.is_empty() => {
                let members: Map<String, Value> =
                    self.members.iter().map(|(name, node)| (name.clone(), node.schema())).collect();
                schema.insert("required".into(), members.keys().cloned().collect::<Vec<_>>().into());
                schema.insert("properties".into(), members.into());
                schema.insert("additionalProperties".into(), false.into());
            }
            None => {}
        }
        schema.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Field, field};

    const FIELDS: &[Field] = &[
        field("zone", "string", "zone"),
        field("days[].date", "string or null", "date"),
        field("days[].error", "object or null", "why"),
        field("days[].error.kind", "string", "kind"),
        field("days[].hours[]", "number", "of each hour"),
        field("days[].scores.*", "number", "by name"),
    ];

    #[test]
    fn paths_become_nested_schemas() {
        let schema = schema(&[("", FIELDS)]);
        assert_eq!(schema["required"], json!(["days", "zone"]));
        let day = &schema["properties"]["days"]["items"];
        assert_eq!(day["required"], json!(["date", "error", "hours", "scores"]));
        assert_eq!(day["properties"]["date"]["type"], json!(["string", "null"]));
        assert_eq!(day["properties"]["error"]["type"], json!(["object", "null"]));
        assert_eq!(day["properties"]["error"]["properties"]["kind"]["type"], "string");
        assert_eq!(
            day["properties"]["hours"],
            json!({ "type": "array", "items": { "type": "number", "description": "of each hour" } })
        );
        assert_eq!(day["properties"]["scores"]["additionalProperties"]["type"], "number");
        assert_eq!(day["additionalProperties"], false);
        let accepted = accepted(&Body { fields: &[("", FIELDS)], required: &["date"] });
        let day = &accepted["properties"]["days"]["items"];
        assert_eq!((&day["required"], &day["additionalProperties"]), (&json!(["date"]), &true.into()));
        assert_eq!(accepted["required"], json!(["days", "zone"]));
    }
}
