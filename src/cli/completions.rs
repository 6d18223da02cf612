//! `giggles completions`: completion scripts for commands, flags and their values.
//!
//! Invariant: generated from the clap definitions that parse the command line.

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::{Shell, generate};
use giggles::error::Fatal;
use giggles::exit::Exit;

use super::{Cli, help_end_without_codes, print};

const EXAMPLES: &str = "\
Examples:
  giggles completions bash > ~/.local/share/bash-completion/completions/giggles
      install for bash with bash-completion; open a new shell
  giggles completions zsh > ~/.zfunc/_giggles
      install for zsh; ~/.zfunc must be in fpath before compinit runs
  giggles completions fish > ~/.config/fish/completions/giggles.fish
      install for fish";

/// The flags of `giggles completions`.
#[derive(Args)]
#[command(after_help = help_end_without_codes(EXAMPLES))]
pub struct Arguments {
    /// Write the script of this shell
    shell: Name,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Name {
    Bash,
    Zsh,
    Fish,
}

/// Writes the completion script to standard output.
pub fn run(arguments: &Arguments, quiet: bool) -> Result<Exit, Fatal> {
    let shell = match arguments.shell {
        Name::Bash => Shell::Bash,
        Name::Zsh => Shell::Zsh,
        Name::Fish => Shell::Fish,
    };
    let mut text = Vec::new();
    generate(shell, &mut Cli::command(), "giggles", &mut text);
    if !quiet {
        print(&String::from_utf8_lossy(&text))?;
    }
    Ok(Exit::Complete)
}
