//! The manifest, the service worker and the page without a connection. They show nothing that is stored.

use hyper::StatusCode;
use hyper::header::CACHE_CONTROL;

use crate::render::site::shell;
use crate::serve::exchange::{REVALIDATED, Response};
use crate::serve::problem::Problem;
use crate::serve::visit::Visit;

pub fn manifest(_: &mut Visit) -> Result<Response, Problem> {
    Ok(Response::new(StatusCode::OK, "application/manifest+json", shell::manifest()))
}

pub fn worker(_: &mut Visit) -> Result<Response, Problem> {
    let response = Response::new(StatusCode::OK, "text/javascript; charset=utf-8", shell::worker());
    Ok(response.with(CACHE_CONTROL, REVALIDATED))
}

pub fn offline(_: &mut Visit) -> Result<Response, Problem> {
    Ok(Response::html(shell::offline()))
}
