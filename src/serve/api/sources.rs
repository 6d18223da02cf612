//! `/api/v1/sources`

use super::super::exchange::Response;
use super::super::operation::{Answer, Operation};
use super::super::problem::Problem;
use super::super::visit::Visit;
use crate::render::api;

pub const OPERATION: Operation = Operation {
    id: "sources",
    about: "The sources that the viewer sees, each with its last run",
    parameters: &[],
    body: None,
    answer: Answer::Json(api::SOURCES),
    statuses: &[304, 404],
};

pub fn sources(visit: &mut Visit) -> Result<Response, Problem> {
    let mut sources = Vec::new();
    for source in visit.sources()? {
        let last = visit.reader()?.runs(Some(&source), 1)?.pop();
        sources.push((source, last));
    }
    Ok(Response::json(&api::sources(&sources)))
}
