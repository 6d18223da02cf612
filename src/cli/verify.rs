//! `giggles verify`: stored laughs against the folder of their clips.

use clap::Args;
use giggles::care::verify::{Each, Mismatch, Settings, Verified, verify};
use giggles::exit::{Exit, Fatal};
use giggles::output::verify::{Json, Text};
use giggles::store::Reader;

use super::settings::config;
use super::stored::{ClipFolder, Whose};
use super::{EXIT_CODES, Results, unwritable};

const EXAMPLES: &str = "\
Examples:
  giggles verify --clips clips
      rows whose clip is missing, and clips that no row names
  giggles verify --clips clips --delete-orphans
      remove the clips that no row names, such as a killed run leaves behind
  giggles verify --clips clips --json | jq -r '.missing[].recording'
      which recordings to scan again with --force to have their clips back

Here 0 means that rows and clips agree, 3 that a clip is missing or that no row names one, and 4 that nothing is
stored. Only files that bear the name of a clip are looked at, in the folders of the sources that the database
knows, or of the one that is named. The clips of a scan at work have no rows yet: --delete-orphans waits for no
scan and disturbs none, it ends with 75 while one is at work.";

/// The flags of `giggles verify`.
#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", EXIT_CODES.as_str()))]
pub struct Arguments {
    #[command(flatten)]
    clips: ClipFolder,
    /// Remove the files that no row names, and nothing that is not listed
    #[arg(long)]
    delete_orphans: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    whose: Whose,
}

/// Looks, and shows what does not agree.
pub fn run(arguments: &Arguments, quiet: bool) -> Result<Exit, Fatal> {
    let Some(clips) = arguments.clips.folder()? else {
        return Err(config("--clips: name the folder of the clips"));
    };
    let Some(mut reader) = arguments.whose.database.reader()? else { return Ok(Exit::Empty) };
    let settings = Settings {
        database: arguments.whose.database.location()?,
        clips,
        source: arguments.whose.source()?,
        delete_orphans: arguments.delete_orphans,
    };
    let verified = match (quiet, arguments.json) {
        (true, _) => look(&settings, reader.as_mut(), &mut |mismatch| {
            complain(mismatch);
            Ok(())
        })?,
        (false, true) => document(&settings, reader.as_mut())?,
        (false, false) => text(&settings, reader.as_mut())?,
    };
    Ok(verified.exit())
}

fn look(settings: &Settings, reader: &mut dyn Reader, each: &mut Each) -> Result<Verified, Fatal> {
    let verified = verify(settings, reader, each)?;
    if !verified.strangers.is_empty() {
        log::warn!("nobody looked into {}: no run of such a source is stored here", verified.strangers.join(", "));
    }
    Ok(verified)
}

fn document(settings: &Settings, reader: &mut dyn Reader) -> Result<Verified, Fatal> {
    let mut results = Results::new();
    let mut document = Json::to(&mut results);
    let verified = look(settings, reader, &mut |found| document.add(found).map_err(|error| unwritable(&error)))?;
    document.finish(&verified).map_err(|error| unwritable(&error))?;
    Ok(verified)
}

fn text(settings: &Settings, reader: &mut dyn Reader) -> Result<Verified, Fatal> {
    let mut results = Results::for_people();
    let mut text = Text::to(&mut results);
    let verified = look(settings, reader, &mut |found| text.add(found).map_err(|error| unwritable(&error)))?;
    text.finish(&verified).map_err(|error| unwritable(&error))?;
    Ok(verified)
}

/// Quiet is for scripts, which want a word only if something is wrong.
fn complain(mismatch: &Mismatch) {
    match mismatch {
        Mismatch::Missing(missing) => log::error!("{}: a row names it, and it is missing", missing.clip),
        Mismatch::Orphan { file, removed: false } => log::error!("{}: no row names it", file.path),
        Mismatch::Orphan { .. } => {}
    }
}
