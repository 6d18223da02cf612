//! `giggles scan`: reads the flags into `scan::Settings` and prints the result.
//!
//! Invariant: `scan` decides what a run does; a manual run and one by cron differ in flags only.

mod arguments;
mod settings;
pub mod sources;

use std::error::Error;
use std::sync::Arc;

use giggles::domain::{Step, Window};
use giggles::error::{Fatal, causes};
use giggles::exit::Exit;
use giggles::notify::run_summary::RunOutcome;
use giggles::notify::{Notifiers, RunLabels};
use giggles::render::{View, json, summary, table};
use giggles::scan::{Report, Settings, new_id, scan};
use giggles::stop::Stop;
use giggles::store::Location;
use giggles::text::{pluralize, position};
use giggles::tiles::keep;

pub use self::arguments::{AROUND, Arguments};
pub use self::settings::*;
use super::messages::{Log, log_causes, log_error};
use super::run_guard::{RunGuard, Together};
use super::settings::{model, tiles};
use super::signals::SignalHandler;
use super::terminal::width;
use super::{print, print_text};
use crate::progress::Progress;

/// Receives the results of a run.
type Show<'a> = dyn FnMut(&View) -> Result<(), Fatal> + 'a;

/// One run, with what it is notified to.
struct Invocation<'a> {
    arguments: &'a Arguments,
    notifiers: Notifiers,
    quiet: bool,
    log: Log,
    /// The runs that it is a part of.
    together: Option<&'a Arc<Together>>,
}

/// Runs a scan, or one for each source, prints the results, and notifies the monitors, also if a run fails before it
/// starts.
pub fn run(arguments: &Arguments, quiet: bool, log: Log, wrong: Option<Fatal>, signals: &SignalHandler) -> Exit {
    let (mut notifiers, wrong_ping) = notifiers(arguments);
    let mut wrong = wrong_ping.or(wrong);
    if arguments.all_sources {
        match sources::names(wrong) {
            Ok(names) => return sources::run(arguments, &names, quiet, log, signals),
            // No source is known; metrics of another name would stay.
            Err(fatal) => (wrong, notifiers.metrics) = (Some(fatal), None),
        }
    }
    let mut show = |view: &View| match (quiet, arguments.is_json()) {
        (true, _) => Ok(()),
        (_, true) => print(&results(arguments, view)),
        _ => print_text(&results(arguments, view)),
    };
    Invocation { arguments, notifiers, quiet, log, together: None }.run(wrong, &mut show, signals)
}

impl Invocation<'_> {
    fn run(self, wrong: Option<Fatal>, show: &mut Show, signals: &SignalHandler) -> Exit {
        let Invocation { arguments, notifiers, quiet, log, together } = self;
        let id = new_id();
        let guard = RunGuard::begin(&id, labels(arguments), notifiers, (log, together), signals);
        let scanned = wrong.map_or_else(|| analyze(arguments, id, &guard, (quiet, show), &signals.stop), Err);
        let (exit, outcome) = scanned.unwrap_or_else(|fatal| {
            log_error(&fatal);
            (fatal.exit(), RunOutcome::fatal(&fatal))
        });
        guard.end(exit, outcome)
    }
}

/// What identifies the run in logs and metrics; a wrong source, shard or id is left out.
fn labels(arguments: &Arguments) -> RunLabels {
    let shard = shard(arguments).ok().and_then(|shard| shard.part());
    let external_id = external_id(arguments).unwrap_or_default();
    RunLabels { source: source(arguments).unwrap_or_default(), shard, external_id }
}

fn analyze(
    arguments: &Arguments,
    id: String,
    guard: &RunGuard,
    (quiet, show): (bool, &mut Show),
    stop: &Stop,
) -> Result<(Exit, RunOutcome), Fatal> {
    let database = destination(arguments);
    let tiles = tiles(database.as_ref().ok().and_then(Option::as_ref))?;
    let model = model(arguments.model.as_deref(), &tiles)?;
    guard.monitor.uses_model(&model.sha256);
    let settings = settings(arguments, id, &model.sha256, database, stop)?;
    let progress = Progress::new(quiet);
    let report = scan(&settings, &model.yamnet, &|step| follow(&progress, guard, step), stop);
    progress.clear();
    let report = report?;
    if let Some(database) = settings.database.as_ref().and_then(Location::file) {
        keep(&tiles, database);
    }
    let outcome = outcome(&settings, &report);
    guard.conclude(report.exit, outcome.clone());
    match log_and_show(&settings, &report, show) {
        // The exit code describes the database: 1 would mean that nothing is stored.
        Err(error) if settings.database.is_some() => {
            log::error!("{error}; the run is stored");
            log_causes(&error);
        }
        shown => shown?,
    }
    Ok((report.exit, outcome))
}

/// The result of a stored run for ping, metrics and logs.
fn outcome(settings: &Settings, report: &Report) -> RunOutcome {
    let view = View {
        run: &report.run,
        counts: &report.counts,
        unresolved: report.unresolved,
        database: None,
        not_audio: &report.not_audio,
        replaced: &report.replaced,
    };
    let is_empty = report.exit == Exit::Empty;
    RunOutcome {
        counts: report.counts,
        audio: summary::audio(&view),
        summary: if is_empty { no_recordings(settings, true) } else { summary::counts(&view) },
        outline: if is_empty { no_recordings(settings, false) } else { summary::counts(&view) },
        failures: report.run.failures(),
        unresolved: report.unresolved,
        locked: false,
    }
}

/// Shows a step on the terminal, passes it to the monitor, and logs it with --verbose.
fn follow(progress: &Progress, guard: &RunGuard, step: Step) {
    guard.step(&step);
    match &step {
        Step::Connecting => log::info!("connecting to the database"),
        Step::Discovering => log::info!("looking for recordings"),
        Step::Identifying { files } => log::info!("identifying {files} files"),
        Step::Analyzing { recordings, audio } => {
            log::info!("analyzing {recordings} recordings, {} of audio", position(audio))
        }
        Step::Finished { name, failed: false } => log::info!(recording = name.as_str(); "analyzed {name}"),
        Step::Finished { name, failed: true } => log::info!(recording = name.as_str(); "failed to analyze {name}"),
        Step::Saving => log::info!("storing"),
        Step::Identified | Step::Advanced { .. } | Step::Done => (),
    }
    progress.draw(step);
}

/// Logs failures, and passes the results on.
fn log_and_show(settings: &Settings, report: &Report, show: &mut Show) -> Result<(), Fatal> {
    let database = settings.database.as_ref().map(ToString::to_string);
    let view = View {
        run: &report.run,
        counts: &report.counts,
        unresolved: report.unresolved,
        database,
        not_audio: &report.not_audio,
        replaced: &report.replaced,
    };
    for recording in summary::in_progress(&view) {
        let name = recording.name.as_str();
        log::warn!(recording = name; "{name}: in progress; left for the next run");
    }
    for (name, reason) in report.run.failures() {
        log::error!(recording = name.as_str(); "{name}: {reason}");
    }
    for (recording, error) in report.run.failed() {
        log_causes_with_name(&recording.name, error);
    }
    for (recording, analyzed) in
        report.run.analyzed().filter(|(_, analyzed)| !analyzed.missing.is_empty() && !analyzed.is_partial())
    {
        let (name, gaps) = (recording.name.as_str(), analyzed.missing.count());
        let (milliseconds, gaps) = (analyzed.missing.total().as_millis(), pluralize(gaps, "gap"));
        log::warn!(recording = name; "{name}: {gaps}, {milliseconds} ms in total, filled with silence");
    }
    if let Some(text) = settings.clips.as_ref().and_then(|clips| summary::failed_clips(&view, &clips.location)) {
        log::error!("{text}");
        let first = report.run.clips_failed().next();
        first.into_iter().for_each(|(recording, failed)| log_causes_with_name(&recording.name, &failed.reason));
    }
    if report.exit == Exit::Empty {
        log::error!("{}", no_recordings(settings, true));
    }
    show(&view)
}

/// The results in the format that is asked for.
fn results(arguments: &Arguments, view: &View) -> String {
    match (arguments.json, arguments.ndjson) {
        (true, _) => json::document(view),
        (_, true) => json::lines(view),
        _ => {
            let lines = [summary::start_times(view), summary::replaced(view), Some(summary::line(view))];
            let lines: String = lines.into_iter().flatten().map(|line| line + "\n").collect();
            table::render(view, width()) + &lines
        }
    }
}

fn log_causes_with_name(name: &str, error: &(dyn Error + 'static)) {
    causes(error).iter().for_each(|cause| log::info!(recording = name; "{name}: caused by: {cause}"));
}

/// The message for an empty window; without paths where it leaves the machine.
fn no_recordings(settings: &Settings, with_places: bool) -> String {
    let paths: Vec<String> = settings.paths.iter().map(|path| path.display().to_string()).collect();
    let places = if with_places { format!(" in {}", paths.join(", ")) } else { String::new() };
    let (which, doubt) = if settings.window == Window::default() {
        ("", "")
    } else {
        (" in the requested time range", ", and are the date and --tz correct")
    };
    format!("no recordings{which}{places}; is the disk mounted{doubt}? (use --allow-empty if this is expected)")
}
