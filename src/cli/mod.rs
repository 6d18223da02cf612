//! The command line: flags and environment to settings, a file a command.
//!
//! Invariant: the only room that knows clap. It decides nothing about audio or databases.

mod completions;
mod database_url;
mod doctor;
mod export;
mod man;
mod messages;
mod night;
mod notes;
mod prune;
mod report;
mod scan;
mod scores;
mod settings;
pub mod signals;
mod status;
mod stored;
mod verify;
mod window;

use std::io::{self, BufWriter, StdoutLock, Write};
use std::sync::LazyLock;

use clap::{Args, Parser, Subcommand, ValueEnum};
use giggles::exit::{Exit, Fatal};
use giggles::model::ModelFile;
use giggles::record::plain_lines;
use log::LevelFilter;
use yamnet::Cpu;

use self::messages::{Log, LogFormat};
use self::settings::given;
use self::signals::Signals;

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

/// Said of a format that is none.
const NO_FORMAT: &str = "messages are written as text, json or emf";

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
  giggles doctor ~/recordings
      check everything that a night will need
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
    /// Write stored laughs for other programs
    Export(export::Arguments),
    /// Show a day and its laughs, here or as a page to listen to
    Report(report::Arguments),
    /// Show what the model hears in one recording, patch by patch
    Scores(scores::Arguments),
    /// Show the last runs, or what is known of a day: heard, failed, missing hours, laughs
    Status(status::Arguments),
    /// Check everything that a night will need, and change nothing
    #[command(after_help = format!("{}\n\n{}", doctor::EXAMPLES, EXIT_CODES.as_str()))]
    Doctor(Box<scan::Arguments>),
    /// Find rows whose clip is missing, and clips that no row names
    Verify(verify::Arguments),
    /// Store what was said of laughs on a page of a report
    Notes(notes::Arguments),
    /// Remove old clips and, if asked for, old rows
    Prune(prune::Arguments),
    /// Write what a shell needs to complete commands and flags
    #[command(display_order = LAST)]
    Completions(completions::Arguments),
    /// Write the manual, a page a command
    #[command(display_order = LAST)]
    Man(man::Arguments),
}

#[derive(Args)]
struct Verbosity {
    /// Write nothing if all goes well, neither results nor messages
    #[arg(short, long, global = true, conflicts_with = "verbose", display_order = LAST)]
    quiet: bool,
    /// Say more on standard error; twice for all
    #[arg(short, long, global = true, action = clap::ArgAction::Count, display_order = LAST)]
    verbose: u8,
    /// How messages on standard error look [env: GIGGLES_LOG_FORMAT] [default: text]
    #[arg(long, global = true, value_name = "FORMAT", display_order = LAST)]
    log_format: Option<LogFormat>,
}

impl Verbosity {
    fn format(&self) -> Result<LogFormat, Fatal> {
        let from_environment = || match given("--log-format", None)? {
            Some(given) => given.read(|text| LogFormat::from_str(text, false).map_err(|_| NO_FORMAT)),
            None => Ok(LogFormat::Text),
        };
        self.log_format.map_or_else(from_environment, Ok)
    }
}

impl Cli {
    /// Ends the program here for --help, --version and wrong usage (2).
    pub fn from_command_line() -> Cli {
        Cli::try_parse().unwrap_or_else(|error| {
            let text = error.render().to_string();
            // A file's name among the arguments is a stranger's text, and clap repeats it as it is.
            if plain_lines(&text) == text {
                error.exit()
            }
            // Nobody can be told that nobody can be told.
            write!(io::stderr(), "{}", plain_lines(&text)).ok();
            std::process::exit(error.exit_code())
        })
    }

    /// How much is said. Quiet still lets errors through. People's format, where another that is none was asked for.
    pub fn log(&self) -> Log {
        let (level, libraries) = match (self.verbosity.quiet, self.verbosity.verbose) {
            (true, _) => (LevelFilter::Error, LevelFilter::Off),
            (false, 0) => (LevelFilter::Warn, LevelFilter::Off),
            (false, 1) => (LevelFilter::Info, LevelFilter::Off),
            (false, _) => (LevelFilter::Debug, LevelFilter::Debug),
        };
        Log { format: self.verbosity.format().unwrap_or(LogFormat::Text), level, libraries }
    }

    /// Runs the command and says how it ended.
    pub fn run(self, signals: &Signals) -> Result<Exit, Fatal> {
        let (quiet, log, wrong) = (self.verbosity.quiet, self.log(), self.verbosity.format().err());
        match (self.command, wrong) {
            // Whoever watches the nights is told of a wrong setting too.
            (Command::Scan(arguments), wrong) => Ok(scan::run(&arguments, quiet, log, wrong, signals)),
            (_, Some(wrong)) => Err(wrong),
            (Command::Export(arguments), None) => export::run(&arguments, quiet),
            (Command::Report(arguments), None) => report::run(&arguments, quiet),
            (Command::Scores(arguments), None) => scores::run(&arguments, quiet, &signals.stop),
            (Command::Status(arguments), None) => status::run(&arguments, quiet),
            (Command::Doctor(arguments), None) => doctor::run(&arguments, quiet, &signals.stop),
            (Command::Verify(arguments), None) => verify::run(&arguments, quiet),
            (Command::Notes(arguments), None) => notes::run(&arguments, quiet),
            (Command::Prune(arguments), None) => prune::run(&arguments, quiet),
            (Command::Completions(arguments), None) => completions::run(&arguments, quiet),
            (Command::Man(arguments), None) => man::run(&arguments, quiet),
        }
    }
}

/// Results for people: what a name, a path or a database says does nothing to a terminal.
fn print_text(text: &str) -> Result<(), Fatal> {
    print(&plain_lines(text))
}

/// Standard output for results that are written piece by piece. As in `print`, a reader that has gone is no failure:
/// what it would have read is dropped.
struct Results {
    stdout: Option<BufWriter<StdoutLock<'static>>>,
    are_for_people: bool,
}

impl Results {
    fn new() -> Results {
        Results { stdout: Some(BufWriter::new(io::stdout().lock())), are_for_people: false }
    }

    /// As `print_text`. What is written at once must be text: no half of a character.
    fn for_people() -> Results {
        Results { are_for_people: true, ..Results::new() }
    }

    fn unless_gone(&mut self, work: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        match self.stdout.as_mut().map_or(Ok(()), |stdout| work(stdout)) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                // What is buffered must not be tried again.
                self.stdout.take().map(BufWriter::into_parts);
                Ok(())
            }
            done => done,
        }
    }
}

impl Write for Results {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let done = match self.are_for_people {
            true => {
                let text = plain_lines(&String::from_utf8_lossy(bytes));
                self.unless_gone(|stdout| stdout.write_all(text.as_bytes()))
            }
            false => self.unless_gone(|stdout| stdout.write_all(bytes)),
        };
        done.map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_gone(|stdout| stdout.flush())
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
