//! `giggles export`: stored laughs for Audacity, Raven, spreadsheets and scripts.

use std::io;
use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValue;
use giggles::error::Fatal;
use giggles::exit::Exit;
use giggles::export::{Destination, Exported, Settings, export};
use giggles::render::export::{FORMATS, Format};
use giggles::text::pluralize;

use super::settings::wrong;
use super::stored::Stored;
use super::{EXIT_CODES, Results, print_text};

const EXAMPLES: &str = "\
Examples:
  giggles export --format csv --from 2025-10-01 > laughs.csv
      write all laughs since that day as a table
  giggles export --format audacity --date yesterday --sidecar ~/recordings
      write a label track beside each recording of a day
  giggles export --format raven --source neil --folder labels
      write selection tables of all recordings of one source

A recording without laughs gives an empty file, or one with a header only. A failed recording gives no file; it is
named on standard error, and the exit code is 3. Laughs that a review rejects are not exported.

In CSV, text that begins with =, +, -, @, a tab or a carriage return is prefixed with an apostrophe, so that
spreadsheets do not evaluate it as a formula. Control characters are written as \\x1b. JSON contains text unchanged.";

/// The flags of `giggles export`.
#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", EXIT_CODES.as_str()))]
pub struct Arguments {
    /// Write this format
    #[arg(long, value_name = "FORMAT", value_parser = formats())]
    format: String,
    /// Write one file per recording below this folder, instead of all to standard output
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Write one file beside each recording; FOLDER is the folder that was scanned
    #[arg(long, value_name = "FOLDER", conflicts_with = "folder")]
    sidecar: Option<PathBuf>,
    /// Also export laughs that a review rejects
    #[arg(long)]
    include_rejected: bool,
    #[command(flatten)]
    stored: Stored,
}

fn formats() -> impl clap::builder::IntoResettable<clap::builder::ValueParser> {
    let values = FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.about));
    clap::builder::PossibleValuesParser::new(values)
}

/// Exports, and names failed recordings on standard error.
pub fn run(arguments: &Arguments, quiet: bool) -> Result<Exit, Fatal> {
    arguments.stored.check_zone()?;
    let Some(mut reader) = arguments.stored.database.reader()? else { return Ok(Exit::Empty) };
    let zone = arguments.stored.zone(reader.as_mut())?;
    let settings = Settings {
        format: Format::named(&arguments.format).ok_or_else(|| wrong("--format", "unknown format"))?,
        source: arguments.stored.source()?,
        window: arguments.stored.window(&zone)?,
        include_rejected: arguments.include_rejected,
        destination: destination(arguments)?,
    };
    let exported = if quiet {
        export(&settings, reader.as_mut(), &mut io::sink())?
    } else {
        export(&settings, reader.as_mut(), &mut Results::new())?
    };
    if exported.exit() == Exit::Empty {
        log::error!("no recordings in the requested time range are stored; check the date, --tz and --source");
    }
    if !quiet && !matches!(settings.destination, Destination::Text) {
        print_text(&summary(&exported))?;
    }
    Ok(exported.exit())
}

fn destination(arguments: &Arguments) -> Result<Destination, Fatal> {
    let folder = |flag: &str, path: &PathBuf| {
        if path.is_dir() {
            Ok(path.clone())
        } else {
            Err(wrong(flag, format!("{} is not a folder; create it, or mount its disk", path.display())))
        }
    };
    match (&arguments.folder, &arguments.sidecar) {
        (Some(path), _) => folder("--folder", path).map(Destination::Folder),
        (_, Some(path)) => folder("--sidecar", path).map(Destination::Sidecar),
        _ => Ok(Destination::Text),
    }
}

fn summary(exported: &Exported) -> String {
    format!("{} of {} written\n", pluralize(exported.files, "file"), pluralize(exported.recordings, "recording"))
}
