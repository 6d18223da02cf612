//! The command line: flags and environment to settings, a file a command.
//!
//! Invariant: the only room that knows clap. It decides nothing about audio or databases.

mod scan;
mod scores;
mod settings;
mod status;

use std::io::{self, Write};
use std::sync::LazyLock;

use clap::{Args, Parser, Subcommand};
use giggles::exit::{Exit, Fatal};
use giggles::record::Stop;
use giggles::yamnet::kernels::Cpu;
use giggles::yamnet::weights::ModelFile;
use log::LevelFilter;

/// `--version`: the program, the model in it, and the instructions it would use here.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let cpu = settings::cpu().unwrap_or_else(|_| Cpu::detect());
    format!("{}\nmodel {}\ncpu {}", env!("CARGO_PKG_VERSION"), ModelFile::embedded().sha256, cpu.name())
});

/// The exit codes, as every command's help ends with them.
static EXIT_CODES: LazyLock<String> = LazyLock::new(|| {
    let rows = Exit::ALL.map(|exit| format!("  {:>3}  {}", exit.code(), exit.meaning()));
    format!("Exit codes (new ones may come; an unknown code means failure):\n{}", rows.join("\n"))
});

/// Where help lists what all commands share: behind their own flags.
const LAST: usize = 100;

const EXAMPLES: &str = "\
Examples:
  giggles scan ~/recordings
      hear what has not been heard yet, and store its laughs in the user's own SQLite file
  giggles scores evening.ogg
      show what the model hears in one recording
  giggles status --date yesterday
      show what is known of a day: heard, failed, missing hours, laughs
  giggles help scan
      all settings of a scan";

/// Finds the laughs in a day of recordings and stores them where you can count them.
#[derive(Parser)]
#[command(version, long_version = VERSION.as_str(), after_help = format!("{EXAMPLES}\n\n{}", EXIT_CODES.as_str()), max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    verbosity: Verbosity,
}

#[derive(Subcommand)]
enum Command {
    /// Hear the recordings in folders and store their laughs
    Scan(Box<scan::Arguments>),
    /// Show what the model hears in one recording, patch by patch
    Scores(scores::Arguments),
    /// Show the last runs, or what is known of a day: heard, failed, missing hours, laughs
    Status(status::Arguments),
}

#[derive(Args)]
struct Verbosity {
    /// Write nothing if all goes well, neither results nor messages
    #[arg(short, long, global = true, conflicts_with = "verbose", display_order = LAST)]
    quiet: bool,
    /// Say more on standard error; twice for all
    #[arg(short, long, global = true, action = clap::ArgAction::Count, display_order = LAST)]
    verbose: u8,
}

impl Cli {
    /// Ends the program here for --help, --version and wrong usage (2).
    pub fn from_command_line() -> Cli {
        Cli::parse()
    }

    /// Of giggles' own messages. Quiet still lets errors through; RUST_LOG says more precisely what to log.
    pub fn log_level(&self) -> LevelFilter {
        match (self.verbosity.quiet, self.verbosity.verbose) {
            (true, _) => LevelFilter::Error,
            (false, 0) => LevelFilter::Warn,
            (false, 1) => LevelFilter::Info,
            (false, _) => LevelFilter::Debug,
        }
    }

    /// Of the libraries' messages. They name no recording, and what matters of them is in its outcome.
    pub fn libraries_log_level(&self) -> LevelFilter {
        match self.verbosity.verbose {
            0 | 1 => LevelFilter::Off,
            _ => LevelFilter::Debug,
        }
    }

    /// Runs the command and says how it ended.
    pub fn run(self, stop: &Stop) -> Result<Exit, Fatal> {
        match self.command {
            Command::Scan(arguments) => scan::run(*arguments, self.verbosity.quiet, stop),
            Command::Scores(arguments) => scores::run(&arguments, self.verbosity.quiet, stop),
            Command::Status(arguments) => status::run(&arguments, self.verbosity.quiet),
        }
    }
}

/// Results go to standard output. A reader that has gone (`| head`) is no failure.
fn print(text: &str) -> Result<(), Fatal> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(unwritable(&error)),
        _ => Ok(()),
    }
}

fn unwritable(error: &io::Error) -> Fatal {
    Fatal::Failed(format!("standard output cannot be written: {error}"))
}
