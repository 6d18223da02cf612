//! `/metrics`: the last runs for Prometheus.

use hyper::StatusCode;

use super::super::exchange::Response;
use super::super::operation::{Answer, Operation};
use super::super::problem::Problem;
use super::super::visit::Visit;
use crate::notify::metrics::stored;

/// Runs of a source among which its shards and its last success are found.
const RUNS: u32 = 100;

pub const OPERATION: Operation = Operation {
    id: "metrics",
    about: "The last run of each source and shard, in the text format of Prometheus",
    parameters: &[],
    body: None,
    answer: Answer::Bytes("text/plain", "gauges with the names of giggles scan --metrics-file"),
    statuses: &[304],
};

pub fn metrics(visit: &mut Visit) -> Result<Response, Problem> {
    let mut runs = Vec::new();
    match visit.sources() {
        Ok(sources) => {
            for source in sources {
                runs.extend(visit.reader()?.runs(Some(&source), RUNS)?);
            }
        }
        // It has not failed if nothing is stored yet.
        Err(problem) if problem.status == StatusCode::NOT_FOUND => {}
        Err(problem) => return Err(problem),
    }
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    Ok(Response::new(StatusCode::OK, kind, stored(&runs)))
}
