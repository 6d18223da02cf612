//! `giggles notes`: what people said of laughs, back into the database.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use giggles::exit::{Exit, Fatal};
use giggles::notes::{Settings, import, read};
use giggles::output::notes::{document, text};

use super::settings::config;
use super::stored::Database;
use super::{EXIT_CODES, print, print_text};

const EXAMPLES: &str = "\
Examples:
  giggles notes import giggles-notes-2025-10-24.jsonl
      store what was kept, discarded and noted on a page of giggles report, and exported there
  giggles notes import --dry-run - < notes.jsonl
      what would be stored of a file on standard input

The next report shows what is stored. A note is of a stretch of a recording: where the recording is heard again under
other rules, it is of the laugh that has most of that stretch, and the later of two notes on one laugh holds. Notes on
laughs that are not stored are kept and counted. A line that is no note is named, and then nothing of the file is
stored (1). Here 0 means that all of it is stored, also if it was before, and 4 that nothing has been stored yet.";

/// The commands of `giggles notes`.
#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", EXIT_CODES.as_str()), disable_help_subcommand = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Store what was said on a page: keep, discard, words
    Import(Import),
}

/// The flags of `giggles notes import`.
#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", EXIT_CODES.as_str()))]
struct Import {
    /// File that a page exported, a JSON object a line; - for standard input
    file: PathBuf,
    /// Show what would be stored, and store nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: Database,
}

pub fn run(arguments: &Arguments, quiet: bool) -> Result<Exit, Fatal> {
    let Command::Import(arguments) = &arguments.command;
    let (name, bytes) = bytes(&arguments.file)?;
    let notes = read(&name, &bytes)?;
    let database = arguments.database.location()?;
    // A database in which there is nothing is another one than the page was made from.
    if arguments.database.reader()?.is_none() {
        return Ok(Exit::Empty);
    }
    let imported = import(&Settings { database, dry_run: arguments.dry_run }, &notes)?;
    match (quiet, arguments.json) {
        (true, _) => {}
        (_, true) => print(&document(&imported))?,
        _ => print_text(&text(&imported))?,
    }
    Ok(Exit::Complete)
}

/// The file's bytes, and what to call it.
fn bytes(file: &Path) -> Result<(String, Vec<u8>), Fatal> {
    if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        let read = io::stdin().lock().read_to_end(&mut bytes);
        read.map_err(|error| Fatal::Failed(format!("standard input cannot be read: {error}")))?;
        return Ok(("standard input".into(), bytes));
    }
    let name = file.display().to_string();
    match std::fs::read(file) {
        Ok(bytes) => Ok((name, bytes)),
        Err(error) => Err(config(format!("{name} cannot be read: {error}; check the path and its permissions"))),
    }
}
