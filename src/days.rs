//! Days in numbers: which days have what.
//!
//! Invariant: reads only; memory grows with the number of days, not with recordings and laughs.

use std::collections::BTreeSet;

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::calendar::Calendar;
use crate::domain::DayCount;
use crate::error::Fatal;
use crate::status::calendar_of;
use crate::store::{Reader, Selection};

/// The last dates, at most so many, on which a recording of the sources starts; in order.
pub fn last_dates(
    reader: &mut dyn Reader,
    source: Option<&str>,
    zone: &TimeZone,
    count: usize,
) -> Result<Vec<Date>, Fatal> {
    let mut dates = BTreeSet::new();
    let wanted = Selection { source, without_laughs: true, ..Selection::default() };
    reader.each_recording(&wanted, &mut |recording| {
        dates.extend(recording.started.map(|started| started.at.to_zoned(zone.clone()).date()));
        // The first of more than so many is never one of the last.
        if dates.len() > count {
            dates.pop_first();
        }
        Ok(())
    })?;
    Ok(dates.into_iter().collect())
}

/// The counts of each source from the first date to the last, by date and source; without days that have neither
/// recordings nor laughs.
pub fn counts(
    reader: &mut dyn Reader,
    source: Option<&str>,
    zone: &TimeZone,
    (first, last): (Date, Date),
) -> Result<Vec<DayCount>, Fatal> {
    let dates = first.series(1.day()).take_while(|date| *date <= last);
    let calendars: Vec<Calendar> = dates.filter_map(|date| calendar_of(date, zone)).collect();
    let sources = match source {
        Some(source) => vec![source.to_owned()],
        None => reader.sources()?,
    };
    let mut counts = Vec::new();
    for source in sources {
        reader.each_day_count(&source, &calendars, &mut |count| {
            counts.push(count);
            Ok(())
        })?;
    }
    counts.sort_by(|a, b| (a.date, &a.source).cmp(&(b.date, &b.source)));
    Ok(counts)
}
