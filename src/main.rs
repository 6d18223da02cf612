//! The program: parse, log, run, and end with a code that cron can trust.

mod cli;
mod progress;

use std::io::Write;
use std::process::ExitCode;
use std::thread;

use giggles::audio::decode::is_foreign;
use giggles::pool::POOL_THREADS;
use giggles::record::Stop;
use signal_hook::consts::{SIGINT, SIGTERM};

/// Messages go to standard error, a line each: what is wrong, and nothing else. Cron and journald add
/// the time.
fn start_log(cli: &cli::Cli) {
    let mut log = env_logger::Builder::new();
    log.filter_level(cli.libraries_log_level()).filter_module("giggles", cli.log_level());
    log.format(|line, record| {
        let style = line.default_level_style(record.level());
        let level = record.level().as_str().to_lowercase();
        writeln!(line, "giggles: {style}{level}{style:#}: {}", record.args())
    });
    log.parse_default_env().init();
}

/// Threads of the pool turn a panic into a recording's failure, which is told once, with its name; so do calls
/// into libraries. A panic anywhere else is a bug that nobody else tells.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| match thread::current().name() {
        Some(name) if name.starts_with(POOL_THREADS) => log::debug!("{panic}"),
        _ if is_foreign() => log::debug!("{panic}"),
        _ => log::error!("this is a bug in giggles, please report it: {panic}"),
    }));
}

fn main() -> ExitCode {
    let cli = cli::Cli::from_command_line();
    start_log(&cli);
    log_panics();
    let stop = Stop::default();
    for signal in [SIGINT, SIGTERM] {
        if let Err(error) = signal_hook::flag::register_usize(signal, stop.0.clone(), signal as usize) {
            log::warn!("signal {signal} will end giggles at once: {error}");
        }
    }
    let exit = cli.run(&stop).unwrap_or_else(|fatal| {
        log::error!("{fatal}");
        fatal.exit()
    });
    ExitCode::from(exit.code())
}
