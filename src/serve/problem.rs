//! Errors of a request: problem details (RFC 9457) for programs, a short page for people.

use hyper::header::{ACCEPT, ALLOW, CACHE_CONTROL, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::exchange::{NEVER_STORED, Request, Response};
use crate::domain::{Field, field};
use crate::error::Fatal;
use crate::render::site;
use crate::store::StoreError;

/// Seconds after which a client may try again.
const RETRY_SECONDS: &str = "5";

/// Fields of a problem document.
pub const FIELDS: &[Field] = &[
    field("type", "string", "`about:blank`: the status says which kind of problem it is"),
    field("title", "string", "the status in words"),
    field("status", "number", "the HTTP status"),
    field("detail", "string", "what failed, why, and what to do"),
];

/// Why a request is not answered as asked.
#[derive(Debug)]
pub struct Problem {
    pub status: StatusCode,
    /// What failed, why, and what to do. Viewers read it: it contains no host, no path and no password.
    pub detail: String,
    headers: Vec<(HeaderName, String)>,
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem { status, detail: detail.into(), headers: Vec::new() }
    }

    pub fn wrong(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, detail)
    }

    pub fn not_found(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, detail)
    }

    /// A value of the right form that names nothing.
    pub fn unprocessable(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// There is no login.
    pub fn unauthorized() -> Problem {
        let detail = "a token is needed: log in at /login, or send the header Authorization: Bearer TOKEN";
        Problem::new(StatusCode::UNAUTHORIZED, detail).with(WWW_AUTHENTICATE, "Bearer realm=\"giggles\"")
    }

    pub fn forbidden(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, detail)
    }

    /// The path exists, but not with this method.
    pub fn wrong_method(method: &Method, allowed: &[&str]) -> Problem {
        let allowed = allowed.join(", ");
        let detail = format!("{method} is not supported here; use {allowed}");
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail).with(ALLOW, &allowed)
    }

    /// A later attempt may succeed.
    pub fn unavailable(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).with(RETRY_AFTER, RETRY_SECONDS)
    }

    pub fn with(mut self, name: HeaderName, value: &str) -> Problem {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub fn document(&self) -> Value {
        json!({
            "type": "about:blank",
            "title": self.title(),
            "status": self.status.as_u16(),
            "detail": self.detail,
        })
    }

    fn title(&self) -> &'static str {
        self.status.canonical_reason().unwrap_or("Error")
    }

    /// A page if a browser opens the address, else the document.
    pub fn response(&self, request: &Request) -> Response {
        let is_page = !request.path.starts_with("/api/")
            && request.header(&ACCEPT).is_some_and(|kinds| kinds.contains("text/html"));
        let response = if is_page {
            let page = site::problem(self.status.as_u16(), self.title(), &self.detail);
            Response::new(self.status, "text/html; charset=utf-8", page)
        } else {
            Response::new(self.status, "application/problem+json", format!("{}\n", self.document()))
        };
        let response = response.with(CACHE_CONTROL, NEVER_STORED);
        self.headers.iter().fold(response, |response, (name, value)| response.with(name.clone(), value))
    }
}

/// The log has the message; the viewer gets the outline, without hosts, paths and users.
impl From<Fatal> for Problem {
    fn from(error: Fatal) -> Problem {
        log::warn!("{error}");
        match &error {
            Fatal::TryAgain(_) | Fatal::StorageUnreachable(_) | Fatal::Locked(_) => {
                Problem::unavailable(format!("{}; try again in a few seconds", error.outline()))
            }
            Fatal::Unusable(_) => Problem::unavailable(format!("{}; the server's log says which", error.outline())),
            _ => {
                let detail = "the request failed; the server's log says why";
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        Fatal::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::exchange::tests::request;

    #[test]
    fn a_problem_is_a_page_for_browsers_and_a_document_for_programs() {
        let problem = Problem::not_found("no <day>");
        let kind = |path, accept| {
            let response = problem.response(&request(Method::GET, path, &[("accept", accept)]));
            response.headers["content-type"].to_str().unwrap().to_owned()
        };
        assert_eq!(kind("/days/x", "text/html,*/*"), "text/html; charset=utf-8");
        assert_eq!(kind("/days/x", "*/*"), "application/problem+json");
        assert_eq!(kind("/api/v1/days/x", "text/html"), "application/problem+json");
    }

    #[test]
    fn what_a_viewer_reads_names_no_host() {
        let problem = Problem::from(Fatal::TryAgain("postgres://neil@db.example.org is away".into()));
        assert_eq!(problem.status, 503);
        assert!(!problem.detail.contains("db.example.org"), "{}", problem.detail);
        assert_eq!(Problem::from(Fatal::Failed("/home/neil".into())).status, 500);
    }
}
