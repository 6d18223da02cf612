//! The program: parse, log, run, and end with a code that cron can trust.

mod cli;
mod progress;

use std::process::ExitCode;

use cli::signals::Signals;

fn main() -> ExitCode {
    let cli = cli::Cli::from_command_line();
    cli.log().start();
    let signals = Signals::listen();
    let exit = cli.run(&signals).unwrap_or_else(|fatal| {
        log::error!("{fatal}");
        fatal.exit()
    });
    ExitCode::from(exit.code())
}
