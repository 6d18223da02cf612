//! `giggles completions`: completion scripts for commands, flags and their values.
//!
//! Invariant: generated from the clap definitions that parse the command line. Values that a flag takes beside free text
//! (a threshold's name, a day's word) are added here, because the parser must also accept the free text.

use clap::builder::PossibleValuesParser;
use clap::{Arg, Args, CommandFactory, ValueEnum, ValueHint};
use clap_complete::{Shell, generate};
use giggles::error::Fatal;
use giggles::exit::Exit;
use giggles::notify::ping::Service;

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
    generate(shell, &mut with_values(Cli::command()), "giggles", &mut text);
    if !quiet {
        print(&String::from_utf8_lossy(&text))?;
    }
    Ok(Exit::Complete)
}

/// The command with values and hints for each flag, for scripts only: it would refuse free text.
fn with_values(command: clap::Command) -> clap::Command {
    command.mut_args(with_value).mut_subcommands(with_values)
}

fn with_value(flag: Arg) -> Arg {
    let kind = flag.get_value_names().and_then(|names| names.first()).map(|name| name.as_str().to_owned());
    let words = words(flag.get_long().unwrap_or_default(), kind.as_deref());
    if !words.is_empty() {
        return flag.value_parser(PossibleValuesParser::new(words));
    }
    let hint = match (flag.get_long(), kind.as_deref()) {
        // The path of an SQLite file, or a URL; a folder, or a bucket.
        (Some("database"), _) => ValueHint::AnyPath,
        (_, Some("FILE")) => ValueHint::FilePath,
        (_, Some("FOLDER")) => ValueHint::DirPath,
        (_, Some("URL")) => ValueHint::Url,
        (Some("ffmpeg" | "flac"), _) => ValueHint::CommandName,
        _ => return flag,
    };
    flag.value_hint(hint)
}

/// The words that a flag takes besides numbers, days and times.
fn words(flag: &str, kind: Option<&str>) -> Vec<&'static str> {
    match (flag, kind) {
        ("threshold", _) => vec!["sensitive", "normal", "strict"],
        ("views", _) => vec!["1", "3", "5"],
        ("date" | "from" | "to", Some("DAY" | "TIME")) => vec!["today", "yesterday"],
        ("ping-service", _) => Service::keys().collect(),
        ("shard", _) => vec!["auto"],
        _ => Vec::new(),
    }
}
