//! `giggles completions`: what a shell needs to complete commands, flags and their values.
//!
//! Invariant: generated from the definitions that parse the command line.

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::{Shell, generate};
use giggles::exit::{Exit, Fatal};

use super::{Cli, EXIT_CODES, print};

const EXAMPLES: &str = "\
Examples:
  giggles completions bash > ~/.local/share/bash-completion/completions/giggles
      for bash with bash-completion, from the next shell on
  giggles completions zsh > ~/.zfunc/_giggles
      for zsh, whose fpath holds ~/.zfunc before compinit runs
  giggles completions fish > ~/.config/fish/completions/giggles.fish
      for fish";

/// The flags of `giggles completions`.
#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", EXIT_CODES.as_str()))]
pub struct Arguments {
    /// Of which shell
    shell: Name,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Name {
    Bash,
    Zsh,
    Fish,
}

/// Writes them to standard output.
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
