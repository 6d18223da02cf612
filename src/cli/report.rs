//! `giggles report`: a day to the terminal, to scripts, or as a page.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use giggles::exit::{Exit, Fatal};
use giggles::output::report::{csv, document, text};
use giggles::replace::{is_standard_output, replace_or_stream};
use giggles::report::{Embed, Paper, Report, Settings, report};
use jiff::Timestamp;

use super::settings::{config, path};
use super::stored::Stored;
use super::{EXIT_CODES, print, print_text};

const EXAMPLES: &str = "\
Examples:
  giggles report
      yesterday: its number, its hours, its laughs
  giggles report --clips ~/laughs -o yesterday.html
      the same as a page to look at and to listen to; it opens from disk, without a network
  giggles report --from 2025-10-20 --to 2025-10-27 --csv
      a week as a table, a row a laugh

A laugh that the recorder cut in two, in files that follow each other without a gap, is one laugh here. Codes are
those of giggles status --date: 3 if a recording failed or nobody has looked since, 4 if nothing is stored.

In CSV a text that begins with =, +, -, @, a tab or a carriage return gets an apostrophe in front, so that no
spreadsheet takes it for a formula, and control characters are written as \\x1b; JSON has every text as it is.";

/// Only whoever wore the microphone: a page holds what people said.
const PRIVATE: u32 = 0o600;

/// The flags of `giggles report`.
#[derive(Args)]
#[command(
    after_help = format!("{EXAMPLES}\n\n{}", EXIT_CODES.as_str()),
    mut_arg("from", |flag| flag.value_name("DAY").help("The first day: YYYY-MM-DD, yesterday or '7 days ago'; reports are of whole days")),
    mut_arg("to", |flag| flag.value_name("DAY").help("The day after the last one"))
)]
pub struct Arguments {
    /// Write a page to this file or pipe; - is standard output
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["json", "csv"], help_heading = "As a page")]
    output: Option<PathBuf>,
    /// Folder of clips that `scan --clips` wrote [env: GIGGLES_CLIPS]
    #[arg(long, value_name = "FOLDER", help_heading = "As a page")]
    clips: Option<PathBuf>,
    /// Where the page has its clips: inside, beside it, or the surest laughs' inside as long as it stays small (16 MB)
    #[arg(long, value_name = "WHICH", default_value = "auto", help_heading = "As a page")]
    embed: EmbedFlag,
    /// Print one JSON document
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print a table, a row a laugh
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    stored: Stored,
}

#[derive(Clone, Copy, ValueEnum)]
enum EmbedFlag {
    All,
    None,
    Auto,
}

/// Reads the day and shows it.
pub fn run(arguments: &Arguments, quiet: bool) -> Result<Exit, Fatal> {
    let clips = clips(arguments)?;
    arguments.stored.check_zone()?;
    let Some(mut reader) = arguments.stored.database.reader()? else { return Ok(Exit::Empty) };
    let zone = arguments.stored.zone(reader.as_mut())?;
    let asked = Timestamp::now();
    let (first, last) = arguments.stored.dates(&zone, asked)?;
    let settings = Settings { source: arguments.stored.source()?, zone, first, last };
    let report = report(&settings, reader.as_mut(), asked)?;
    if report.exit == Exit::Empty {
        log::error!("no recordings of {first} are stored; are the day, --tz and --source right?");
    }
    match &arguments.output {
        Some(path) => write(arguments, &report, path, clips, quiet)?,
        None if quiet => {}
        None if arguments.json => print(&document(&report.telling()))?,
        None if arguments.csv => print(&csv(&report.telling()))?,
        None => print_text(&text(&report.telling()))?,
    }
    Ok(report.exit)
}

fn clips(arguments: &Arguments) -> Result<Option<PathBuf>, Fatal> {
    match path("--clips", arguments.clips.as_deref()) {
        Some(path) if arguments.output.is_some() && !path.is_dir() => {
            Err(config(format!("--clips: {} is no folder; is its disk mounted?", path.display())))
        }
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
    let page = report.page(&Paper { path, clips, embed })?;
    if path.as_os_str() == "-" || is_standard_output(path) {
        return print(&page);
    }
    replace_or_stream(path, page.as_bytes(), PRIVATE)
        .map_err(|error| Fatal::Failed(format!("{} cannot be written: {error}", path.display())))?;
    match quiet {
        true => Ok(()),
        false => print_text(&format!("{}: {}, {} kB\n", path.display(), report.telling().number(), page.len() / 1000)),
    }
}
