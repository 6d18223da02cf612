//! `/api/v1/detections`: laughs by what they are, and one laugh.

use std::cmp::Reverse;
use std::time::Duration;

use jiff::civil::Time;

use super::super::exchange::Response;
use super::super::operation::{Answer, Kind, Operation, Parameter, part, query};
use super::super::problem::Problem;
use super::super::visit::{LARGEST_PAGE, Visit};
use super::{CURSOR, FROM, LIMIT, SOURCE, TO, ZONE};
use crate::domain::{LAUGHTER_NAMES, Laugh, LaughCursor, LaughFilter, LaughOrder, Verdict, VerdictFilter};
use crate::render::api;
use crate::text::{shortest_f64, zone_name};

const _: () = assert!(LARGEST_PAGE as usize <= LaughFilter::MOST);

const FILTERS: &[Parameter] = &[
    SOURCE,
    FROM,
    TO,
    ZONE,
    query(
        "text",
        Kind::Text,
        "only with this text in the comment or the name of the recording, in upper or lower case",
    ),
    query("class", Kind::Choice(&LAUGHTER_NAMES), "only of this AudioSet class"),
    query("min_seconds", Kind::Number(0.0, 86_400.0), "only of this length or longer"),
    query("max_seconds", Kind::Number(0.0, 86_400.0), "only of this length or shorter"),
    query("min_score", Kind::Number(0.0, 1.0), "only with this score or a higher one"),
    query(
        "time_from",
        Kind::Time,
        "only from this time of day, with `time_to`; it may be later than that: 22:00 to 02:00",
    ),
    query("time_to", Kind::Time, "only before this time of day"),
    query("verdict", Kind::Choice(&["confirmed", "rejected", "none"]), "only with this verdict, or without one"),
    query("favourite", Kind::Boolean, "only those that are marked as favourite, or only the others"),
    query("include_rejected", Kind::Boolean, "also those that do not count because they were rejected"),
    query("order", Kind::Choice(&["newest", "oldest", "best"]), "default: newest"),
    CURSOR,
    LIMIT,
];

pub const LIST: Operation = Operation {
    id: "detections",
    about: "Laughs that count, the newest first; one that spans recordings is one laugh",
    parameters: FILTERS,
    body: None,
    answer: Answer::Json(api::LAUGHS),
    statuses: &[304, 404, 422],
};

pub const ONE: Operation = Operation {
    id: "detection",
    about: "One laugh, by the row of one of its parts",
    parameters: &[part("id", Kind::Integer(1, i64::MAX), "its `id`"), ZONE],
    body: None,
    answer: Answer::Json(api::LAUGH),
    statuses: &[304, 404, 422],
};

pub fn detections(visit: &mut Visit) -> Result<Response, Problem> {
    let zone = visit.zone()?;
    let sources = visit.asked_sources()?;
    let order = order(visit);
    let mut wanted = filter(visit, &zone, order)?;
    let (mut laughs, mut is_last) = (Vec::new(), true);
    for source in &sources {
        wanted.source = Some(source.clone());
        let page = visit.reader()?.laughs(&wanted)?;
        is_last &= page.next.is_none();
        laughs.extend(page.laughs);
    }
    sort(&mut laughs, order);
    is_last &= laughs.len() <= wanted.limit;
    laughs.truncate(wanted.limit);
    let next = laughs.last().filter(|_| !is_last).map(|last| cursor(last, order).to_string());
    let mut page = api::page("detections", laughs.iter().map(api::laugh).collect(), next);
    page["zone"] = zone_name(&zone).into();
    Ok(Response::json(&page))
}

pub fn detection(visit: &mut Visit) -> Result<Response, Problem> {
    let zone = visit.zone()?;
    let id = visit.part("id").parse().unwrap_or_default();
    let laugh = visit.reader()?.laugh(id)?;
    // The same answer as for a laugh that does not exist.
    let laugh = laugh.filter(|laugh| visit.viewer.sees(&laugh.recording.source));
    let laugh = laugh
        .ok_or_else(|| Problem::not_found("there is no such laugh; its recording may have been analyzed again"))?;
    Ok(Response::json(&api::one_laugh(&laugh, &zone_name(&zone))))
}

fn filter(visit: &Visit, zone: &jiff::tz::TimeZone, order: LaughOrder) -> Result<LaughFilter, Problem> {
    let number = |name: &str| visit.parameter(name).and_then(|text| text.parse::<f64>().ok());
    let is_true = |name: &str| visit.parameter(name).map(|text| text == "true");
    let after = visit.parameter("cursor").map(str::parse::<LaughCursor>).transpose();
    let after = after.map_err(|error| Problem::unprocessable(format!("cursor: {error}")))?;
    if after.is_some_and(|after| matches!(after, LaughCursor::Score { .. }) != (order == LaughOrder::Best)) {
        return Err(Problem::unprocessable("cursor: a page in another order gave it; start again without one"));
    }
    Ok(LaughFilter {
        source: None,
        window: visit.window(zone)?,
        zone: zone.clone(),
        text: visit.parameter("text").map(str::to_owned),
        class_name: visit.parameter("class").map(str::to_owned),
        shortest: number("min_seconds").map(Duration::from_secs_f64),
        longest: number("max_seconds").map(Duration::from_secs_f64),
        score: number("min_score").map(|score| score as f32),
        time_of_day: time_of_day(visit)?,
        verdict: visit
            .parameter("verdict")
            .map(|text| Verdict::named(text).map_or(VerdictFilter::None, VerdictFilter::Is)),
        favourite: is_true("favourite"),
        include_rejected: is_true("include_rejected").unwrap_or_default(),
        order,
        after,
        limit: visit.limit(),
    })
}

fn time_of_day(visit: &Visit) -> Result<Option<(Time, Time)>, Problem> {
    let time = |name: &str| visit.parameter(name).and_then(|text| text.parse::<Time>().ok());
    match (time("time_from"), time("time_to")) {
        (None, None) => Ok(None),
        (Some(from), Some(to)) => Ok(Some((from, to))),
        _ => Err(Problem::unprocessable("time_from and time_to belong together; give both or neither")),
    }
}

fn order(visit: &Visit) -> LaughOrder {
    match visit.parameter("order") {
        Some("oldest") => LaughOrder::Oldest,
        Some("best") => LaughOrder::Best,
        _ => LaughOrder::Newest,
    }
}

/// In the order of the cursors.
fn sort(laughs: &mut [Laugh], order: LaughOrder) {
    let place = |laugh: &Laugh| (laugh.detection.starts, laugh.detection.id);
    match order {
        LaughOrder::Oldest => laughs.sort_by_key(place),
        LaughOrder::Newest => laughs.sort_by_key(|laugh| Reverse(place(laugh))),
        LaughOrder::Best => laughs.sort_by(|a, b| {
            let (peak_a, peak_b) = (a.detection.detection.peak, b.detection.detection.peak);
            peak_b.total_cmp(&peak_a).then(b.detection.id.cmp(&a.detection.id))
        }),
    }
}

/// The cursor after a laugh.
fn cursor(last: &Laugh, order: LaughOrder) -> LaughCursor {
    let (row, id) = (&last.detection, last.detection.id);
    match order {
        LaughOrder::Best => LaughCursor::Score { peak: shortest_f64(row.detection.peak), id },
        LaughOrder::Oldest | LaughOrder::Newest => LaughCursor::Start { at: row.starts, id },
    }
}
