//! `/api/v1/recordings`

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::cursor::{cut, place};
use super::super::exchange::Response;
use super::super::operation::{Answer, Kind, Operation, query};
use super::super::problem::Problem;
use super::super::visit::Visit;
use super::{CURSOR, FROM, LIMIT, SOURCE, TO, ZONE};
use crate::domain::{StoredRecording, Window};
use crate::error::Fatal;
use crate::render::api;
use crate::store::Selection;
use crate::text::zone_name;

pub const OPERATION: Operation = Operation {
    id: "recordings",
    about: "Recordings without their laughs, by source and start; those without a start come last",
    parameters: &[
        SOURCE,
        FROM,
        TO,
        ZONE,
        query("status", Kind::Choice(&["analyzed", "partial", "failed"]), "only with this status"),
        CURSOR,
        LIMIT,
    ],
    body: None,
    answer: Answer::Json(api::RECORDINGS),
    statuses: &[304, 404, 422],
};

/// A recording in the order of the list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Place {
    source: String,
    started: Timestamp,
    name: String,
}

impl Place {
    fn of(recording: &StoredRecording) -> Place {
        let started = recording.started.map_or(Timestamp::MAX, |started| started.at);
        Place { source: recording.source.clone(), started, name: recording.name.clone() }
    }
}

pub fn recordings(visit: &mut Visit) -> Result<Response, Problem> {
    let (after, limit) = (place::<Place>(visit)?, visit.limit());
    let zone = visit.zone()?;
    let window = visit.window(&zone)?;
    let status = visit.parameter("status").map(str::to_owned);
    let mut found = Vec::new();
    for source in visit.asked_sources()? {
        if after.as_ref().is_some_and(|after| source < after.source) || found.len() > limit {
            continue;
        }
        let started = after.as_ref().filter(|after| after.source == source).map(|after| after.started);
        // Recordings that started before are skipped in the database already.
        let from = started.filter(|started| *started < Timestamp::MAX).max(window.from);
        let wanted = Selection {
            source: Some(&source),
            window: Window { from, ..window },
            without_laughs: true,
            ..Selection::default()
        };
        let read = visit.reader()?.each_recording(&wanted, &mut |recording| {
            let is_wanted = status.as_deref().is_none_or(|status| recording.status() == status);
            if is_wanted && after.as_ref().is_none_or(|after| Place::of(&recording) > *after) {
                found.push(recording);
            }
            // Ends the reading.
            if found.len() > limit { Err(Fatal::Failed("the page is full".into())) } else { Ok(()) }
        });
        if found.len() <= limit {
            read?;
        }
    }
    let (found, next) = cut(found, limit, Place::of);
    let mut page = api::page("recordings", found.iter().map(api::recording).collect(), next);
    page["zone"] = zone_name(&zone).into();
    Ok(Response::json(&page))
}
