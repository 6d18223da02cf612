//! `/api/v1/days`

use jiff::Timestamp;

use super::super::exchange::Response;
use super::super::operation::{Answer, Kind, Operation, part};
use super::super::problem::Problem;
use super::super::visit::Visit;
use super::{SOURCE, ZONE};
use crate::render::api;
use crate::status::{DayOptions, calendar_of, days};
use crate::text::zone_name;

pub const DAY: Operation = Operation {
    id: "day",
    about: "A day of each source: its coverage, recordings and laughs",
    parameters: &[part("date", Kind::Date, "the calendar day"), SOURCE, ZONE],
    body: None,
    answer: Answer::Json(api::DAY),
    statuses: &[304, 404, 422],
};

pub fn day(visit: &mut Visit) -> Result<Response, Problem> {
    let date = Visit::date("date", visit.part("date"))?;
    let zone = visit.zone()?;
    let sources = visit.asked_sources()?;
    let calendar =
        calendar_of(date, &zone).ok_or_else(|| Problem::unprocessable(format!("date: {date} is out of range")))?;
    let days = days(visit.reader()?, &sources, &calendar, Timestamp::now(), DayOptions::default())?;
    Ok(Response::json(&api::days(&days, &zone_name(&zone))))
}
