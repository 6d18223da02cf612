//! The report of one or several days: stored laughs, averages, and clips.
//!
//! Invariant: reads only. If a clip cannot be read, the report gives the reason in its place; the report never fails.

mod sound;

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::calendar::history::{Tally, Usual, tallies, usual};
use crate::calendar::{Calendar, Day, SEAM};
use crate::domain::Window;
use crate::error::Fatal;
use crate::exit::Exit;
use crate::render::page::{Page, document, linked_clips};
use crate::render::report::ReportView;
use crate::status;
use crate::store::Reader;

pub use self::sound::Embed;

/// Days before the report that are read for the month view and the averages.
const MONTH: i32 = 30;
/// Maximum days of one report.
const MAX_DAYS: i32 = 62;

/// The settings of a report.
pub struct Settings {
    pub source: Option<String>,
    pub zone: TimeZone,
    pub first: Date,
    /// Inclusive.
    pub last: Date,
}

/// The stored data of the days.
pub struct Report {
    pub asked: Timestamp,
    pub zone: TimeZone,
    /// One day per date and source.
    pub days: Vec<Day>,
    pub tallies: Vec<Tally>,
    pub usual: Usual,
    pub exit: Exit,
}

/// The file of a page and its clips.
pub struct PageOptions<'a> {
    /// The file to write.
    pub path: &'a Path,
    pub clips: Option<PathBuf>,
    pub embed: Embed,
}

impl Report {
    pub fn view(&self) -> ReportView<'_> {
        ReportView { asked: self.asked, zone: &self.zone, days: &self.days, tallies: &self.tallies, usual: self.usual }
    }

    /// The HTML of the page. Reads the clips, and warns if `auto` did not embed all of them.
    pub fn page(&self, options: &PageOptions) -> Result<String, Fatal> {
        let sounds = sound::sounds(&self.days, options)?;
        if let Some(text) = linked_clips(&sounds).filter(|_| options.embed == Embed::Auto) {
            log::warn!("{}: {text} Use --embed all to embed all clips", options.path.display());
        }
        Ok(document(&Page { view: self.view(), sounds: &sounds }))
    }
}

/// Reads the days and the month before them.
pub fn report(settings: &Settings, reader: &mut dyn Reader, asked: Timestamp) -> Result<Report, Fatal> {
    let calendars = calendars(settings)?;
    let sources = match &settings.source {
        Some(source) => vec![source.clone()],
        None => reader.sources()?,
    };
    let mut days = Vec::new();
    for calendar in calendars.iter().filter(|calendar| calendar.date >= settings.first) {
        days.extend(status::days(reader, &sources, calendar, asked)?);
    }
    let all = around(&calendars);
    let mut tallies = tallies(&calendars, &reader.recordings(settings.source.as_deref(), &all)?);
    let usual = usual(&tallies, settings.first);
    let months_first = settings.last.saturating_sub(MONTH.days()).min(settings.first);
    tallies.retain(|tally| tally.date >= months_first);
    let exit = crate::calendar::exit(&days);
    Ok(Report { asked, zone: settings.zone.clone(), days, tallies, usual, exit })
}

/// The days of the report and a month before them.
fn calendars(settings: &Settings) -> Result<Vec<Calendar>, Fatal> {
    let count = settings.first.until(settings.last).map_or(0, |span| span.get_days());
    if count >= MAX_DAYS {
        return Err(Fatal::Config(
            format!("a report covers at most {MAX_DAYS} days; use giggles export for more").into(),
        ));
    }
    let before = settings.first.saturating_sub(MONTH.days());
    let dates = before.series(1.day()).take_while(|date| *date <= settings.last);
    let calendar = |date| {
        let calendar = status::calendar_of(date, &settings.zone);
        calendar.ok_or_else(|| Fatal::Config(format!("{date} is out of range").into()))
    };
    dates.map(calendar).collect()
}

fn around(calendars: &[Calendar]) -> Window {
    let from = calendars.first().and_then(|first| first.span.from.saturating_sub(SEAM).ok());
    let to = calendars.last().and_then(|last| last.span.to.saturating_add(SEAM).ok());
    Window { from, to }
}
