//! Scripts and styles, under addresses that contain their hash.

use hyper::StatusCode;
use hyper::header::CACHE_CONTROL;

use crate::render::site;
use crate::serve::exchange::{IMMUTABLE, Response};
use crate::serve::problem::Problem;
use crate::serve::visit::Visit;

pub fn asset(visit: &mut Visit) -> Result<Response, Problem> {
    let asset = site::asset(visit.part("file"))
        .ok_or_else(|| Problem::not_found("there is no such file; load the page again"))?;
    Ok(Response::new(StatusCode::OK, asset.kind, asset.bytes).with(CACHE_CONTROL, IMMUTABLE))
}
