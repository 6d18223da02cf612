//! The login page: a token becomes a cookie.

use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, SET_COOKIE};

use crate::render::site;
use crate::serve::exchange::{NEVER_STORED, Request, Response};
use crate::serve::problem::Problem;
use crate::serve::visit::Visit;

/// The page that asks for a token.
pub fn page(visit: &mut Visit) -> Result<Response, Problem> {
    let next = local(visit.parameter("next").unwrap_or("/"));
    if visit.is_known {
        return Ok(Response::see_other(next));
    }
    Ok(Response::html(site::login(next, None)).with(CACHE_CONTROL, NEVER_STORED))
}

/// Sends a person who opens a page to the login first.
pub fn first(request: &Request) -> Response {
    let next: String = url::form_urlencoded::byte_serialize(request.path.as_bytes()).collect();
    Response::see_other(&format!("/login?next={next}"))
}

/// Checks a token, sets the cookie, and goes on to the page that was opened.
pub fn login(visit: &mut Visit) -> Result<Response, Problem> {
    let form = visit.request.form();
    let field = |name: &str| form.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    let next = local(field("next"));
    match visit.site.access.login(visit.request, field("token")) {
        Ok(cookie) => Ok(Response::see_other(next).with(SET_COOKIE, &cookie)),
        Err(problem) if problem.status == StatusCode::UNAUTHORIZED => {
            let page = site::login(next, Some(&problem.detail));
            let response = Response::new(StatusCode::UNAUTHORIZED, "text/html; charset=utf-8", page);
            Ok(response.with(CACHE_CONTROL, NEVER_STORED))
        }
        Err(problem) => Err(problem),
    }
}

pub fn logout(visit: &mut Visit) -> Result<Response, Problem> {
    Ok(Response::see_other("/login").with(SET_COOKIE, &visit.site.access.logout(visit.request)))
}

/// A path of this server; anything else could lead to another site.
fn local(next: &str) -> &str {
    let is_local = next.starts_with('/')
        && !next[1..].starts_with(['/', '\\'])
        && next.bytes().all(|byte| byte.is_ascii_graphic());
    if is_local { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_a_page_of_this_server_only() {
        assert_eq!(local("/days/2025-10-24?source=neil"), "/days/2025-10-24?source=neil");
        for other in ["", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nSet-Cookie: x", "/\té"] {
            assert_eq!(local(other), "/", "{other:?}");
        }
    }
}
