//! `giggles man`: the manual pages, one per command.
//!
//! Invariant: generated from the clap definitions that parse the command line; identical on every machine.

use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;
use giggles::atomic_file::replace;
use giggles::domain::Reason;
use giggles::error::Fatal;
use giggles::exit::Exit;

use super::help::EXIT_CODES;
use super::settings::config;
use super::{Cli, help_end_without_codes, print};

/// Readable by all users.
const MODE: u32 = 0o644;

const EXAMPLES: &str = "\
Examples:
  giggles man | man -l -
      read the main page
  giggles man ~/.local/share/man/man1
      install one page per command for `man giggles-scan`";

/// The flags of `giggles man`.
#[derive(Args)]
#[command(after_help = help_end_without_codes(EXAMPLES))]
pub struct Arguments {
    /// Write all pages into this folder, instead of the main page to standard output
    folder: Option<PathBuf>,
}

/// Writes the main page, or all of them.
pub fn run(arguments: &Arguments, quiet: bool) -> Result<Exit, Fatal> {
    let command = definitions();
    match &arguments.folder {
        Some(folder) if folder.is_dir() => pages(command, folder)?,
        Some(folder) => return Err(config(format!("{} is not a folder; create it", folder.display()))),
        None if !quiet => print(&page(command)?)?,
        None => {}
    }
    Ok(Exit::Complete)
}

/// The clap definitions without what differs between machines: the CPU in the long version, the width of the terminal.
fn definitions() -> Command {
    let mut command = Cli::command().disable_help_subcommand(true).long_version(env!("CARGO_PKG_VERSION"));
    command.build();
    command
}

/// One page. clap_mangen calls the text after the flags EXTRA; it contains examples, and exit codes where they apply.
fn page(command: Command) -> Result<String, Fatal> {
    let man = Man::new(command).source(concat!("giggles ", env!("CARGO_PKG_VERSION"))).manual("giggles' manual");
    let mut text = Vec::new();
    man.render(&mut text).map_err(|error| Fatal::Failed(Reason::wrap(error)))?;
    let text = String::from_utf8_lossy(&text);
    let heading = if text.contains(EXIT_CODES) { "EXAMPLES AND EXIT STATUS" } else { "EXAMPLES" };
    Ok(text.replace("\n.SH EXTRA\n", &format!("\n.SH {heading}\n")))
}

fn pages(command: Command, folder: &Path) -> Result<(), Fatal> {
    for command in with_subcommands(&command) {
        let name = command.get_display_name().unwrap_or(command.get_name());
        let path = folder.join(format!("{name}.1"));
        replace(&path, page(command.clone())?.as_bytes(), MODE)
            .map_err(|error| Fatal::unwritable(&path.display().to_string(), error))?;
    }
    Ok(())
}

/// The command and all its subcommands, such as `giggles review import`.
fn with_subcommands(command: &Command) -> Vec<&Command> {
    std::iter::once(command).chain(command.get_subcommands().flat_map(with_subcommands)).collect()
}
