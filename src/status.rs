//! What is stored, looked at again: the last runs, and one day.
//!
//! A run that failed was rolled back and has left no row. So the age of the last run is the one sign here
//! that nights are missing; why they are is in cron's mail and in the ping.
//!
//! Invariant: reads only, and asks the database once for everything.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::audio::window;
use crate::audio::zone::{parse_zone, system_zone};
use crate::day::{Calendar, Day, SEAM, Span};
use crate::exit::{Exit, Fatal};
use crate::record::{PastRun, StoredRecording, Window};
use crate::store::{self, Location, Reader};

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
    pub limit: usize,
}

/// What is stored, for whoever shows it.
pub struct Report {
    pub asked: Timestamp,
    pub zone: TimeZone,
    /// All that runs were ever committed for.
    pub sources: Vec<String>,
    /// The latest first.
    pub runs: Vec<PastRun>,
    /// Of a day that was asked for, one a source; empty where nothing is stored.
    pub days: Vec<Day>,
    pub exit: Exit,
}

/// Looks. None: nothing has ever been stored there.
pub fn look(settings: &Settings, asked: Timestamp) -> Result<Option<Report>, Fatal> {
    let Some(mut reader) = store::read(&settings.database)? else {
        return Ok(None);
    };
    // A row a night: all of them are fewer than a day's recordings after some years.
    let sources = reader.sources()?;
    let mut runs = reader.runs(settings.source.as_deref(), u32::MAX)?;
    let zone = settings.zone.clone().unwrap_or_else(|| usual_zone(&runs));
    let days = match &settings.date {
        Some(date) => {
            let calendar = calendar(date, &asked.to_zoned(zone.clone()))?;
            let wanted = settings.source.as_ref().map_or(&sources[..], std::slice::from_ref);
            days(reader.as_mut(), wanted, &calendar, &runs, asked)?
        }
        None => Vec::new(),
    };
    let exit = match (&settings.date, runs.is_empty()) {
        (Some(_), _) => crate::day::exit(&days),
        (None, true) => Exit::Empty,
        (None, false) => Exit::Complete,
    };
    runs.truncate(settings.limit);
    Ok(Some(Report { asked, zone, sources, runs, days, exit }))
}

/// Nights cut their days in the zone of the microphone, which a person's shell need not know.
pub fn usual_zone(runs: &[PastRun]) -> TimeZone {
    let of_last = runs.first().and_then(|run| parse_zone(&run.zone).ok());
    of_last.unwrap_or_else(|| system_zone().0)
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

/// One date, a day a source.
pub fn days(
    reader: &mut dyn Reader,
    sources: &[String],
    calendar: &Calendar,
    runs: &[PastRun],
    asked: Timestamp,
) -> Result<Vec<Day>, Fatal> {
    let one = match sources {
        [source] => Some(source.as_str()),
        _ => None,
    };
    let window = Window { from: Some(calendar.span.from), to: Some(calendar.span.to) };
    let recordings = reader.recordings(one, &window)?;
    let around = neighbours(reader, one, &calendar.span)?;
    Ok(sources.iter().map(|source| day(source, calendar, &recordings, &around, runs, asked)).collect())
}

/// Recordings that touch a span from outside, as far as a laugh may go on in them.
fn neighbours(reader: &mut dyn Reader, source: Option<&str>, span: &Span) -> Result<Vec<StoredRecording>, Fatal> {
    let before = span.from.saturating_sub(SEAM).unwrap_or(Timestamp::MIN);
    let after = span.to.saturating_add(SEAM).unwrap_or(Timestamp::MAX);
    let mut found = Vec::new();
    for (from, to) in [(before, span.from), (span.to, after)] {
        found.extend(reader.recordings(source, &Window { from: Some(from), to: Some(to) })?);
    }
    let is_outside = |recording: &StoredRecording| {
        let ended = recording.ended().unwrap_or(Timestamp::MAX);
        recording.began.is_some_and(|began| began.at >= span.to || ended <= span.from)
    };
    found.retain(is_outside);
    Ok(found)
}

fn day(
    source: &str,
    calendar: &Calendar,
    all: &[StoredRecording],
    around: &[StoredRecording],
    runs: &[PastRun],
    now: Timestamp,
) -> Day {
    let of = |all: &[StoredRecording]| all.iter().filter(|recording| recording.source == source).cloned().collect();
    Day::of(source, calendar, of(all), runs, now).beside(of(around))
}
