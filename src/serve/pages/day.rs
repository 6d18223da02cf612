//! The page of a day.

use jiff::Timestamp;

use crate::report::{Settings, report};
use crate::serve::exchange::Response;
use crate::serve::problem::Problem;
use crate::serve::visit::Visit;

/// Goes to yesterday, the last day that is over.
pub fn latest(visit: &mut Visit) -> Result<Response, Problem> {
    let zone = visit.zone()?;
    let today = Timestamp::now().to_zoned(zone).date();
    Ok(Response::see_other(&format!("/days/{}", today.yesterday().unwrap_or(today))))
}

/// A day of the sources that the viewer sees.
pub fn day(visit: &mut Visit) -> Result<Response, Problem> {
    let date = Visit::date("date", visit.part("date"))?;
    let zone = visit.zone()?;
    let sources = visit.asked_sources()?;
    let clips = visit.site.clips.clone();
    let settings =
        Settings { sources: Some(sources), zone, first: date, last: date, candidates: true, include_rejected: false };
    let report = report(&settings, visit.reader()?, Timestamp::now())?;
    Ok(Response::html(report.served(clips.as_deref())))
}
