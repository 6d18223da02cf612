//! `giggles config`: shows, writes and checks the settings file.

mod check;
mod init;
mod show;

use clap::{Args, Subcommand};
use giggles::error::Fatal;
use giggles::exit::Exit;

use super::{Flags, help_end_without_codes, scan};

const EXAMPLES: &str = "\
Examples:
  giggles config init
      write a file with all keys and their defaults, to fill in
  giggles config check
      check it: keys, values, folders, permissions
  giggles config show
      show the value of every setting, and where it comes from
  giggles --env-file /etc/giggles/nightly.env config show
      show what the nightly run reads

A flag takes precedence over a variable, a variable over the settings file, and the file over the default. The settings
file is the first of: --config, GIGGLES_CONFIG, $XDG_CONFIG_HOME/giggles/config.toml (else ~/.config), and
/etc/giggles/config.toml. The others are not read.";

/// The commands of `giggles config`.
#[derive(Args)]
#[command(after_help = help_end_without_codes(EXAMPLES), disable_help_subcommand = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show every setting, its value, and where it comes from; secrets are masked
    #[command(after_help = help_end_without_codes(show::EXAMPLES))]
    Show(Box<scan::Arguments>),
    /// Write a settings file with all keys and their defaults
    Init(init::Arguments),
    /// Check the settings file: keys, values, folders, permissions
    Check(check::Arguments),
}

/// `wrong` is what is wrong with the files; `init` and `check` work all the same.
pub fn run(arguments: &Arguments, flags: &Flags, quiet: bool, wrong: Option<Fatal>) -> Result<Exit, Fatal> {
    match (&arguments.command, wrong) {
        (Command::Init(_), _) => init::run(flags, quiet),
        (Command::Check(_), wrong) => check::run(quiet, wrong),
        (Command::Show(_), Some(wrong)) => Err(wrong),
        (Command::Show(scan), None) => show::run(scan, flags, quiet),
    }
}
