//! Search and favourites.

use std::str::FromStr;
use std::time::Duration;

use jiff::civil::{Date, Time};

use crate::audio::window::day as span_of;
use crate::domain::{LaughFilter, LaughOrder, Verdict, VerdictFilter, Window};
use crate::render::site::search::{FIELDS, Search, search as page};
use crate::serve::access::Viewer;
use crate::serve::exchange::Response;
use crate::serve::problem::Problem;
use crate::serve::visit::Visit;

/// Laughs of a page.
const PAGE: usize = 25;
/// Characters of the text.
const LONGEST: usize = 200;

pub fn search(visit: &mut Visit) -> Result<Response, Problem> {
    let sources = visit.sources()?;
    let has_all = visit.viewer == Viewer::All || sources.len() < 2;
    let filter = filter(visit, &sources, has_all)?;
    let found = visit.reader()?.laughs(&filter)?;
    let mut asked = FIELDS.map(|field| visit.parameter(field).unwrap_or_default().to_owned());
    if !has_all {
        // Of several sources but not all, one at a time is searched.
        asked[0] = filter.source.clone().unwrap_or_default();
    }
    let html = page(&Search {
        asked,
        sources: &sources,
        has_all,
        page: &found,
        zone: &filter.zone,
        has_clips: visit.site.clips.is_some(),
        is_continued: filter.after.is_some(),
    });
    Ok(Response::html(html))
}

fn filter(visit: &mut Visit, sources: &[String], has_all: bool) -> Result<LaughFilter, Problem> {
    let asked = visit.asked_sources()?;
    let is_all = visit.viewer == Viewer::All && visit.parameter("source").is_none();
    let source = if is_all { None } else { Some(asked.first().cloned().unwrap_or_default()) };
    debug_assert!(has_all || source.as_ref().is_none_or(|source| sources.contains(source)));
    let zone = visit.zone()?;
    let date = |name| parsed::<Date>(visit, name, "a date as 2025-10-24");
    let seconds = |name| -> Result<Option<Duration>, Problem> {
        let seconds = parsed::<f64>(visit, name, "seconds as 2.5")?;
        let length =
            seconds.map(|seconds| Duration::try_from_secs_f64(seconds).map_err(|_| wrong(name, "seconds as 2.5")));
        length.transpose()
    };
    let window = Window {
        from: date("after")?.and_then(|date| span_of(date, &zone).from),
        to: date("before")?.and_then(|date| span_of(date, &zone).to),
    };
    Ok(LaughFilter {
        source,
        window,
        text: visit.parameter("text").map(|text| text.chars().take(LONGEST).collect()),
        class_name: visit.parameter("class").map(str::to_owned),
        shortest: seconds("shortest")?,
        longest: seconds("longest")?,
        score: parsed(visit, "score", "a score as 0.8")?,
        time_of_day: time_of_day(visit)?,
        verdict: verdict(visit)?,
        favourite: visit.parameter("favourite").map(|value| value == "1"),
        order: order(visit)?,
        after: parsed(visit, "cursor", "the address of the next page as it was given")?,
        limit: PAGE,
        zone,
        ..LaughFilter::default()
    })
}

fn wrong(name: &str, form: &str) -> Problem {
    Problem::unprocessable(format!("{name}: write {form}"))
}

fn parsed<T: FromStr>(visit: &Visit, name: &str, form: &str) -> Result<Option<T>, Problem> {
    visit.parameter(name).map(|text| text.parse().map_err(|_| wrong(name, form))).transpose()
}

/// One end may be missing: from the start, or to the end of the day.
fn time_of_day(visit: &Visit) -> Result<Option<(Time, Time)>, Problem> {
    let time = |name| parsed::<Time>(visit, name, "a time as 22:00");
    Ok(match (time("from")?, time("to")?) {
        (None, None) => None,
        (from, to) => Some((from.unwrap_or(Time::MIN), to.unwrap_or(Time::MIN))),
    })
}

fn verdict(visit: &Visit) -> Result<Option<VerdictFilter>, Problem> {
    match visit.parameter("verdict") {
        None => Ok(None),
        Some("confirmed") => Ok(Some(VerdictFilter::Is(Verdict::Confirmed))),
        Some("rejected") => Ok(Some(VerdictFilter::Is(Verdict::Rejected))),
        Some("none") => Ok(Some(VerdictFilter::None)),
        Some(_) => Err(wrong("verdict", "confirmed, rejected or none")),
    }
}

fn order(visit: &Visit) -> Result<LaughOrder, Problem> {
    match visit.parameter("order") {
        None => Ok(LaughOrder::Newest),
        Some("oldest") => Ok(LaughOrder::Oldest),
        Some("best") => Ok(LaughOrder::Best),
        Some(_) => Err(wrong("order", "oldest or best")),
    }
}
