//! `giggles review`: asks about one laugh after the other; adds, imports and resets reviews.

mod add;
mod ask;
mod import;
mod keys;
mod player;
mod reset;
mod sound;

use clap::{Args, Subcommand};
use giggles::error::Fatal;
use giggles::exit::Exit;

use super::help_end_without_codes;
use super::signals::SignalHandler;

const EXAMPLES: &str = "\
Examples:
  giggles review --clips ~/laughs
      play the laughs of the last 7 days without a verdict, one keypress each
  giggles review --from 2025-10-01 --all
      show every laugh since then again, also those with a verdict
  giggles review add evening.ogg 1:02:03.5 1:02:06
      add a laugh that was missed
  giggles review import giggles-reviews-2025-10-24.jsonl
      store the verdicts and comments that were exported on a page of giggles report
  giggles review reset --before 2025-06-01
      no longer use older reviews for the personal score

Keys: y a laugh, n not a laugh, c comment, f favourite (again: no longer), space play, s or right arrow skip, b or left arrow back, u undo, q quit. Each
verdict is stored at once. Besides the laughs, up to 5 sounds a day just below the threshold are shown, marked 'not
counted': a verdict on them teaches most. If standard input is not a terminal, its characters are the keys, and c takes
the rest of its line as the comment. Clips are played by the first of mpv, ffplay, pw-play, paplay, play that is
installed.";

/// The flags and commands of `giggles review`.
#[derive(Args)]
#[command(
    after_help = help_end_without_codes(EXAMPLES),
    disable_help_subcommand = true,
    args_conflicts_with_subcommands = true
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    ask: ask::Ask,
}

#[derive(Subcommand)]
enum Command {
    /// Add a laugh that was missed, or another sound, as a review
    Add(add::Add),
    /// Store the reviews that a report page exported: verdicts (confirmed, rejected), comments and marks as favourite
    Import(import::Import),
    /// No longer use older reviews for the personal score; the verdicts stay
    Reset(reset::Reset),
}

pub fn run(arguments: &Arguments, quiet: bool, signals: &SignalHandler) -> Result<Exit, Fatal> {
    match &arguments.command {
        None => ask::run(&arguments.ask, quiet, signals),
        Some(Command::Add(add)) => add::run(add, quiet, &signals.stop),
        Some(Command::Import(import)) => import::run(import, quiet, &signals.stop),
        Some(Command::Reset(reset)) => reset::run(reset, quiet),
    }
}
