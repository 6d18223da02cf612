//! The program: parses the command line, reads the settings, starts the log, runs the command, and returns its exit code.

mod cli;
mod progress;

use std::process::ExitCode;

use cli::signals::SignalHandler;

fn main() -> ExitCode {
    let cli = cli::Cli::from_command_line();
    let wrong = cli.start();
    let signals = SignalHandler::install();
    let exit = cli.run(wrong, &signals).unwrap_or_else(|fatal| {
        cli::log_error(&fatal);
        fatal.exit()
    });
    ExitCode::from(exit.code())
}
