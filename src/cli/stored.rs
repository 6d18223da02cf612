//! Flags of the commands that look at what is stored: which database, whose recordings, of which time.

use std::path::PathBuf;

use clap::Args;
use giggles::exit::Fatal;
use giggles::record::Window;
use giggles::status::usual_zone;
use giggles::store::{self, Location, Reader};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::database_url::database;
use super::settings::{Given, config, given, path, zone as named_zone};
use super::window::window;

#[derive(Args)]
pub struct Stored {
    /// Only this day: YYYY-MM-DD, today, yesterday or '7 days ago'
    #[arg(long, value_name = "DAY", conflicts_with_all = ["from", "to"], help_heading = "Which recordings")]
    date: Option<String>,
    /// Only recordings that last beyond this time: 2025-10-24T13:00, with an offset or without, a day, or "7 days ago"
    #[arg(long, value_name = "TIME", help_heading = "Which recordings")]
    from: Option<String>,
    /// Only recordings that begin before this time
    #[arg(long, value_name = "TIME", help_heading = "Which recordings")]
    to: Option<String>,
    /// Zone in which a day is a day [default: that of the last run] [env: GIGGLES_TZ]
    #[arg(long, value_name = "ZONE", help_heading = "Which recordings")]
    tz: Option<String>,
    /// Whose recordings [default: everybody's] [env: GIGGLES_SOURCE]
    #[arg(long, value_name = "NAME", help_heading = "Which recordings")]
    source: Option<String>,
    #[command(flatten, next_help_heading = "Where they are stored")]
    pub database: Database,
}

impl Stored {
    pub fn source(&self) -> Result<Option<String>, Fatal> {
        source(self.source.as_deref())
    }

    /// The zone that was asked for, or in which the last run cut its days.
    pub fn zone(&self, reader: &mut dyn Reader) -> Result<TimeZone, Fatal> {
        zone(self.tz.as_deref(), self.source()?.as_deref(), reader)
    }

    /// Before a database is looked for: a wrong setting is one also where nothing is stored yet.
    pub fn check_zone(&self) -> Result<(), Fatal> {
        named_zone(self.tz.as_deref()).map(|_| ())
    }

    /// All time, unless flags say otherwise.
    pub fn window(&self, zone: &TimeZone) -> Result<Window, Fatal> {
        // No variable of the environment: GIGGLES_DATE is the day of a scan.
        let date = self.date.clone().map(|text| Given { by: "--date".to_owned(), text });
        window(date, self.from.as_deref(), self.to.as_deref(), zone)
    }

    /// The first and the last calendar day that the flags name; yesterday, unless they say otherwise.
    ///
    /// # Errors
    /// Refuses a time of day: who asks for an afternoon must not be shown the whole day.
    pub fn dates(&self, zone: &TimeZone, now: Timestamp) -> Result<(Date, Date), Fatal> {
        let today = now.to_zoned(zone.clone()).date();
        let yesterday = today.yesterday().unwrap_or(today);
        let window = self.window(zone)?;
        if window == Window::default() {
            return Ok((yesterday, yesterday));
        }
        let date = |at: Timestamp| at.to_zoned(zone.clone()).date();
        for (flag, at) in [("--from", window.from), ("--to", window.to)] {
            if let Some(at) = at.filter(|at| date(*at).to_zoned(zone.clone()).is_ok_and(|day| day.timestamp() != *at)) {
                let day = date(at);
                return Err(config(format!(
                    "{flag}: a report is of whole days; give a day such as {day}, without a time"
                )));
            }
        }
        let before = |at: Timestamp| at.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(at);
        let last = window.to.map_or(today, |to| date(before(to)));
        Ok((window.from.map_or(last, date), last))
    }
}

/// Of the commands that care for all that is stored, whenever it was recorded.
#[derive(Args)]
pub struct Whose {
    /// Whose recordings [default: everybody's] [env: GIGGLES_SOURCE]
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    #[command(flatten)]
    pub database: Database,
}

impl Whose {
    pub fn source(&self) -> Result<Option<String>, Fatal> {
        source(self.source.as_deref())
    }
}

/// Which database.
#[derive(Args)]
pub struct Database {
    /// Database: sqlite:PATH or postgres://… [env: GIGGLES_DATABASE, DATABASE_URL] [default: in the user's data folder]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// File that holds the database's URL [env: GIGGLES_DATABASE_URL_FILE]
    #[arg(long, value_name = "FILE", conflicts_with = "database")]
    database_url_file: Option<PathBuf>,
}

impl Database {
    pub fn location(&self) -> Result<Location, Fatal> {
        database(self.database.as_deref(), self.database_url_file.as_deref())
    }

    /// To read from. None, and a message, where nothing has ever been stored.
    pub fn reader(&self) -> Result<Option<Box<dyn Reader>>, Fatal> {
        let location = self.location()?;
        let reader = store::read(&location)?;
        if reader.is_none() {
            log::error!(
                "nothing has been stored yet in {location}; if it should be, is this the database that the nights \
                 write to (--database, DATABASE_URL), and is its disk mounted?"
            );
        }
        Ok(reader)
    }
}

/// Where clips lie.
#[derive(Args)]
pub struct ClipFolder {
    /// Folder of the clips, as `giggles scan` was given it [env: GIGGLES_CLIPS]
    #[arg(long, value_name = "FOLDER")]
    clips: Option<PathBuf>,
}

impl ClipFolder {
    /// The folder must be there: where a disk is not mounted, every clip would seem to be gone.
    pub fn folder(&self) -> Result<Option<PathBuf>, Fatal> {
        match path("--clips", self.clips.as_deref()) {
            Some(path) if !path.is_dir() => {
                Err(config(format!("--clips: {} is no folder; make it, or mount its disk", path.display())))
            }
            folder => Ok(folder),
        }
    }
}

/// Whose recordings; a name without a letter is everybody's.
fn source(flag: Option<&str>) -> Result<Option<String>, Fatal> {
    let named = given("--source", flag)?.map(|given| given.text.trim().to_owned());
    Ok(named.filter(|name| !name.is_empty()))
}

/// The zone that was asked for, or in which the last run of the source cut its days.
pub fn zone(flag: Option<&str>, source: Option<&str>, reader: &mut dyn Reader) -> Result<TimeZone, Fatal> {
    match named_zone(flag)? {
        Some(zone) => Ok(zone),
        None => usual_zone(&reader.runs(source, 1)?),
    }
}
