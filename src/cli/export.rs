//! `giggles export`: stored laughs for Audacity, Raven, spreadsheets and scripts.

use std::io;
use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValue;
use giggles::exit::{Exit, Fatal};
use giggles::export::{Destination, Exported, Settings, export};
use giggles::output::export::{FORMATS, Format};

use super::settings::config;
use super::stored::Stored;
use super::{EXIT_CODES, Results, print_text};

const EXAMPLES: &str = "\
Examples:
  giggles export --format csv --from 2025-10-01 > laughs.csv
      everything since then as a table
  giggles export --format audacity --date yesterday --beside ~/recordings
      a label track beside each recording of a day
  giggles export --format raven --source neil --folder labels
      selection tables of all that one source ever recorded

A recording that holds no laugh gives a file that says so. One that could not be heard gives none; it is named on
standard error, and the exit code is 3.

In CSV a text that begins with =, +, -, @, a tab or a carriage return gets an apostrophe in front, so that no
spreadsheet takes it for a formula, and control characters are written as \\x1b; JSON has every text as it is.";

/// The flags of `giggles export`.
#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", EXIT_CODES.as_str()))]
pub struct Arguments {
    /// What to write
    #[arg(long, value_name = "FORMAT", value_parser = formats())]
    format: String,
    /// Write a file a recording below this folder, instead of all to standard output
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Write a file beside each recording; this is the folder that was scanned
    #[arg(long, value_name = "FOLDER", conflicts_with = "folder")]
    beside: Option<PathBuf>,
    #[command(flatten)]
    stored: Stored,
}

fn formats() -> impl clap::builder::IntoResettable<clap::builder::ValueParser> {
    let values = FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.about));
    clap::builder::PossibleValuesParser::new(values)
}

/// Exports, and says on standard error what could not be.
pub fn run(arguments: &Arguments, quiet: bool) -> Result<Exit, Fatal> {
    arguments.stored.check_zone()?;
    let Some(mut reader) = arguments.stored.database.reader()? else { return Ok(Exit::Empty) };
    let zone = arguments.stored.zone(reader.as_mut())?;
    let settings = Settings {
        format: Format::named(&arguments.format).ok_or_else(|| config("--format: it is not known"))?,
        source: arguments.stored.source()?,
        window: arguments.stored.window(&zone)?,
        destination: destination(arguments)?,
    };
    let exported = match quiet {
        true => export(&settings, reader.as_mut(), &mut io::sink())?,
        false => export(&settings, reader.as_mut(), &mut Results::new())?,
    };
    if exported.exit() == Exit::Empty {
        log::error!("no recordings of the time asked for are stored; are the day, --tz and --source right?");
    }
    if !quiet && !matches!(settings.destination, Destination::Text) {
        print_text(&summary(&exported))?;
    }
    Ok(exported.exit())
}

fn destination(arguments: &Arguments) -> Result<Destination, Fatal> {
    let folder = |flag: &str, path: &PathBuf| match path.is_dir() {
        true => Ok(path.clone()),
        false => Err(config(format!("{flag}: {} is no folder; make it, or mount its disk", path.display()))),
    };
    match (&arguments.folder, &arguments.beside) {
        (Some(path), _) => folder("--folder", path).map(Destination::Folder),
        (_, Some(path)) => folder("--beside", path).map(Destination::Beside),
        _ => Ok(Destination::Text),
    }
}

fn summary(exported: &Exported) -> String {
    let several = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    format!("{} of {} written\n", several(exported.files, "file"), several(exported.recordings, "recording"))
}
