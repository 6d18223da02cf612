//! `giggles explain`: why a sound counts as a laugh, or why it does not.

use clap::Args;
use giggles::domain::SpanId;
use giggles::error::Fatal;
use giggles::exit::Exit;
use giggles::explain::explain;
use giggles::render::explain::{document, text};

use super::settings::config;
use super::stored::{Database, zone};
use super::{help_end_without_codes, show};

const EXAMPLES: &str = "\
Examples:
  giggles explain 17
      show the score of laugh 17, the threshold, and which of your reviews it sounds like
  giggles explain --candidate 21 --json
      show the same of a sound that does not count, for scripts

The numbers are those of giggles review (#17, candidate #21) and of id in giggles report --json. A recording that is
analyzed again gets new numbers; what is decided again (another threshold) gets new numbers of laughs.";

/// The flags of `giggles explain`.
#[derive(Args)]
#[command(after_help = help_end_without_codes(EXAMPLES))]
pub struct Arguments {
    /// Explain this laugh
    id: i64,
    /// Explain the possible laugh of this number in the table candidates
    #[arg(long)]
    candidate: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// Set the time zone of times [default: that of the last run] [env: GIGGLES_TZ]
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    #[command(flatten)]
    database: Database,
}

pub fn run(arguments: &Arguments, quiet: bool) -> Result<Exit, Fatal> {
    let Some(mut reader) = arguments.database.reader()? else { return Ok(Exit::Empty) };
    let zone = zone(arguments.tz.as_deref(), None, reader.as_mut())?;
    let id = if arguments.candidate { SpanId::Candidate(arguments.id) } else { SpanId::Detection(arguments.id) };
    let Some(explanation) = explain(reader.as_mut(), id)? else {
        let what = if arguments.candidate { "candidate" } else { "laugh" };
        return Err(config(format!(
            "no {what} {} with its scores is stored; giggles review and giggles report --json show the numbers",
            arguments.id
        )));
    };
    show(quiet, arguments.json, || document(&explanation), || text(&explanation, &zone))?;
    Ok(Exit::Complete)
}
