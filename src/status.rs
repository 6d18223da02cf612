//! The status of the database: the last runs, and one day.
//!
//! A failed run is rolled back and leaves no row, so only the age of the last run shows that runs are missing. The
//! reason is in cron's mail and in the ping.
//!
//! Invariant: reads only, with a fixed number of queries for any number of sources.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::audio::window;
use crate::audio::zone::{stored_zone, system_zone};
use crate::calendar::{Calendar, CoverageByDay, Day, Fleet, SEAM, Span};
use crate::domain::{PastRun, Reason, ScoreTotals, ShownVerdicts, StoredRecording};
use crate::error::Fatal;
use crate::exit::Exit;
use crate::store::{self, Location, Reader, Selection};

/// The settings of a query, already validated.
pub struct Settings {
    pub database: Location,
    /// None means all sources.
    pub source: Option<String>,
    /// None means the zone of the last run, else the system's.
    pub zone: Option<TimeZone>,
    /// A day in the notation of `--date`; the meaning of `yesterday` depends on the zone.
    pub date: Option<String>,
    /// Sources that should have recordings of the day.
    pub expected: BTreeSet<String>,
    /// Maximum number of runs.
    pub limit: u32,
    pub include_rejected: bool,
}

/// What to read of days.
#[derive(Debug, Clone, Copy, Default)]
pub struct DayOptions {
    /// The candidates of their recordings.
    pub candidates: bool,
    /// Count rejected laughs as well.
    pub include_rejected: bool,
}

/// The result of a query, for rendering.
pub struct Report {
    pub asked: Timestamp,
    pub zone: TimeZone,
    /// All sources of committed runs.
    pub sources: Vec<String>,
    /// The latest run first.
    pub runs: Vec<PastRun>,
    /// What is kept to decide again; empty if a day was requested, or several sources.
    pub scores: Vec<ScoreTotals>,
    /// What was said of the last reviewed laughs, of each requested source with reviews.
    pub verdicts: Vec<ShownVerdicts>,
    /// How many sources are complete; None if no day was requested.
    pub fleet: Option<Fleet>,
    pub exit: Exit,
}

/// Receives the days, one per source.
pub type Each<'a> = dyn FnMut(Day) -> Result<(), Fatal> + 'a;

/// Queries the database and passes the requested day of every source to `each`. None if nothing has been stored yet.
pub fn query(settings: &Settings, asked: Timestamp, each: &mut Each) -> Result<Option<Report>, Fatal> {
    let Some(mut reader) = store::read(&settings.database)? else {
        return Ok(None);
    };
    let sources = reader.sources()?;
    let runs = reader.runs(settings.source.as_deref(), settings.limit)?;
    let zone = settings.zone.clone().map_or_else(|| usual_zone(&runs), Ok)?;
    let (exit, fleet) = match &settings.date {
        Some(date) => {
            let calendar = calendar(date, &asked.to_zoned(zone.clone()))?;
            let wanted = settings.source.as_ref().map_or(&sources[..], std::slice::from_ref);
            let mut fleet = Fleet::expecting(settings.expected.clone());
            let options = DayOptions { candidates: false, include_rejected: settings.include_rejected };
            each_day(reader.as_mut(), wanted, &calendar, asked, options, &mut |day| {
                fleet.add(&day);
                each(day)
            })?;
            (fleet.exit(), Some(fleet))
        }
        None if runs.is_empty() => (Exit::Empty, None),
        None => (Exit::Complete, None),
    };
    let scores = score_totals(settings, &sources, reader.as_mut())?;
    let verdicts = reader.shown_verdicts(settings.source.as_deref())?;
    Ok(Some(Report { asked, zone, sources, runs, scores, verdicts, fleet, exit }))
}

/// What is kept of the requested source, or of the only one: the totals of a fleet would read all of its rows.
fn score_totals(settings: &Settings, sources: &[String], reader: &mut dyn Reader) -> Result<Vec<ScoreTotals>, Fatal> {
    let source = settings.source.as_ref().or(if let [only] = sources { Some(only) } else { None });
    match (source, &settings.date) {
        (Some(source), None) => Ok(reader.score_totals(Some(source))?),
        _ => Ok(Vec::new()),
    }
}

/// The zone of the last run, else the system's. Days are those of the recorder, whose zone may differ from the shell's.
///
/// # Errors
/// The zone of the last run is unknown on this machine, or there is no run and the system's zone is invalid.
pub fn usual_zone(runs: &[PastRun]) -> Result<TimeZone, Fatal> {
    match runs.first() {
        Some(run) => stored_zone(&run.zone).map_err(|error| {
            let message = format!("{error} (the zone of the last stored run; use --tz to set another)");
            Fatal::Config(Reason::new(message).caused_by(error))
        }),
        None => system_zone().map_err(|error| Fatal::for_setting(error.setting(), Reason::wrap(error))),
    }
}

fn calendar(text: &str, now: &Zoned) -> Result<Calendar, Fatal> {
    let date = window::parse_date(text, now).map_err(|error| {
        let reason = Reason::new(format!("--date: {error}")).caused_by(error);
        Fatal::for_setting(Some("--date"), reason)
    })?;
    let zone = now.time_zone().clone();
    let span = span(date, &zone).ok_or_else(|| {
        let reason = format!("--date: {date} is out of range").into();
        Fatal::for_setting(Some("--date"), reason)
    })?;
    Ok(Calendar { date, zone, span })
}

fn span(date: Date, zone: &TimeZone) -> Option<Span> {
    let window = window::day(date, zone);
    Some(Span { from: window.from?, to: window.to? })
}

/// A date in a zone; None if it is out of range.
pub fn calendar_of(date: Date, zone: &TimeZone) -> Option<Calendar> {
    Some(Calendar { date, zone: zone.clone(), span: span(date, zone)? })
}

/// Passes one day per source to `each`, in order of the sources, with one day in memory at a time.
pub fn each_day(
    reader: &mut dyn Reader,
    sources: &[String],
    calendar: &Calendar,
    asked: Timestamp,
    options: DayOptions,
    each: &mut Each,
) -> Result<(), Fatal> {
    let one = match sources {
        [source] => Some(source.as_str()),
        _ => None,
    };
    let coverage_by_day = coverage_by_day(reader, one, &calendar.span, asked)?;
    let day = |source: &str, Found { inside, around }| {
        let coverage = coverage_by_day.scan_coverage(source);
        let day = Day::new(source, calendar, inside, coverage, asked).with_neighbours(around);
        day.including_rejected(options.include_rejected)
    };
    let (mut found, mut sources) = (Found::default(), sources.iter().peekable());
    let (window, margin) = (calendar.span.window(), SEAM);
    let wanted = Selection { source: one, window, margin, with_candidates: options.candidates, ..Selection::default() };
    reader.each_recording(&wanted, &mut |recording| {
        while let Some(source) = sources.next_if(|source| **source < recording.source) {
            each(day(source, std::mem::take(&mut found)))?;
        }
        if sources.peek().is_some_and(|source| **source == recording.source) {
            found.add(recording, &calendar.span);
        }
        Ok(())
    })?;
    sources.try_for_each(|source| each(day(source, std::mem::take(&mut found))))
}

/// Collects the days of `each_day`.
pub fn days(
    reader: &mut dyn Reader,
    sources: &[String],
    calendar: &Calendar,
    asked: Timestamp,
    options: DayOptions,
) -> Result<Vec<Day>, Fatal> {
    let mut days = Vec::new();
    each_day(reader, sources, calendar, asked, options, &mut |day| {
        days.push(day);
        Ok(())
    })?;
    Ok(days)
}

/// Which runs have scanned the span, per source; empty as long as the span is not over.
fn coverage_by_day(
    reader: &mut dyn Reader,
    source: Option<&str>,
    span: &Span,
    asked: Timestamp,
) -> Result<CoverageByDay, Fatal> {
    let mut coverage_by_day = CoverageByDay::new(*span);
    if span.to <= asked {
        reader.each_coverage(source, &span.window(), span.to, &mut |run| coverage_by_day.add(&run))?;
    }
    Ok(coverage_by_day)
}

/// The recordings of a source inside a span, and those around it into which a laugh may continue.
#[derive(Default)]
struct Found {
    inside: Vec<StoredRecording>,
    around: Vec<StoredRecording>,
}

impl Found {
    fn add(&mut self, recording: StoredRecording, span: &Span) {
        let is_outside = recording
            .started
            .zip(recording.ended())
            .is_some_and(|(started, ended)| started.at >= span.to || started.at < span.from && ended <= span.from);
        if is_outside { &mut self.around } else { &mut self.inside }.push(recording);
    }
}
