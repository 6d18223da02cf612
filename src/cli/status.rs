//! `giggles status`: flags to `status::Settings`, and what is stored to standard output.

use clap::Args;
use giggles::audio::window::parse_date;
use giggles::day::Day;
use giggles::exit::{Exit, Fatal};
use giggles::output::status::json::Json;
use giggles::output::status::{Look, day, runs};
use giggles::status::{Report, Settings, look};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::settings::{config, zone};
use super::stored::Whose;
use super::{EXIT_CODES, Results, print_text, unwritable};

const EXAMPLES: &str = "\
Examples:
  giggles status
      the last runs
  giggles status --date yesterday
      what was heard of that day, what failed, and which hours are missing
  giggles status --date 2025-10-24 --source neil --json | jq '.days[0].complete'
      the same for a script

A day is complete if it holds recordings, none of them failed, it is over, and a run has
looked for all of it since. Gaps are shown and do not count: people switch microphones off.
Here 0 means that (or a day that is not over), 3 that a recording failed or nobody has looked
since, and 4 that nothing is stored. Of several sources the worst with recordings counts.

A run that failed was rolled back and left no row: only the age of the last one tells of it.";

/// The flags of `giggles status`.
#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", EXIT_CODES.as_str()))]
pub struct Arguments {
    /// One day instead of the last runs: YYYY-MM-DD, today, yesterday or '7 days ago'
    #[arg(long, value_name = "DAY")]
    date: Option<String>,
    /// Zone in which a day is a day [default: that of the last run] [env: GIGGLES_TZ]
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    #[command(flatten)]
    whose: Whose,
    /// How many runs to show
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Looks, and shows what is there.
pub fn run(arguments: &Arguments, quiet: bool) -> Result<Exit, Fatal> {
    let settings = settings(arguments)?;
    let asked = Timestamp::now();
    let report = match (quiet, arguments.json) {
        (true, _) => complain(&settings, asked)?,
        (_, true) => show_json(&settings, asked)?,
        _ => show_text(&settings, asked)?,
    };
    let Some(report) = report else {
        log::error!(
            "nothing has been stored yet in {}; if it should be, is this the database that the nights write to \
             (--database, DATABASE_URL), and is its disk mounted?",
            settings.database
        );
        return Ok(Exit::Empty);
    };
    if let Some(source) = settings.source.as_ref().filter(|source| !report.sources.contains(source)) {
        log::error!("no run of the source '{source}' is stored; there are {}", report.sources.join(", "));
    }
    Ok(report.exit)
}

fn show_json(settings: &Settings, asked: Timestamp) -> Result<Option<Report>, Fatal> {
    let mut results = Results::new();
    let database = settings.database.to_string();
    let mut document = Json::to(&mut results, asked, database);
    let report = look(settings, asked, &mut |day| document.add(&day).map_err(|error| unwritable(&error)))?;
    let done = match &report {
        Some(report) => document.finish(&report.runs, &report.zone),
        None => document.finish(&[], settings.zone.as_ref().unwrap_or(&TimeZone::UTC)),
    };
    done.map_err(|error| unwritable(&error))?;
    Ok(report)
}

fn show_text(settings: &Settings, asked: Timestamp) -> Result<Option<Report>, Fatal> {
    let mut results = Results::for_people();
    let mut days = day::Text::to(&mut results);
    let report = look(settings, asked, &mut |day| days.add(day).map_err(|error| unwritable(&error)))?;
    let Some(report) = report else { return Ok(None) };
    let look = Look { asked, database: settings.database.to_string(), zone: &report.zone, runs: &report.runs };
    match &settings.date {
        Some(_) => days.finish(&look).map_err(|error| unwritable(&error))?,
        None => print_text(&runs::render(&look))?,
    }
    Ok(Some(report))
}

/// Quiet is for scripts, which want a word only if something is wrong: of each day that is, or of all where none holds
/// a recording.
fn complain(settings: &Settings, asked: Timestamp) -> Result<Option<Report>, Fatal> {
    let say = |day: &Day| log::error!("{}, source {}: {}", day.calendar.date, day.source, day::verdict(day));
    let mut empty = Vec::new();
    let report = look(settings, asked, &mut |day| {
        match day.verdict().exit() {
            Exit::Empty => empty.push(day),
            Exit::Complete => {}
            _ => say(&day),
        }
        Ok(())
    })?;
    if report.as_ref().is_some_and(|report| report.exit == Exit::Empty) {
        empty.iter().for_each(say);
    }
    Ok(report)
}

fn settings(arguments: &Arguments) -> Result<Settings, Fatal> {
    let zone = zone(arguments.tz.as_deref())?;
    if let Some(date) = &arguments.date {
        let now = Timestamp::now().to_zoned(zone.clone().unwrap_or(TimeZone::UTC));
        parse_date(date, &now).map_err(|error| config(format!("--date: {error}")))?;
    }
    Ok(Settings {
        database: arguments.whose.database.location()?,
        source: arguments.whose.source()?,
        zone,
        date: arguments.date.clone(),
        limit: arguments.runs,
    })
}
