//! The OpenAPI 3.1 document, made from the table of routes.

use serde_json::{Map, Value, json};

use super::api;
use super::operation::{Answer, Operation, Parameter};
use super::problem;
use super::route::{Route, Verb};
use super::schema::{accepted, schema};

/// Statuses of every route: the token is missing or wrong, or tried too often; the host or origin is another site; the
/// database is away; a page of another site sent the request.
const ALWAYS: [u16; 7] = [400, 401, 403, 421, 429, 500, 503];

/// What a status means.
fn meaning(status: u16) -> &'static str {
    match status {
        304 => "the client has this version already",
        206 => "a part of it",
        400 => "the request is wrong; `detail` says what and what to write instead",
        401 => "a token is needed, or it is wrong",
        403 => "the viewer may not do this, or a page of another site sent the request",
        404 => "it does not exist, or the viewer may not see it",
        413 => "the body is too long",
        415 => "the content type of the body is not supported",
        416 => "the range starts behind the end",
        421 => "this server does not serve the name in `Host`",
        422 => "the value has the right form, but there is no such zone, class or cursor",
        429 => "too many wrong tokens",
        503 => "the database cannot be reached, or there are too many requests; try again later",
        _ => "the request failed; the server's log says why",
    }
}

/// The document.
pub fn document() -> Value {
    let mut paths = Map::new();
    for route in api::ROUTES {
        let Some(operation) = route.operation else { continue };
        let verb = match route.verb {
            Verb::Get => "get",
            Verb::Post => "post",
        };
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[verb] = described(route, operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "giggles",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Laughs found in recordings. Instants are RFC 3339 in UTC, lengths are seconds, scores are 0 to 1; \
                            calendar days are those of `tz`, else of the server's zone, which every answer with days names.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }, { "login": [] }, {}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
                "login": { "type": "apiKey", "in": "cookie", "name": "giggles_session" },
            },
            "schemas": { "Problem": schema(&[("", problem::FIELDS)]) },
        },
    })
}

fn described(route: &Route, operation: &Operation) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.about,
        "parameters": operation.parameters.iter().map(parameter).collect::<Vec<_>>(),
        "responses": responses(operation),
    });
    if route.is_public {
        described["security"] = json!([{}]);
    }
    if let Some(body) = &operation.body {
        described["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": accepted(body) } },
        });
    }
    described
}

fn parameter(parameter: &Parameter) -> Value {
    json!({
        "name": parameter.name,
        "in": if parameter.is_in_path { "path" } else { "query" },
        "required": parameter.is_in_path,
        "description": parameter.about,
        "schema": parameter.kind.schema(),
    })
}

fn responses(operation: &Operation) -> Value {
    let content = match operation.answer {
        Answer::Json(fields) => json!({ "application/json": { "schema": schema(fields) } }),
        Answer::Bytes(kind, _) => json!({ kind: {} }),
        Answer::Document => json!({ "application/json": { "schema": { "type": "object" } } }),
    };
    let about = match operation.answer {
        Answer::Bytes(_, about) => about,
        _ => "as asked",
    };
    let mut responses = Map::new();
    responses.insert("200".into(), json!({ "description": about, "content": content }));
    let mut statuses: Vec<u16> = ALWAYS.iter().chain(operation.statuses).copied().collect();
    statuses.sort_unstable();
    for status in statuses {
        let response = match status {
            206 => json!({ "description": meaning(status), "content": content }),
            304 => json!({ "description": meaning(status) }),
            // The same document says what is wrong.
            503 if operation.id == "health" => json!({ "description": meaning(status), "content": content }),
            _ => json!({
                "description": meaning(status),
                "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
            }),
        };
        responses.insert(status.to_string(), response);
    }
    responses.into()
}
