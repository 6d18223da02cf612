//! `giggles scan --all-sources`: a run for each profile of the settings file, one after the other.
//!
//! Each run is that of `giggles scan --source NAME`, with its own transaction, exit code and metrics. A ping URL that is not
//! of a profile is that of all runs: it gets one start, and one end with the worst exit code.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use giggles::clips::source_folder;
use giggles::environment;
use giggles::error::Fatal;
use giggles::exit::Exit;
use giggles::notify::{Notifiers, RunLabels, RunMonitor};
use giggles::render::sources::{SourceRun, document, events, exit_codes, heading};
use giggles::render::{View, json};
use giggles::scan::new_id;
use giggles::text::escape;
use jiff::Timestamp;

use super::settings::RECORDINGS;
use super::{Arguments, Invocation, notifiers, results};
use crate::cli::messages::{Log, log_error, set_source};
use crate::cli::run_guard::Together;
use crate::cli::settings::keys::{PROFILES, of_flag, of_variable};
use crate::cli::settings::layers::{layers, profiles, select_source, usual_paths};
use crate::cli::settings::{config, from_file, given};
use crate::cli::signals::SignalHandler;
use crate::cli::{print, print_text};

/// The sources of the settings file, in its order.
///
/// # Errors
/// There is none, or a variable would give all of them the same recordings.
pub fn names(wrong: Option<Fatal>) -> Result<Vec<String>, Fatal> {
    if let Some(wrong) = wrong {
        return Err(wrong);
    }
    let names = profiles();
    if names.is_empty() {
        let place = layers().path().map(|path| path.display().to_string());
        let place = place.or_else(|| Some(usual_paths().first()?.display().to_string())).unwrap_or_default();
        return Err(config(format!(
            "--all-sources: the settings file has no [{PROFILES}.NAME]; write one for each source into {place}, with its folder"
        )));
    }
    if environment::var_os(RECORDINGS).is_some_and(|folders| !folders.is_empty()) {
        return Err(config(format!(
            "--all-sources: {RECORDINGS} is set, and would store the same recordings for each source; unset it, and write \
             folder = … into each [{PROFILES}.NAME]"
        )));
    }
    Ok(names)
}

/// Runs all of them, also after one that failed. A signal ends the current run, and no other starts.
pub fn run(arguments: &Arguments, names: &[String], quiet: bool, log: Log, signals: &SignalHandler) -> Exit {
    let together = Arc::new(Together::new(monitor(arguments, names, signals), names.len()));
    let mut runs = Vec::new();
    for name in names {
        if signals.stop.signal().is_some() {
            break;
        }
        runs.push(run_source(arguments, name, (quiet, log), &together, signals));
    }
    set_source(None);
    let exit = together.end(signals.stop.signal());
    let shown = match (quiet, arguments.json, arguments.ndjson) {
        (true, ..) => Ok(()),
        (_, true, _) => print(&document(&runs, exit)),
        (_, _, true) => print(&events(&runs)),
        _ => print_text(&exit_codes(&runs, exit)),
    };
    if let Err(error) = shown {
        log_error(&error);
    }
    exit
}

/// What reports all runs as one: the ping of the flag, the variable or `[notify]`.
fn monitor(arguments: &Arguments, names: &[String], signals: &SignalHandler) -> RunMonitor {
    select_source(None);
    let (notifiers, wrong) = notifiers(arguments);
    // A wrong address is an error of each run, too, which reports it.
    let ping = notifiers.ping.filter(|_| wrong.is_none());
    let labels = RunLabels { source: names.join(", "), ..RunLabels::default() };
    RunMonitor::new(&new_id(), labels, Notifiers { ping, metrics: None }, &signals.stop)
}

/// The arguments of the run of one source, whose profile counts from now on.
pub fn select(arguments: &Arguments, name: &str) -> Arguments {
    select_source(Some(name.to_owned()));
    Arguments { source: Some(name.to_owned()), all_sources: false, ..arguments.clone() }
}

fn run_source(
    arguments: &Arguments,
    name: &str,
    (quiet, log): (bool, Log),
    together: &Arc<Together>,
    signals: &SignalHandler,
) -> SourceRun {
    let own = select(arguments, name);
    set_source(Some(name));
    let (notifiers, wrong) = notifiers_of(&own, name);
    let mut result = None;
    let mut show = |view: &View| match (quiet, arguments.json, arguments.ndjson) {
        (true, ..) => Ok(()),
        (_, true, _) => {
            result = Some(json::value(view));
            Ok(())
        }
        (_, _, true) => print(&results(arguments, view)),
        _ => print_text(&format!("{}{}\n", heading(name), results(arguments, view))),
    };
    let invocation = Invocation { arguments: &own, notifiers, quiet, log, together: Some(together) };
    let exit = invocation.run(wrong.or_else(|| without_folder(name)), &mut show, signals);
    let message = together.message_of(name).unwrap_or_default();
    SourceRun { source: name.to_owned(), exit, ended: Timestamp::now(), message, result }
}

/// The notifiers of one source: its own ping, and a metrics file whose name has the source if it is that of all.
fn notifiers_of(arguments: &Arguments, name: &str) -> (Notifiers, Option<Fatal>) {
    let (Notifiers { ping, metrics }, wrong) = notifiers(arguments);
    let ping = ping.filter(|_| is_of_profile("--ping-url", arguments.ping_url.as_deref()));
    let flag = arguments.metrics_file.as_deref().map(Path::to_string_lossy);
    let metrics = match is_of_profile("--metrics-file", flag.as_deref()) {
        true => metrics,
        false => metrics.map(|path| with_source(&path, name)),
    };
    (Notifiers { ping, metrics }, wrong)
}

/// Whether the value is that of the source's profile.
fn is_of_profile(flag: &str, value: Option<&str>) -> bool {
    let found = given(flag, value).ok().flatten();
    found.is_some_and(|found| found.name.starts_with(PROFILES)) && of_flag(flag).and_then(from_file).is_some()
}

/// `giggles.prom` of the source `neil` is `giggles.neil.prom`: the node exporter reads both, and no source replaces another's.
fn with_source(path: &Path, name: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().map_or(String::new(), |extension| format!(".{}", extension.to_string_lossy()));
    path.with_file_name(format!("{stem}.{}{extension}", source_folder(name)))
}

/// The error of a profile without a folder; that of `[recordings]` would give its recordings to several sources.
fn without_folder(name: &str) -> Option<Fatal> {
    let layers = layers();
    let is_folder = |key| of_variable(RECORDINGS).is_some_and(|folder| std::ptr::eq(folder, key));
    let has_folder = layers.profile().is_some_and(|profile| {
        profile.entries.iter().any(|entry| is_folder(entry.key) && entry.values.iter().any(|text| !text.is_empty()))
    });
    let line = layers.profile().map_or(0, |profile| profile.line);
    let path = layers.path().map(|path| path.display().to_string()).unwrap_or_default();
    let text = || format!("{path}, line {line}: [{PROFILES}.{}] has no folder; write folder = … into it", escape(name));
    (!has_folder).then(|| config(text()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_has_its_own_metrics_file() {
        let named = |path: &str, name: &str| with_source(Path::new(path), name).display().to_string();
        assert_eq!(named("/var/lib/giggles.prom", "neil"), "/var/lib/giggles.neil.prom");
        assert_eq!(named("metrics", "neil"), "metrics.neil");
        let hostile = named("/var/lib/giggles.prom", "../neil");
        assert!(hostile.starts_with("/var/lib/giggles.neil_") && hostile.ends_with(".prom"), "{hostile}");
    }
}
