//! The command line: turns flags and environment variables into settings; one file per command.
//!
//! Invariant: the only module that uses clap. It makes no decision about audio or databases.

mod completions;
mod config;
mod database_url;
mod days;
mod doctor;
mod evaluate;
mod explain;
mod export;
mod help;
mod man;
mod messages;
mod prune;
mod redetect;
mod report;
mod results;
mod review;
mod run_guard;
mod scan;
mod scores;
mod serve;
mod settings;
pub mod signals;
mod status;
mod stored;
mod terminal;
#[cfg(test)]
mod tests;
mod verify;
mod window;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::LazyLock;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Id, Parser, Subcommand};
use giggles::error::Fatal;
use giggles::exit::Exit;
use giggles::model::ModelFile;
use giggles::text::escape_lines;
use log::LevelFilter;
use yamnet::Cpu;

use self::help::{help_end, help_end_without_codes};
use self::messages::{Log, LogFormat};
use self::results::{Results, print, print_text, show, unwritable};

pub use self::messages::log_error;
use self::settings::values::log_format_of;
use self::settings::{given, layers, value};
use self::signals::SignalHandler;

/// `--version`: the program and its commit (build.rs), the embedded model, and the CPU path on this machine.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let cpu = settings::cpu().unwrap_or_else(|_| Cpu::detect());
    let commit = option_env!("GIGGLES_COMMIT").map_or(String::new(), |commit| format!(" (commit {commit})"));
    format!("{}{commit}\nmodel {}\ncpu {}", env!("CARGO_PKG_VERSION"), ModelFile::embedded().sha256, cpu.name())
});

/// Display order of what all commands share: after their own flags.
const LAST: usize = 100;

const EXAMPLES: &str = "\
Examples:
  giggles scan ~/recordings
      analyze new recordings and store their laughs in the user's own SQLite file
  giggles scores evening.ogg
      print the model's scores for one recording
  giggles status --date yesterday
      show the coverage of a day: analyzed, failed, missing hours, laughs
  giggles doctor ~/recordings
      check everything that a scan needs
  giggles help scan
      show all flags of a scan";

/// Find the laughs in long recordings and store them in a database.
#[derive(Parser)]
#[command(version, long_version = VERSION.as_str(), after_help = help_end(EXAMPLES), max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    verbosity: Verbosity,
    #[command(flatten)]
    files: SettingsFiles,
    /// The flags of the innermost command and their texts.
    #[arg(skip)]
    flags: Flags,
}

/// The files that settings come from.
#[derive(Args)]
struct SettingsFiles {
    /// Read settings from this file [env: GIGGLES_CONFIG] [default: ~/.config/giggles/config.toml, else
    /// /etc/giggles/config.toml]
    #[arg(long, global = true, value_name = "FILE", display_order = LAST)]
    config: Option<PathBuf>,
    /// Read environment variables from this file, such as nightly.env, as sh and systemd read it [env: GIGGLES_ENV_FILE]
    #[arg(long, global = true, value_name = "FILE", display_order = LAST)]
    env_file: Option<PathBuf>,
}

/// Flags that were given, by their names, and the text of each; `PATH` for the paths of recordings.
#[derive(Default)]
pub struct Flags(BTreeMap<String, String>);

#[derive(Subcommand)]
enum Command {
    /// Analyze recordings and store their laughs
    Scan(Box<scan::Arguments>),
    /// Write stored laughs in the formats of other programs
    Export(export::Arguments),
    /// Show which days have what: recorded hours, laughs, verdicts
    Days(days::Arguments),
    /// Show a day and its laughs, as text or as an HTML page with sound
    Report(report::Arguments),
    /// Print the model's scores for one recording, patch by patch
    Scores(scores::Arguments),
    /// Show the last runs, or the coverage of a day: analyzed, failed, missing hours, laughs
    Status(status::Arguments),
    /// Serve days, laughs and their clips as pages and to other programs; store reviews
    Serve(serve::Arguments),
    /// Check everything that a scan needs; change nothing
    #[command(after_help = help_end(doctor::EXAMPLES))]
    Doctor(Box<scan::Arguments>),
    /// Find rows whose clip is missing, and clips without a row
    Verify(verify::Arguments),
    /// Review laughs, one keypress each; add, import and reset reviews
    Review(Box<review::Arguments>),
    /// Decide anew what counts as a laugh, from what is stored
    Redetect(redetect::Arguments),
    /// Measure the detections against the reviews, with and without the personal score
    Evaluate(evaluate::Arguments),
    /// Show why a sound counts as a laugh, or why it does not
    Explain(explain::Arguments),
    /// Show, write and check the settings file
    Config(config::Arguments),
    /// Remove old clips and, with --rows, old recordings and laughs
    Prune(prune::Arguments),
    /// Write the completion script of a shell
    #[command(display_order = LAST)]
    Completions(completions::Arguments),
    /// Write the manual pages, one per command
    #[command(display_order = LAST)]
    Man(man::Arguments),
}

#[derive(Args)]
struct Verbosity {
    /// Write nothing on success, neither results nor messages
    #[arg(short, long, global = true, conflicts_with = "verbose", display_order = LAST)]
    quiet: bool,
    /// Write more messages to standard error, also the causes of errors; give it twice for all of them
    #[arg(short, long, global = true, action = clap::ArgAction::Count, display_order = LAST)]
    verbose: u8,
    /// Set the format of messages on standard error [env: GIGGLES_LOG_FORMAT] [default: text]
    #[arg(long, global = true, value_name = "FORMAT", display_order = LAST)]
    log_format: Option<LogFormat>,
}

impl Verbosity {
    fn format(&self) -> Result<LogFormat, Fatal> {
        let from_settings = || Ok(value("--log-format", None, log_format_of)?.unwrap_or(LogFormat::Text));
        self.log_format.map_or_else(from_settings, Ok)
    }
}

impl Cli {
    /// Parses the command line. Exits here for --help, --version and wrong usage (2).
    pub fn from_command_line() -> Cli {
        Cli::parsed().unwrap_or_else(|error| {
            let text = error.render().to_string();
            // Arguments are untrusted text, such as file names, and clap repeats them without escaping.
            if escape_lines(&text) == text {
                error.exit()
            }
            // If standard error cannot be written, there is nowhere left to report it.
            write!(io::stderr(), "{}", escape_lines(&text)).ok();
            std::process::exit(error.exit_code())
        })
    }

    fn parsed() -> Result<Cli, clap::Error> {
        let matches = Cli::command().try_get_matches()?;
        Ok(Cli { flags: Flags::of(&matches), ..Cli::from_arg_matches(&matches)? })
    }

    /// Reads the settings and starts the log, in the format that they name. Returns what is wrong with them.
    pub fn start(&self) -> Option<Fatal> {
        let needs_none = matches!(self.command, Command::Completions(_) | Command::Man(_));
        if needs_none {
            self.log().start();
            return None;
        }
        let reading = layers::read(self.files.config.as_deref(), self.files.env_file.as_deref());
        let source = match self.flags.get("--all-sources") {
            Some(_) => Ok(None),
            None => given("--source", self.flags.get("--source")),
        };
        let source = source.ok().flatten().map(|source| source.text.trim().to_owned());
        layers::select_source(source);
        self.log().start();
        reading.warnings.iter().for_each(|warning| log::warn!("{warning}"));
        reading.wrong
    }

    /// The log level and format. Quiet still shows errors. An unknown format falls back to text.
    pub fn log(&self) -> Log {
        let (level, libraries) = match (self.verbosity.quiet, self.verbosity.verbose) {
            (true, _) => (LevelFilter::Error, LevelFilter::Off),
            (false, 0) => (LevelFilter::Warn, LevelFilter::Off),
            (false, 1) => (LevelFilter::Info, LevelFilter::Off),
            (false, _) => (LevelFilter::Debug, LevelFilter::Debug),
        };
        Log { format: self.verbosity.format().unwrap_or(LogFormat::Text), level, libraries }
    }

    /// Runs the command and returns its exit code.
    pub fn run(self, wrong: Option<Fatal>, signals: &SignalHandler) -> Result<Exit, Fatal> {
        let (quiet, log, wrong) = (self.verbosity.quiet, self.log(), wrong.or(self.verbosity.format().err()));
        match (self.command, wrong) {
            // A scan also reports wrong settings files and a wrong log format to its monitors.
            (Command::Scan(arguments), wrong) => Ok(scan::run(&arguments, quiet, log, wrong, signals)),
            (Command::Config(arguments), wrong) => config::run(&arguments, &self.flags, quiet, wrong),
            (_, Some(wrong)) => Err(wrong),
            (Command::Export(arguments), None) => export::run(&arguments, quiet),
            (Command::Days(arguments), None) => days::run(&arguments, quiet),
            (Command::Report(arguments), None) => report::run(&arguments, quiet),
            (Command::Scores(arguments), None) => scores::run(&arguments, quiet, &signals.stop),
            (Command::Status(arguments), None) => status::run(&arguments, quiet),
            (Command::Serve(arguments), None) => serve::run(&arguments, quiet, signals),
            (Command::Doctor(arguments), None) => doctor::run(&arguments, quiet, &signals.stop),
            (Command::Verify(arguments), None) => verify::run(&arguments, quiet),
            (Command::Review(arguments), None) => review::run(&arguments, quiet, signals),
            (Command::Redetect(arguments), None) => redetect::run(&arguments, quiet, &signals.stop),
            (Command::Evaluate(arguments), None) => evaluate::run(&arguments, quiet),
            (Command::Explain(arguments), None) => explain::run(&arguments, quiet),
            (Command::Prune(arguments), None) => prune::run(&arguments, quiet),
            (Command::Completions(arguments), None) => completions::run(&arguments, quiet),
            (Command::Man(arguments), None) => man::run(&arguments, quiet),
        }
    }
}

impl Flags {
    fn of(matches: &ArgMatches) -> Flags {
        let innermost = std::iter::successors(Some(matches), |matches| Some(matches.subcommand()?.1)).last();
        let is_given = |id: &str| innermost.and_then(|m| m.value_source(id)) == Some(ValueSource::CommandLine);
        let text = |id: &str| {
            let words = innermost.and_then(|matches| matches.try_get_raw(id).ok().flatten());
            words.into_iter().flatten().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(", ")
        };
        let name = |id: &str| if id == "paths" { "PATH".to_owned() } else { format!("--{}", id.replace('_', "-")) };
        let ids = innermost.into_iter().flat_map(ArgMatches::ids).map(Id::as_str).filter(|id| is_given(id));
        Flags(ids.map(|id| (name(id), text(id))).collect())
    }

    pub fn get(&self, flag: &str) -> Option<&str> {
        self.0.get(flag).map(String::as_str)
    }
}
