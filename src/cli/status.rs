//! `giggles status`: reads the flags into `status::Settings` and prints what is stored.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use giggles::audio::window::parse_date;
use giggles::calendar::Day;
use giggles::domain::Reason;
use giggles::error::Fatal;
use giggles::exit::Exit;
use giggles::render::status::json::Json;
use giggles::render::status::{View, advice, day, fleet, runs};
use giggles::status::{Report, Settings, query};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::settings::{wrong, zone};
use super::stored::SourceFilter;
use super::terminal::width;
use super::{Results, help_end, print_text, unwritable};

const EXAMPLES: &str = "\
Examples:
  giggles status
      show the last runs
  giggles status --date yesterday
      show what was analyzed of that day, what failed, and which hours are missing
  giggles status --date 2025-10-24 --source neil --json | jq '.days[0].complete'
      the same for scripts
  giggles status --date 2025-10-24 --all-sources --expect sources.txt --json | jq .sources
      count complete, failed and incomplete sources, and name those that are missing

A day is complete if it has recordings, none of them failed, it is over, and a run has scanned
the whole day since. Gaps are shown but do not make a day incomplete. Exits with 0 if the day is
complete or not over, 3 if a recording failed or no run has scanned the whole day since it
ended, and 4 if nothing is stored. With several sources the worst one that has recordings counts.
An expected source (--expect) without recordings of the day is missing: 3.

A failed run is rolled back and leaves no row; only the age of the last stored run shows it.";

/// The flags of `giggles status`.
#[derive(Args)]
#[command(after_help = help_end(EXAMPLES))]
pub struct Arguments {
    /// Show this day instead of the last runs: YYYY-MM-DD, today, yesterday or '7 days ago'
    #[arg(long, value_name = "DAY")]
    date: Option<String>,
    /// Set the time zone of calendar days [default: that of the last run] [env: GIGGLES_TZ]
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    #[command(flatten)]
    source_filter: SourceFilter,
    /// Show all sources, also if GIGGLES_SOURCE names one, and their number by state
    #[arg(long, requires = "date", conflicts_with = "source")]
    all_sources: bool,
    /// Report the sources of this file, one per line, that have no recordings of the day; - reads standard input
    #[arg(long, value_name = "FILE", requires = "all_sources")]
    expect: Option<PathBuf>,
    /// Also count laughs that a review rejects
    #[arg(long, requires = "date")]
    include_rejected: bool,
    /// Show this many runs
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Queries the database and prints the result.
pub fn run(arguments: &Arguments, quiet: bool) -> Result<Exit, Fatal> {
    let settings = settings(arguments)?;
    let asked = Timestamp::now();
    let report = match (quiet, arguments.json) {
        (true, _) => log_problems(&settings, asked)?,
        (_, true) => show_json(&settings, asked)?,
        _ => show_text(&settings, asked, arguments.all_sources)?,
    };
    let Some(report) = report else {
        log::error!(
            "nothing has been stored yet in {}; giggles scan FOLDER analyzes recordings. If there were scans, check that \
             they write to this database (--database, DATABASE_URL) and that its disk is mounted",
            settings.database
        );
        return Ok(Exit::Empty);
    };
    if let Some(source) = settings.source.as_ref().filter(|source| !report.sources.contains(source)) {
        log::error!("no run of source '{source}' is stored; stored sources: {}", report.sources.join(", "));
    }
    Ok(report.exit)
}

fn show_json(settings: &Settings, asked: Timestamp) -> Result<Option<Report>, Fatal> {
    let mut results = Results::new();
    let database = settings.database.to_string();
    let mut document = Json::to(&mut results, asked, database);
    let report = query(settings, asked, &mut |day| document.add(&day).map_err(unwritable))?;
    let done = match &report {
        Some(report) => {
            let lists = (&report.runs[..], &report.scores[..], &report.verdicts[..]);
            document.finish(lists, &report.zone, report.fleet.as_ref())
        }
        None => document.finish((&[], &[], &[]), settings.zone.as_ref().unwrap_or(&TimeZone::UTC), None),
    };
    done.map_err(unwritable)?;
    Ok(report)
}

fn show_text(settings: &Settings, asked: Timestamp, counts_sources: bool) -> Result<Option<Report>, Fatal> {
    let mut results = Results::for_people();
    let mut days = day::Text::to(&mut results, width());
    let report = query(settings, asked, &mut |day| days.add(day).map_err(unwritable))?;
    let Some(report) = report else { return Ok(None) };
    let Report { zone, runs, scores, .. } = &report;
    let view = View { asked, database: settings.database.to_string(), zone, runs, scores };
    match &settings.date {
        Some(_) => {
            days.finish(&view).map_err(unwritable)?;
            report.fleet.as_ref().filter(|_| counts_sources).map_or(Ok(()), |all| print_text(&fleet::render(all)))?;
        }
        None => print_text(&runs::render(&view, width()))?,
    }
    print_text(&advice(&report.verdicts))?;
    Ok(Some(report))
}

/// With --quiet: logs only incomplete days, or all days if none has recordings.
fn log_problems(settings: &Settings, asked: Timestamp) -> Result<Option<Report>, Fatal> {
    let log_day = |day: &Day| log::error!("{}, source {}: {}", day.calendar.date, day.source, day::completeness(day));
    let mut empty = Vec::new();
    let report = query(settings, asked, &mut |day| {
        match day.completeness().exit() {
            Exit::Empty => empty.push(day),
            Exit::Complete => {}
            _ => log_day(&day),
        }
        Ok(())
    })?;
    if report.as_ref().is_some_and(|report| report.exit == Exit::Empty) {
        empty.iter().for_each(log_day);
    }
    if let Some(missing) = report.as_ref().and_then(|report| fleet::missing(report.fleet.as_ref()?)) {
        log::error!("{missing}");
    }
    Ok(report)
}

fn settings(arguments: &Arguments) -> Result<Settings, Fatal> {
    let zone = zone(arguments.tz.as_deref())?;
    if let Some(date) = &arguments.date {
        let now = Timestamp::now().to_zoned(zone.clone().unwrap_or(TimeZone::UTC));
        parse_date(date, &now).map_err(|error| wrong("--date", Reason::wrap(error)))?;
    }
    Ok(Settings {
        database: arguments.source_filter.database.location()?,
        source: if arguments.all_sources { None } else { arguments.source_filter.source()? },
        zone,
        date: arguments.date.clone(),
        expected: arguments.expect.as_deref().map_or(Ok(BTreeSet::new()), expected)?,
        limit: arguments.runs,
        include_rejected: arguments.include_rejected,
    })
}

/// The names in a file, one per line, trimmed as `--source` is; empty lines and lines that begin with # do not count.
fn expected(path: &Path) -> Result<BTreeSet<String>, Fatal> {
    let mut text = String::new();
    let read = match path.to_str() {
        Some("-") => io::stdin().read_to_string(&mut text),
        _ => File::open(path).and_then(|mut file| file.read_to_string(&mut text)),
    };
    read.map_err(|error| {
        let why = Reason::new(format!("{} cannot be read: {error}", path.display()));
        wrong("--expect", why.caused_by(error))
    })?;
    let names: BTreeSet<String> = text
        .lines()
        .map(str::trim)
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .map(str::to_owned)
        .collect();
    if names.is_empty() {
        return Err(wrong("--expect", format!("{} names no source", path.display())));
    }
    Ok(names)
}
