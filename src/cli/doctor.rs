//! `giggles doctor`: the settings of a scan, each by itself, to `doctor::Settings`; a line a check.

use giggles::doctor::{Environment, Settings, examine};
use giggles::exit::{Exit, Fatal, of_findings};
use giggles::output::doctor::{document, lines, verdict};
use giggles::record::{Finding, Health, Stop};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::scan::{self, Arguments};
use super::settings::{cpu, ffmpeg, given, model, model_file};
use super::{print, print_text};

pub const EXAMPLES: &str = "\
Examples:
  giggles doctor /srv/recordings
      would a night with these recordings run?
  giggles doctor --from '7 days ago' --to today --tz America/Los_Angeles --source neil \\
          --database postgres://me@db/life /srv/audio
      the same with all the flags of the nightly run
  giggles doctor --json /srv/recordings
      for a script

Takes the flags and the environment of `giggles scan`, hears nothing and changes nothing.
Run it as the user of the night, and with the night's environment if you can. Ends with
78 where a night would fail until somebody mends it, 75 where the database cannot be
reached now or another run is at work, else 0: also where a night would end with 3 or 4.";

/// Looks at everything, and shows each check as it is made.
pub fn run(arguments: &Arguments, quiet: bool, stop: &Stop) -> Result<Exit, Fatal> {
    let settings = settings(arguments, stop);
    let as_json = arguments.is_json();
    let mut printed = Ok(());
    let mut tell = |finding: &Finding| {
        if !quiet && !as_json && printed.is_ok() {
            printed = print_text(&lines(finding));
        }
    };
    let findings = examine(&settings, &mut tell, stop);
    printed?;
    if let Some(signal) = stop.signal() {
        return Ok(Fatal::Signal(signal).exit());
    }
    let exit = of_findings(&findings);
    match (quiet, as_json) {
        (true, _) => complain(&findings),
        (_, true) => print(&document(&findings, exit))?,
        _ => print(&format!("\n{}", verdict(&findings, exit)))?,
    }
    Ok(exit)
}

/// Quiet is for scripts, which want a word only if the night would fail.
fn complain(findings: &[Finding]) {
    let bad = findings.iter().filter(|finding| finding.health >= Health::Busy);
    bad.for_each(|finding| log::error!("{}: {}; {}", finding.check, finding.found, finding.advice));
}

fn settings(arguments: &Arguments, stop: &Stop) -> Settings {
    let zone = scan::zone(arguments.tz.as_deref());
    let (watchers, wrong_ping) = scan::watchers(arguments);
    let some_zone = zone.as_ref().unwrap_or(&TimeZone::UTC).clone();
    let (threads, wrong_threads) = apart(scan::threads(arguments));
    let (allow_empty, wrong_switch) = apart(scan::allow_empty(arguments));
    let wrong = [scan::rules(arguments).err(), scan::shard(arguments).err(), scan::source(arguments).err()];
    let others = wrong.into_iter().chain([wrong_threads, wrong_switch, scan::strict(arguments).err()]);
    Settings {
        paths: scan::paths(arguments),
        database: scan::destination(arguments),
        lock: lock(arguments),
        shard: scan::shard(arguments),
        clips: scan::clips(arguments, &some_zone),
        window: scan::window(arguments, &some_zone),
        zone,
        zone_is_named: given("--tz", arguments.tz.as_deref()).is_ok_and(|zone| zone.is_some()),
        name_zone: scan::name_zone(arguments),
        fixed_date: fixed_date(arguments),
        others: others.flatten().collect(),
        model: model(arguments.model.as_deref()),
        cpu: cpu().map_or("no CPU path", |cpu| cpu.name()),
        model_file: model_file(arguments.model.as_deref()),
        ffmpeg: ffmpeg(arguments.ffmpeg(), stop),
        threads,
        ping: wrong_ping.map_or(Ok(watchers.ping), Err),
        metrics: watchers.metrics,
        allow_empty,
        environment: Environment::here(),
        now: Timestamp::now(),
    }
}

/// A source or a shard that is wrong is told by itself; its lock is then nobody's.
fn lock(arguments: &Arguments) -> String {
    let source = scan::source(arguments).unwrap_or_default();
    scan::shard(arguments).map_or(source.clone(), |shard| shard.lock_name(&source))
}

/// The date, if it is one of the calendar and not a word.
fn fixed_date(arguments: &Arguments) -> Option<String> {
    let date = scan::date(arguments).ok().flatten().map(|date| date.text);
    date.filter(|date| date.parse::<jiff::civil::Date>().is_ok())
}

/// What a setting is, or would be if it were not wrong; and what is wrong.
fn apart<T: Default>(setting: Result<T, Fatal>) -> (T, Option<Fatal>) {
    setting.map_or_else(|wrong| (T::default(), Some(wrong)), |value| (value, None))
}
