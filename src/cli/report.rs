//! `giggles report`: a day on the terminal, as JSON or CSV, or as an HTML page.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use giggles::atomic_file::{is_standard_output, replace_or_stream};
use giggles::days::{counts, last_dates};
use giggles::domain::DayCount;
use giggles::error::Fatal;
use giggles::exit::Exit;
use giggles::object_store::is_object_url;
use giggles::render::days::{lines_of_counts, long_text};
use giggles::render::report::{csv, document, text};
use giggles::report::{Embed, MAX_DAYS, PageOptions, Report, Settings, report};
use jiff::Timestamp;
use jiff::civil::Date;

use super::days::nothing;
use super::settings::{path, wrong_path};
use super::stored::Stored;
use super::terminal::width;
use super::{help_end, print, print_text};

const EXAMPLES: &str = "\
Examples:
  giggles report
      show the last day with recordings: the number of laughs, the coverage, each laugh
  giggles report --date yesterday --clips ~/laughs -o yesterday.html
      write a day as an HTML page with sound; it opens from disk and works offline
  giggles report --from 2025-01-01 --to 2025-12-31
      show a year, a line for each week
  giggles report --from 2025-10-20 --to 2025-10-26 --csv
      print a week as a table, one row per laugh

More than seven days are summarised as text: a line for each day, from 63 days on for each week (which then exits with 3 only
if a recording failed or is partial).

A laugh that continues in the next recording without a gap counts as one laugh; one that a review rejects does not
count. Exit codes are those of giggles
status --date: 3 if a recording failed or no run has scanned the whole day since it ended, 4 if nothing is stored.

In CSV, text that begins with =, +, -, @, a tab or a carriage return is prefixed with an apostrophe, so that
spreadsheets do not evaluate it as a formula. Control characters are written as \\x1b. JSON contains text unchanged.";

/// Readable by the user only: a page contains recorded speech.
const PRIVATE: u32 = 0o600;

/// The flags of `giggles report`.
#[derive(Args)]
#[command(
    after_help = help_end(EXAMPLES),
    mut_arg("from", |flag| flag.value_name("DAY").help("Start with this day: YYYY-MM-DD, yesterday or '7 days ago'; a report covers whole days")),
    mut_arg("to", |flag| flag.value_name("DAY").help("End with this day"))
)]
pub struct Arguments {
    /// Write an HTML page to this file or pipe; - is standard output
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["json", "csv"], help_heading = "HTML page")]
    output: Option<PathBuf>,
    /// Take the clips from this folder, which `scan --clips` wrote [env: GIGGLES_CLIPS]
    #[arg(long, value_name = "FOLDER", help_heading = "HTML page")]
    clips: Option<PathBuf>,
    /// Embed all clips in the page, none (link to their files), or those of the highest-scoring laughs up to 16 MB
    /// (auto)
    #[arg(long, value_name = "WHICH", default_value = "auto", help_heading = "HTML page")]
    embed: EmbedFlag,
    /// Print one JSON document
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print a CSV table, one row per laugh
    #[arg(long)]
    csv: bool,
    /// Add what does not count: to --json every candidate with its values, to the text the sounds that are offered for
    /// review or were reviewed; a page always has those
    #[arg(long, conflicts_with = "csv")]
    candidates: bool,
    /// Also count and show laughs that a review rejects; without it, a page lists them apart
    #[arg(long)]
    include_rejected: bool,
    #[command(flatten)]
    stored: Stored,
}

#[derive(Clone, Copy, ValueEnum)]
enum EmbedFlag {
    All,
    None,
    Auto,
}

/// Reads the days and shows them.
pub fn run(arguments: &Arguments, quiet: bool) -> Result<Exit, Fatal> {
    let clips = clips(arguments)?;
    arguments.stored.range.check_zone()?;
    let Some(mut reader) = arguments.stored.database.reader()? else { return Ok(Exit::Empty) };
    let zone = arguments.stored.zone(reader.as_mut())?;
    let asked = Timestamp::now();
    let source = arguments.stored.source()?;
    let given = arguments.stored.given_dates(&zone, asked)?;
    let latest = match given {
        None => last_dates(reader.as_mut(), source.as_deref(), &zone, 1)?.first().map(|date| (*date, *date)),
        Some(_) => None,
    };
    let Some((first, last)) = given.or(latest) else {
        log::error!("{}", nothing(None, source.as_deref()));
        return Ok(Exit::Empty);
    };
    if is_text(arguments) && first.until(last).is_ok_and(|span| span.get_days() >= MAX_DAYS) {
        let found = counts(reader.as_mut(), source.as_deref(), &zone, (first, last))?;
        return weeks(&found, (first, last), source.as_deref(), quiet);
    }
    let candidates = arguments.candidates || arguments.output.is_some();
    let sources = source.clone().map(|source| vec![source]);
    let include_rejected = arguments.include_rejected;
    let settings = Settings { sources, zone, first, last, candidates, include_rejected };
    let report = report(&settings, reader.as_mut(), asked)?;
    if report.exit == Exit::Empty {
        log::error!("{}", nothing(Some((first, last)), source.as_deref()));
    }
    match &arguments.output {
        Some(path) => write(arguments, &report, path, clips, quiet)?,
        None if quiet => {}
        None if arguments.json => print(&document(&report.view()))?,
        None if arguments.csv => print(&csv(&report.view()))?,
        None => print_text(&text(&report.view(), width()))?,
    }
    Ok(report.exit)
}

/// Neither a page nor a document.
fn is_text(arguments: &Arguments) -> bool {
    arguments.output.is_none() && !arguments.json && !arguments.csv
}

/// A range of months: a line for each week.
fn weeks(found: &[DayCount], range: (Date, Date), source: Option<&str>, quiet: bool) -> Result<Exit, Fatal> {
    if found.is_empty() {
        log::error!("{}", nothing(Some(range), source));
        return Ok(Exit::Empty);
    }
    let lines = lines_of_counts(found);
    if !quiet {
        print_text(&long_text(&lines, width()))?;
    }
    let is_damaged = lines.values().any(|line| line.failed > 0);
    Ok(if is_damaged { Exit::Partial } else { Exit::Complete })
}

fn clips(arguments: &Arguments) -> Result<Option<PathBuf>, Fatal> {
    let flag = arguments.clips.as_deref();
    match path("--clips", flag) {
        Some(path) if arguments.output.is_some() && is_object_url(&path) => {
            let copy = "copy the clips to a folder first (aws s3 cp --recursive, rclone copy) and name that";
            Err(wrong_path("--clips", flag, format!("a page takes its clips from a folder of this machine; {copy}")))
        }
        Some(path) if arguments.output.is_some() && !path.is_dir() => Err(wrong_path(
            "--clips",
            flag,
            format!("{} is not a folder; check that its disk is mounted", path.display()),
        )),
        path => Ok(path),
    }
}

fn write(
    arguments: &Arguments,
    report: &Report,
    path: &PathBuf,
    clips: Option<PathBuf>,
    quiet: bool,
) -> Result<(), Fatal> {
    let embed = match arguments.embed {
        EmbedFlag::All => Embed::All,
        EmbedFlag::None => Embed::None,
        EmbedFlag::Auto => Embed::Auto,
    };
    let page = report.page(&PageOptions { path, clips, embed })?;
    if path.as_os_str() == "-" || is_standard_output(path) {
        return print(&page);
    }
    replace_or_stream(path, page.as_bytes(), PRIVATE)
        .map_err(|error| Fatal::unwritable(&path.display().to_string(), error))?;
    if quiet {
        Ok(())
    } else {
        print_text(&format!("{}: {}, {} kB\n", path.display(), report.view().number(), page.len() / 1000))
    }
}
