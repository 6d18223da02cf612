//! `giggles review import`: stores the reviews of a report page.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use giggles::domain::{Reason, ReviewedSpan};
use giggles::error::Fatal;
use giggles::exit::Exit;

use giggles::render::reviews::{document, text};
use giggles::reviews::{Settings, check_ends, import, read};
use giggles::stop::Stop;
use giggles::store::{self, Location};
use giggles::text::pluralize;

use super::sound::Sound;
use crate::cli::settings::config;
use crate::cli::stored::Database;
use crate::cli::{help_end, show};

const EXAMPLES: &str = "\
Examples:
  giggles review import giggles-reviews-2025-10-24.jsonl
      store the verdicts and comments that were exported on a page of giggles report
  giggles review import giggles-reviews-2025-10-24.jsonl --recordings /srv/audio
      and compute the sounds of laughs that were added on the page, from the recordings below this folder
  giggles review import --dry-run - < reviews.jsonl
      show what would be stored from standard input

The next report shows the stored reviews. A review refers to a time range of a recording: if the recording is analyzed
again with other detection parameters, the review applies to the laugh that overlaps the range most. Of two reviews of
one laugh the later one applies. Reviews of laughs that are not stored are kept and counted. If a line is invalid,
nothing of the file is stored (1). Exits with 0 if all reviews are stored, also if they were before, and with 4 if the
database is empty.";

/// The flags of `giggles review import`.
#[derive(Args)]
#[command(after_help = help_end(EXAMPLES))]
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
    sound: Sound,
    #[command(flatten)]
    database: Database,
}

pub fn run(arguments: &Import, quiet: bool, stop: &Stop) -> Result<Exit, Fatal> {
    let (name, bytes) = bytes(&arguments.file)?;
    let lines = read(&name, &bytes)?;
    let database = arguments.database.location()?;
    // An empty database cannot be the one that the page was made from.
    let Some(mut reader) = arguments.database.reader()? else { return Ok(Exit::Empty) };
    check_ends(&name, &lines, reader.as_mut())?;
    drop(reader);
    let reviews: Vec<ReviewedSpan> = lines.into_iter().map(|line| line.review).collect();
    let imported = import(&Settings { database: database.clone(), dry_run: arguments.dry_run }, &reviews)?;
    if !arguments.dry_run && arguments.sound.is_given() {
        add_embeddings(arguments, &reviews, &database, stop)?;
    }
    show(quiet, arguments.json, || document(&imported), || text(&imported))?;
    Ok(Exit::Complete)
}

/// Computes the embeddings that the imported reviews lack, such as those of laughs that were added on a page.
fn add_embeddings(
    arguments: &Import,
    imported: &[ReviewedSpan],
    database: &Location,
    stop: &Stop,
) -> Result<(), Fatal> {
    let Some(mut reader) = arguments.database.reader()? else { return Ok(()) };
    let key = |span: &ReviewedSpan| (span.source.clone(), span.content, span.start, span.end);
    let imported: HashSet<_> = imported.iter().map(key).collect();
    let mut lacking = Vec::new();
    for source in imported.iter().map(|(source, ..)| source).collect::<BTreeSet<_>>() {
        let stored = reader.reviews(source)?.into_iter();
        let stored = stored.filter(|one| !one.has_embedding && one.span.review.verdict.is_some());
        lacking.extend(stored.map(|one| one.span).filter(|span| imported.contains(&key(span))));
    }
    let (mut network, mut files, mut done) = (None, HashMap::new(), Vec::new());
    for mut span in lacking {
        let file = match files.entry(span.content) {
            Entry::Occupied(file) => file.into_mut(),
            Entry::Vacant(place) => place.insert(arguments.sound.file(&span.recording, Some(span.content))?),
        };
        let Some(file) = file else { continue };
        let network = match &mut network {
            Some(network) => network,
            none => none.insert(arguments.sound.network(stop)?),
        };
        span.embedding = network.embedding(file, &span, reader.as_mut())?;
        done.extend(span.embedding.is_some().then_some(span));
    }
    drop(reader);
    store::open(database)?.save_reviews(&done, false)?;
    log::info!("{} computed from the audio", pluralize(done.len(), "sound"));
    Ok(())
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
