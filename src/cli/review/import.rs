//! `giggles review import`: stores the reviews of a report page.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use giggles::domain::Reason;
use giggles::error::Fatal;
use giggles::exit::Exit;
use giggles::render::reviews::{document, text};
use giggles::reviews::{Settings, import, read};

use crate::cli::settings::config;
use crate::cli::stored::Database;
use crate::cli::{EXIT_CODES, print, print_text};

const EXAMPLES: &str = "\
Examples:
  giggles review import giggles-reviews-2025-10-24.jsonl
      store the verdicts and comments that were exported on a page of giggles report
  giggles review import --dry-run - < reviews.jsonl
      show what would be stored from standard input

The next report shows the stored reviews. A review refers to a time range of a recording: if the recording is analyzed
again with other detection parameters, the review applies to the laugh that overlaps the range most. Of two reviews of
one laugh the later one applies. Reviews of laughs that are not stored are kept and counted. If a line is invalid,
nothing of the file is stored (1). Exits with 0 if all reviews are stored, also if they were before, and with 4 if the
database is empty.";

/// The flags of `giggles review import`.
#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", EXIT_CODES.as_str()))]
pub struct Import {
    /// Read this file, one JSON object per line, as a report page exports it; - is standard input
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

pub fn run(arguments: &Import, quiet: bool) -> Result<Exit, Fatal> {
    let (name, bytes) = bytes(&arguments.file)?;
    let reviews = read(&name, &bytes)?;
    let database = arguments.database.location()?;
    // An empty database cannot be the one that the page was made from.
    if arguments.database.reader()?.is_none() {
        return Ok(Exit::Empty);
    }
    let imported = import(&Settings { database, dry_run: arguments.dry_run }, &reviews)?;
    match (quiet, arguments.json) {
        (true, _) => {}
        (_, true) => print(&document(&imported))?,
        _ => print_text(&text(&imported))?,
    }
    Ok(Exit::Complete)
}

/// The name of the input for messages, and its bytes.
fn bytes(file: &Path) -> Result<(String, Vec<u8>), Fatal> {
    if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        let read = io::stdin().lock().read_to_end(&mut bytes);
        read.map_err(|error| {
            Fatal::Failed(Reason::new(format!("standard input cannot be read: {error}")).caused_by(error))
        })?;
        return Ok(("standard input".into(), bytes));
    }
    let name = file.display().to_string();
    match std::fs::read(file) {
        Ok(bytes) => Ok((name, bytes)),
        Err(error) => {
            let reason = Reason::new(format!("{name} cannot be read: {error}; check the path and its permissions"));
            Err(config(reason.caused_by(error)))
        }
    }
}
