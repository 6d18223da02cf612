//! `giggles scan`: flags to `run::Settings`, and the report to standard output.
//!
//! Invariant: what a run does is decided in `run`; a run by hand and one by cron differ in flags only.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use giggles::audio::window::{between, day, parse_date, parse_instant};
use giggles::audio::zone::{parse_zone, system_zone};
use giggles::clips::Clips;
use giggles::exit::{Exit, Fatal};
use giggles::output::{View, json, summary, table};
use giggles::record::{ANALYSIS_VERSION, Analysis, Rules, Step, Stop, Window, position};
use giggles::run::{Report, Settings, new_id, scan};
use giggles::shard::Shard;
use giggles::watch::Watchers;
use giggles::watch::account::Ending;
use giggles::yamnet::Model;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::messages::Log;
use super::night::Watched;
use super::settings::{config, database, is_url, model, seconds, threshold, variable};
use super::signals::Signals;
use super::{EXIT_CODES, print};
use crate::progress::Progress;

/// Folders to hear if none is given on the command line, separated as in PATH.
const RECORDINGS: &str = "GIGGLES_RECORDINGS";
/// Read here, since clap takes an empty variable for a folder.
pub const CLIPS: &str = "GIGGLES_CLIPS";
/// The day, unless a flag tells of one. Read here, since clap would hold it against `--from`.
pub(super) const DATE: &str = "GIGGLES_DATE";

const EXAMPLES: &str = "\
Examples:
  giggles scan ~/recordings
      everything that has not been heard yet, into the user's own SQLite file
  giggles scan --date yesterday --tz America/Los_Angeles --source neil \\
          --database postgres://me@db/life /srv/audio
      the nightly run
  giggles scan --dry-run --threshold sensitive evening.ogg
      what would be found, without storing it";

/// The flags of `giggles scan`. Every one can also be set in the environment.
#[derive(Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{}", EXIT_CODES.as_str()))]
pub struct Arguments {
    /// Folders and recordings to hear [env: GIGGLES_RECORDINGS, separated by colons]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Database: sqlite:PATH or postgres://… [env: GIGGLES_DATABASE, DATABASE_URL] [default: in the user's data folder]
    #[arg(long, value_name = "URL", help_heading = "Storing")]
    database: Option<String>,
    /// File whose first line is the database's URL, so that no password shows in `ps` [env: GIGGLES_DATABASE_URL_FILE]
    #[arg(long, value_name = "FILE", conflicts_with = "database", help_heading = "Storing")]
    database_url_file: Option<PathBuf>,
    /// Whose recordings these are: the same content of two sources is two recordings
    #[arg(long, value_name = "NAME", default_value = "default", env = "GIGGLES_SOURCE", help_heading = "Storing")]
    source: String,
    /// Hear everything, store nothing
    #[arg(short = 'n', long, help_heading = "Storing")]
    dry_run: bool,
    /// Hear again what has been heard already, and replace its rows
    #[arg(long, help_heading = "Storing")]
    force: bool,
    /// If one recording fails, store nothing and exit with 1
    #[arg(long, env = "GIGGLES_STRICT", value_parser = clap::builder::FalseyValueParser::new(), help_heading = "Storing")]
    strict: bool,
    /// No recordings at all is no failure
    #[arg(long, env = "GIGGLES_ALLOW_EMPTY", value_parser = clap::builder::FalseyValueParser::new(), help_heading = "Storing")]
    pub(super) allow_empty: bool,

    /// Only recordings of this day: YYYY-MM-DD, today, yesterday or '7 days ago' [env: GIGGLES_DATE]
    #[arg(long, value_name = "DAY", conflicts_with_all = ["from", "to"], help_heading = "Which recordings")]
    pub(super) date: Option<String>,
    /// Only recordings that last beyond this time: 2025-10-24T13:00, with an offset or without, a day, or "7 days ago"
    #[arg(long, value_name = "TIME", help_heading = "Which recordings")]
    from: Option<String>,
    /// Only recordings that begin before this time
    #[arg(long, value_name = "TIME", help_heading = "Which recordings")]
    to: Option<String>,
    /// Zone in which a day is a day, e.g. America/Los_Angeles [default: the system's]
    #[arg(long, value_name = "ZONE", env = "GIGGLES_TZ", help_heading = "Which recordings")]
    pub(super) tz: Option<String>,
    /// Zone of recorder names that tell none
    #[arg(
        long,
        value_name = "ZONE",
        default_value = "UTC",
        env = "GIGGLES_NAME_TZ",
        help_heading = "Which recordings"
    )]
    name_tz: String,
    /// Only this part of the recordings: k/n, or auto inside an array job
    #[arg(long, value_name = "K/N", env = "GIGGLES_SHARD", help_heading = "Which recordings")]
    shard: Option<String>,

    /// What counts as a laugh: sensitive (0.38), normal (0.56), strict (0.73), or a score from 0 to 1
    #[arg(
        long,
        value_name = "SCORE",
        allow_negative_numbers = true,
        default_value = "normal",
        env = "GIGGLES_THRESHOLD",
        help_heading = "What is a laugh"
    )]
    threshold: String,
    /// Laughs closer than this are one
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, default_value_t = Rules::default().join_seconds, env = "GIGGLES_JOIN", help_heading = "What is a laugh")]
    join: f64,
    /// Fewer patches (0.48 s apart) are no laugh
    #[arg(long, value_name = "N", default_value_t = Rules::default().min_patches, env = "GIGGLES_MIN_PATCHES", help_heading = "What is a laugh")]
    min_patches: u32,
    /// Added before and after each laugh
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, default_value_t = Rules::default().pad_seconds, env = "GIGGLES_PAD", help_heading = "What is a laugh")]
    pad: f64,
    /// Hear the recording as loud as it is, without levelling
    #[arg(long, env = "GIGGLES_NO_LEVEL", value_parser = clap::builder::FalseyValueParser::new(), help_heading = "What is a laugh")]
    no_level: bool,
    /// Model file instead of the one in the binary; its checksum must stand beside it in FILE.sha256
    #[arg(long, value_name = "FILE", env = "GIGGLES_MODEL", help_heading = "What is a laugh")]
    pub(super) model: Option<PathBuf>,

    /// Folder into which each laugh is cut out, as FLAC [env: GIGGLES_CLIPS]
    #[arg(long, value_name = "FOLDER", help_heading = "Clips")]
    clips: Option<PathBuf>,
    /// How much is heard before a laugh
    #[arg(
        long,
        value_name = "SECONDS",
        allow_negative_numbers = true,
        default_value_t = 2.0,
        env = "GIGGLES_PRE",
        help_heading = "Clips"
    )]
    pre: f64,
    /// How much is heard after it
    #[arg(
        long,
        value_name = "SECONDS",
        allow_negative_numbers = true,
        default_value_t = 2.0,
        env = "GIGGLES_POST",
        help_heading = "Clips"
    )]
    post: f64,

    /// Told when the run begins and how it ended: healthchecks.io, Cronitor, Sentry and their like
    #[arg(long, value_name = "URL", env = "GIGGLES_PING_URL", hide_env_values = true, help_heading = "Watching")]
    ping_url: Option<String>,
    /// Textfile for Prometheus's node exporter, e.g. /var/lib/prometheus/node-exporter/giggles.prom
    #[arg(long, value_name = "FILE", env = "GIGGLES_METRICS_FILE", help_heading = "Watching")]
    metrics_file: Option<PathBuf>,

    /// Threads; 0 means one a core
    #[arg(short = 'j', long, value_name = "N", default_value_t = 0, env = "GIGGLES_THREADS", help_heading = "Running")]
    pub(super) threads: usize,
    /// Print one JSON document instead of the table
    #[arg(long, conflicts_with = "ndjson", help_heading = "Running")]
    json: bool,
    /// Print one JSON event a line instead of the table
    #[arg(long, help_heading = "Running")]
    ndjson: bool,
}

impl Arguments {
    /// For commands that print a document only.
    pub(super) fn is_json(&self) -> bool {
        self.json || self.ndjson
    }
}

/// Runs a scan, shows it, and tells whoever watches: also of a run that failed before it began.
pub fn run(arguments: &Arguments, quiet: bool, log: Log, signals: &Signals) -> Exit {
    let (watchers, wrong) = watchers(arguments);
    let id = new_id();
    let watched = Watched::begin(&id, arguments.source.trim(), watchers, log, signals);
    let scanned = wrong.map_or_else(|| hear(arguments, id, &watched, quiet, &signals.stop), Err);
    let (exit, ending) = scanned.unwrap_or_else(|fatal| {
        log::error!("{fatal}");
        (fatal.exit(), Ending::fatal(&fatal))
    });
    watched.end(exit, ending)
}

/// A dry run is nobody's business. A wrong address costs the ping; the metrics tell of it all the same.
pub(super) fn watchers(arguments: &Arguments) -> (Watchers, Option<Fatal>) {
    if arguments.dry_run {
        return (Watchers::default(), None);
    }
    let metrics = arguments.metrics_file.clone().filter(|path| !path.as_os_str().is_empty());
    let address = arguments.ping_url.as_deref().filter(|url| !url.is_empty()).map(str::parse).transpose();
    let (ping, wrong) = match address {
        Ok(ping) => (ping, None),
        Err(error) => (None, Some(config(format!("--ping-url: it {error}")))),
    };
    (Watchers { ping, metrics }, wrong)
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
    let settings = settings(arguments, id, &model)?;
    let progress = Progress::new(quiet);
    let report = scan(&settings, &model, &|step| follow(&progress, watched, step), stop);
    progress.clear();
    let report = report?;
    match show(arguments, &settings, &report, quiet) {
        // The exit code tells of the database: 1 would mean that nothing is stored.
        Err(error) if settings.database.is_some() => log::error!("{error}; the run is stored all the same"),
        shown => shown?,
    }
    Ok((report.exit, ending(&settings, &report)))
}

/// What others are told of a run that is stored.
fn ending(settings: &Settings, report: &Report) -> Ending {
    let view = View { run: &report.run, counts: &report.counts, database: None };
    let failures = report.run.failed().map(|(recording, error)| (recording.name.clone(), error.to_string()));
    Ending {
        counts: report.counts,
        audio: summary::audio(&view),
        summary: if report.exit == Exit::Empty { emptiness(settings) } else { summary::counts(&view) },
        failures: failures.collect(),
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

fn settings(arguments: &Arguments, id: String, model: &Model) -> Result<Settings, Fatal> {
    let (zone, zone_name) = zone(arguments.tz.as_deref())?;
    let name_zone = name_zone(arguments)?;
    let analysis = Analysis {
        version: ANALYSIS_VERSION,
        model_sha256: model.sha256.clone(),
        rules: rules(arguments)?,
        zone: zone_name,
        name_zone: name_zone.iana_name().unwrap_or(&arguments.name_tz).to_owned(),
    };
    Ok(Settings {
        id,
        paths: paths(arguments)?,
        database: destination(arguments)?,
        source: source(arguments)?,
        window: window(arguments, &zone)?,
        zone: zone.clone(),
        name_zone,
        analysis,
        shard: shard(arguments)?,
        clips: clips(arguments, &zone)?,
        threads: arguments.threads,
        force: arguments.force,
        strict: arguments.strict,
        allow_empty: arguments.allow_empty,
    })
}

pub(super) fn paths(arguments: &Arguments) -> Result<Vec<PathBuf>, Fatal> {
    let from_environment = || env::var_os(RECORDINGS).map(|paths| env::split_paths(&paths).collect());
    let given = Some(arguments.paths.clone()).filter(|paths| !paths.is_empty()).or_else(from_environment);
    if given.iter().flatten().any(|path| is_url(path)) {
        return Err(config("a database's URL stands where folders of recordings should; set DATABASE_URL to it"));
    }
    given
        .filter(|paths| paths.iter().any(|path| !path.as_os_str().is_empty()))
        .ok_or_else(|| config(format!("no recordings are named: give a folder, or set {RECORDINGS}")))
}

pub(super) fn destination(arguments: &Arguments) -> Result<Option<giggles::store::Location>, Fatal> {
    match arguments.dry_run {
        true => Ok(None),
        false => database(arguments.database.as_deref(), arguments.database_url_file.as_deref()).map(Some),
    }
}

/// A dry run leaves nothing behind. The folder must be there: made by a typing error, or where a disk is not mounted,
/// it would hide both.
fn clips(arguments: &Arguments, zone: &TimeZone) -> Result<Option<Clips>, Fatal> {
    let from_environment = || env::var_os(CLIPS).map(PathBuf::from).filter(|path| !path.as_os_str().is_empty());
    let folder = arguments.clips.clone().or_else(from_environment).filter(|_| !arguments.dry_run);
    let (pre, post) = (seconds("--pre", arguments.pre)?, seconds("--post", arguments.post)?);
    let Some(folder) = folder else { return Ok(None) };
    if !folder.is_dir() {
        return Err(config(format!("--clips: {} is no folder; make it, or mount its disk", folder.display())));
    }
    let (pre, post) = (Duration::from_secs_f64(pre), Duration::from_secs_f64(post));
    Ok(Some(Clips { folder, source: source(arguments)?, pre, post, zone: zone.clone() }))
}

pub(super) fn source(arguments: &Arguments) -> Result<String, Fatal> {
    match arguments.source.trim() {
        "" => Err(config("--source: the name is empty")),
        name => Ok(name.to_owned()),
    }
}

pub(super) fn zone(flag: Option<&str>) -> Result<(TimeZone, String), Fatal> {
    let Some(text) = flag else { return Ok(system_zone()) };
    let zone = parse_zone(text).map_err(|error| config(format!("--tz: {error}")))?;
    let name = zone.iana_name().unwrap_or(text).to_owned();
    Ok((zone, name))
}

pub(super) fn name_zone(arguments: &Arguments) -> Result<TimeZone, Fatal> {
    parse_zone(&arguments.name_tz).map_err(|error| config(format!("--name-tz: {error}")))
}

pub(super) fn window(arguments: &Arguments, zone: &TimeZone) -> Result<Window, Fatal> {
    if let Some((name, date)) = date(arguments)? {
        let now = Timestamp::now().to_zoned(zone.clone());
        let date = parse_date(&date, &now).map_err(|error| config(format!("{name}: {error}")))?;
        return Ok(day(date, zone));
    }
    let now = Timestamp::now().to_zoned(zone.clone());
    let parsed = |text: &String| match parse_date(text, &now) {
        Ok(date) => Ok(day(date, zone).from),
        Err(_) => parse_instant(text, zone).map(Some),
    };
    let instant = |flag: &str, text: &Option<String>| {
        let at = text.as_ref().map(parsed).transpose();
        at.map(Option::flatten).map_err(|error| config(format!("{flag}: {error}")))
    };
    between(instant("--from", &arguments.from)?, instant("--to", &arguments.to)?).map_err(config)
}

/// The flag, or the environment where no flag says otherwise; and which of them it was.
fn date(arguments: &Arguments) -> Result<Option<(&'static str, String)>, Fatal> {
    let by_flags = arguments.from.is_some() || arguments.to.is_some();
    match &arguments.date {
        Some(date) => Ok(Some(("--date", date.clone()))),
        None if by_flags => Ok(None),
        None => Ok(variable(DATE)?.map(|date| (DATE, date))),
    }
}

pub(super) fn shard(arguments: &Arguments) -> Result<Shard, Fatal> {
    let shard = arguments.shard.as_ref().map(|text| text.parse()).transpose();
    shard.map(Option::unwrap_or_default).map_err(|error| config(format!("--shard: {error}")))
}

pub(super) fn rules(arguments: &Arguments) -> Result<Rules, Fatal> {
    Ok(Rules {
        level: !arguments.no_level,
        hi: threshold(&arguments.threshold)?,
        join_seconds: seconds("--join", arguments.join)?,
        min_patches: arguments.min_patches,
        pad_seconds: seconds("--pad", arguments.pad)?,
        ..Rules::default()
    })
}

/// Results to standard output, failures to standard error; quiet shows failures only.
fn show(arguments: &Arguments, settings: &Settings, report: &Report, quiet: bool) -> Result<(), Fatal> {
    let database = settings.database.as_ref().map(ToString::to_string);
    let view = View { run: &report.run, counts: &report.counts, database };
    for recording in summary::unfinished(&view) {
        let name = recording.name.as_str();
        log::warn!(recording = name; "{name}: is still being written; left for the next run");
    }
    for (recording, error) in report.run.failed() {
        log::error!(recording = recording.name.as_str(); "{}: {error}", recording.name);
    }
    if report.exit == Exit::Empty {
        log::error!("{}", emptiness(settings));
    }
    match (quiet, arguments.json, arguments.ndjson) {
        (true, _, _) => Ok(()),
        (_, true, _) => print(&json::document(&view)),
        (_, _, true) => print(&json::lines(&view)),
        _ => print(&format!("{}{}\n", table::render(&view), summary::line(&view))),
    }
}

fn emptiness(settings: &Settings) -> String {
    let paths: Vec<String> = settings.paths.iter().map(|path| path.display().to_string()).collect();
    let (which, doubt) = if settings.window == Window::default() {
        ("", "")
    } else {
        (" of the time asked for", ", and are the day and --tz right")
    };
    format!(
        "no recordings{which} in {}; is the disk mounted{doubt}? (--allow-empty if this is right)",
        paths.join(", ")
    )
}
