//! `giggles prune`: old clips and rows away.

use std::io::Write;

use clap::Args;
use giggles::care::prune::{Settings, before, prune};
use giggles::exit::{Exit, Fatal};
use giggles::output::prune::{line, summary};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::settings::{config, zone as named_zone};
use super::stored::{ClipFolder, Whose, zone};
use super::{EXIT_CODES, Results, unwritable};

const EXAMPLES: &str = "\
Examples:
  giggles prune --older-than 30d --clips clips --dry-run
      which clips are older than 30 days
  giggles prune --older-than 30d --clips clips
      remove them; their laughs stay in the database
  giggles prune --older-than 1y --clips clips --rows
      forget recordings and laughs as well, and runs of which nothing is left

Clips go first, then rows, some hundred at a time: cut short, the next prune goes on. A row is never removed while it names a clip. Recordings that are
forgotten and still lie in a scanned folder are heard again if a scan covers their day. What was said of laughs
(giggles notes) stays, and is of them again if they are. Here 0 means that all is
done, 3 that a clip could not be removed, 4 that nothing is stored, and 75 that a scan is at work.";

/// The flags of `giggles prune`.
#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", EXIT_CODES.as_str()))]
pub struct Arguments {
    /// How old: days, weeks, months or years of the calendar, such as 30d, 12w, 6mo or 1y
    #[arg(long, value_name = "AGE", allow_hyphen_values = true)]
    older_than: String,
    #[command(flatten)]
    clips: ClipFolder,
    /// Remove old recordings with their laughs as well, and runs that nothing refers to any more
    #[arg(long)]
    rows: bool,
    /// Show what would be removed, and remove nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Zone in which a day is a day [default: that of the last run] [env: GIGGLES_TZ]
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    #[command(flatten)]
    whose: Whose,
}

/// Removes, and shows what went.
pub fn run(arguments: &Arguments, quiet: bool) -> Result<Exit, Fatal> {
    let clips = arguments.clips.folder()?;
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    before(&arguments.older_than, &now).map_err(age)?;
    if clips.is_none() && !arguments.rows {
        return Err(config("nothing to prune: name the folder of the clips with --clips, or give --rows"));
    }
    named_zone(arguments.tz.as_deref())?;
    let Some(mut reader) = arguments.whose.database.reader()? else { return Ok(Exit::Empty) };
    let source = arguments.whose.source()?;
    let zone = zone(arguments.tz.as_deref(), source.as_deref(), reader.as_mut())?;
    let settings = Settings {
        database: arguments.whose.database.location()?,
        clips,
        source,
        before: before(&arguments.older_than, &now.with_time_zone(zone)).map_err(age)?,
        rows: arguments.rows,
        dry_run: arguments.dry_run,
    };
    let mut results = Results::for_people();
    let mut say = |text: &str| match quiet {
        true => Ok(()),
        false => results.write_all(text.as_bytes()).map_err(|error| unwritable(&error)),
    };
    let pruned = prune(&settings, reader.as_mut(), &mut |gone| say(&line(gone)))?;
    say(&summary(&pruned, settings.rows, settings.dry_run))?;
    results.flush().map_err(|error| unwritable(&error))?;
    Ok(pruned.exit())
}

fn age(reason: String) -> Fatal {
    config(format!("--older-than: {reason}"))
}
