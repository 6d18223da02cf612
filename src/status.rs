//! What is stored, looked at again: the last runs, and one day.
//!
//! A run that failed was rolled back and has left no row. So the age of the last run is the one sign here
//! that nights are missing; why they are is in cron's mail and in the ping.
//!
//! Invariant: reads only, and asks the database once for everything, however many sources there are.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::audio::window;
use crate::audio::zone::{stored_zone, system_zone};
use crate::day::{Calendar, Day, Looks, SEAM, Span, Worst};
use crate::exit::{Exit, Fatal};
use crate::record::{PastRun, StoredRecording};
use crate::store::{self, Location, Reader, Selection};

/// What is asked for. Checked before it is made.
pub struct Settings {
    pub database: Location,
    /// None means all of them.
    pub source: Option<String>,
    /// None means that of the last run, or the system's.
    pub zone: Option<TimeZone>,
    /// As `--date` takes it; what `yesterday` is depends on the zone.
    pub date: Option<String>,
    /// How many runs to tell of.
    pub limit: u32,
}

/// What is stored, for whoever shows it.
pub struct Report {
    pub asked: Timestamp,
    pub zone: TimeZone,
    /// All that runs were ever committed for.
    pub sources: Vec<String>,
    /// The latest first.
    pub runs: Vec<PastRun>,
    pub exit: Exit,
}

/// Is given the days, one a source.
pub type Each<'a> = dyn FnMut(Day) -> Result<(), Fatal> + 'a;

/// Looks. Of a day that was asked for, `each` is given every source's. None: nothing has ever been stored there.
pub fn look(settings: &Settings, asked: Timestamp, each: &mut Each) -> Result<Option<Report>, Fatal> {
    let Some(mut reader) = store::read(&settings.database)? else {
        return Ok(None);
    };
    let sources = reader.sources()?;
    let runs = reader.runs(settings.source.as_deref(), settings.limit)?;
    let zone = settings.zone.clone().map_or_else(|| usual_zone(&runs), Ok)?;
    let exit = match &settings.date {
        Some(date) => {
            let calendar = calendar(date, &asked.to_zoned(zone.clone()))?;
            let wanted = settings.source.as_ref().map_or(&sources[..], std::slice::from_ref);
            let mut worst = Worst::default();
            each_day(reader.as_mut(), wanted, &calendar, asked, &mut |day| {
                worst.add(day.verdict());
                each(day)
            })?;
            worst.exit()
        }
        None if runs.is_empty() => Exit::Empty,
        None => Exit::Complete,
    };
    Ok(Some(Report { asked, zone, sources, runs, exit }))
}

/// Nights cut their days in the zone of the microphone, which a person's shell need not know.
///
/// # Errors
/// The last run's zone is not known to this machine, or there is no run and the system's zone is wrong.
pub fn usual_zone(runs: &[PastRun]) -> Result<TimeZone, Fatal> {
    let zone = match runs.first() {
        Some(run) => stored_zone(&run.zone)
            .map_err(|error| format!("{error} (it is that of the last stored run; --tz names another)")),
        None => system_zone().map_err(|error| error.to_string()),
    };
    zone.map_err(Fatal::Config)
}

fn calendar(text: &str, now: &Zoned) -> Result<Calendar, Fatal> {
    let date = window::parse_date(text, now).map_err(|error| Fatal::Config(format!("--date: {error}")))?;
    let zone = now.time_zone().clone();
    let span = span(date, &zone).ok_or_else(|| Fatal::Config(format!("--date: the calendar ends at {date}")))?;
    Ok(Calendar { date, zone, span })
}

fn span(date: Date, zone: &TimeZone) -> Option<Span> {
    let window = window::day(date, zone);
    Some(Span { from: window.from?, to: window.to? })
}

/// A date in a zone; None where the calendar ends.
pub fn calendar_of(date: Date, zone: &TimeZone) -> Option<Calendar> {
    Some(Calendar { date, zone: zone.clone(), span: span(date, zone)? })
}

/// One date, a day a source, in order of the sources: of thousands of them, one is in memory at a time.
pub fn each_day(
    reader: &mut dyn Reader,
    sources: &[String],
    calendar: &Calendar,
    asked: Timestamp,
    each: &mut Each,
) -> Result<(), Fatal> {
    let one = match sources {
        [source] => Some(source.as_str()),
        _ => None,
    };
    let looks = looks(reader, one, &calendar.span, asked)?;
    let day = |source: &str, Found { inside, around }| {
        Day::of(source, calendar, inside, looks.of(source), asked).beside(around)
    };
    let (mut found, mut sources) = (Found::default(), sources.iter().peekable());
    let wanted = Selection { source: one, window: calendar.span.window(), margin: SEAM, ..Selection::default() };
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

/// The same at once.
pub fn days(
    reader: &mut dyn Reader,
    sources: &[String],
    calendar: &Calendar,
    asked: Timestamp,
) -> Result<Vec<Day>, Fatal> {
    let mut days = Vec::new();
    each_day(reader, sources, calendar, asked, &mut |day| {
        days.push(day);
        Ok(())
    })?;
    Ok(days)
}

/// What runs have seen of it; nothing, as long as it is not over.
fn looks(reader: &mut dyn Reader, source: Option<&str>, span: &Span, asked: Timestamp) -> Result<Looks, Fatal> {
    let mut looks = Looks::new(*span);
    if span.to <= asked {
        reader.each_coverage(source, &span.window(), span.to, &mut |run| looks.add(&run))?;
    }
    Ok(looks)
}

/// A source's recordings of a span, and those that touch it from outside, as far as a laugh may go on in them.
#[derive(Default)]
struct Found {
    inside: Vec<StoredRecording>,
    around: Vec<StoredRecording>,
}

impl Found {
    fn add(&mut self, recording: StoredRecording, span: &Span) {
        let is_outside = recording
            .began
            .zip(recording.ended())
            .is_some_and(|(began, ended)| began.at >= span.to || began.at < span.from && ended <= span.from);
        if is_outside { &mut self.around } else { &mut self.inside }.push(recording);
    }
}
