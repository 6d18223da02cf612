//! `giggles review reset`: which reviews the personal score uses.

use clap::Args;
use giggles::domain::Reason;
use giggles::error::Fatal;
use giggles::exit::Exit;
use giggles::render::reviews::reset_text;
use giggles::store::{self, ReviewReset};

use crate::cli::settings::config;
use crate::cli::stored::{SourceFilter, zone};
use crate::cli::window::instant;
use crate::cli::{help_end_without_codes, print_text};

const EXAMPLES: &str = "\
Examples:
  giggles review reset --before 2025-06-01 --source neil
      no longer use what was reviewed before 1 June; the verdicts stay, also in reports
  giggles review reset --restore --source neil
      use all reviews of this source again

The reviews that remain decide the personal score from the next scan on. With fewer than 30 of them there is none.";

/// The flags of `giggles review reset`.
#[derive(Args)]
#[command(after_help = help_end_without_codes(EXAMPLES))]
pub struct Reset {
    /// Reset what was reviewed before this time: 2025-10-24T13:00, with an offset or without, a day, or "7 days ago"
    #[arg(long, value_name = "TIME", required_unless_present = "restore")]
    before: Option<String>,
    /// Use reset reviews again; with --before only those from before that time
    #[arg(long)]
    restore: bool,
    /// Show how many reviews would change, and change nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Set the time zone of --before [default: that of the last run] [env: GIGGLES_TZ]
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    #[command(flatten)]
    filter: SourceFilter,
}

pub fn run(arguments: &Reset, quiet: bool) -> Result<Exit, Fatal> {
    let (source, database) = (arguments.filter.source()?, arguments.filter.database.location()?);
    let Some(mut reader) = arguments.filter.database.reader()? else { return Ok(Exit::Empty) };
    if source.is_none() && reader.sources()?.len() > 1 {
        return Err(config(Reason::new("the database has several sources; name one with --source")));
    }
    let zone = zone(arguments.tz.as_deref(), source.as_deref(), reader.as_mut())?;
    let before = arguments.before.as_deref().map(|text| instant("--before", text, &zone)).transpose()?.flatten();
    drop(reader);
    let reset = ReviewReset { source, before, is_personal: arguments.restore, dry_run: arguments.dry_run };
    let changed = store::open(&database)?.reset_reviews(&reset)?;
    if quiet {
        Ok(Exit::Complete)
    } else {
        print_text(&reset_text(reset.is_personal, reset.dry_run, changed)).map(|()| Exit::Complete)
    }
}
