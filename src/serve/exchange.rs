//! A request whose body was read, and a response.

use std::fmt::Write;
use std::net::IpAddr;

use hyper::body::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, LOCATION};
use hyper::{HeaderMap, Method, StatusCode, header::HeaderValue};
use sha2::{Digest, Sha256};

use super::stream::Body;

/// May be kept by the browser, which asks every time whether it changed; never by a proxy.
pub const REVALIDATED: &str = "private, no-cache";
/// Content under an address that contains its hash.
pub const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// Answers that depend on a moment, and what must not be kept.
pub const NEVER_STORED: &str = "no-store";

/// A request.
pub struct Request {
    pub method: Method,
    /// As it was sent, percent-encoded.
    pub path: String,
    /// Name and value, decoded, in order.
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub peer: IpAddr,
}

impl Request {
    /// A header that may be given once, as text.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether the method promises to change nothing.
    pub fn is_safe(&self) -> bool {
        [Method::GET, Method::HEAD].contains(&self.method)
    }

    /// The fields of a form that was sent as the body.
    pub fn form(&self) -> Vec<(String, String)> {
        pairs(&self.body)
    }
}

/// The names and values of a query or a form.
pub fn pairs(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

/// A response.
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Body,
}

impl Response {
    pub fn new(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(REVALIDATED));
        Response { status, headers, body: Body::Bytes(body.into()) }
    }

    pub fn html(text: String) -> Response {
        Response::new(StatusCode::OK, "text/html; charset=utf-8", text)
    }

    pub fn json(value: &serde_json::Value) -> Response {
        Response::new(StatusCode::OK, "application/json", format!("{value}\n"))
    }

    /// See other (303): the browser then asks for this address with GET.
    pub fn see_other(address: &str) -> Response {
        let response = Response::new(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", "");
        response.with(LOCATION, address).with(CACHE_CONTROL, NEVER_STORED)
    }

    /// Sets a header. A value that no header can have is left out; handlers only set what they have checked.
    pub fn with(mut self, name: HeaderName, value: &str) -> Response {
        match HeaderValue::from_str(value) {
            Ok(value) => drop(self.headers.insert(name, value)),
            Err(_) => log::error!("the header {name} of a response was left out: its value has control characters"),
        }
        self
    }

    /// With an ETag of its bytes, unless it has one. Other responses than 200 have none.
    pub fn tagged(self) -> Response {
        match &self.body {
            Body::Bytes(bytes) if self.status == StatusCode::OK && !self.headers.contains_key(ETAG) => {
                let tag = format!("\"{}\"", &hex(&Sha256::digest(bytes))[..32]);
                self.with(ETAG, &tag)
            }
            _ => self,
        }
    }

    /// Empty (304) if the client has it already.
    pub fn revalidated(self, request: &Request) -> Response {
        let tag = self.headers.get(ETAG).and_then(|tag| tag.to_str().ok());
        let is_there = tag.is_some_and(|tag| matches_tag(request, tag));
        if is_there && self.status == StatusCode::OK && request.is_safe() { self.not_modified() } else { self }
    }

    /// The same headers without a body.
    pub fn not_modified(mut self) -> Response {
        self.status = StatusCode::NOT_MODIFIED;
        self.body = Body::Bytes(Bytes::new());
        self.headers.remove(CONTENT_TYPE);
        self
    }
}

/// Whether `If-None-Match` names this tag (RFC 9110, 13.1.2: weak comparison).
pub fn matches_tag(request: &Request, tag: &str) -> bool {
    let Some(named) = request.header(&IF_NONE_MATCH) else { return false };
    named.split(',').map(|one| one.trim().trim_start_matches("W/")).any(|one| one == tag || one == "*")
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A request as a test wants it.
    pub fn request(method: Method, path: &str, headers: &[(&str, &str)]) -> Request {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let header = |(name, value): &(&str, &str)| {
            (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
        };
        Request {
            method,
            path: path.to_owned(),
            query: pairs(query.as_bytes()),
            headers: headers.iter().map(header).collect(),
            body: Vec::new(),
            peer: IpAddr::from([127, 0, 0, 1]),
        }
    }

    #[test]
    fn what_the_client_has_already_is_not_sent_again() {
        let first = Response::html("day".into()).tagged().revalidated(&request(Method::GET, "/", &[]));
        let tag = first.headers[ETAG].to_str().unwrap().to_owned();
        for (named, status) in
            [(tag.clone(), 304), (format!("\"x\", W/{tag}"), 304), ("*".to_owned(), 304), ("\"x\"".to_owned(), 200)]
        {
            let asked = request(Method::GET, "/", &[("if-none-match", &named)]);
            assert_eq!(Response::html("day".into()).tagged().revalidated(&asked).status.as_u16(), status, "{named}");
        }
        let posted = request(Method::POST, "/", &[("if-none-match", "*")]);
        assert_eq!(Response::html("day".into()).tagged().revalidated(&posted).status, 200);
    }
}
