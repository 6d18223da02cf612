//! A row of the table of routes, and how a path finds it.

use hyper::Method;
use percent_encoding::percent_decode_str;

use super::exchange::Response;
use super::operation::Operation;
use super::problem::Problem;
use super::visit::Visit;

/// Answers a request.
pub type Handler = fn(&mut Visit) -> Result<Response, Problem>;

/// The methods of routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Get,
    Post,
}

impl Verb {
    pub fn as_str(self) -> &'static str {
        match self {
            Verb::Get => "GET",
            Verb::Post => "POST",
        }
    }
}

/// A row of the table of routes.
pub struct Route {
    pub verb: Verb,
    /// `/days/{date}`: a part in braces stands for any part, and is given to the handler by this name.
    pub path: &'static str,
    /// Whether it is answered without a login.
    pub is_public: bool,
    pub handler: Handler,
    /// Of routes of the API.
    pub operation: Option<&'static Operation>,
}

/// A route that only viewers may ask.
pub const fn get(path: &'static str, handler: Handler) -> Route {
    Route { verb: Verb::Get, path, is_public: false, handler, operation: None }
}

/// A route that changes something; only viewers, from a page of this server or a program.
pub const fn post(path: &'static str, handler: Handler) -> Route {
    Route { verb: Verb::Post, path, is_public: false, handler, operation: None }
}

impl Route {
    /// The same as a route of the API.
    pub const fn of(self, operation: &'static Operation) -> Route {
        Route { operation: Some(operation), ..self }
    }

    /// The same without a login.
    pub const fn public(self) -> Route {
        Route { is_public: true, ..self }
    }

    /// The values of the parts in braces, if this is a path of the route.
    pub fn captures(&self, path: &str) -> Option<Vec<(&'static str, String)>> {
        let (mut parts, mut captures) = (path.split('/'), Vec::new());
        for pattern in self.path.split('/') {
            let part = parts.next()?;
            match pattern.strip_prefix('{').and_then(|pattern| pattern.strip_suffix('}')) {
                Some(name) => captures.push((name, decoded(part)?)),
                None if pattern == part => {}
                None => return None,
            }
        }
        parts.next().is_none().then_some(captures)
    }

    /// Whether its answers are kept until something is stored: those that only depend on the address and the viewer.
    pub fn is_kept(&self) -> bool {
        self.verb == Verb::Get && !self.is_public
    }

    /// HEAD is answered like GET; the body is left out.
    pub fn takes(&self, method: &Method) -> bool {
        self.verb.as_str() == method.as_str() || self.verb == Verb::Get && *method == Method::HEAD
    }
}

/// A part of a path without its percent-encoding. None if it could be taken for a path.
fn decoded(part: &str) -> Option<String> {
    let text = percent_decode_str(part).decode_utf8().ok()?;
    let is_path = text.is_empty() || text == "." || text == ".." || text.contains(['/', '\\', '\0']);
    (!is_path).then(|| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_finds_its_route_and_no_part_of_it_leads_elsewhere() {
        let route = get("/clips/{source}/{file}", |_| Err(Problem::not_found("")));
        let captures =
            |path| route.captures(path).map(|all| all.into_iter().map(|(_, value)| value).collect::<Vec<_>>());
        assert_eq!(captures("/clips/neil/a%20b.flac"), Some(vec!["neil".into(), "a b.flac".into()]));
        for other in [
            "/clips/neil",
            "/clips/neil/a/b",
            "/clips//a",
            "/clips/../a",
            "/clips/%2e%2e/a",
            "/clips/a%2fb/c",
            "/clips/%5c/c",
            "/clips/%00/c",
            "/clips/%ff/c",
            "/Clips/a/b",
            "clips/a/b",
            "/clips/a/b/",
        ] {
            assert_eq!(captures(other), None, "{other}");
        }
    }
}
