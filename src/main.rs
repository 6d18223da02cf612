//! The program: parses the command line, starts the log, runs the command, and returns its exit code.

mod cli;
mod progress;

use std::process::ExitCode;

use cli::signals::SignalHandler;

fn main() -> ExitCode {
    let cli = cli::Cli::from_command_line();
    cli.log().start();
    let signals = SignalHandler::install();
    let exit = cli.run(&signals).unwrap_or_else(|fatal| {
        cli::log_error(&fatal);
        fatal.exit()
    });
    ExitCode::from(exit.code())
}
