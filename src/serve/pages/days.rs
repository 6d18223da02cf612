//! The first page: days of a year.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::audio::window::day as span_of;
use crate::calendar::Calendar;
use crate::domain::{DayCount, Laugh, LaughFilter, LaughOrder, Window};
use crate::render::site::days::{Days, days as page};
use crate::serve::access::Viewer;
use crate::serve::exchange::Response;
use crate::serve::problem::Problem;
use crate::serve::visit::Visit;
use crate::status;

/// Days before the year, for the means.
const BEFORE: i32 = 27;
/// Best laughs of each span.
const BEST: usize = 3;
/// The years that have a page.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=9998;

pub fn days(visit: &mut Visit) -> Result<Response, Problem> {
    let zone = visit.zone()?;
    let sources = visit.sources()?;
    let asked = visit.asked_sources()?;
    let source = visit.parameter("source").map(str::to_owned);
    let today = Timestamp::now().to_zoned(zone.clone()).date();
    let newest = newest(visit, &asked)?.map(|laugh| laugh.detection.starts.to_zoned(zone.clone()).date());
    let current = newest.map_or(today.year(), Date::year);
    let year = match visit.parameter("year") {
        None => current,
        Some(text) => text
            .parse()
            .ok()
            .filter(|year| YEARS.contains(year))
            .ok_or_else(|| Problem::unprocessable("year: write a year as 2025"))?,
    };
    let last = if year == today.year() { today } else { date(year, 12, 31) };
    let counts = counts(visit, &asked, date(year, 1, 1).saturating_sub(BEFORE.days()), last, &zone)?;
    let last_with_data = counts.iter().map(|day| day.date).max().unwrap_or(last);
    let mut best =
        |days: i32| best(visit, &asked, last_with_data.saturating_sub((days - 1).days()), last_with_data, &zone);
    let best = [best(1)?, best(7)?, best(28)?];
    let has_clips = visit.site.clips.is_some();
    let html = page(&Days {
        year,
        last,
        counts: &counts,
        sources: &sources,
        source: source.as_deref(),
        best: [&best[0], &best[1], &best[2]],
        zone: &zone,
        has_clips,
        is_current: year >= today.year(),
    });
    Ok(Response::html(html))
}

fn counts(
    visit: &mut Visit,
    sources: &[String],
    first: Date,
    last: Date,
    zone: &TimeZone,
) -> Result<Vec<DayCount>, Problem> {
    let dates = first.series(1.day()).take_while(|date| *date <= last);
    let calendars: Vec<Calendar> = dates.filter_map(|date| status::calendar_of(date, zone)).collect();
    let mut counts = Vec::new();
    for source in sources {
        visit.reader()?.each_day_count(source, &calendars, &mut |count| {
            counts.push(count);
            Ok(())
        })?;
    }
    Ok(counts)
}

/// The sources as filters: one question if the viewer sees all.
fn filters(visit: &Visit, sources: &[String]) -> Vec<Option<String>> {
    if visit.viewer == Viewer::All && visit.parameter("source").is_none() {
        vec![None]
    } else {
        sources.iter().cloned().map(Some).collect()
    }
}

fn newest(visit: &mut Visit, sources: &[String]) -> Result<Option<Laugh>, Problem> {
    let mut newest: Option<Laugh> = None;
    for source in filters(visit, sources) {
        let filter = LaughFilter { source, limit: 1, include_rejected: true, ..LaughFilter::default() };
        for laugh in visit.reader()?.laughs(&filter)?.laughs {
            if newest.as_ref().is_none_or(|known| known.detection.starts < laugh.detection.starts) {
                newest = Some(laugh);
            }
        }
    }
    Ok(newest)
}

fn best(
    visit: &mut Visit,
    sources: &[String],
    first: Date,
    last: Date,
    zone: &TimeZone,
) -> Result<Vec<Laugh>, Problem> {
    let window = Window { from: span_of(first, zone).from, to: span_of(last, zone).to };
    let mut best = Vec::new();
    for source in filters(visit, sources) {
        let filter = LaughFilter { source, window, order: LaughOrder::Best, limit: BEST, ..LaughFilter::default() };
        best.extend(visit.reader()?.laughs(&filter)?.laughs);
    }
    best.sort_by(|a, b| b.loudest().peak.total_cmp(&a.loudest().peak));
    best.truncate(BEST);
    Ok(best)
}
