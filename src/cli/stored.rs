//! Flags of the commands that read what is stored: the database, the source, the time range.

use std::path::{Path, PathBuf};

use clap::Args;
use giggles::clips::ClipLocation;
use giggles::domain::Window;
use giggles::error::Fatal;
use giggles::status::usual_zone;
use giggles::store::{self, Location, Reader};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::database_url::database;
use super::settings::{Given, given, path, wrong, wrong_path, zone as named_zone};
use super::window::window;

/// Which recordings a command selects by time.
#[derive(Args)]
pub struct TimeRange {
    /// Select only recordings of this day: YYYY-MM-DD, today, yesterday or '7 days ago'
    #[arg(long, value_name = "DAY", conflicts_with_all = ["from", "to"], help_heading = "Selection")]
    date: Option<String>,
    /// Select only recordings that end after this time: 2025-10-24T13:00, with an offset or without, a day, or "7 days
    /// ago"
    #[arg(long, value_name = "TIME", help_heading = "Selection")]
    from: Option<String>,
    /// Select only recordings that start before this time, or up to the end of this day
    #[arg(long, value_name = "TIME", help_heading = "Selection")]
    to: Option<String>,
    /// Set the time zone of calendar days [default: that of the last run] [env: GIGGLES_TZ]
    #[arg(long, value_name = "ZONE", help_heading = "Selection")]
    tz: Option<String>,
}

impl TimeRange {
    pub fn is_given(&self) -> bool {
        self.date.is_some() || self.from.is_some() || self.to.is_some()
    }

    /// The zone of the flag, else that of the last run of the source.
    pub fn zone(&self, source: Option<&str>, reader: &mut dyn Reader) -> Result<TimeZone, Fatal> {
        zone(self.tz.as_deref(), source, reader)
    }

    /// Checks the zone before the database is opened, so that a wrong setting is an error also if nothing is stored.
    pub fn check_zone(&self) -> Result<(), Fatal> {
        named_zone(self.tz.as_deref()).map(|_| ())
    }

    /// The time range of the flags; unbounded without flags.
    pub fn window(&self, zone: &TimeZone) -> Result<Window, Fatal> {
        // Without an environment variable: GIGGLES_DATE is the day of a scan.
        let date = self.date.clone().map(|text| Given::flag("--date", text));
        window(date, self.from.as_deref(), self.to.as_deref(), zone)
    }
}

#[derive(Args)]
pub struct Stored {
    #[command(flatten)]
    pub range: TimeRange,
    /// Select only recordings of this source [default: all sources] [env: GIGGLES_SOURCE]
    #[arg(long, value_name = "NAME", help_heading = "Selection")]
    source: Option<String>,
    #[command(flatten, next_help_heading = "Database")]
    pub database: Database,
}

impl Stored {
    pub fn source(&self) -> Result<Option<String>, Fatal> {
        source(self.source.as_deref())
    }

    /// The zone of the flag, else that of the last run.
    pub fn zone(&self, reader: &mut dyn Reader) -> Result<TimeZone, Fatal> {
        self.range.zone(self.source()?.as_deref(), reader)
    }

    /// The first and the last calendar day of the flags; None without flags.
    ///
    /// # Errors
    /// The flags contain a time of day; a report covers whole days.
    pub fn given_dates(&self, zone: &TimeZone, now: Timestamp) -> Result<Option<(Date, Date)>, Fatal> {
        let today = now.to_zoned(zone.clone()).date();
        let window = self.range.window(zone)?;
        if window == Window::default() {
            return Ok(None);
        }
        let date = |at: Timestamp| at.to_zoned(zone.clone()).date();
        for (flag, at) in [("--from", window.from), ("--to", window.to)] {
            if let Some(at) = at.filter(|at| date(*at).to_zoned(zone.clone()).is_ok_and(|day| day.timestamp() != *at)) {
                let day = date(at);
                let why = format!("a report covers whole days; give a date such as {day}, without a time");
                return Err(wrong(flag, why));
            }
        }
        let before = |at: Timestamp| at.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(at);
        let last = window.to.map_or(today, |to| date(before(to)));
        Ok(Some((window.from.map_or(last, date), last)))
    }
}

/// Flags of the commands that read everything stored, without a time range.
#[derive(Args)]
pub struct SourceFilter {
    /// Select only recordings of this source [default: all sources] [env: GIGGLES_SOURCE]
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    #[command(flatten)]
    pub database: Database,
}

impl SourceFilter {
    pub fn source(&self) -> Result<Option<String>, Fatal> {
        source(self.source.as_deref())
    }
}

/// The flags of the database.
#[derive(Args)]
pub struct Database {
    /// Read this database: the path of an SQLite file, or postgres://… [env: GIGGLES_DATABASE, DATABASE_URL] [default: in the user's
    /// data folder]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Read the database URL from this file [env: GIGGLES_DATABASE_URL_FILE]
    #[arg(long, value_name = "FILE", conflicts_with = "database")]
    database_url_file: Option<PathBuf>,
}

impl Database {
    pub fn location(&self) -> Result<Location, Fatal> {
        database(self.database.as_deref(), self.database_url_file.as_deref())
    }

    /// A reader of the database. None, and a logged error, if nothing has been stored yet.
    pub fn reader(&self) -> Result<Option<Box<dyn Reader>>, Fatal> {
        let location = self.location()?;
        let reader = store::read(&location)?;
        if reader.is_none() {
            log::error!(
                "nothing has been stored yet in {location}; giggles scan FOLDER analyzes recordings. If there were scans, \
                 check that they write to this database (--database, DATABASE_URL) and that its disk is mounted"
            );
        }
        Ok(reader)
    }
}

/// The flag of the place of the clips.
#[derive(Args)]
pub struct ClipFolder {
    /// Use the clips in this folder or below s3://BUCKET/PREFIX, as given to `giggles scan` [env: GIGGLES_CLIPS]
    #[arg(long, value_name = "FOLDER")]
    clips: Option<PathBuf>,
}

impl ClipFolder {
    /// The folder must exist: on an unmounted disk every clip would seem to be missing.
    pub fn location(&self) -> Result<Option<ClipLocation>, Fatal> {
        clip_location(self.clips.as_deref())
    }
}

/// Where clips are, by the flag or the environment.
pub fn clip_location(flag: Option<&Path>) -> Result<Option<ClipLocation>, Fatal> {
    let path = path("--clips", flag);
    path.map(|path| ClipLocation::parse(&path).map_err(|reason| wrong_path("--clips", flag, reason))).transpose()
}

/// The source; an empty name selects all sources.
fn source(flag: Option<&str>) -> Result<Option<String>, Fatal> {
    let named = given("--source", flag)?.map(|given| given.text.trim().to_owned());
    Ok(named.filter(|name| !name.is_empty()))
}

/// The zone of the flag, else that of the last run of the source.
pub fn zone(flag: Option<&str>, source: Option<&str>, reader: &mut dyn Reader) -> Result<TimeZone, Fatal> {
    match named_zone(flag)? {
        Some(zone) => Ok(zone),
        None => usual_zone(&reader.runs(source, 1)?),
    }
}
