//! `/api/v1/days`

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::super::cursor::{cursor, place};
use super::super::exchange::Response;
use super::super::operation::{Answer, Kind, Operation, part, query};
use super::super::problem::Problem;
use super::super::visit::Visit;
use super::{CURSOR, SOURCE, ZONE};
use crate::calendar::Calendar;
use crate::render::api;
use crate::status::{self, DayOptions, calendar_of};
use crate::text::zone_name;

pub const DAY: Operation = Operation {
    id: "day",
    about: "A day of each source: its coverage, recordings and laughs",
    parameters: &[part("date", Kind::Date, "the calendar day"), SOURCE, ZONE],
    body: None,
    answer: Answer::Json(api::DAY),
    statuses: &[304, 404, 422],
};

pub const LIST: Operation = Operation {
    id: "days",
    about: "Days in numbers, by date and source, without days that have neither recordings nor laughs; default: the last 31 days",
    parameters: &[
        SOURCE,
        query("from", Kind::Date, "the first day"),
        query("to", Kind::Date, "the last day"),
        ZONE,
        CURSOR,
        query("limit", Kind::Integer(1, DAYS), "days of the page; default: 31"),
    ],
    body: None,
    answer: Answer::Json(api::COUNTS_OF_DAYS),
    statuses: &[304, 404, 422],
};

/// Days of a page, at most and without `limit`.
const DAYS: i64 = 400;
const MONTH: i64 = 31;

pub fn days(visit: &mut Visit) -> Result<Response, Problem> {
    let zone = visit.zone()?;
    let limit: i64 = visit.parameter("limit").and_then(|text| text.parse().ok()).unwrap_or(MONTH);
    let date = |name: &str| visit.parameter(name).and_then(|text| text.parse::<Date>().ok());
    let last = date("to").unwrap_or_else(|| Timestamp::now().to_zoned(zone.clone()).date());
    let first = date("from").unwrap_or_else(|| last.saturating_sub((limit - 1).days()));
    if last < first {
        return Err(Problem::unprocessable("to is before from; exchange them"));
    }
    let first = place::<Date>(visit)?.unwrap_or(first);
    let dates: Vec<Date> = first.series(1.day()).take_while(|date| *date <= last).take(limit as usize).collect();
    let next = dates.last().filter(|end| **end < last).and_then(|end| end.tomorrow().ok());
    let calendars: Vec<Calendar> = dates.into_iter().filter_map(|date| calendar_of(date, &zone)).collect();
    let mut counts = Vec::new();
    for source in visit.asked_sources()? {
        visit.reader()?.each_day_count(&source, &calendars, &mut |count| {
            counts.push(count);
            Ok(())
        })?;
    }
    counts.sort_by(|a, b| (a.date, &a.source).cmp(&(b.date, &b.source)));
    let mut page = api::page("days", counts.iter().map(api::day_count).collect(), next.and_then(|next| cursor(&next)));
    page["zone"] = zone_name(&zone).into();
    Ok(Response::json(&page))
}

pub fn day(visit: &mut Visit) -> Result<Response, Problem> {
    let date = Visit::date("date", visit.part("date"))?;
    let zone = visit.zone()?;
    let sources = visit.asked_sources()?;
    let calendar =
        calendar_of(date, &zone).ok_or_else(|| Problem::unprocessable(format!("date: {date} is out of range")))?;
    let days = status::days(visit.reader()?, &sources, &calendar, Timestamp::now(), DayOptions::default())?;
    Ok(Response::json(&api::days(&days, &zone_name(&zone))))
}
