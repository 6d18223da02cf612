//! `giggles prune`: removes old clips and rows.

use std::io::Write;

use clap::Args;
use giggles::error::Fatal;
use giggles::exit::Exit;
use giggles::maintenance::prune::{Settings, before, prune};
use giggles::render::prune::{line, summary};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::settings::{config, wrong, zone as named_zone};
use super::stored::{ClipFolder, SourceFilter, zone};
use super::{Results, help_end, unwritable};

const EXAMPLES: &str = "\
Examples:
  giggles prune --older-than 30d --clips clips --dry-run
      list the clips that are older than 30 days
  giggles prune --older-than 30d --clips clips
      remove them; their laughs stay in the database
  giggles prune --older-than 1y --clips clips --rows
      remove recordings and laughs as well, and runs without any recordings left

Clips of laughs that were reviewed as confirmed or marked as favourite are kept, with their rows; the last line counts
them. Removes clips first, then rows, a few hundred at a time; if it is interrupted, the next prune continues. Never removes
a row that names a clip. A scan that covers their day analyzes removed recordings again if their files still exist.
Reviews (giggles review) are kept and apply again when their laugh is stored again. Exits with 0 if everything was
removed, 3 if a clip could not be removed, 4 if nothing is stored, and 75 if a scan is active.";

/// The flags of `giggles prune`.
#[derive(Args)]
#[command(after_help = help_end(EXAMPLES))]
pub struct Arguments {
    /// Remove what is older than this: calendar days, weeks, months or years, such as 30d, 12w, 6mo or 1y
    #[arg(long, value_name = "AGE", allow_hyphen_values = true)]
    older_than: String,
    #[command(flatten)]
    clips: ClipFolder,
    /// Remove old recordings and their laughs as well, and runs that no row refers to
    #[arg(long)]
    rows: bool,
    /// Also remove clips of laughs that are confirmed or marked as favourite
    #[arg(long)]
    even_confirmed: bool,
    /// Show what would be removed, and remove nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Set the time zone of calendar days [default: that of the last run] [env: GIGGLES_TZ]
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    #[command(flatten)]
    source_filter: SourceFilter,
}

/// Removes, and prints what was removed.
pub fn run(arguments: &Arguments, quiet: bool) -> Result<Exit, Fatal> {
    let clips = arguments.clips.location()?;
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    before(&arguments.older_than, &now).map_err(age)?;
    if clips.is_none() && !arguments.rows {
        return Err(config("nothing to prune: name the folder of the clips with --clips, or give --rows"));
    }
    named_zone(arguments.tz.as_deref())?;
    let Some(mut reader) = arguments.source_filter.database.reader()? else { return Ok(Exit::Empty) };
    let source = arguments.source_filter.source()?;
    let zone = zone(arguments.tz.as_deref(), source.as_deref(), reader.as_mut())?;
    let settings = Settings {
        database: arguments.source_filter.database.location()?,
        clips,
        source,
        before: before(&arguments.older_than, &now.with_time_zone(zone)).map_err(age)?,
        rows: arguments.rows,
        even_confirmed: arguments.even_confirmed,
        dry_run: arguments.dry_run,
    };
    let mut results = Results::for_people();
    let mut show = |text: &str| {
        if quiet { Ok(()) } else { results.write_all(text.as_bytes()).map_err(unwritable) }
    };
    let pruned = prune(&settings, reader.as_mut(), &mut |item| show(&line(item)))?;
    show(&summary(&pruned, settings.rows, settings.dry_run))?;
    results.flush().map_err(unwritable)?;
    Ok(pruned.exit())
}

fn age(reason: String) -> Fatal {
    wrong("--older-than", reason)
}
