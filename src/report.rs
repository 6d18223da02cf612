//! A day or several, told to people: what is stored, what is usual, and the clips of its laughs.
//!
//! Invariant: reads only. A clip that cannot be read costs its sound and says why; never the report.

mod sound;

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::day::history::{Tally, Usual, tallies, usual};
use crate::day::{Calendar, Day, SEAM};
use crate::exit::{Exit, Fatal};
use crate::output::page::{Page, document, parted};
use crate::output::report::Telling;
use crate::record::Window;
use crate::status;
use crate::store::Reader;

pub use self::sound::Embed;

/// Days that the month view shows, and enough for four weeks before.
const MONTH: i32 = 30;
/// Days of one report.
const MOST: i32 = 62;

/// What is asked for.
pub struct Settings {
    pub source: Option<String>,
    pub zone: TimeZone,
    pub first: Date,
    /// The last day, too.
    pub last: Date,
}

/// What is stored of it.
pub struct Report {
    pub asked: Timestamp,
    pub zone: TimeZone,
    /// A day a date and source.
    pub days: Vec<Day>,
    pub tallies: Vec<Tally>,
    pub usual: Usual,
    pub exit: Exit,
}

/// Where a page goes and where its sounds are.
pub struct Paper<'a> {
    /// The file that is written.
    pub path: &'a Path,
    pub clips: Option<PathBuf>,
    pub embed: Embed,
}

impl Report {
    pub fn telling(&self) -> Telling<'_> {
        Telling { asked: self.asked, zone: &self.zone, days: &self.days, tallies: &self.tallies, usual: self.usual }
    }

    /// The page's text. Reads the clips, and warns where not all of them went into it.
    pub fn page(&self, paper: &Paper) -> Result<String, Fatal> {
        let sounds = sound::of(&self.days, paper)?;
        if let Some(parted) = parted(&sounds).filter(|_| paper.embed == Embed::Auto) {
            log::warn!("{}: {parted} --embed all puts all into it", paper.path.display());
        }
        Ok(document(&Page { telling: self.telling(), sounds: &sounds }))
    }
}

/// Reads the days, and those before them.
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
    let exit = crate::day::exit(&days);
    Ok(Report { asked, zone: settings.zone.clone(), days, tallies, usual, exit })
}

/// The days asked for and a month before them.
fn calendars(settings: &Settings) -> Result<Vec<Calendar>, Fatal> {
    let count = settings.first.until(settings.last).map_or(0, |span| span.get_days());
    if count >= MOST {
        return Err(Fatal::Config(format!("a report is of at most {MOST} days; for more there is giggles export")));
    }
    let before = settings.first.saturating_sub(MONTH.days());
    let dates = before.series(1.day()).take_while(|date| *date <= settings.last);
    let calendar = |date| {
        let calendar = status::calendar_of(date, &settings.zone);
        calendar.ok_or_else(|| Fatal::Config(format!("the calendar ends at {date}")))
    };
    dates.map(calendar).collect()
}

fn around(calendars: &[Calendar]) -> Window {
    let from = calendars.first().and_then(|first| first.span.from.saturating_sub(SEAM).ok());
    let to = calendars.last().and_then(|last| last.span.to.saturating_add(SEAM).ok());
    Window { from, to }
}
