//! `giggles doctor`: reads each setting of a scan into `doctor::Settings` and prints one line per check.

use giggles::doctor::{Environment, Settings, examine};
use giggles::error::Fatal;
use giggles::exit::{Exit, from_findings, worst};
use giggles::finding::{Finding, Health};
use giggles::render::doctor::{document, document_of_sources, heading, lines, verdict};
use giggles::stop::Stop;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::scan::{self, Arguments};
use super::settings::keys::PROFILES;
use super::settings::layers::layers;
use super::settings::{ffmpeg, given, model, model_file, tiles};
use super::{print, print_text};

pub const EXAMPLES: &str = "\
Examples:
  giggles doctor /srv/recordings
      check a scan of these recordings
  giggles doctor --from '7 days ago' --to yesterday --tz America/Los_Angeles --source neil \\
          --database postgres://me@db/life /srv/audio
      check the nightly run with all its flags
  giggles doctor --json /srv/recordings
      print the checks as JSON

Takes the flags and the environment variables of `giggles scan`. Analyzes nothing and changes
nothing. Run it as the user of the nightly run, with the same environment. Exits with 78 if a
scan would fail until a setting is fixed, with 75 if the database cannot be reached or another
run is active, else with 0, also if a scan would exit with 3 or 4.";

/// Runs all checks, for each source if that is asked for.
pub fn run(arguments: &Arguments, quiet: bool, stop: &Stop) -> Result<Exit, Fatal> {
    let sources = if arguments.all_sources { scan::sources::names(None)? } else { Vec::new() };
    let (as_json, mut checked) = (arguments.is_json(), Vec::new());
    for source in &sources {
        let own = scan::sources::select(arguments, source);
        if !quiet && !as_json {
            print_text(&heading(source))?;
        }
        let (findings, exit) = check(&settings(&own, stop), (quiet, as_json), stop)?;
        checked.push((source.clone(), findings, exit));
    }
    if arguments.all_sources {
        let exit = worst(checked.iter().map(|(.., exit)| *exit));
        return if as_json && !quiet { print(&document_of_sources(&checked, exit)).map(|()| exit) } else { Ok(exit) };
    }
    let (findings, exit) = check(&settings(arguments, stop), (quiet, as_json), stop)?;
    if as_json && !quiet {
        print(&document(&findings, exit))?;
    }
    Ok(exit)
}

/// Prints each check as soon as it is done, unless a document is asked for.
fn check(settings: &Settings, (quiet, as_json): (bool, bool), stop: &Stop) -> Result<(Vec<Finding>, Exit), Fatal> {
    let mut printed = Ok(());
    let mut show = |finding: &Finding| {
        if !quiet && !as_json && printed.is_ok() {
            printed = print_text(&lines(finding));
        }
    };
    let findings = examine(settings, &mut show, stop);
    printed?;
    if let Some(signal) = stop.signal() {
        return Err(Fatal::Signal(signal));
    }
    let exit = from_findings(&findings);
    match (quiet, as_json) {
        (true, _) => log_problems(&findings),
        (_, true) => {}
        _ => print(&format!("\n{}", verdict(&findings, exit)))?,
    }
    Ok((findings, exit))
}

/// With --quiet: logs only the checks with which a scan would fail.
fn log_problems(findings: &[Finding]) {
    let bad = findings.iter().filter(|finding| finding.health >= Health::Busy);
    bad.for_each(|finding| log::error!("{}: {}; {}", finding.check, finding.message, finding.hint));
}

fn settings(arguments: &Arguments, stop: &Stop) -> Settings {
    let zone = scan::zone(arguments.tz.as_deref());
    let (notifiers, wrong_ping) = scan::notifiers(arguments);
    let some_zone = zone.as_ref().unwrap_or(&TimeZone::UTC).clone();
    let (threads, wrong_threads) = value_and_error(scan::threads(arguments));
    let (allow_empty, wrong_switch) = value_and_error(scan::allow_empty(arguments));
    let wrong = [scan::parameters(arguments).err(), scan::shard(arguments).err(), scan::source(arguments).err()];
    let wrong = wrong.into_iter().chain([scan::external_id(arguments).err()]);
    let others =
        wrong.chain([wrong_threads, wrong_switch, scan::strict(arguments).err(), scan::commit_every(arguments).err()]);
    let database = scan::destination(arguments);
    let (tiles, model) = match tiles(database.as_ref().ok().and_then(Option::as_ref)) {
        Ok(tiles) => (Some(tiles), model(arguments.model.as_deref(), &tiles)),
        Err(wrong) => (None, Err(wrong)),
    };
    Settings {
        paths: scan::paths(arguments),
        database,
        lock: lock(arguments),
        shard: scan::shard(arguments),
        clips: scan::clips(arguments, &some_zone),
        window: scan::window(arguments, &some_zone),
        zone,
        zone_is_named: given("--tz", arguments.tz.as_deref()).is_ok_and(|zone| zone.is_some()),
        name_zone: scan::name_zone(arguments, &some_zone),
        fixed_date: fixed_date(arguments),
        files: files(),
        others: others.flatten().collect(),
        model,
        tiles,
        model_file: model_file(arguments.model.as_deref()),
        ffmpeg: ffmpeg(arguments.ffmpeg(), stop),
        threads,
        ping: wrong_ping.map_or(Ok(notifiers.ping), Err),
        metrics: notifiers.metrics,
        allow_empty,
        environment: Environment::here(),
        now: Timestamp::now(),
    }
}

/// The settings file with the profile that counts, and the file of variables.
fn files() -> Vec<String> {
    let layers = layers();
    let profile = layers.profile().map_or(String::new(), |profile| format!(" with [{PROFILES}.{}]", profile.name));
    let settings_file = layers.path().map(|path| format!("settings file {}{profile}", path.display()));
    let env_file = layers.env_file.as_ref().map(|file| format!("env file {}", file.path.display()));
    vec![
        settings_file.unwrap_or_else(|| "no settings file".to_owned()),
        env_file.unwrap_or_else(|| "no env file".to_owned()),
    ]
}

/// A wrong source or shard is reported by its own check; the lock then has a default name.
fn lock(arguments: &Arguments) -> String {
    let source = scan::source(arguments).unwrap_or_default();
    scan::shard(arguments).map_or(source.clone(), |shard| shard.lock_name(&source))
}

/// The date, if it is a calendar date and not a word such as `yesterday`.
fn fixed_date(arguments: &Arguments) -> Option<String> {
    let date = scan::date(arguments).ok().flatten().map(|date| date.text);
    date.filter(|date| date.parse::<jiff::civil::Date>().is_ok())
}

/// The setting, or its default if it is wrong, and the error.
fn value_and_error<T: Default>(setting: Result<T, Fatal>) -> (T, Option<Fatal>) {
    setting.map_or_else(|wrong| (T::default(), Some(wrong)), |value| (value, None))
}
