//! `giggles scan`: flags to `run::Settings`, and the report to standard output.
//!
//! Invariant: what a run does is decided in `run`; a run by hand and one by cron differ in flags only.

mod arguments;
mod settings;

use giggles::exit::{Exit, Fatal};
use giggles::output::{View, json, summary, table};
use giggles::record::{Step, Stop, Window, position};
use giggles::run::{Report, Settings, new_id, scan};
use giggles::watch::RunLabels;
use giggles::watch::account::Ending;

pub use self::arguments::Arguments;
pub use self::settings::*;
use super::messages::Log;
use super::night::Watched;
use super::settings::model;
use super::signals::Signals;
use super::{print, print_text};
use crate::progress::Progress;

/// Runs a scan, shows it, and tells whoever watches: also of a run that failed before it began.
pub fn run(arguments: &Arguments, quiet: bool, log: Log, wrong_log: Option<Fatal>, signals: &Signals) -> Exit {
    let (watchers, wrong_ping) = watchers(arguments);
    let wrong = wrong_ping.or(wrong_log);
    let id = new_id();
    let watched = Watched::begin(&id, labels(arguments), watchers, log, signals);
    let scanned = wrong.map_or_else(|| hear(arguments, id, &watched, quiet, &signals.stop), Err);
    let (exit, ending) = scanned.unwrap_or_else(|fatal| {
        log::error!("{fatal}");
        (fatal.exit(), Ending::fatal(&fatal))
    });
    watched.end(exit, ending)
}

/// Of a run whose source or shard is wrong, what is right.
fn labels(arguments: &Arguments) -> RunLabels {
    let shard = shard(arguments).ok().and_then(|shard| shard.part());
    RunLabels { source: source(arguments).unwrap_or_default(), shard }
}

fn hear(
    arguments: &Arguments,
    id: String,
    watched: &Watched,
    quiet: bool,
    stop: &Stop,
) -> Result<(Exit, Ending), Fatal> {
    let model = model(arguments.model.as_deref())?;
    watched.night.uses_model(&model.sha256);
    let settings = settings(arguments, id, &model.sha256, stop)?;
    let progress = Progress::new(quiet);
    let report = scan(&settings, &model.yamnet, &|step| follow(&progress, watched, step), stop);
    progress.clear();
    let report = report?;
    let ending = ending(&settings, &report);
    watched.conclude(report.exit, ending.clone());
    match show(arguments, &settings, &report, quiet) {
        // The exit code tells of the database: 1 would mean that nothing is stored.
        Err(error) if settings.database.is_some() => log::error!("{error}; the run is stored all the same"),
        shown => shown?,
    }
    Ok((report.exit, ending))
}

/// What others are told of a run that is stored.
fn ending(settings: &Settings, report: &Report) -> Ending {
    let view = View {
        run: &report.run,
        counts: &report.counts,
        unresolved: report.unresolved,
        database: None,
        not_audio: &report.not_audio,
    };
    let is_empty = report.exit == Exit::Empty;
    Ending {
        counts: report.counts,
        audio: summary::audio(&view),
        summary: if is_empty { emptiness(settings, true) } else { summary::counts(&view) },
        outline: if is_empty { emptiness(settings, false) } else { summary::counts(&view) },
        failures: report.run.failures(),
        unresolved: report.unresolved,
        locked: false,
    }
}

/// A step on the terminal, to the watchers, and with --verbose in words.
fn follow(progress: &Progress, watched: &Watched, step: Step) {
    watched.night.step(&step);
    match &step {
        Step::Connecting => log::info!("reaching the database"),
        Step::Finding => log::info!("looking for recordings"),
        Step::Identifying { files } => log::info!("looking at {files} files"),
        Step::Hearing { recordings, audio } => log::info!("hearing {recordings} recordings, {} long", position(audio)),
        Step::Finished { name, failed: false } => log::info!(recording = name.as_str(); "heard {name}"),
        Step::Finished { name, failed: true } => log::info!(recording = name.as_str(); "could not hear {name}"),
        Step::Saving => log::info!("storing"),
        Step::Identified | Step::Advanced { .. } | Step::Done => (),
    }
    progress.draw(step);
}

/// Results to standard output, failures to standard error; quiet shows failures only.
fn show(arguments: &Arguments, settings: &Settings, report: &Report, quiet: bool) -> Result<(), Fatal> {
    let database = settings.database.as_ref().map(ToString::to_string);
    let view = View {
        run: &report.run,
        counts: &report.counts,
        unresolved: report.unresolved,
        database,
        not_audio: &report.not_audio,
    };
    for recording in summary::unfinished(&view) {
        let name = recording.name.as_str();
        log::warn!(recording = name; "{name}: is still being written; left for the next run");
    }
    for (name, reason) in report.run.failures() {
        log::error!(recording = name.as_str(); "{name}: {reason}");
    }
    for (recording, heard) in report.run.heard().filter(|(_, heard)| !heard.missing.is_empty() && !heard.is_partial()) {
        let (name, gaps) = (recording.name.as_str(), heard.missing.count());
        let (milliseconds, plural) = (heard.missing.total().as_millis(), if gaps == 1 { "gap" } else { "gaps" });
        log::warn!(recording = name; "{name}: {gaps} {plural} of {milliseconds} ms in all, filled with silence");
    }
    if let Some(text) = settings.clips.as_ref().and_then(|clips| summary::lost_clips(&view, &clips.folder)) {
        log::error!("{text}");
    }
    if report.exit == Exit::Empty {
        log::error!("{}", emptiness(settings, true));
    }
    match (quiet, arguments.json, arguments.ndjson) {
        (true, _, _) => Ok(()),
        (_, true, _) => print(&json::document(&view)),
        (_, _, true) => print(&json::lines(&view)),
        _ => print_text(&format!("{}{}\n", table::render(&view), summary::line(&view))),
    }
}

/// Strangers are not told where.
fn emptiness(settings: &Settings, with_places: bool) -> String {
    let paths: Vec<String> = settings.paths.iter().map(|path| path.display().to_string()).collect();
    let places = if with_places { format!(" in {}", paths.join(", ")) } else { String::new() };
    let (which, doubt) = if settings.window == Window::default() {
        ("", "")
    } else {
        (" of the time asked for", ", and are the day and --tz right")
    };
    format!("no recordings{which}{places}; is the disk mounted{doubt}? (--allow-empty if this is right)")
}
