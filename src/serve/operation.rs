//! What a route of the API takes and gives: the OpenAPI document is made from it, and requests are checked against it.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use serde_json::{Value, json};

use super::exchange::Request;
use super::problem::Problem;
use crate::domain::Field;

/// The description of a route.
pub struct Operation {
    /// Its name for generated clients.
    pub id: &'static str,
    /// What it does, in one sentence.
    pub about: &'static str,
    /// Of the path, then of the query.
    pub parameters: &'static [Parameter],
    pub body: Option<Body>,
    pub answer: Answer,
    /// Other statuses than 200, and those of every route.
    pub statuses: &'static [u16],
}

/// Fields of a JSON document in parts, each with the path that its fields are below.
pub type Fields = &'static [(&'static str, &'static [Field])];

/// A JSON document that a route takes. Unknown members are ignored.
pub struct Body {
    pub fields: Fields,
    /// Members that each of its items must have.
    pub required: &'static [&'static str],
}

/// What a route answers.
pub enum Answer {
    Json(Fields),
    /// A content type, and what it is.
    Bytes(&'static str, &'static str),
    /// Any JSON document.
    Document,
}

/// A parameter.
pub struct Parameter {
    pub name: &'static str,
    pub kind: Kind,
    pub about: &'static str,
    pub is_in_path: bool,
}

/// The values of a parameter.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Text,
    /// `2025-10-24`
    Date,
    /// `13:05`
    Time,
    /// A date or an instant with its offset.
    Instant,
    /// An integer from one number to another.
    Integer(i64, i64),
    /// A number from one to another.
    Number(f64, f64),
    /// `true` or `false`
    Boolean,
    Choice(&'static [&'static str]),
}

/// A parameter of the query.
pub const fn query(name: &'static str, kind: Kind, about: &'static str) -> Parameter {
    Parameter { name, kind, about, is_in_path: false }
}

/// A part of the path.
pub const fn part(name: &'static str, kind: Kind, about: &'static str) -> Parameter {
    Parameter { name, kind, about, is_in_path: true }
}

impl Kind {
    /// What is wrong with a value. None: nothing.
    fn fault(self, text: &str) -> Option<String> {
        let wrong = |is_right: bool, expected: String| (!is_right).then_some(expected);
        match self {
            Kind::Text => None,
            Kind::Date => wrong(text.len() == 10 && text.parse::<Date>().is_ok(), "write a date as 2025-10-24".into()),
            Kind::Time => wrong(text.len() == 5 && text.parse::<Time>().is_ok(), "write a time as 13:05".into()),
            Kind::Instant => wrong(
                text.len() == 10 && text.parse::<Date>().is_ok() || instant(text).is_some(),
                "write a date as 2025-10-24, or a time with its offset as 2025-10-24T13:00:00Z".into(),
            ),
            Kind::Integer(from, to) => {
                let is_right = text.parse::<i64>().is_ok_and(|number| (from..=to).contains(&number));
                wrong(is_right, format!("give an integer from {from} to {to}"))
            }
            Kind::Number(from, to) => {
                let is_right = text.parse::<f64>().is_ok_and(|number| (from..=to).contains(&number));
                wrong(is_right, format!("give a number from {from} to {to}"))
            }
            Kind::Boolean => wrong(["true", "false"].contains(&text), "give true or false".into()),
            Kind::Choice(names) => wrong(names.contains(&text), format!("give one of {}", names.join(", "))),
        }
    }

    /// As a JSON schema.
    pub fn schema(self) -> Value {
        match self {
            Kind::Text => json!({ "type": "string", "minLength": 1 }),
            Kind::Date => json!({ "type": "string", "format": "date" }),
            Kind::Time => json!({ "type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$" }),
            Kind::Instant => json!({ "type": "string", "anyOf": [{ "format": "date" }, { "format": "date-time" }] }),
            Kind::Integer(from, to) => json!({ "type": "integer", "minimum": from, "maximum": to }),
            Kind::Number(from, to) => json!({ "type": "number", "minimum": from, "maximum": to }),
            Kind::Boolean => json!({ "type": "boolean" }),
            Kind::Choice(names) => json!({ "type": "string", "enum": names }),
        }
    }
}

/// An instant of a query, in which a plus sign may stand as it is.
pub fn instant(text: &str) -> Option<Timestamp> {
    text.replace(' ', "+").parse().ok()
}

impl Operation {
    /// Refuses parameters that are unknown, given twice, or have a wrong value.
    pub fn check(&self, request: &Request, captures: &[(&'static str, String)]) -> Result<(), Problem> {
        for (index, (name, value)) in request.query.iter().enumerate() {
            let known = self.parameters.iter().find(|parameter| parameter.name == name && !parameter.is_in_path);
            let Some(parameter) = known else { return Err(Problem::wrong(self.unknown(name))) };
            if request.query[..index].iter().any(|(earlier, _)| earlier == name) {
                return Err(Problem::wrong(format!("{name} is given twice; give it once")));
            }
            check(parameter, value)?;
        }
        for (name, value) in captures {
            self.parameters
                .iter()
                .filter(|one| one.is_in_path && one.name == *name)
                .try_for_each(|one| check(one, value))?;
        }
        Ok(())
    }

    fn unknown(&self, name: &str) -> String {
        let known = self.parameters.iter().filter(|parameter| !parameter.is_in_path).map(|parameter| parameter.name);
        let known: Vec<&str> = known.collect();
        let shown: String = name.chars().take(40).collect();
        match &known[..] {
            [] => format!("'{shown}' is not a parameter; this route takes none"),
            known => format!("'{shown}' is not a parameter; use {}", known.join(", ")),
        }
    }
}

fn check(parameter: &Parameter, value: &str) -> Result<(), Problem> {
    let name = parameter.name;
    if value.is_empty() {
        return Err(Problem::wrong(format!("{name} is empty; give a value or leave it out")));
    }
    parameter.kind.fault(value).map_or(Ok(()), |fault| Err(Problem::wrong(format!("{name}: {fault}"))))
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;
    use crate::serve::exchange::tests::request;

    const OPERATION: Operation = Operation {
        id: "days",
        about: "",
        parameters: &[
            part("date", Kind::Date, ""),
            query("limit", Kind::Integer(1, 500), ""),
            query("from", Kind::Instant, ""),
            query("at", Kind::Time, ""),
            query("all", Kind::Boolean, ""),
            query("order", Kind::Choice(&["newest", "best"]), ""),
            query("score", Kind::Number(0.0, 1.0), ""),
        ],
        body: None,
        answer: Answer::Document,
        statuses: &[],
    };

    fn fault(date: &str, query: &str) -> String {
        let request = request(Method::GET, &format!("/days/x?{query}"), &[]);
        OPERATION
            .check(&request, &[("date", date.to_owned())])
            .map_or_else(|problem| problem.detail, |()| String::new())
    }

    #[test]
    fn parameters_are_checked_by_their_kind() {
        let right = "limit=500&from=2025-10-24T13:00:00%2B02:00&at=13:05&all=true&order=best&score=0.5";
        assert_eq!(fault("2025-10-24", right), "");
        assert_eq!(fault("2025-10-24", "from=2025-10-24T13:00:00+02:00"), "", "a plus sign as it is");
        assert_eq!(fault("2025-10-24", "from=2025-10-24"), "");
        for (query, text) in [
            ("limit=0", "limit: give an integer from 1 to 500"),
            ("limit=1.5", "limit: "),
            ("limit=", "limit is empty"),
            ("limit=1&limit=1", "limit is given twice"),
            ("from=noon", "from: write a date"),
            ("from=2025-10-24T13:00:00", "from: write a date"),
            ("at=25:00", "at: "),
            ("all=yes", "all: give true or false"),
            ("score=NaN", "score: "),
            ("order=worst", "order: give one of newest, best"),
            ("date=2025-10-24", "'date' is not a parameter; use limit, from, at"),
            ("form=2025-10-24", "'form' is not a parameter"),
        ] {
            assert!(fault("2025-10-24", query).starts_with(text), "{query}: {}", fault("2025-10-24", query));
        }
        assert!(fault("yesterday", "").starts_with("date: write a date"));
    }
}
