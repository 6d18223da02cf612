//! `/healthz`: whether the database answers; for a viewer also when the last run ended, and how.

use hyper::StatusCode;
use hyper::header::CACHE_CONTROL;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::domain::PastRun;
use crate::render::api;
use crate::serve::exchange::{NEVER_STORED, Response};
use crate::serve::operation::{Answer, Operation};
use crate::serve::problem::Problem;
use crate::serve::visit::Visit;

pub const OPERATION: Operation = Operation {
    id: "health",
    about: "Whether the database answers; for a viewer also how the last runs ended",
    parameters: &[],
    body: None,
    answer: Answer::Json(api::HEALTH),
    statuses: &[],
};

pub fn health(visit: &mut Visit) -> Result<Response, Problem> {
    let runs = last_runs(visit);
    let status = runs.as_ref().map_or_else(|problem| problem.status, |_| StatusCode::OK);
    // The server has not failed if nothing is stored yet.
    let is_reachable = status == StatusCode::OK || status == StatusCode::NOT_FOUND;
    let now = Timestamp::now();
    let health = json!({
        "status": if is_reachable { "ok" } else { "unavailable" },
        "database": if is_reachable { "reachable" } else { "unreachable" },
        "last_runs": runs.unwrap_or_default().iter().map(|run| last_run(run, now)).collect::<Vec<_>>(),
    });
    let mut response = Response::json(&health).with(CACHE_CONTROL, NEVER_STORED);
    if !is_reachable {
        response.status = StatusCode::SERVICE_UNAVAILABLE;
    }
    Ok(response)
}

/// The last run of each source that the viewer sees.
fn last_runs(visit: &mut Visit) -> Result<Vec<PastRun>, Problem> {
    let sources = visit.sources()?;
    let mut runs = Vec::new();
    for source in sources {
        runs.extend(visit.reader()?.runs(Some(&source), 1)?);
    }
    Ok(runs)
}

fn last_run(run: &PastRun, now: Timestamp) -> Value {
    json!({
        "source": run.source,
        "ended_at": run.ended.to_string(),
        "age_seconds": now.duration_since(run.ended).as_secs().max(0),
        "exit_code": run.exit_code,
    })
}
