//! The report of one or several days: stored laughs, averages, and clips.
//!
//! Invariant: reads only. If a clip cannot be read, the report gives the reason in its place; the report never fails.

mod served;
mod sound;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::calendar::history::{Tally, Usual, tallies, usual};
use crate::calendar::{Calendar, Day, Reviewing, SEAM};
use crate::domain::{ShownVerdicts, Window};
use crate::error::Fatal;
use crate::exit::Exit;
use crate::render::page::{Around, Page, Place, document, linked_clips};
use crate::render::report::ReportView;
use crate::reviews::offered;
use crate::status;
use crate::store::Reader;

pub use self::sound::{Embed, spectrogram};

/// Days before the report that are read for the month view and the averages.
const MONTH: i32 = 30;
/// Maximum days of one report.
pub const MAX_DAYS: i32 = 62;

/// The settings of a report.
pub struct Settings {
    /// None: all sources.
    pub sources: Option<Vec<String>>,
    pub zone: TimeZone,
    pub first: Date,
    /// Inclusive.
    pub last: Date,
    /// Read candidates and reviews, too: what a page shows besides the laughs.
    pub candidates: bool,
    /// Count rejected laughs as well.
    pub include_rejected: bool,
}

impl Settings {
    /// The source, if it is only one.
    fn one(&self) -> Option<&str> {
        match self.sources.as_deref() {
            Some([source]) => Some(source),
            _ => None,
        }
    }
}

/// The stored data of the days.
pub struct Report {
    pub asked: Timestamp,
    pub zone: TimeZone,
    /// One day per date and source.
    pub days: Vec<Day>,
    pub tallies: Vec<Tally>,
    pub usual: Usual,
    /// What to do about sources of which many laughs were rejected.
    pub advice: Vec<String>,
    /// Whether candidates were read.
    pub candidates: bool,
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
        ReportView {
            asked: self.asked,
            zone: &self.zone,
            days: &self.days,
            tallies: &self.tallies,
            usual: self.usual,
            advice: &self.advice,
            candidates: self.candidates,
        }
    }

    /// The HTML of the page. Reads the clips, and warns if `auto` did not embed all of them.
    pub fn page(&self, options: &PageOptions) -> Result<String, Fatal> {
        let sounds = sound::sounds(&self.days, options)?;
        if let Some(text) = linked_clips(&sounds).filter(|_| options.embed == Embed::Auto) {
            log::warn!("{}: {text} Use --embed all to embed all clips", options.path.display());
        }
        Ok(document(&Page { view: self.view(), sounds: &sounds, place: Place::File }))
    }

    /// The HTML of the page as `giggles serve` shows it: clips and spectrograms have addresses of the server.
    pub fn served(&self, clips: Option<&Path>, around: &Around) -> String {
        let sounds = served::sounds(&self.days, clips);
        document(&Page { view: self.view(), sounds: &sounds, place: Place::Server(around) })
    }
}

/// Reads the days and the month before them.
pub fn report(settings: &Settings, reader: &mut dyn Reader, asked: Timestamp) -> Result<Report, Fatal> {
    let calendars = calendars(settings)?;
    let sources = match &settings.sources {
        Some(sources) => sources.clone(),
        None => reader.sources()?,
    };
    let one = settings.one();
    let options = status::DayOptions { candidates: settings.candidates, include_rejected: settings.include_rejected };
    let mut days = Vec::new();
    for calendar in calendars.iter().filter(|calendar| calendar.date >= settings.first) {
        days.extend(status::days(reader, &sources, calendar, asked, options)?);
    }
    if settings.candidates {
        days = with_reviewing(days, settings, reader)?;
    }
    let mut recordings = reader.recordings(one, &around(&calendars))?;
    recordings.retain(|recording| sources.contains(&recording.source));
    let mut tallies = tallies(&calendars, &recordings, settings.include_rejected);
    let mut shown = reader.shown_verdicts(one)?;
    shown.retain(|verdicts| sources.contains(&verdicts.source));
    let advice = shown.iter().filter_map(ShownVerdicts::advice).collect();
    let usual = usual(&tallies, settings.first);
    let months_first = settings.last.saturating_sub(MONTH.days()).min(settings.first);
    tallies.retain(|tally| tally.date >= months_first);
    let exit = crate::calendar::exit(&days);
    let (zone, candidates) = (settings.zone.clone(), settings.candidates);
    Ok(Report { asked, zone, days, tallies, usual, advice, candidates, exit })
}

/// Adds which candidates are offered for review, and the reviews of their sources.
fn with_reviewing(days: Vec<Day>, settings: &Settings, reader: &mut dyn Reader) -> Result<Vec<Day>, Fatal> {
    let (from, to) = (days.first().map(|day| day.calendar.span.from), days.last().map(|day| day.calendar.span.to));
    let unsure = offered::unsure(reader, settings.one(), &Window { from, to }, &settings.zone)?;
    let offered: Arc<BTreeSet<i64>> = Arc::new(unsure.iter().map(|one| one.id).collect());
    let mut reviews = BTreeMap::new();
    for day in &days {
        if !reviews.contains_key(&day.source) {
            reviews.insert(day.source.clone(), Arc::new(reader.reviews(&day.source)?));
        }
    }
    let with_reviewing = |day: Day| {
        let reviews = reviews.get(&day.source).cloned().unwrap_or_default();
        day.with_reviewing(Reviewing { offered: Arc::clone(&offered), reviews })
    };
    Ok(days.into_iter().map(with_reviewing).collect())
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
