//! From a request to a response: guard, access, route, handler, headers.

use hyper::StatusCode;
use hyper::header::{
    ACCEPT, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

use super::access::Viewer;
use super::cache::Key;
use super::database::Connection;
use super::exchange::{Request, Response};
use super::problem::Problem;
use super::route::Route;
use super::site::Site;
use super::visit::Visit;
use super::{api, guard, pages};

/// Scripts, styles, pictures and sounds come from this server; nothing is inline, and no other site shows a page in a
/// frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; \
    connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Headers of every response. `same-origin`: the referrer stays here, and `Origin` of forms is not `null`.
const HEADERS: [(HeaderName, &str); 6] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "same-origin"),
    (X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// All routes.
pub fn routes() -> impl Iterator<Item = &'static Route> {
    pages::ROUTES.iter().chain(api::ROUTES)
}

/// Answers a request.
pub fn answer(site: &Site, connection: &mut Connection, request: &Request) -> Response {
    connection.begin();
    let mut answered = handled(site, connection, request);
    // `/healthz` describes an error of the database in its document.
    let status = answered.as_ref().map_or_else(|problem| problem.status, |response| response.status);
    let is_lost = status == StatusCode::SERVICE_UNAVAILABLE;
    // The database may have been restarted since the last request.
    if is_lost && connection.reset() && request.is_safe() {
        connection.begin();
        answered = handled(site, connection, request);
    }
    let response = answered.unwrap_or_else(|problem| problem.response(request)).tagged().revalidated(request);
    HEADERS.into_iter().fold(response, |response, (name, value)| response.with(name, value))
}

fn handled(site: &Site, connection: &mut Connection, request: &Request) -> Result<Response, Problem> {
    guard::check(request, &site.hosts)?;
    let mut allowed = Vec::new();
    for route in routes() {
        let Some(captures) = route.captures(&request.path) else { continue };
        if !route.takes(&request.method) {
            allowed.push(route.verb.as_str());
            continue;
        }
        let viewer = match site.access.viewer(request) {
            Ok(viewer) => Some(viewer),
            Err(_) if route.is_public => None,
            Err(problem) => return refused(site, request, problem),
        };
        if let Some(operation) = route.operation {
            operation.check(request, &captures)?;
        }
        // A public route shows nothing of any source, unless its viewer is known.
        let is_known = viewer.is_some();
        let viewer = viewer.unwrap_or_else(|| Viewer::Only(Default::default()));
        let key = Key::new(&viewer, request);
        let mut visit = Visit { site, request, captures, viewer, is_known, connection };
        return if route.is_kept() { kept(&mut visit, key, route) } else { (route.handler)(&mut visit) };
    }
    match &allowed[..] {
        [] => Err(Problem::not_found("there is no such page")),
        allowed => Err(Problem::wrong_method(&request.method, allowed)),
    }
}

/// The answer of an earlier request, if nothing was stored since.
fn kept(visit: &mut Visit, key: Key, route: &Route) -> Result<Response, Problem> {
    let site = visit.site;
    match visit.connection.has_changed(&site.database) {
        // The handler says what is wrong, or needs no database.
        Err(_) => return (route.handler)(visit),
        Ok(true) => site.cache.clear(),
        Ok(false) => {}
    }
    site.cache.answer(key, || (route.handler)(visit).map(Response::tagged))
}

/// A person who opens a page logs in first, and then comes back to it.
fn refused(site: &Site, request: &Request, problem: Problem) -> Result<Response, Problem> {
    let is_opened = request.is_safe() && request.header(&ACCEPT).is_some_and(|kinds| kinds.contains("text/html"));
    let is_login = problem.status == StatusCode::UNAUTHORIZED && site.access.has_login();
    if is_opened && is_login && !request.path.starts_with("/api/") {
        Ok(pages::login::first(request))
    } else {
        Err(problem)
    }
}
