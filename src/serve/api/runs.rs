//! `/api/v1/runs`

use std::cmp::Reverse;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::cursor::{cut, place};
use super::super::exchange::Response;
use super::super::operation::{Answer, Operation};
use super::super::problem::Problem;
use super::super::visit::Visit;
use super::{CURSOR, LIMIT, SOURCE};
use crate::domain::PastRun;
use crate::render::api;

pub const OPERATION: Operation = Operation {
    id: "runs",
    about: "Stored runs, the latest first",
    parameters: &[SOURCE, CURSOR, LIMIT],
    body: None,
    answer: Answer::Json(api::RUNS),
    statuses: &[304, 404, 422],
};

/// A run in the order of the list, and how many came before it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Place {
    started: Reverse<Timestamp>,
    id: String,
    count: u32,
}

impl Place {
    fn is_before(&self, run: &PastRun) -> bool {
        (&self.started, &self.id) < (&Reverse(run.started), &run.id)
    }
}

pub fn runs(visit: &mut Visit) -> Result<Response, Problem> {
    let (after, limit) = (place::<Place>(visit)?, visit.limit());
    let count = after.as_ref().map_or(0, |after| after.count);
    let mut runs = Vec::new();
    for source in visit.asked_sources()? {
        // Those of the pages before, those of this page, and some that were stored since.
        let most = count.saturating_add(2 * limit as u32);
        let found = visit.reader()?.runs(Some(&source), most)?.into_iter();
        runs.extend(found.filter(|run| after.as_ref().is_none_or(|after| after.is_before(run))));
    }
    runs.sort_by_key(|run| (Reverse(run.started), run.id.clone()));
    let count = count.saturating_add(limit as u32);
    let (runs, next) = cut(runs, limit, |run| Place { started: Reverse(run.started), id: run.id.clone(), count });
    Ok(Response::json(&api::page("runs", runs.iter().map(api::run).collect(), next)))
}
