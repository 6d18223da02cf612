//! The page of a day.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::audio::window::day as span_of;
use crate::domain::Window;
use crate::render::page::Around;
use crate::report::{Report, Settings, report};
use crate::serve::exchange::Response;
use crate::serve::problem::Problem;
use crate::serve::visit::Visit;

/// How many days the next one with recordings is searched in; the previous one is searched in the month of the page.
const NEXT: usize = 31;

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
    let settings = Settings {
        sources: Some(sources.clone()),
        zone: zone.clone(),
        first: date,
        last: date,
        candidates: true,
        include_rejected: false,
    };
    let report = report(&settings, visit.reader()?, Timestamp::now())?;
    let around = Around {
        previous: previous(&report, date),
        next: next(visit, &sources, date, &zone)?,
        sources: visit.sources()?,
        source: visit.parameter("source").map(str::to_owned),
    };
    Ok(Response::html(report.served(clips.as_deref(), &around)))
}

/// The last day before, of which something was analyzed or failed.
fn previous(report: &Report, date: Date) -> Option<Date> {
    let has_data = report.tallies.iter().filter(|tally| !tally.analyzed.is_zero() || tally.failed > 0);
    has_data.map(|tally| tally.date).filter(|other| *other < date).max()
}

/// The first day after, with a recording of these sources.
fn next(visit: &mut Visit, sources: &[String], date: Date, zone: &TimeZone) -> Result<Option<Date>, Problem> {
    let today = Timestamp::now().to_zoned(zone.clone()).date();
    let one = match sources {
        [source] => Some(source.as_str()),
        _ => None,
    };
    let days = std::iter::successors(date.tomorrow().ok(), |date| date.tomorrow().ok());
    for date in days.take(NEXT).take_while(|date| *date <= today) {
        let window: Window = span_of(date, zone);
        let recordings = visit.reader()?.recordings(one, &window)?;
        if recordings.iter().any(|recording| sources.contains(&recording.source)) {
            return Ok(Some(date));
        }
    }
    Ok(None)
}
