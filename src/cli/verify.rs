//! `giggles verify`: checks stored laughs against the folder of their clips.

use clap::Args;
use giggles::error::Fatal;
use giggles::exit::Exit;
use giggles::maintenance::verify::{Each, Mismatch, Settings, Verified, verify};
use giggles::render::verify::{Json, Text};
use giggles::store::Reader;

use super::settings::wrong;
use super::stored::{ClipFolder, SourceFilter};
use super::{Results, help_end, unwritable};

const EXAMPLES: &str = "\
Examples:
  giggles verify --clips clips
      list rows whose clip is missing, and clips without a row
  giggles verify --clips clips --delete-orphans
      remove clips without a row, which a killed run leaves behind
  giggles verify --clips clips --json | jq -r '.missing[].recording'
      list the recordings to scan again with --force, which writes their clips again

Exits with 0 if rows and clips agree, 3 if a clip is missing or has no row, and 4 if nothing is stored. Checks only
files that are named like clips, in the folders of the sources in the database, or of the source given with --source.
The clips of an active scan have no rows yet, so --delete-orphans exits with 75 while a scan is active.";

/// The flags of `giggles verify`.
#[derive(Args)]
#[command(after_help = help_end(EXAMPLES))]
pub struct Arguments {
    #[command(flatten)]
    clips: ClipFolder,
    /// Remove the listed files without a row
    #[arg(long)]
    delete_orphans: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source_filter: SourceFilter,
}

/// Verifies, and prints what does not match.
pub fn run(arguments: &Arguments, quiet: bool) -> Result<Exit, Fatal> {
    let Some(clips) = arguments.clips.location()? else {
        return Err(wrong("--clips", "name the folder of the clips"));
    };
    let Some(mut reader) = arguments.source_filter.database.reader()? else { return Ok(Exit::Empty) };
    let settings = Settings {
        database: arguments.source_filter.database.location()?,
        clips,
        source: arguments.source_filter.source()?,
        delete_orphans: arguments.delete_orphans,
    };
    let verified = match (quiet, arguments.json) {
        (true, _) => checked(&settings, reader.as_mut(), &mut |mismatch| {
            log_mismatch(mismatch);
            Ok(())
        })?,
        (false, true) => document(&settings, reader.as_mut())?,
        (false, false) => text(&settings, reader.as_mut())?,
    };
    Ok(verified.exit())
}

fn checked(settings: &Settings, reader: &mut dyn Reader, each: &mut Each) -> Result<Verified, Fatal> {
    let verified = verify(settings, reader, each)?;
    if !verified.unmatched.is_empty() {
        log::warn!("{} was not checked: no run of this source is stored here", verified.unmatched.join(", "));
    }
    Ok(verified)
}

fn document(settings: &Settings, reader: &mut dyn Reader) -> Result<Verified, Fatal> {
    let mut results = Results::new();
    let mut document = Json::to(&mut results);
    let verified = checked(settings, reader, &mut |found| document.add(found).map_err(unwritable))?;
    document.finish(&verified).map_err(unwritable)?;
    Ok(verified)
}

fn text(settings: &Settings, reader: &mut dyn Reader) -> Result<Verified, Fatal> {
    let mut results = Results::for_people();
    let mut text = Text::to(&mut results);
    let verified = checked(settings, reader, &mut |found| text.add(found).map_err(unwritable))?;
    text.finish(&verified).map_err(unwritable)?;
    Ok(verified)
}

/// With --quiet: logs only what does not match.
fn log_mismatch(mismatch: &Mismatch) {
    match mismatch {
        Mismatch::Missing(missing) => log::error!("{}: clip is missing", missing.clip),
        Mismatch::Orphan { file, removed: false } => log::error!("{}: clip without a row", file.path),
        Mismatch::Orphan { .. } => {}
    }
}
