//! `giggles export`: stored laughs for Audacity, Raven, spreadsheets and scripts.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValue;
use giggles::atomic_file::is_standard_output;
use giggles::domain::Reason;
use giggles::error::Fatal;
use giggles::exit::Exit;
use giggles::export::{Destination, Exported, Settings, export};
use giggles::render::export::{FORMATS, Format};
use giggles::text::pluralize;

use super::settings::wrong;
use super::stored::Stored;
use super::{Results, help_end, print_text};

const EXAMPLES: &str = "\
Examples:
  giggles export --format csv --from 2025-10-01 -o laughs.csv
      write all laughs since that day as a table
  giggles export --format recordings -o recordings.csv
      write all recordings as a table, also those without laughs
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
#[command(after_help = help_end(EXAMPLES))]
pub struct Arguments {
    /// Write this format
    #[arg(long, value_name = "FORMAT", value_parser = formats())]
    format: String,
    /// Write to this file or pipe; - is standard output, which is also the default
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["folder", "sidecar"])]
    output: Option<PathBuf>,
    /// Write one file per recording below this folder, which is created if it is missing
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
    arguments.stored.range.check_zone()?;
    let Some(mut reader) = arguments.stored.database.reader()? else { return Ok(Exit::Empty) };
    let zone = arguments.stored.zone(reader.as_mut())?;
    let settings = Settings {
        format: Format::named(&arguments.format).ok_or_else(|| wrong("--format", "unknown format"))?,
        source: arguments.stored.source()?,
        window: arguments.stored.range.window(&zone)?,
        include_rejected: arguments.include_rejected,
        destination: destination(arguments)?,
    };
    let exported = if quiet && matches!(settings.destination, Destination::Text) {
        export(&settings, reader.as_mut(), &mut io::sink())?
    } else {
        export(&settings, reader.as_mut(), &mut Results::new())?
    };
    if exported.exit() == Exit::Empty {
        log::error!("no recordings in the requested time range are stored; check the date, --tz and --source");
    }
    match &settings.destination {
        _ if quiet => {}
        Destination::Text => {}
        Destination::File(path) => print_text(&of_file(path, &exported))?,
        Destination::Folder(_) | Destination::Sidecar(_) => print_text(&summary(&exported))?,
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
    match (&arguments.folder, &arguments.sidecar, &arguments.output) {
        (Some(path), ..) => made("--folder", path).map(Destination::Folder),
        (_, Some(path), _) => folder("--sidecar", path).map(Destination::Sidecar),
        (.., Some(path)) if path.as_os_str() != "-" && !is_standard_output(path) => Ok(Destination::File(path.clone())),
        _ => Ok(Destination::Text),
    }
}

/// The folder, created if it is missing.
fn made(flag: &str, path: &Path) -> Result<PathBuf, Fatal> {
    fs::create_dir_all(path).map(|()| path.to_path_buf()).map_err(|error| {
        let text = format!("{} cannot be created: {error}; name another folder", path.display());
        wrong(flag, Reason::new(text).caused_by(error))
    })
}

fn summary(exported: &Exported) -> String {
    format!("{} of {} written\n", pluralize(exported.files, "file"), pluralize(exported.recordings, "recording"))
}

/// `laughs.csv: 25 recordings`
fn of_file(path: &Path, exported: &Exported) -> String {
    format!("{}: {}\n", path.display(), pluralize(exported.recordings, "recording"))
}
